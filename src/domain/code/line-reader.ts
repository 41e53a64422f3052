import { min } from '../../bigint.ts'
import type { CodeSpace } from '../../codespace/codespace.ts'
import type { Books } from '../books/books.ts'
import { type Batch, readBatchesFrom } from '../pool/batch.ts'
import { readClaimsFrom, type WrittenClaim } from '../pool/claim-rows.ts'
import { isCurrent, type Snapshot } from '../pool/snapshot.ts'
import { BatchReader } from './batch-reader.ts'

/**
 * A pool's line read from end to end, for files of any length. No transaction stays open for it: what it would hold
 * on to cannot change, but for one thing, which is found out (see `Snapshot`).
 */

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

/** Reads the claims of a line in their order, a page at a time. */
class ClaimReader {
  readonly #books: Books
  readonly #excerpt: Excerpt
  #page: WrittenClaim[] = []
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
      const { first, count, recipient, at: claimedAt } = this.#page[this.#place] as WrittenClaim
      const claimEnd = first + BigInt(count)
      if (first > at || claimEnd <= at)
        throw new Error(`The claim at ${first} of the pool ${this.#excerpt.poolId} does not hold ${at}.`)
      const heldTo = min(claimEnd, end)
      holders.push({ count: Number(heldTo - at), recipient, at: claimedAt })
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
