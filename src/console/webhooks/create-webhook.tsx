import { Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { graphql } from '../api/graphql.ts'
import { useProblems } from '../api/problems.tsx'
import { Refusal, useSubmit } from '../api/submit.ts'
import { Dialog } from '../parts/dialog.tsx'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { NewSecret } from '../parts/new-secret.tsx'
import { text } from '../text.ts'
import { kindsOf, validWebhook, WebhookFields, type WebhookValues, webhookFields } from './webhook-form.tsx'

const words = text.webhooks

const CreateMutation = graphql(
  `
    mutation CreateWebhook($input: CreateWebhookInput!) {
      createWebhook(input: $input) {
        __typename
        ... on CreateWebhookPayload {
          secret
          webhook {
            id
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [Refusal],
)

interface Created {
  id: string
  secret: string
}

/**
 * The dialog that creates a webhook, shows its secret, once, and then leads to its page. It stands apart from the list, which may
 * be read again meanwhile.
 */
export function CreateWebhook({ isOpen, close }: { isOpen: boolean; close: () => void }) {
  const navigate = useNavigate()
  const [created, setCreated] = useState<Created>()
  const show = (created: Created) => {
    close()
    setCreated(created)
  }
  return (
    <>
      <Dialog onClose={close} opened={isOpen} size="lg" title={words.create}>
        <CreateForm cancel={close} show={show} />
      </Dialog>
      {created !== undefined && (
        <NewSecret
          forget={() => void navigate(`/webhooks/${created.id}`)}
          secret={created.secret}
          words={words.secret}
        />
      )}
    </>
  )
}

function CreateForm({ cancel, show }: { cancel: () => void; show: (created: Created) => void }) {
  const [create, isCreating] = useSubmit(CreateMutation, text.common.lost.webhook)
  const form = useForm<WebhookValues>({
    initialValues: { url: '', sends: 'all', kinds: [], pool: null },
    validate: validWebhook,
  })
  const problems = useProblems(form, webhookFields)
  const submit = form.onSubmit(async (values) => {
    problems.clear()
    const { url, pool } = values
    const input = {
      url: url.trim(),
      kinds: [...kindsOf(values)],
      ...(pool !== null && { poolId: pool.id }),
    }
    const { payload, problems: found } = await create({ input })
    if (payload === undefined) return problems.show(found)
    show({ id: payload.webhook.id, secret: payload.secret })
  })
  return (
    <form noValidate onSubmit={submit}>
      <Stack>
        <WebhookFields form={form} />
        <Text c="dimmed" size="sm">
          {words.form.begins}
        </Text>
        {problems.alert}
        <DialogActions action={words.create} cancel={cancel} isUnderWay={isCreating} />
      </Stack>
    </form>
  )
}
