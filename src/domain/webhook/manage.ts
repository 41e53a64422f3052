import { v7 as newId } from 'uuid'
import type { OutgoingClient } from '../../outgoing/client.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { lockCatalog } from '../books/catalog.ts'
import { CursorExpiredError, CursorInvalidError, NotFoundError } from '../books/errors.ts'
import { decodeCursor, type EventCursor, type EventKind, readLog } from '../books/event-log.ts'
import { InputCheck } from '../books/input.ts'
import { readPool } from '../pool/pool.ts'
import { insertSecret } from './secrets.ts'
import { checkUrl } from './url.ts'
import { lockWebhook, maxWebhooks, type Webhook } from './webhook.ts'

/** What managing webhooks needs. */
export interface WebhookParts {
  books: Books
  outgoing: Pick<OutgoingClient, 'check'>
}

export interface NewWebhook {
  url: string
  /** Empty: all. */
  kinds: readonly EventKind[]
  poolId: string | undefined
  /** The cursor of the last event that it does not want; undefined: the last one that there is. */
  after: string | undefined
}

/** Creates a webhook. Rejects with an InvalidInputError, and with a NotFoundError if there is no such pool. */
export async function createWebhook(
  { books, outgoing }: WebhookParts,
  accountId: string,
  { url, kinds, poolId, after }: NewWebhook,
): Promise<{ webhookId: string; secret: Uint8Array }> {
  const check = new InputCheck()
  const href = await checkUrl(check, url, outgoing)
  const cursor = after === undefined ? undefined : readCursor(check, after)
  check.done()
  return await books.write(accountId, async (tx) => {
    // For the number of webhooks.
    await lockCatalog(tx)
    const webhookId = newId()
    const [{ count } = { count: 0 }] = await tx.rows<{ count: number }>({
      text: 'SELECT count(*)::integer AS count FROM webhook WHERE account_id = $1',
      values: [accountId],
    })
    if (count >= maxWebhooks)
      check.issue(
        [],
        `The account has ${maxWebhooks} webhooks, which is the maximum. Delete one that is no longer needed.`,
      )
    if (poolId !== undefined) await checkPool(tx, poolId)
    const place = await startingPlace(check, tx, cursor)
    check.done()
    await tx.execute({
      text: `
        INSERT INTO webhook (account_id, id, url, kinds, pool_id, log, sequence, actor_id, created_at)
        VALUES ($1, $2, $3, $4::event_kind[], $5, $6, $7, $8, $9)`,
      values: [
        accountId,
        webhookId,
        href,
        [...new Set(kinds)],
        poolId ?? null,
        place.log,
        place.sequence,
        tx.actorId ?? null,
        tx.now(),
      ],
    })
    // Events after its place may be there already.
    tx.queue('WEBHOOKS')
    return { webhookId, secret: await insertSecret(tx, books, webhookId) }
  })
}

/** What to change of a webhook. What is undefined stays as it is. */
export interface WebhookChanges {
  webhookId: string
  url: string | undefined
  kinds: readonly EventKind[] | undefined
  /** Null: all pools. */
  poolId: string | null | undefined
  enabled: boolean | undefined
  /** Whether it passes over all events that are not delivered yet. */
  skipToNow: boolean
}

/**
 * Changes a webhook. It then starts afresh: what waits for its next attempt is sent at once, and what is being delivered is
 * sent again. Rejects with an InvalidInputError, and with a NotFoundError if there is no such webhook or pool.
 */
export async function updateWebhook(
  { books, outgoing }: WebhookParts,
  accountId: string,
  { webhookId, url, kinds, poolId, enabled, skipToNow }: WebhookChanges,
): Promise<void> {
  const check = new InputCheck()
  const href = url === undefined ? undefined : await checkUrl(check, url, outgoing)
  check.done()
  await books.write(accountId, async (tx) => {
    const webhook = await lockWebhook(tx, webhookId)
    if (webhook === undefined) throw new NotFoundError('webhook', ['webhookId'])
    if (poolId != null) await checkPool(tx, poolId)
    const place = skipToNow ? await readEnd(tx) : webhook
    const isDisabled = enabled === undefined ? webhook.disabledAt !== undefined : !enabled
    const isNewlyDisabled = isDisabled && webhook.disabledAt === undefined
    await tx.execute({
      text: `
        UPDATE webhook SET url = $3, kinds = $4::event_kind[], pool_id = $5, log = $6, sequence = $7, attempts = 0,
          failing_since = NULL, next_attempt_at = NULL, leased_by = NULL, leased_until = NULL, disabled_at = $8,
          disabled_reason = $9
        WHERE account_id = $1 AND id = $2`,
      values: [
        accountId,
        webhookId,
        href ?? webhook.url,
        kinds === undefined ? webhook.kinds : [...new Set(kinds)],
        poolId === undefined ? (webhook.poolId ?? null) : poolId,
        place.log,
        place.sequence,
        isDisabled ? (webhook.disabledAt ?? tx.now()) : null,
        isDisabled ? (webhook.disabledReason ?? 'REQUESTED') : null,
      ],
    })
    // Events that are there already are sent at once.
    if (!isDisabled) tx.queue('WEBHOOKS')
    if (isNewlyDisabled)
      tx.record({
        poolId: null,
        kind: 'WEBHOOK_DISABLED',
        payload: {
          webhookId,
          reason: 'REQUESTED',
          message: 'A request has disabled the webhook (updateWebhook).',
        },
      })
  })
}

/** Deletes a webhook, with its secrets and its deliveries. Rejects with a NotFoundError. */
export async function deleteWebhook(books: Books, accountId: string, webhookId: string): Promise<void> {
  const [deleted] = await books.rows({
    text: 'DELETE FROM webhook WHERE account_id = $1 AND id = $2 RETURNING id',
    values: [accountId, webhookId],
  })
  if (deleted === undefined) throw new NotFoundError('webhook', ['webhookId'])
}

async function checkPool(tx: BookTransaction, poolId: string): Promise<void> {
  if ((await readPool(tx, tx.accountId, poolId)) === undefined) throw new NotFoundError('pool', ['poolId'])
}

function readCursor(check: InputCheck, after: string): EventCursor | undefined {
  try {
    return decodeCursor(after)
  } catch (error) {
    if (!(error instanceof CursorInvalidError)) throw error
    check.issue(['after'], error.message)
    return undefined
  }
}

/** Where a new webhook begins: after `cursor`, or at the end of the event log. */
async function startingPlace(
  check: InputCheck,
  tx: BookTransaction,
  cursor: EventCursor | undefined,
): Promise<EventCursor> {
  const { log, last, floor } = await readLog(tx, tx.accountId)
  if (cursor === undefined) return { log, sequence: last }
  if (cursor.log !== log || cursor.sequence > last) check.issue(['after'], new CursorInvalidError().message)
  else if (cursor.sequence < floor) check.issue(['after'], new CursorExpiredError().message)
  return cursor
}

async function readEnd(tx: BookTransaction): Promise<Pick<Webhook, 'log' | 'sequence'>> {
  const { log, last } = await readLog(tx, tx.accountId)
  return { log, sequence: last }
}
