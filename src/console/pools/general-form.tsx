import { Paper, Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import { notifications } from '@mantine/notifications'
import { graphql } from '../api/graphql.ts'
import { useProblems } from '../api/problems.tsx'
import { Refusal, useSubmit } from '../api/submit.ts'
import { PoolCounts } from '../live/events.tsx'
import { SaveBar } from '../parts/save-bar.tsx'
import { useUnsavedChanges } from '../parts/unsaved-changes.tsx'
import { text } from '../text.ts'
import { PoolFields, validPool } from './pool-fields.tsx'
import type { PoolOfPage } from './pool-of-page.ts'
import { useFilledWith } from './use-filled-with.ts'

const UpdatePool = graphql(
  `
    mutation UpdatePool($input: UpdatePoolInput!) {
      updatePool(input: $input) {
        __typename
        ... on UpdatePoolPayload {
          pool {
            description
            externalId
            ...PoolCounts
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [PoolCounts, Refusal],
)

const valuesOf = ({ name, description, externalId }: PoolOfPage) => ({
  name,
  description: description ?? '',
  externalId: externalId ?? '',
})

/** The name, the description and the external id of a pool. Only what was changed is sent, so others may change the rest. */
export function GeneralForm({ pool }: { pool: PoolOfPage }) {
  const [update, isSaving] = useSubmit(UpdatePool)
  const form = useForm({
    initialValues: valuesOf(pool),
    validate: validPool,
  })
  useFilledWith(form, valuesOf(pool))
  useUnsavedChanges(form.isDirty())
  const problems = useProblems(form)
  const submit = form.onSubmit(async ({ name, description, externalId }) => {
    problems.clear()
    const input = {
      poolId: pool.id,
      ...(form.isDirty('name') && { name }),
      ...(form.isDirty('description') && { description }),
      ...(form.isDirty('externalId') && { externalId: externalId === '' ? null : externalId }),
    }
    const { payload, problems: found } = await update({ input })
    if (payload === undefined) return problems.show(found)
    const saved = valuesOf(payload.pool)
    form.setInitialValues(saved)
    form.setValues(saved)
    notifications.show({ message: text.settings.saved })
  })
  return (
    <Paper p="lg" withBorder>
      <form noValidate onSubmit={submit}>
        <Stack>
          <PoolFields form={form} />
          {problems.alert}
          <SaveBar discard={form.reset} hasChanges={form.isDirty()} isSaving={isSaving} />
        </Stack>
      </form>
    </Paper>
  )
}
