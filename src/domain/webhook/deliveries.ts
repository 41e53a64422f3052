import type { Queryable, RowOf } from '../../database/transaction.ts'
import type { Filter } from '../books/listing.ts'
import { maxDeliveries } from './webhook.ts'

/** An attempt to deliver a message that has been made. */
export interface WebhookDelivery {
  id: string
  messageId: string
  /** The type of the message. */
  type: string
  /** From 1. */
  attempt: number
  at: Date
  durationMs: number
  /** Of the receiver's answer; undefined if there was none. */
  status: number | undefined
  /** The beginning of the answer's body. */
  answer: string | undefined
  /** Why it has failed, in words; undefined if the receiver has accepted the message. */
  error: string | undefined
}

const deliveryColumns = `
  id, message_id AS "messageId", type, attempt, at, duration_ms AS "durationMs", status, answer, error`

/** All deliveries of a webhook that are kept, newest first. */
export async function readDeliveries(
  books: Queryable,
  accountId: string,
  webhookId: string,
): Promise<WebhookDelivery[]> {
  const rows = await books.rows<RowOf<WebhookDelivery>>({
    text: `
      SELECT ${deliveryColumns} FROM webhook_delivery
      WHERE account_id = $1 AND webhook_id = $2 ORDER BY id DESC LIMIT ${maxDeliveries}`,
    values: [accountId, webhookId],
  })
  return rows.map((row) => ({
    ...row,
    status: row.status ?? undefined,
    answer: row.answer ?? undefined,
    error: row.error ?? undefined,
  }))
}

/** The deliveries of a webhook. */
export function deliveriesOf(webhookId: string): Filter {
  return { table: 'webhook_delivery', condition: 'webhook_id = $2', values: [webhookId] }
}
