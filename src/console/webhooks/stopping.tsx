import { Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useNavigate } from 'react-router'
import { graphql } from '../api/graphql.ts'
import { Refusal, useSubmit } from '../api/submit.ts'
import { ask } from '../parts/confirm.tsx'
import { text } from '../text.ts'
import { UpdateWebhook } from './update-webhook.ts'
import type { WebhookOfPage } from './webhooks.ts'

const DeleteMutation = graphql(
  `
    mutation DeleteWebhook($input: DeleteWebhookInput!) {
      deleteWebhook(input: $input) {
        __typename
        ... on DeleteWebhookPayload {
          webhookId
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [Refusal],
)

/** Asks whether to disable a webhook. */
export function useDisabling(webhook: WebhookOfPage): () => void {
  const [update] = useSubmit(UpdateWebhook)
  const words = text.webhooks.disable
  return () =>
    ask({
      title: words.title,
      children: words.body,
      action: words.confirm,
      act: async () => (await update({ input: { webhookId: webhook.id, enabled: false } })).problems,
    })
}

/** Asks whether to delete a webhook, and then leads to the others. */
export function useDeleting({ id, host, eventsBehind }: WebhookOfPage): () => void {
  const [remove] = useSubmit(DeleteMutation)
  const navigate = useNavigate()
  const words = text.webhooks.remove
  return () =>
    ask({
      title: words.title(host),
      children: (
        <Stack gap="xs">
          <Text size="sm">{eventsBehind === '0' ? words.nothingBehind : words.behind(eventsBehind)}</Text>
          <Text size="sm">{words.forever}</Text>
        </Stack>
      ),
      action: words.confirm,
      isDestructive: true,
      leadsOn: true,
      act: async () => {
        const { problems } = await remove({ input: { webhookId: id } })
        if (problems !== undefined) return problems
        await navigate('/webhooks')
        notifications.show({ message: words.done(host) })
        return undefined
      },
    })
}
