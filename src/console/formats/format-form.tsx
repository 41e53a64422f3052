import { SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMemo, useState } from 'react'
import { graphql } from '../api/graphql.ts'
import { useProblems } from '../api/problems.tsx'
import { Refusal, useSubmit } from '../api/submit.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { useUnsavedChanges } from '../parts/unsaved-changes.tsx'
import { text } from '../text.ts'
import { FormatDetails, type FormatOfPage } from './format-details.ts'
import { FormatPreview } from './format-preview.tsx'
import { formatFields, newFormat, shapeOf } from './shape.ts'
import { BodyFields, CharacterFields, ShapeText } from './shape-fields.tsx'
import { usePreview } from './use-preview.ts'

const CreateFormatMutation = graphql(
  `
    mutation CreateFormat($input: CreateFormatInput!) {
      createFormat(input: $input) {
        __typename
        ... on CreateFormatPayload {
          format {
            ...FormatDetails
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [FormatDetails, Refusal],
)

/** Describes a format, with a preview while somebody types, and creates it. */
export function FormatForm({
  onCreate,
  onCancel,
  quantity = '',
}: {
  /** How many codes are to be generated, as it was typed. */
  quantity?: string
  onCreate: (format: FormatOfPage) => void
  onCancel: () => void
}) {
  const form = useForm({ initialValues: newFormat, validateInputOnChange: false })
  const problems = useProblems(form, formatFields)
  const [create, isCreating] = useSubmit(CreateFormatMutation, text.common.lost.format)
  const shape = useMemo(() => shapeOf(form.values), [form.values])
  const [codes, setCodes] = useState(quantity)
  const preview = usePreview(shape, codes)
  const isCreated = useUnsavedChanges(form.isDirty())
  const submit = form.onSubmit(async ({ name }) => {
    problems.clear()
    if (shape === undefined) return form.setFieldError('length', text.formats.noLength)
    const outcome = await create({ input: { name, shape } })
    if (outcome.problems !== undefined) return problems.show(outcome.problems)
    isCreated()
    onCreate(outcome.payload.format)
  })
  return (
    <form noValidate onSubmit={submit}>
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
          <Stack gap="sm">
            <TextInput
              data-autofocus
              description={text.formats.nameHint}
              label={text.formats.name}
              required
              maxLength={200}
              {...form.getInputProps('name')}
            />
            <BodyFields form={form} problems={preview.problems} />
            <CharacterFields form={form} problems={preview.problems} />
            <SimpleGrid cols={2} spacing="sm">
              <ShapeText form={form} name="prefix" problems={preview.problems} />
              <ShapeText form={form} name="suffix" problems={preview.problems} />
            </SimpleGrid>
          </Stack>
          <FormatPreview {...preview} codes={codes} setCodes={setCodes} />
        </SimpleGrid>
        {problems.alert}
        <DialogActions action={text.formats.create} cancel={onCancel} isUnderWay={isCreating} />
      </Stack>
    </form>
  )
}
