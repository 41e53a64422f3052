import type { Queryable, RowOf, Transaction } from '../../database/transaction.ts'
import type { TaskFailureCode, TaskStatus, WebhookDisabledReason } from '../../generated/prisma/client.ts'
import { CursorExpiredError, CursorInvalidError } from './errors.ts'

/*
 * The event log of an account: what happened to its pools and its webhooks, in a sequence without gaps. An event is written in
 * the transaction of the change that it describes.
 */

/** A task as of a change of its status. Counts are decimal strings, times ISO 8601. */
export interface TaskSnapshot {
  taskId: string
  status: TaskStatus
  generated: string
  added: string
  startedAt: string | null
  finishedAt: string | null
  failureCode: TaskFailureCode | null
  failureMessage: string | null
}

/** What can change in a pool: REPLENISHMENT is the Promo Codes section, ARCHIVED that it was archived or unarchived. */
export type PoolChange = 'NAME' | 'DESCRIPTION' | 'EXTERNAL_ID' | 'REPLENISHMENT' | 'TERMS' | 'ARCHIVED'

/** How many codes were withdrawn, restored, voided or unvoided, and why. `taskId`: only those that this task added. */
export interface StatusChange {
  count: string
  reason: string | null
  taskId: string | null
}

/** What an event of a pool says, by its kind. Counts are decimal strings. */
export type PoolEventContent =
  | { kind: 'POOL_CREATED'; payload: { name: string } }
  | {
      kind: 'POOL_CHANGED'
      /** `archivedAt` is ISO 8601. Events from before pools could be archived lack it. */
      payload: { changed: readonly PoolChange[]; name: string; archivedAt?: string | null }
    }
  | { kind: 'TASK_STATUS_CHANGED'; payload: TaskSnapshot }
  | { kind: 'POOL_REFILLED'; payload: { taskId: string; added: string } }
  | {
      kind: 'POOL_REFILL_FAILED'
      payload: { code: 'FORMAT_EXHAUSTED'; message: string; formatId: string | null }
    }
  | { kind: 'POOL_LOW'; payload: { available: string } }
  | { kind: 'POOL_EMPTY'; payload: Record<string, never> }
  | {
      kind: 'CODES_WITHDRAWN' | 'CODES_RESTORED' | 'CODES_VOIDED' | 'CODES_UNVOIDED'
      payload: StatusChange
    }

/** What an event says that is of the account and of none of its pools. */
export interface WebhookEventContent {
  kind: 'WEBHOOK_DISABLED'
  /** `message` is for people: what has failed, and what to do. */
  payload: { webhookId: string; reason: WebhookDisabledReason; message: string }
}

export type EventKind = (PoolEventContent | WebhookEventContent)['kind']

export type EventDraft = ({ poolId: string } & PoolEventContent) | ({ poolId: null } & WebhookEventContent)

interface Logged {
  /** The API key of the request that caused it; undefined for what the service did by itself. */
  actorId: string | undefined
  sequence: bigint
  cursor: string
  at: Date
}

export type PoolEvent = { poolId: string } & PoolEventContent & Logged
export type WebhookEvent = { poolId: null } & WebhookEventContent & Logged
/** An event of the log: of a pool, or of the account. */
export type LoggedEvent = PoolEvent | WebhookEvent

/** A position in an account's event log: after the event with this sequence number. */
export interface EventCursor {
  log: string
  sequence: bigint
}

export function encodeCursor(cursor: EventCursor): string {
  return Buffer.from(`${cursor.log}:${cursor.sequence}`).toString('base64url')
}

/** Throws a CursorInvalidError if `encodeCursor` did not make the text. */
export function decodeCursor(text: string): EventCursor {
  const match = /^([0-9a-f-]{36}):(\d{1,18})$/.exec(Buffer.from(text, 'base64url').toString())
  if (match?.[1] === undefined || match[2] === undefined) throw new CursorInvalidError()
  const cursor = { log: match[1], sequence: BigInt(match[2]) }
  // Decoding ignores what is not base64.
  if (encodeCursor(cursor) !== text) throw new CursorInvalidError()
  return cursor
}

/**
 * Appends events to the account's log. This must be the last statement of a transaction: the log's row stays locked until
 * the commit ends, so that the sequence has no gaps and no event appears behind a later one.
 */
export async function appendEvents(
  tx: Transaction,
  accountId: string,
  drafts: readonly (EventDraft & { actorId?: string | undefined })[],
): Promise<void> {
  await tx.execute({
    name: 'append-events',
    text: `
      WITH log AS (
        UPDATE event_log SET last = last + $2 WHERE account_id = $1 RETURNING last
      )
      INSERT INTO event (account_id, sequence, pool_id, kind, payload, actor_id, at)
      SELECT $1, log.last - $2 + draft.position, draft.pool_id, draft.kind, draft.payload, draft.actor_id,
        clock_timestamp()
      FROM log, unnest($3::uuid[], $4::event_kind[], $5::jsonb[], $6::uuid[])
        WITH ORDINALITY AS draft (pool_id, kind, payload, actor_id, position)`,
    values: [
      accountId,
      drafts.length,
      drafts.map((draft) => draft.poolId),
      drafts.map((draft) => draft.kind),
      drafts.map((draft) => JSON.stringify(draft.payload)),
      drafts.map((draft) => draft.actorId ?? null),
    ],
  })
}

// These statements take a millisecond. A connection that is silent for this long is dead, and events are waiting.
const maxSilenceMs = 3_000

/** The state of an account's log: the events (floor, last] are kept. */
export interface LogState {
  accountId: string
  log: string
  last: bigint
  floor: bigint
}

export async function readLogs(books: Queryable, accountIds: readonly string[]): Promise<LogState[]> {
  const rows = await books.rows<RowOf<LogState>>({
    name: 'read-logs',
    text: 'SELECT account_id AS "accountId", log, last, floor FROM event_log WHERE account_id = ANY($1::uuid[])',
    values: [accountIds],
    query_timeout: maxSilenceMs,
  })
  return rows.map((row) => ({ ...row, last: BigInt(row.last), floor: BigInt(row.floor) }))
}

export async function readLog(books: Queryable, accountId: string): Promise<LogState> {
  const [state] = await readLogs(books, [accountId])
  if (state === undefined) throw new Error(`The account ${accountId} has no event log.`)
  return state
}

/**
 * At most `limit` events after `sequence`, oldest first. Rejects with a CursorExpiredError when some of them are no longer
 * kept, and with a CursorInvalidError when the log has not reached `sequence`.
 */
export async function readEventsAfter(
  books: Queryable,
  accountId: string,
  sequence: bigint,
  limit: number,
): Promise<LoggedEvent[]> {
  // One statement, so that the floor and the events are of the same moment.
  const rows = await books.rows<EventRow & { last: string; floor: string }>({
    name: 'read-events-after',
    text: `
      SELECT log.log, log.last, log.floor, event.*
      FROM event_log log
      LEFT JOIN LATERAL (
        SELECT sequence, pool_id, kind, payload, actor_id, at FROM event
        WHERE account_id = $1 AND sequence > $2
        ORDER BY account_id, sequence LIMIT $3
      ) event ON true
      WHERE log.account_id = $1`,
    values: [accountId, sequence, limit],
    query_timeout: maxSilenceMs,
  })
  const [first] = rows
  if (first === undefined) throw new Error(`The account ${accountId} has no event log.`)
  if (BigInt(first.last) < sequence) throw new CursorInvalidError()
  if (BigInt(first.floor) > sequence) throw new CursorExpiredError()
  return rows.filter((row) => row.sequence !== null).map(decodeEvent)
}

/** Events of an account after a place in its log. */
export interface WantedEvents {
  sequence: bigint
  /** Empty: all. */
  kinds: readonly EventKind[]
  /** The pool that they are of; undefined: all events of the account. */
  poolId: string | undefined
  /** How many events are looked at. */
  maxLookedAt: number
  limit: number
}

/**
 * The oldest of the wanted events, with the state of the log at the same moment. `through`: how far the log was looked at;
 * what is not returned up to there is not wanted. If events are missing after `sequence`, `log` tells.
 */
export async function readWantedEvents(
  books: Queryable,
  accountId: string,
  { sequence, kinds, poolId, maxLookedAt, limit }: WantedEvents,
): Promise<{ log: LogState; events: LoggedEvent[]; through: bigint }> {
  const until = sequence + BigInt(maxLookedAt)
  // One statement, so that no event up to `last` is missing.
  const rows = await books.rows<EventRow & { last: string; floor: string }>({
    name: 'read-wanted-events',
    text: `
      SELECT log.log, log.last, log.floor,
        event.sequence, event.pool_id, event.kind, event.payload, event.actor_id, event.at
      FROM event_log log
      LEFT JOIN (
        SELECT account_id, sequence, pool_id, kind, payload, actor_id, at FROM event
        WHERE account_id = $1 AND sequence > $2 AND sequence <= $3
          AND (cardinality($4::event_kind[]) = 0 OR kind = ANY($4)) AND ($5::uuid IS NULL OR pool_id = $5)
        ORDER BY sequence LIMIT $6
      ) event USING (account_id)
      WHERE log.account_id = $1
      ORDER BY event.sequence`,
    values: [accountId, sequence, until, kinds, poolId ?? null, limit],
    query_timeout: maxSilenceMs,
  })
  const [first] = rows
  if (first === undefined) throw new Error(`The account ${accountId} has no event log.`)
  const log = { accountId, log: first.log, last: BigInt(first.last), floor: BigInt(first.floor) }
  const events = rows.filter((row) => row.sequence !== null).map(decodeEvent)
  const lookedAt = log.last < until ? log.last : until
  return { log, events, through: events.length === limit ? (events.at(-1)?.sequence ?? lookedAt) : lookedAt }
}

/**
 * Removes events of the account from before `time`, oldest first, at most `limit`. What is kept is the end of the log, without
 * a gap. Resolves to the number removed. It must be the last of its transaction, like `appendEvents`: that
 * must neither record events nor put the account into the queue, as both are written after it.
 */
export async function forgetEvents(
  tx: Queryable & Pick<Transaction, 'execute'>,
  accountId: string,
  time: Date,
  limit: number,
): Promise<number> {
  const [log] = await tx.rows<{ floor: string; next_floor: string | null }>({
    name: 'find-expired-events',
    text: `
      SELECT floor, (
        SELECT coalesce(min(sequence) FILTER (WHERE at >= $2) - 1, max(sequence))
        FROM (
          SELECT sequence, at FROM event
          WHERE account_id = $1 AND sequence > log.floor ORDER BY account_id, sequence LIMIT $3
        ) AS oldest
      ) AS next_floor
      FROM event_log AS log WHERE account_id = $1`,
    values: [accountId, time, limit],
  })
  if (log?.next_floor == null || log.next_floor === log.floor) return 0
  const removed = await tx.execute({
    text: 'DELETE FROM event WHERE account_id = $1 AND sequence > $2 AND sequence <= $3',
    values: [accountId, log.floor, log.next_floor],
  })
  // Last, as appending events waits for the lock of this row.
  await tx.execute({
    text: 'UPDATE event_log SET floor = $2 WHERE account_id = $1 AND floor < $2',
    values: [accountId, log.next_floor],
  })
  return removed
}

/** A page of the history. It is always newest first. */
export interface HistoryPage {
  poolId?: string | undefined
  olderThan?: bigint | undefined
  newerThan?: bigint | undefined
  limit: number
  /** Whether the page is the oldest events of the range instead of the newest. */
  fromOldest: boolean
}

/** A page of the events of pools. */
export async function readHistory(
  books: Queryable,
  accountId: string,
  page: HistoryPage,
): Promise<PoolEvent[]> {
  const direction = page.fromOldest ? 'ASC' : 'DESC'
  const pool = page.poolId === undefined ? 'IS NOT NULL' : '= $5'
  const values: unknown[] = [accountId, page.olderThan ?? null, page.newerThan ?? null, page.limit]
  if (page.poolId !== undefined) values.push(page.poolId)
  const rows = await books.rows<EventRow>({
    text: `
      SELECT log.log, event.sequence, event.pool_id, event.kind, event.payload, event.actor_id, event.at
      FROM event_log log JOIN event USING (account_id)
      WHERE event.account_id = $1 AND event.pool_id ${pool} AND event.sequence > log.floor
        AND event.sequence < coalesce($2::bigint, 9223372036854775807)
        AND event.sequence > coalesce($3::bigint, 0)
      ORDER BY event.sequence ${direction} LIMIT $4`,
    values,
  })
  const events = rows.map(decodeEvent).filter(isPoolEvent)
  return page.fromOldest ? events.reverse() : events
}

export function isPoolEvent(event: LoggedEvent): event is PoolEvent {
  return event.poolId !== null
}

interface EventRow {
  log: string
  sequence: string
  pool_id: string | null
  kind: EventKind
  payload: LoggedEvent['payload']
  actor_id: string | null
  at: Date
}

function decodeEvent(row: EventRow): LoggedEvent {
  const { log, kind, payload, pool_id: poolId, at } = row
  const sequence = BigInt(row.sequence)
  const draft = { kind, payload, poolId } as EventDraft
  const actorId = row.actor_id ?? undefined
  return { ...draft, actorId, sequence, cursor: encodeCursor({ log, sequence }), at }
}
