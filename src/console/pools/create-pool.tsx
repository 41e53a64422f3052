import { Button, Group, Stack, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useDisclosure } from '@mantine/hooks'
import { PlusIcon } from '@primer/octicons-react'
import { useNavigate } from 'react-router'
import { graphql } from '../api/graphql.ts'
import { useProblems } from '../api/problems.tsx'
import { Refusal, useSubmit } from '../api/submit.ts'
import { PoolCounts } from '../live/events.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { text } from '../text.ts'

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

/** A button with a dialog that creates a pool, then leads to where its codes come from. */
export function CreatePool() {
  const [isOpen, { open, close }] = useDisclosure()
  return (
    <>
      <Button leftSection={<PlusIcon />} onClick={open}>
        {text.pools.create}
      </Button>
      <Dialog onClose={close} opened={isOpen} title={text.pools.create}>
        <CreatePoolForm cancel={close} />
      </Dialog>
    </>
  )
}

function CreatePoolForm({ cancel }: { cancel: () => void }) {
  const navigate = useNavigate()
  const [create, isCreating] = useSubmit(CreatePoolMutation, text.common.lost.pool)
  const form = useForm({
    initialValues: { name: '', description: '', externalId: '' },
    validate: { name: (name) => (name.trim() === '' ? text.pools.nameMissing : null) },
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
        <TextInput
          data-autofocus
          label={text.pools.name}
          placeholder={text.pools.namePlaceholder}
          required
          {...form.getInputProps('name')}
        />
        <Textarea
          autosize
          description={text.pools.descriptionHint}
          label={text.pools.description}
          maxRows={8}
          minRows={2}
          {...form.getInputProps('description')}
        />
        <TextInput
          description={text.pools.externalIdHint}
          label={text.pools.externalId}
          {...form.getInputProps('externalId')}
        />
        {problems.alert}
        <Group justify="flex-end">
          <Button disabled={isCreating} onClick={cancel} variant="default">
            {text.common.cancel}
          </Button>
          <Button loading={isCreating} type="submit">
            {text.pools.createAndOpen}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
