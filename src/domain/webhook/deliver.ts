import { v7 as newId } from 'uuid'
import type { Queryable } from '../../database/transaction.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import type { EventCursor } from '../books/event-log.ts'
import { afterFailure, goodStanding } from './back-off.ts'
import type { Message } from './message.ts'
import type { Attempt } from './send.ts'
import { decodeWebhook, maxDeliveries, type Webhook, type WebhookRow, webhookColumns } from './webhook.ts'

/*
 * What those who deliver do with a webhook's row. They find webhooks that have something to send, acquire the lease of one,
 * send, and note what came of it. Times are those of the process, given to each statement.
 */

/** An account's id and a webhook's id. */
export interface WebhookRef {
  accountId: string
  webhookId: string
}

/** A webhook that has something to do, as far as one can tell without its events. */
export interface PendingWebhook extends WebhookRef {
  isFailing: boolean
}

/** Who delivers, and when. */
export interface Courier {
  /** The process. */
  id: string
  now: Date
}

// These statements take a millisecond. A node that is silent for this long is dead, and the webhooks of others are waiting.
const maxSilenceMs = 3_000

/** Neither disabled, nor waiting for its next attempt, nor in the hands of another process. $1: now; $2: this one. */
const isDue = `
  disabled_at IS NULL AND (next_attempt_at IS NULL OR next_attempt_at <= $1)
  AND (leased_until IS NULL OR leased_until <= $1 OR leased_by = $2)`

/** The webhooks of accounts that have not looked at all events, and can. */
export function findPending(
  books: Queryable,
  accountIds: readonly string[],
  { id, now }: Courier,
): Promise<PendingWebhook[]> {
  return books.rows<PendingWebhook>({
    name: 'find-pending-webhooks',
    text: `
      SELECT webhook.account_id AS "accountId", webhook.id AS "webhookId", attempts > 0 AS "isFailing"
      FROM webhook JOIN event_log log ON log.account_id = webhook.account_id
      WHERE webhook.account_id = ANY($3::uuid[]) AND ${isDue}
        AND (log.log <> webhook.log OR log.last > webhook.sequence)`,
    values: [now, id, accountIds],
    query_timeout: maxSilenceMs,
  })
}

/** Which of the accounts have webhooks that are not disabled. */
export async function findSending(books: Queryable, accountIds: readonly string[]): Promise<Set<string>> {
  const rows = await books.rows<{ accountId: string }>({
    name: 'find-sending-accounts',
    text: `
      SELECT DISTINCT account_id AS "accountId" FROM webhook
      WHERE account_id = ANY($1::uuid[]) AND disabled_at IS NULL`,
    values: [accountIds],
    query_timeout: maxSilenceMs,
  })
  return new Set(rows.map(({ accountId }) => accountId))
}

/** Reads a webhook if it can be delivered to. */
export async function readDue(
  books: Books,
  { accountId, webhookId }: WebhookRef,
  { id, now }: Courier,
): Promise<Webhook | undefined> {
  const [row] = await books.rows<WebhookRow>({
    name: 'read-due-webhook',
    text: `SELECT ${webhookColumns} FROM webhook WHERE account_id = $3 AND id = $4 AND ${isDue}`,
    values: [now, id, accountId, webhookId],
    query_timeout: maxSilenceMs,
  })
  return row === undefined ? undefined : decodeWebhook(row)
}

/** Moves a webhook past events that it does not want, unless another process is at work on it. */
export async function passOver(
  books: Books,
  webhook: Webhook,
  { id, now }: Courier,
  sequence: bigint,
): Promise<void> {
  await books.rows({
    name: 'pass-over-events',
    text: `
      UPDATE webhook SET sequence = $7, attempts = 0, failing_since = NULL, next_attempt_at = NULL
      WHERE account_id = $3 AND id = $4 AND log = $5 AND sequence = $6 AND ${isDue}`,
    values: [now, id, webhook.accountId, webhook.id, webhook.log, webhook.sequence, sequence],
    query_timeout: maxSilenceMs,
  })
}

/**
 * Acquires the lease of a webhook. Resolves to whether it was to be had, and the webhook is as it was read: what is to be
 * sent, and where, was decided by that.
 */
export async function acquireLease(
  books: Books,
  webhook: Webhook,
  { id, now }: Courier,
  until: Date,
): Promise<boolean> {
  const rows = await books.rows({
    name: 'acquire-webhook-lease',
    text: `
      UPDATE webhook SET leased_by = $2, leased_until = $7
      WHERE account_id = $3 AND id = $4 AND log = $5 AND sequence = $6
        AND url = $8 AND kinds = $9 AND pool_id IS NOT DISTINCT FROM $10 AND ${isDue}
      RETURNING id`,
    values: [
      now,
      id,
      webhook.accountId,
      webhook.id,
      webhook.log,
      webhook.sequence,
      until,
      webhook.url,
      webhook.kinds,
      webhook.poolId ?? null,
    ],
    query_timeout: maxSilenceMs,
  })
  return rows.length > 0
}

/** Gives back the lease of a webhook, which stays where it is. */
export async function releaseLease(books: Books, webhook: Webhook, courier: string): Promise<void> {
  await books.rows({
    text: `
      UPDATE webhook SET leased_by = NULL, leased_until = NULL
      WHERE account_id = $1 AND id = $2 AND leased_by = $3`,
    values: [webhook.accountId, webhook.id, courier],
  })
}

/** An attempt to deliver a message. */
export interface Delivery {
  message: Message
  attempt: Attempt
}

/** What follows from an attempt. */
export interface Sequel {
  /** The place of the webhook if the attempt has succeeded. */
  place: EventCursor
  /** Until when the lease goes on if it has; undefined: it is given back. */
  leasedUntil: Date | undefined
  /** From 0 to 1, for the jitter of the next attempt. */
  chance: number
}

/**
 * Notes what came of an attempt: moves the webhook on after one that has succeeded; after one that has failed, says when
 * the next is due, or disables the webhook and records an event. Resolves to the webhook as it is then; to undefined, with
 * nothing noted, if the lease was lost.
 */
export async function noteDelivery(
  books: Books,
  webhook: Webhook,
  courier: string,
  { message, attempt }: Delivery,
  sequel: Sequel,
): Promise<Webhook | undefined> {
  return await books.write(webhook.accountId, async (tx) => {
    const hasFailed = attempt.error !== undefined
    const now = tx.now()
    const { disabled, ...standing } = hasFailed
      ? afterFailure(webhook, attempt, now, sequel.chance)
      : goodStanding
    const { log, sequence } = hasFailed ? webhook : sequel.place
    const leasedUntil = hasFailed ? undefined : sequel.leasedUntil
    const noted: Webhook = {
      ...webhook,
      ...standing,
      log,
      sequence,
      disabledAt: disabled && now,
      disabledReason: disabled?.reason,
    }
    const rows = await tx.rows({
      name: 'note-webhook-delivery',
      text: `
        UPDATE webhook
        SET log = $4, sequence = $5, attempts = $6, failing_since = $7, next_attempt_at = $8,
          leased_by = $9, leased_until = $10, disabled_at = $11, disabled_reason = $12
        WHERE account_id = $1 AND id = $2 AND leased_by = $3
        RETURNING id`,
      values: [
        webhook.accountId,
        webhook.id,
        courier,
        log,
        sequence,
        noted.attempts,
        noted.failingSince ?? null,
        noted.nextAttemptAt ?? null,
        leasedUntil === undefined ? null : courier,
        leasedUntil ?? null,
        noted.disabledAt ?? null,
        noted.disabledReason ?? null,
      ],
    })
    if (rows.length === 0) return undefined
    await keepDelivery(tx, webhook.id, { message, attempt }, webhook.attempts + 1)
    if (disabled !== undefined)
      tx.record({ kind: 'WEBHOOK_DISABLED', poolId: null, payload: { webhookId: webhook.id, ...disabled } })
    return noted
  })
}

/**
 * Keeps an attempt among the last ones of a webhook, which this transaction has locked. `number`: of the attempt for this
 * message, from 1.
 */
export async function keepDelivery(
  tx: BookTransaction,
  webhookId: string,
  { message, attempt }: Delivery,
  number: number,
): Promise<string> {
  const id = newId()
  const kept = tx.execute({
    name: 'keep-webhook-delivery',
    text: `
      INSERT INTO webhook_delivery
        (account_id, webhook_id, id, message_id, type, attempt, at, duration_ms, status, answer, error)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    values: [
      tx.accountId,
      webhookId,
      id,
      message.id,
      message.type,
      number,
      attempt.at,
      attempt.durationMs,
      attempt.status ?? null,
      attempt.answer ?? null,
      attempt.error ?? null,
    ],
  })
  // Their ids are in the order in which they were made. Sent together with the other one.
  const forgotten = tx.execute({
    name: 'forget-webhook-deliveries',
    text: `
      DELETE FROM webhook_delivery
      WHERE account_id = $1 AND webhook_id = $2 AND id <= (
        SELECT id FROM webhook_delivery WHERE account_id = $1 AND webhook_id = $2
        ORDER BY id DESC OFFSET $3 LIMIT 1)`,
    values: [tx.accountId, webhookId, maxDeliveries],
  })
  await Promise.all([kept, forgotten])
  return id
}
