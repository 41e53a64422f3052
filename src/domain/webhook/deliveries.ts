import { v7 as newId } from 'uuid'
import type { Queryable, RowOf } from '../../database/transaction.ts'
import type { BookTransaction } from '../books/books.ts'
import type { Filter } from '../books/listing.ts'
import type { Message } from './message.ts'

/** How many deliveries of a webhook are kept. */
export const maxDeliveries = 50

/** In code points. */
export const maxKeptAnswerLength = 500
export const maxErrorLength = 500

/** An attempt to deliver a message. */
export interface Delivery {
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
): Promise<Delivery[]> {
  const rows = await books.rows<RowOf<Delivery>>({
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

/** What came of an attempt. */
export interface Outcome extends Omit<Delivery, 'id' | 'messageId' | 'type' | 'answer'> {
  /** The beginning of the answer's body, as it came. */
  body: Uint8Array | undefined
}

/** Adds a delivery of a webhook that the transaction has locked, and removes the oldest beyond `maxDeliveries`. */
export async function addDelivery(
  tx: BookTransaction,
  webhookId: string,
  message: Pick<Message, 'id' | 'type'>,
  { body, error, ...outcome }: Outcome,
): Promise<Delivery> {
  const delivery: Delivery = {
    ...outcome,
    id: newId(),
    messageId: message.id,
    type: message.type,
    answer: body === undefined || body.length === 0 ? undefined : readable(body),
    error: error === undefined ? undefined : cut(error, maxErrorLength),
  }
  await tx.execute({
    text: `
      INSERT INTO webhook_delivery
        (account_id, webhook_id, id, message_id, type, attempt, at, duration_ms, status, answer, error)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    values: [
      tx.accountId,
      webhookId,
      delivery.id,
      delivery.messageId,
      delivery.type,
      delivery.attempt,
      delivery.at,
      Math.round(delivery.durationMs),
      delivery.status ?? null,
      delivery.answer ?? null,
      delivery.error ?? null,
    ],
  })
  await tx.execute({
    text: `
      DELETE FROM webhook_delivery
      WHERE account_id = $1 AND webhook_id = $2 AND id <= (
        SELECT id FROM webhook_delivery WHERE account_id = $1 AND webhook_id = $2
        ORDER BY id DESC OFFSET ${maxDeliveries} LIMIT 1)`,
    values: [tx.accountId, webhookId],
  })
  return delivery
}

// PostgreSQL refuses NUL, and nobody can see the others.
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu

/** The beginning of a body as a text that a person can look at. */
function readable(body: Uint8Array): string | undefined {
  const text = Buffer.from(body).toString().replaceAll(invisible, ' ').trim()
  return text === '' ? undefined : cut(text, maxKeptAnswerLength)
}

function cut(text: string, maxLength: number): string {
  const start = [...text.slice(0, 2 * maxLength + 2)]
  return start.length > maxLength ? `${start.slice(0, maxLength - 1).join('')}…` : text
}
