import { min } from '../../bigint.ts'
import type { CodeSpace } from '../../codespace/codespace.ts'
import type { Books } from '../books/books.ts'
import { type Batch, readBatches } from '../pool/batch.ts'
import { type ClaimText, readClaimsFrom } from '../pool/claim-rows.ts'
import { isCurrent, type Snapshot } from '../pool/snapshot.ts'
import { BatchReader } from './code.ts'

/**
 * Reads a pool's line from end to end, for files of any length. It keeps no transaction open: codes that were read
 * only change if an upload is undone, which is detected (see `Snapshot`).
 */

/** Positions [from, to) of a snapshot. */
export interface Excerpt {
  accountId: string
  poolId: string
  snapshot: Snapshot
  from: bigint
  to: bigint
}

/** A format, or an upload with the time at which it was accepted. */
export type OpenedSource =
  | { space: CodeSpace; upload?: never }
  | { space?: never; upload: { id: string; acceptedAt: Date } }

/** Adjacent codes of the line that come from one source and are all claimed or all available. */
export interface Stretch {
  source: OpenedSource
  /** The position of the first code. */
  position: bigint
  count: bigint
  /** The claims of the codes, in order; undefined if they are available. */
  holders: Holder[] | undefined
  /** Reads the batch of the codes, in which they begin at `offset`. */
  reader: BatchReader
  offset: bigint
}

/** A claim of `count` codes of a stretch. */
export type Holder = Omit<ClaimText, 'first' | 'count'> & { count: number }

/** An upload with codes in the snapshot has been undone, so the rest cannot be read. */
export class SnapshotChangedError extends Error {
  constructor() {
    super('An upload whose codes were in this file has been undone since.')
    this.name = 'SnapshotChangedError'
  }
}

// How much of a line is in memory at a time. A recipient can have a thousand characters.
const batchesAtOnce = 1_000
const claimsAtOnce = 2_000

/**
 * Yields the codes of an excerpt, in the order of the line. Rejects with a SnapshotChangedError once the snapshot is no
 * longer current; the codes until then are correct.
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

/** Divides a stretch into stretches of at most `maxCount` codes. */
export function* cut(stretch: Stretch, maxCount: number): Generator<Stretch> {
  const holders = stretch.holders?.slice()
  for (let at = 0n; at < stretch.count; at += BigInt(maxCount)) {
    const count = min(stretch.count - at, BigInt(maxCount))
    yield {
      ...stretch,
      position: stretch.position + at,
      offset: stretch.offset + at,
      count,
      holders: holders && removeFirst(holders, Number(count)),
    }
  }
}

/** Removes the holders of the first `count` codes from a list and returns them. */
function removeFirst(holders: Holder[], count: number): Holder[] {
  let missing = count
  const whole = holders.findIndex((holder) => {
    if (holder.count > missing) return true
    missing -= holder.count
    return false
  })
  const removed = holders.splice(0, whole === -1 ? holders.length : whole)
  if (missing > 0) {
    const [next] = holders
    if (next === undefined) throw new Error('A stretch has more codes than its holders.')
    removed.push({ ...next, count: missing })
    holders[0] = { ...next, count: next.count - missing }
  }
  return removed
}

/** The codes of a stretch as text. Rejects with a SnapshotChangedError if they have been removed. */
export async function codesOf({ reader, offset, count }: Stretch): Promise<string[]> {
  const { codes } = await reader.codes(offset, Number(count))
  // Codes of an upload are only removed after it has been undone.
  if (codes.length < count) throw new SnapshotChangedError()
  return codes
}

/** The next batches of the line, from the one that holds a position on. */
async function readPage(
  books: Books,
  { accountId, poolId, snapshot }: Excerpt,
  position: bigint,
): Promise<Batch[]> {
  const batches = await readBatches(books, accountId, poolId, position, { limit: batchesAtOnce })
  // Checked after the read: a snapshot that is current now was current then.
  if (snapshot.total > snapshot.claimed && !(await isCurrent(books, accountId, poolId, snapshot)))
    throw new SnapshotChangedError()
  if (batches.length === 0) throw new Error(`No batch of the pool ${poolId} holds the position ${position}.`)
  return batches
}

async function openSources(
  books: Books,
  accountId: string,
  batches: readonly Batch[],
): Promise<Map<string, OpenedSource>> {
  const sources = new Map<string, OpenedSource>()
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

/** Reads the claims of a line in order, page by page. */
class ClaimReader {
  readonly #books: Books
  readonly #excerpt: Excerpt
  #page: ClaimText[] = []
  /** The next claim of the page. */
  #next = 0

  constructor(books: Books, excerpt: Excerpt) {
    this.#books = books
    this.#excerpt = excerpt
  }

  /** The holders of the codes from `position` on, up to `end` or the end of the page. */
  async next(position: bigint, end: bigint): Promise<Holder[]> {
    const { accountId, poolId } = this.#excerpt
    if (this.#next === this.#page.length) {
      this.#page = await readClaimsFrom(this.#books, accountId, poolId, position, claimsAtOnce)
      this.#next = 0
    }
    const holders: Holder[] = []
    let held = position
    for (; held < end && this.#next < this.#page.length; this.#next++) {
      const { first, count, ...holder } = this.#page[this.#next] as ClaimText
      const claimEnd = first + count
      if (first > held || claimEnd <= held)
        throw new Error(`The claim at ${first} of the pool ${poolId} does not hold ${held}.`)
      const heldTo = min(claimEnd, end)
      holders.push({ ...holder, count: Number(heldTo - held) })
      held = heldTo
      // The claim continues in the next batch.
      if (claimEnd > end) break
    }
    if (holders.length === 0) throw new Error(`No claim holds ${position} of the pool ${poolId}.`)
    return holders
  }
}
