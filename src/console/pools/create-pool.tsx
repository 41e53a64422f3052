import { Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useNavigate } from 'react-router'
import { graphql } from '../api/graphql.ts'
import { useProblems } from '../api/problems.tsx'
import { Refusal, useSubmit } from '../api/submit.ts'
import { PoolCounts } from '../live/events.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { text } from '../text.ts'
import { PoolFields, validPool } from './pool-fields.tsx'

const CreatePoolMutation = graphql(
  `
    mutation CreatePool($input: CreatePoolInput!) {
      createPool(input: $input) {
        __typename
        ... on CreatePoolPayload {
          pool {
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

/** The dialog that creates a pool, then leads to where its codes come from. */
export function CreatePool({ isOpen, close }: { isOpen: boolean; close: () => void }) {
  return (
    <Dialog onClose={close} opened={isOpen} title={text.pools.create}>
      <CreatePoolForm cancel={close} />
    </Dialog>
  )
}

function CreatePoolForm({ cancel }: { cancel: () => void }) {
  const navigate = useNavigate()
  const [create, isCreating] = useSubmit(CreatePoolMutation, text.common.lost.pool)
  const form = useForm({
    initialValues: { name: '', description: '', externalId: '' },
    validate: validPool,
  })
  const problems = useProblems(form)
  const submit = form.onSubmit(async ({ name, description, externalId }) => {
    problems.clear()
    const input = { name, description, ...(externalId !== '' && { externalId }) }
    const { payload, problems: found } = await create({ input })
    if (payload === undefined) problems.show(found)
    else await navigate(`/pools/${payload.pool.id}/promo-codes`)
  })
  return (
    <form noValidate onSubmit={submit}>
      <Stack>
        <PoolFields form={form} />
        {problems.alert}
        <DialogActions action={text.pools.createAndOpen} cancel={cancel} isUnderWay={isCreating} />
      </Stack>
    </form>
  )
}
