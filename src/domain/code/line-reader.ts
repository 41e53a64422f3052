import { min } from '../../bigint.ts'
import type { CodeSpace } from '../../codespace/codespace.ts'
import type { Queryable } from '../../database/transaction.ts'
import type { Books } from '../books/books.ts'
import { type Batch, readBatchesFrom } from '../pool/batch.ts'
import { BatchReader } from './batch-reader.ts'
import type { CodeStatus } from './code.ts'

/**
 * A pool's line read from end to end, for files of any length. No transaction stays open for it: what it would hold
 * on to cannot change, but for one thing, which is found out (see `Snapshot`).
 */

/** ALL: the claimed ones, then those that are available. */
export type ExportStatus = CodeStatus | 'ALL'

/**
 * A pool's line as it was at a moment, of which [0, claimed) had been handed out and [claimed, total) had not.
 *
 * What had been handed out stays where it is for good. Behind it, undoing an upload takes a batch out of the line and
 * moves those that follow it down. `last` tells: the task whose batch the line ended with, at `total`. While none has
 * been taken out, it ends there still; and once one has, it never does again. Where nothing was available there is
 * no `last`, and nothing that can change.
 */
export interface Snapshot {
  claimed: bigint
  total: bigint
  last: string | undefined
}

/** Part of the line of a pool: positions [from, to) of a snapshot. */
export interface Excerpt {
  accountId: string
  poolId: string
  snapshot: Snapshot
  from: bigint
  to: bigint
}

/** What codes come from: a format, or the upload that was accepted at this time. */
export type Source =
  | { space: CodeSpace; upload?: never }
  | { space?: never; upload: { id: string; acceptedAt: Date } }

/** Codes that follow one another on the line and come from one source. */
export interface Stretch {
  source: Source
  /** Where on the line the first of them lies. */
  position: bigint
  count: bigint
  /** Who has them, in their order; nothing when they are available. */
  holders: Holder[] | undefined
  /** The batch that they are of, and which of its codes is the first of them. */
  reader: BatchReader
  offset: bigint
}

/** A claim, and how many of the codes of a stretch it holds. */
export interface Holder {
  count: number
  recipient: string | undefined
  /** ISO 8601 in UTC, with milliseconds, as the API writes it. */
  at: string
}

/** An upload was undone that was in the snapshot: the rest of it cannot be told any more. */
export class SnapshotChangedError extends Error {
  constructor() {
    super('An upload whose codes were in this file has been undone since.')
    this.name = 'SnapshotChangedError'
  }
}

// What is kept of a line at once. A recipient can be a thousand characters long.
const batchesAtOnce = 1_000
const claimsAtOnce = 2_000

/** The line of a pool as it is now, and the pool's name; nothing if the account has no such pool. */
export async function readSnapshot(
  books: Queryable,
  accountId: string,
  poolId: string,
  status: ExportStatus,
): Promise<{ snapshot: Snapshot; poolName: string } | undefined> {
  const [row] = await books.rows<{ name: string; claimed: string; total: string; last: string | null }>({
    name: 'read-snapshot',
    text: `
      SELECT name, claimed, total, (
        SELECT task_id FROM batch WHERE account_id = $1 AND pool_id = $2 ORDER BY start DESC LIMIT 1
      ) AS last
      FROM pool WHERE account_id = $1 AND id = $2`,
    values: [accountId, poolId],
  })
  if (row === undefined) return undefined
  const claimed = BigInt(row.claimed)
  const total = status === 'CLAIMED' ? claimed : BigInt(row.total)
  const last = total === claimed ? undefined : (row.last ?? undefined)
  return { snapshot: { claimed, total, last }, poolName: row.name }
}

/**
 * Whether the line was ever so, and what is behind it has not changed. Snapshots come back from clients: one that was
 * made up, say to read available codes as claimed ones, is not true.
 */
export async function isCurrent(
  books: Queryable,
  accountId: string,
  poolId: string,
  { claimed, total, last }: Snapshot,
): Promise<boolean> {
  if (claimed > total || (last === undefined) !== (claimed === total)) return false
  const [row] = await books.rows<{ is_true: boolean | null }>({
    name: 'check-snapshot',
    text: `
      SELECT claimed >= $3 AND ($5::uuid IS NULL OR (
        SELECT start + count = $4 AND task_id = $5
        FROM batch WHERE account_id = $1 AND pool_id = $2 AND start < $4 ORDER BY start DESC LIMIT 1
      )) AS is_true
      FROM pool WHERE account_id = $1 AND id = $2`,
    values: [accountId, poolId, claimed, total, last ?? null],
  })
  return row?.is_true === true
}

/** Positions of the line that have this status in the snapshot: [from, to). */
export function positionsOf(
  { claimed, total }: Snapshot,
  status: ExportStatus,
): { from: bigint; to: bigint } {
  return { from: status === 'AVAILABLE' ? claimed : 0n, to: status === 'CLAIMED' ? claimed : total }
}

/**
 * Positions of the line that a task has added, [from, to), as they are now: empty while it has added none. Nothing
 * when the pool has no such task.
 */
export async function positionsOfTask(
  books: Queryable,
  accountId: string,
  poolId: string,
  taskId: string,
): Promise<{ from: bigint; to: bigint } | undefined> {
  const [row] = await books.rows<{ low: string | null; high: string | null }>({
    name: 'positions-of-task',
    // All of a task's batches are laid at once, so they lie side by side.
    text: `
      SELECT low, high FROM task, (
        SELECT min(start) AS low, max(start + count) AS high FROM batch WHERE account_id = $1 AND task_id = $3
      ) AS batches
      WHERE task.account_id = $1 AND task.pool_id = $2 AND task.id = $3`,
    values: [accountId, poolId, taskId],
  })
  if (row === undefined) return undefined
  return { from: BigInt(row.low ?? 0), to: BigInt(row.high ?? 0) }
}

/**
 * The codes of an excerpt, in the order of the line. Rejects with a SnapshotChangedError when that is no longer what it
 * was; what it has given until then is right all the same.
 */
export async function* readStretches(books: Books, excerpt: Excerpt): AsyncGenerator<Stretch> {
  const { snapshot, from, to } = excerpt
  const claims = new ClaimReader(books, excerpt)
  let position = from
  while (position < to) {
    const batches = await readPage(books, excerpt, position)
    const sources = await openSources(books, excerpt.accountId, batches)
    for (const batch of batches) {
      const source = sources.get(batch.formatId ?? batch.uploadId)
      if (source === undefined || position < batch.start || position >= batch.start + batch.count)
        throw new Error(
          `The batch at ${batch.start} of the pool ${excerpt.poolId} does not hold ${position}.`,
        )
      const end = min(batch.start + batch.count, to)
      const reader = new BatchReader(books, excerpt.accountId, batch)
      while (position < end) {
        const holders =
          position < snapshot.claimed ? await claims.next(position, min(end, snapshot.claimed)) : undefined
        const count =
          holders === undefined
            ? end - position
            : holders.reduce((sum, holder) => sum + BigInt(holder.count), 0n)
        yield { source, position, count, holders, reader, offset: position - batch.start }
        position += count
      }
      if (position === to) return
    }
  }
}

/** The codes of a stretch, from its code `at` on. SnapshotChangedError. */
export async function codesOfStretch(
  { reader, offset }: Stretch,
  at: bigint,
  count: number,
): Promise<string[]> {
  const { codes } = await reader.codes(offset + at, count)
  // The rows of an upload go when it has been undone, and never otherwise.
  if (codes.length < count) throw new SnapshotChangedError()
  return codes
}

/** A page of the line's batches, from the one that holds a position on. */
async function readPage(
  books: Books,
  { accountId, poolId, snapshot }: Excerpt,
  position: bigint,
): Promise<Batch[]> {
  const batches = await readBatchesFrom(books, accountId, poolId, position, batchesAtOnce)
  // Asked after they were read: what is true now was true then.
  if (snapshot.last !== undefined && !(await isCurrent(books, accountId, poolId, snapshot)))
    throw new SnapshotChangedError()
  if (batches.length === 0) throw new Error(`No batch of the pool ${poolId} holds the position ${position}.`)
  return batches
}

async function openSources(
  books: Books,
  accountId: string,
  batches: readonly Batch[],
): Promise<Map<string, Source>> {
  const sources = new Map<string, Source>()
  const uploads: string[] = []
  for (const { formatId, uploadId } of batches)
    if (uploadId !== undefined) uploads.push(uploadId)
    else if (!sources.has(formatId))
      sources.set(formatId, { space: await books.codeSpaces.get(books, accountId, formatId) })
  if (uploads.length === 0) return sources
  const tasks = await books.rows<{ id: string; created_at: Date }>({
    text: 'SELECT id, created_at FROM task WHERE account_id = $1 AND id = ANY($2)',
    values: [accountId, uploads],
  })
  for (const { id, created_at } of tasks) sources.set(id, { upload: { id, acceptedAt: created_at } })
  return sources
}

interface ClaimRow {
  first: string
  count: number
  recipient: string | null
  at: string
}

/** Reads the claims of a line in their order, a page at a time. */
class ClaimReader {
  readonly #books: Books
  readonly #excerpt: Excerpt
  #page: ClaimRow[] = []
  #place = 0

  constructor(books: Books, excerpt: Excerpt) {
    this.#books = books
    this.#excerpt = excerpt
  }

  /** Who holds the codes from `position` on, up to `end` or, where the page ends before, to there. */
  async next(position: bigint, end: bigint): Promise<Holder[]> {
    if (this.#place === this.#page.length) await this.#readPage(position)
    const holders: Holder[] = []
    let at = position
    for (; at < end && this.#place < this.#page.length; this.#place++) {
      const { first, count, recipient, at: claimedAt } = this.#page[this.#place] as ClaimRow
      const claimEnd = BigInt(first) + BigInt(count)
      if (BigInt(first) > at || claimEnd <= at)
        throw new Error(`The claim at ${first} of the pool ${this.#excerpt.poolId} does not hold ${at}.`)
      const heldTo = min(claimEnd, end)
      holders.push({ count: Number(heldTo - at), recipient: recipient ?? undefined, at: claimedAt })
      at = heldTo
      // It goes on in the next batch.
      if (claimEnd > end) break
    }
    if (holders.length === 0) throw new Error(`Nobody holds ${position} of the pool ${this.#excerpt.poolId}.`)
    return holders
  }

  async #readPage(position: bigint): Promise<void> {
    const { accountId, poolId } = this.#excerpt
    this.#place = 0
    this.#page = await readClaimsFrom(this.#books, accountId, poolId, position, claimsAtOnce)
  }
}

/** The claims of a pool's line from the one that holds a position on, `limit` of them at most, in their order. */
export async function readClaimsFrom(
  books: Queryable,
  accountId: string,
  poolId: string,
  position: bigint,
  limit: number,
): Promise<ClaimRow[]> {
  return await books.rows<ClaimRow>({
    name: 'read-claims-from',
    // The time as text: to read it and to write it again took as long as all the rest of a row.
    text: `
      SELECT first, count, recipient, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at
      FROM claim
      WHERE account_id = $1 AND pool_id = $2 AND first >= (
        SELECT first FROM claim WHERE account_id = $1 AND pool_id = $2 AND first <= $3 ORDER BY first DESC LIMIT 1
      )
      ORDER BY first LIMIT $4`,
    values: [accountId, poolId, position, limit],
  })
}
