import { Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { graphql } from '../api/graphql.ts'
import { useProblems } from '../api/problems.tsx'
import { Refusal, useSubmit } from '../api/submit.ts'
import { Dialog } from '../parts/dialog.tsx'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { text } from '../text.ts'
import { FormatDetails, type FormatOfPage } from './format-details.ts'

const Rename = graphql(
  `
    mutation RenameFormat($input: RenameFormatInput!) {
      renameFormat(input: $input) {
        __typename
        ... on RenameFormatPayload {
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

interface RenameFormatProps {
  format: FormatOfPage
  isOpen: boolean
  close: () => void
}

/** The dialog that renames a format. */
export function RenameFormat({ format, isOpen, close }: RenameFormatProps) {
  return (
    <Dialog onClose={close} opened={isOpen} title={text.formats.renameTitle}>
      <NameForm close={close} format={format} />
    </Dialog>
  )
}

function NameForm({ format, close }: Pick<RenameFormatProps, 'format' | 'close'>) {
  const form = useForm({ initialValues: { name: format.name } })
  const problems = useProblems(form)
  const [rename, isRenaming] = useSubmit(Rename)
  const submit = form.onSubmit(async ({ name }) => {
    problems.clear()
    const outcome = await rename({ input: { formatId: format.id, name } })
    if (outcome.problems === undefined) close()
    else problems.show(outcome.problems)
  })
  return (
    <form noValidate onSubmit={submit}>
      <Stack>
        <TextInput
          data-autofocus
          description={text.formats.renameHint}
          label={text.formats.name}
          required
          maxLength={200}
          {...form.getInputProps('name')}
        />
        {problems.alert}
        <DialogActions action={text.common.save} cancel={close} isUnderWay={isRenaming} />
      </Stack>
    </form>
  )
}
