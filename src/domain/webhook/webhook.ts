import type { Queryable, RowOf } from '../../database/transaction.ts'
import type { WebhookDisabledReason } from '../../generated/prisma/client.ts'
import type { BookTransaction } from '../books/books.ts'
import type { EventKind } from '../books/event-log.ts'

/*
 * A webhook sends the events of an account that it wants to a URL: at least once, and in order.
 *
 * Its place is `log` and `sequence`: the last event of the event log that was delivered or passed over because the webhook does
 * not want it. It moves on only when the receiver has accepted a message, or past events that are not wanted; so nothing is lost
 * while the receiver or the service is down.
 *
 *   active    nothing has failed: the next event is sent as soon as it is there
 *   failing   the next event was sent `attempts` times without success, the first time at `failingSince`; it is sent again at
 *             `nextAttemptAt`. Events behind it wait. A delivery that succeeds leads back to active
 *   disabled  nothing is sent since `disabledAt`: deliveries have failed for too long, the receiver has said that it is gone, or
 *             somebody has asked for it. The place stays. An event of the kind WEBHOOK_DISABLED is recorded
 *
 * One process at a time delivers for a webhook: the one that holds its lease. What it did counts only if it still holds it. A
 * change of the webhook by a request takes the lease away, so a delivery that is in flight at that moment may be repeated.
 *
 * Events can be missing at its place: they have expired (`sequence` is below the floor of the log), or a backup was restored and
 * the account has a new event log (`log` is another one). Then the receiver gets a message that says so (`missedMessage`) before
 * anything else, and the place becomes that of `placeAfterMissed`.
 */

/** How many webhooks an account may have. */
export const maxWebhooks = 100

/** How many deliveries of a webhook are kept. */
export const maxDeliveries = 50

export interface Webhook {
  accountId: string
  id: string
  url: string
  /** Which events it wants. Empty: all. */
  kinds: readonly EventKind[]
  /** The pool whose events it wants; undefined: all events of the account. */
  poolId: string | undefined
  log: string
  sequence: bigint
  attempts: number
  failingSince: Date | undefined
  nextAttemptAt: Date | undefined
  disabledAt: Date | undefined
  disabledReason: WebhookDisabledReason | undefined
  /** The API key of the request that created it. */
  actorId: string | undefined
  createdAt: Date
}

export const webhookColumns = `
  account_id AS "accountId", id, url, kinds::text[] AS kinds, pool_id AS "poolId", log, sequence, attempts,
  failing_since AS "failingSince", next_attempt_at AS "nextAttemptAt", disabled_at AS "disabledAt",
  disabled_reason AS "disabledReason", actor_id AS "actorId", created_at AS "createdAt"`

export type WebhookRow = RowOf<Webhook>

export function decodeWebhook(row: WebhookRow): Webhook {
  return {
    ...row,
    poolId: row.poolId ?? undefined,
    sequence: BigInt(row.sequence),
    failingSince: row.failingSince ?? undefined,
    nextAttemptAt: row.nextAttemptAt ?? undefined,
    disabledAt: row.disabledAt ?? undefined,
    disabledReason: row.disabledReason ?? undefined,
    actorId: row.actorId ?? undefined,
  }
}

/** Reads those of the webhooks that exist. */
export async function readWebhooks(
  books: Queryable,
  accountId: string,
  ids: readonly string[],
): Promise<Webhook[]> {
  const rows = await books.rows<WebhookRow>({
    text: `SELECT ${webhookColumns} FROM webhook WHERE account_id = $1 AND id = ANY($2::uuid[])`,
    values: [accountId, ids],
  })
  return rows.map(decodeWebhook)
}

/** The ids of an account's webhooks, newest first. */
export async function listWebhooks(books: Queryable, accountId: string): Promise<string[]> {
  const rows = await books.rows<{ id: string }>({
    text: 'SELECT id FROM webhook WHERE account_id = $1 ORDER BY id DESC',
    values: [accountId],
  })
  return rows.map((row) => row.id)
}

/** The events of the account that a webhook has not come to, whether it wants them or not. */
export interface Backlog {
  count: bigint
  /** When the first of them happened; undefined if there is none, or none that is kept. */
  since: Date | undefined
}

/** The backlogs of webhooks, by their ids. */
export async function readBacklogs(
  books: Queryable,
  accountId: string,
  ids: readonly string[],
): Promise<Map<string, Backlog>> {
  const rows = await books.rows<{ id: string; count: string; since: Date | null }>({
    text: `
      SELECT webhook.id, log.last - least(webhook.sequence, log.last) AS count, (
        SELECT at FROM event
        WHERE account_id = $1 AND sequence > greatest(webhook.sequence, log.floor) ORDER BY sequence LIMIT 1
      ) AS since
      FROM webhook JOIN event_log log ON log.account_id = webhook.account_id
      WHERE webhook.account_id = $1 AND webhook.id = ANY($2::uuid[])`,
    values: [accountId, ids],
  })
  return new Map(
    rows.map(({ id, count, since }) => [id, { count: BigInt(count), since: since ?? undefined }]),
  )
}

export type WebhookStatus = 'ACTIVE' | 'FAILING' | 'DISABLED'

export function webhookStatus({ disabledAt, failingSince }: Webhook): WebhookStatus {
  if (disabledAt !== undefined) return 'DISABLED'
  return failingSince === undefined ? 'ACTIVE' : 'FAILING'
}

/** Locks a webhook until the transaction ends, and reads it; undefined if the account has no such webhook. */
export async function lockWebhook(tx: BookTransaction, webhookId: string): Promise<Webhook | undefined> {
  const [row] = await tx.rows<WebhookRow>({
    text: `SELECT ${webhookColumns} FROM webhook WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE`,
    values: [tx.accountId, webhookId],
  })
  return row === undefined ? undefined : decodeWebhook(row)
}

/** Whether a webhook wants an event. */
export function wants(
  { kinds, poolId }: Pick<Webhook, 'kinds' | 'poolId'>,
  event: { kind: EventKind; poolId: string | null },
): boolean {
  return (
    (kinds.length === 0 || kinds.includes(event.kind)) && (poolId === undefined || event.poolId === poolId)
  )
}

/** Whether events are missing between the place of a webhook and the log, and why. */
export function missedEvents(
  { log, sequence }: Pick<Webhook, 'log' | 'sequence'>,
  now: { log: string; floor: bigint },
): 'RESTORED' | 'EXPIRED' | undefined {
  if (log !== now.log) return 'RESTORED'
  return sequence < now.floor ? 'EXPIRED' : undefined
}

/** Where a webhook continues after events were missing: at the oldest that is kept, or where it was if that is later. */
export function placeAfterMissed(
  { sequence }: Pick<Webhook, 'sequence'>,
  now: { log: string; last: bigint; floor: bigint },
): { log: string; sequence: bigint } {
  const oldest = sequence < now.floor ? now.floor : sequence
  return { log: now.log, sequence: oldest > now.last ? now.last : oldest }
}
