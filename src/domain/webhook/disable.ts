import type { WebhookDisabledReason } from '../../generated/prisma/client.ts'
import type { BookTransaction } from '../books/books.ts'
import type { Webhook } from './webhook.ts'

/** Disables a webhook that the transaction has locked, and records the event. It keeps its place. */
export async function disableWebhook(
  tx: BookTransaction,
  webhook: Pick<Webhook, 'id' | 'failingSince'>,
  reason: WebhookDisabledReason,
): Promise<void> {
  await tx.execute({
    text: `
      UPDATE webhook SET disabled_at = $3, disabled_reason = $4, next_attempt_at = NULL, leased_by = NULL, leased_until = NULL
      WHERE account_id = $1 AND id = $2`,
    values: [tx.accountId, webhook.id, tx.now(), reason],
  })
  tx.record({
    poolId: null,
    kind: 'WEBHOOK_DISABLED',
    payload: { webhookId: webhook.id, reason, message: messageFor(reason, webhook.failingSince) },
  })
}

function messageFor(reason: WebhookDisabledReason, failingSince: Date | undefined): string {
  switch (reason) {
    case 'FAILED':
      return (
        `The receiver has accepted no message since ${failingSince?.toISOString()}, so nothing is sent to it any more. Its ` +
        `last deliveries show why. ${advice}`
      )
    case 'GONE':
      return `The receiver has answered with the status 410: it wants no more messages. ${advice}`
    case 'REQUESTED':
      return 'updateWebhook has disabled the webhook.'
  }
}

const advice =
  'Repair the receiver, or change the URL, and enable the webhook with updateWebhook: it continues with the first event that ' +
  'was not delivered.'
