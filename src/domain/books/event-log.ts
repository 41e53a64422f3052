import type { Pool } from 'pg'
import { type Queryable, type Transaction, transaction } from '../../database/transaction.ts'
import type { TaskFailureCode, TaskStatus } from '../../generated/prisma/client.ts'
import { CursorExpiredError, CursorInvalidError } from './errors.ts'

/**
 * The event log of an account: what happened to its pools, in a sequence without gaps. Events are written in the
 * transaction of the change that they tell of.
 */

/** How a task stood when its status changed. Counts are decimal strings, times ISO 8601. */
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

/** What of a pool can be changed: its name, and the Promo Codes section. */
export type PoolChange = 'NAME' | 'REPLENISHMENT'

/** What an event tells, by its kind. Counts are decimal strings. */
export type EventContent =
  | { kind: 'POOL_CREATED'; payload: { name: string } }
  | { kind: 'POOL_CHANGED'; payload: { changed: readonly PoolChange[]; name: string } }
  | { kind: 'TASK_STATUS_CHANGED'; payload: TaskSnapshot }
  | { kind: 'POOL_REFILLED'; payload: { taskId: string; added: string } }
  | {
      kind: 'POOL_REFILL_FAILED'
      payload: { code: 'FORMAT_EXHAUSTED'; message: string; formatId: string | null }
    }
  | { kind: 'POOL_LOW'; payload: { available: string } }
  | { kind: 'POOL_EMPTY'; payload: Record<string, never> }

export type EventDraft = { poolId: string } & EventContent

export type PoolEvent = EventDraft & { sequence: bigint; cursor: string; at: Date }

/** A place in an account's event log: after the event of this sequence. */
export interface EventCursor {
  log: string
  sequence: bigint
}

export function encodeCursor(cursor: EventCursor): string {
  return Buffer.from(`${cursor.log}:${cursor.sequence}`).toString('base64url')
}

/** Throws a CursorInvalidError for anything that `encodeCursor` did not make. */
export function decodeCursor(text: string): EventCursor {
  const match = /^([0-9a-f-]{36}):(\d{1,18})$/.exec(Buffer.from(text, 'base64url').toString())
  if (match?.[1] === undefined || match[2] === undefined) throw new CursorInvalidError()
  const cursor = { log: match[1], sequence: BigInt(match[2]) }
  // Decoding passes over what is not base64.
  if (encodeCursor(cursor) !== text) throw new CursorInvalidError()
  return cursor
}

/**
 * Appends events to the account's log. To be the last statements of a transaction: the log's row is locked from
 * here to the end of the commit, which is what keeps the sequence without gaps and without late arrivals.
 */
export async function appendEvents(
  tx: Transaction,
  accountId: string,
  drafts: readonly EventDraft[],
): Promise<void> {
  await tx.execute({
    name: 'append-events',
    text: `
      WITH log AS (
        UPDATE event_log SET last = last + $2 WHERE account_id = $1 RETURNING last
      )
      INSERT INTO event (account_id, sequence, pool_id, kind, payload, at)
      SELECT $1, log.last - $2 + draft.position, draft.pool_id, draft.kind, draft.payload, clock_timestamp()
      FROM log, unnest($3::uuid[], $4::event_kind[], $5::jsonb[])
        WITH ORDINALITY AS draft (pool_id, kind, payload, position)`,
    values: [
      accountId,
      drafts.length,
      drafts.map((draft) => draft.poolId),
      drafts.map((draft) => draft.kind),
      drafts.map((draft) => JSON.stringify(draft.payload)),
    ],
  })
}

// These take a millisecond. A connection that is silent for longer has been lost without a word, and events wait for it.
const maxSilenceMs = 3_000

/** Where an account's log stands: events (floor, last] are kept. */
export interface LogState {
  accountId: string
  log: string
  last: bigint
  floor: bigint
}

export async function readLogs(books: Queryable, accountIds: readonly string[]): Promise<LogState[]> {
  const rows = await books.rows<{ account_id: string; log: string; last: string; floor: string }>({
    name: 'read-logs',
    text: 'SELECT account_id, log, last, floor FROM event_log WHERE account_id = ANY($1::uuid[])',
    values: [accountIds],
    query_timeout: maxSilenceMs,
  })
  return rows.map((row) => ({
    accountId: row.account_id,
    log: row.log,
    last: BigInt(row.last),
    floor: BigInt(row.floor),
  }))
}

export async function readLog(books: Queryable, accountId: string): Promise<LogState> {
  const [state] = await readLogs(books, [accountId])
  if (state === undefined) throw new Error(`The account ${accountId} has no event log.`)
  return state
}

/**
 * The events after `sequence`, oldest first, `limit` at most. Rejects with a CursorExpiredError when some of them
 * are no longer kept, and with a CursorInvalidError when the log has not come that far.
 */
export async function readEventsAfter(
  books: Queryable,
  accountId: string,
  sequence: bigint,
  limit: number,
): Promise<PoolEvent[]> {
  // One statement, so that the floor is the floor of just these events.
  const rows = await books.rows<EventRow & { log: string; last: string; floor: string }>({
    name: 'read-events-after',
    text: `
      SELECT log.log, log.last, log.floor, event.*
      FROM event_log log
      LEFT JOIN LATERAL (
        SELECT sequence, pool_id, kind, payload, at FROM event
        WHERE account_id = log.account_id AND sequence > $2
        ORDER BY sequence LIMIT $3
      ) event ON true
      WHERE log.account_id = $1`,
    values: [accountId, sequence, limit],
    query_timeout: maxSilenceMs,
  })
  const [first] = rows
  if (first === undefined) throw new Error(`The account ${accountId} has no event log.`)
  if (BigInt(first.last) < sequence) throw new CursorInvalidError()
  if (BigInt(first.floor) > sequence) throw new CursorExpiredError()
  return rows.filter((row) => row.sequence !== null).map((row) => decodeEvent(row, row.log))
}

/**
 * Removes events that happened before `time`, oldest first, `limit` of each account at most. What is kept is always the
 * end of the log, without a gap. Resolves to how many were removed: less than `limit` when there are no more.
 */
export async function forgetEvents(pool: Pool, time: Date, limit: number): Promise<number> {
  const { rows } = await pool.query<{ account_id: string }>(
    `SELECT account_id FROM event_log AS log CROSS JOIN LATERAL (
       SELECT at FROM event WHERE account_id = log.account_id AND sequence > log.floor ORDER BY sequence LIMIT 1
     ) AS oldest
     WHERE oldest.at < $1`,
    [time],
  )
  let most = 0
  for (const { account_id } of rows) {
    const removed = await transaction(pool, (tx) => forgetOldest(tx, account_id, time, limit))
    if (removed > most) most = removed
  }
  return most
}

async function forgetOldest(tx: Transaction, accountId: string, time: Date, limit: number): Promise<number> {
  const [log] = await tx.rows<{ floor: string; next_floor: string | null }>({
    text: `
      SELECT floor, next_floor FROM event_log AS log CROSS JOIN LATERAL (
        SELECT coalesce(min(sequence) FILTER (WHERE at >= $2) - 1, max(sequence)) AS next_floor
        FROM (
          SELECT sequence, at FROM event
          WHERE account_id = log.account_id AND sequence > log.floor ORDER BY sequence LIMIT $3
        ) AS oldest
      ) AS page
      WHERE account_id = $1`,
    values: [accountId, time, limit],
  })
  if (log?.next_floor == null) return 0
  const removed = await tx.execute({
    text: 'DELETE FROM event WHERE account_id = $1 AND sequence > $2 AND sequence <= $3',
    values: [accountId, log.floor, log.next_floor],
  })
  // The log's row comes last: whoever appends events has to wait for it.
  await tx.execute({
    text: 'UPDATE event_log SET floor = $2 WHERE account_id = $1 AND floor < $2',
    values: [accountId, log.next_floor],
  })
  return removed
}

/** A page of the history, newest first, as `after` (older than) and `before` (newer than) tell. */
export interface HistoryPage {
  poolId?: string | undefined
  olderThan?: bigint | undefined
  newerThan?: bigint | undefined
  limit: number
  /** Take the page from the old end; it is answered newest first all the same. */
  fromOldest: boolean
}

export async function readHistory(
  books: Queryable,
  accountId: string,
  page: HistoryPage,
): Promise<PoolEvent[]> {
  const direction = page.fromOldest ? 'ASC' : 'DESC'
  const pool = page.poolId === undefined ? '' : 'AND event.pool_id = $5'
  const values: unknown[] = [accountId, page.olderThan ?? null, page.newerThan ?? null, page.limit]
  if (page.poolId !== undefined) values.push(page.poolId)
  const rows = await books.rows<EventRow & { log: string }>({
    text: `
      SELECT log.log, event.sequence, event.pool_id, event.kind, event.payload, event.at
      FROM event_log log JOIN event USING (account_id)
      WHERE event.account_id = $1 ${pool} AND event.sequence > log.floor
        AND event.sequence < coalesce($2::bigint, 9223372036854775807)
        AND event.sequence > coalesce($3::bigint, 0)
      ORDER BY event.sequence ${direction} LIMIT $4`,
    values,
  })
  const events = rows.map((row) => decodeEvent(row, row.log))
  return page.fromOldest ? events.reverse() : events
}

interface EventRow {
  sequence: string
  pool_id: string
  kind: EventContent['kind']
  payload: EventContent['payload']
  at: Date
}

function decodeEvent(row: EventRow, log: string): PoolEvent {
  const sequence = BigInt(row.sequence)
  const content = { kind: row.kind, payload: row.payload } as EventContent
  return { ...content, poolId: row.pool_id, sequence, cursor: encodeCursor({ log, sequence }), at: row.at }
}
