import { readAhead } from '../../async/read-ahead.ts'
import { min } from '../../bigint.ts'
import type { CodeSpace } from '../../codespace/codespace.ts'
import type { Books } from '../books/books.ts'
import { BatchReader } from '../code/code.ts'
import { type Batch, readBatches } from '../pool/batch.ts'
import { type FileClaim, readClaimPages } from '../pool/claim-rows.ts'
import type { LaneRange } from '../pool/ranges.ts'
import { isCurrent, type Snapshot } from '../pool/snapshot.ts'
import { type PastRedemption, type PastUsage, readPastUsage } from './past-usage.ts'
import type { CodeValidity } from './usage.ts'

/**
 * Reads the codes of a pool from end to end, with what had become of them at a snapshot, for files of any length. It keeps no
 * transaction open: what was read can only change in ways that end the snapshot, which is detected (see `Snapshot`).
 */

/** Some codes of a snapshot, in the order of `ranges`. */
export interface Excerpt {
  accountId: string
  poolId: string
  snapshot: Snapshot
  ranges: readonly LaneRange[]
}

/** A format, or an upload with the time at which it was accepted. */
export type OpenedSource =
  | { space: CodeSpace; upload?: never }
  | { space?: never; upload: { id: string; acceptedAt: Date } }

/** Adjacent codes of a lane that come from one source and are all claimed or all not. */
export interface Stretch {
  source: OpenedSource
  count: bigint
  /** What had become of the codes, in order. */
  runs: Run[]
  /** Reads the batch of the codes, in which they begin at `offset`. */
  reader: BatchReader
  offset: bigint
}

/** Adjacent codes of which the same had become. */
export interface Run {
  count: bigint
  validity: CodeValidity
  /** Undefined if they were not claimed. */
  claim: Pick<FileClaim, 'recipient' | 'at' | 'expiresAt'> | undefined
  /** Of a redeemed code. */
  redemption: PastRedemption | undefined
}

/** A snapshot has ended: codes were withdrawn or restored, an upload was undone, or a recipient was forgotten. */
export class SnapshotChangedError extends Error {
  constructor() {
    super(
      'The pool can no longer be read as it was: codes were withdrawn or restored, an upload was undone, or a recipient was ' +
        'forgotten.',
    )
    this.name = 'SnapshotChangedError'
  }
}

// How much of a pool is in memory at a time. A recipient and a reference can have a thousand characters. With half as many claims
// in each statement, a file takes a tenth more processor time.
const batchesAtOnce = 1_000
const claimsAtOnce = 4_000
const usesAtOnce = 2_000

/**
 * Yields the codes of an excerpt, in its order. Rejects with a SnapshotChangedError once the snapshot is no longer current; the
 * codes until then are correct.
 */
export async function* readStretches(books: Books, excerpt: Excerpt): AsyncGenerator<Stretch> {
  for (const range of excerpt.ranges) yield* readRange(books, excerpt, range)
}

async function* readRange(books: Books, excerpt: Excerpt, range: LaneRange): AsyncGenerator<Stretch> {
  const claimedTo = range.lane === 'LINE' ? min(excerpt.snapshot.claimed, range.to) : range.from
  const claimed = new ClaimedReader(books, excerpt, range.from, claimedTo)
  try {
    yield* readWithClaims(books, excerpt, range, claimed)
  } finally {
    await claimed.close()
  }
}

async function* readWithClaims(
  books: Books,
  excerpt: Excerpt,
  range: LaneRange,
  claimed: ClaimedReader,
): AsyncGenerator<Stretch> {
  const { accountId, poolId } = excerpt
  const { lane, from, to } = range
  let position = from
  while (position < to) {
    const batches = await readPage(books, excerpt, range, position)
    const sources = await openSources(books, accountId, batches)
    for (const batch of batches) {
      const source = sources.get(batch.formatId ?? batch.uploadId)
      if (source === undefined || position < batch.start || position >= batch.start + batch.count)
        throw new Error(`The batch at ${batch.start} of the pool ${poolId} does not hold ${position}.`)
      const end = min(batch.start + batch.count, to)
      const reader = new BatchReader(books, accountId, batch)
      while (position < end) {
        const runs =
          position < claimed.to
            ? await claimed.runs(position, min(end, claimed.to))
            : [unclaimed(lane === 'LINE' ? 'NOT_CLAIMED' : 'WITHDRAWN', end - position)]
        const count = runs.reduce((sum, run) => sum + run.count, 0n)
        yield { source, count, runs, reader, offset: position - batch.start }
        position += count
      }
      if (position === to) return
    }
  }
}

function unclaimed(validity: 'NOT_CLAIMED' | 'WITHDRAWN', count: bigint): Run {
  return { count, validity, claim: undefined, redemption: undefined }
}

/** Divides a stretch into stretches of at most `maxCount` codes. */
export function* cut(stretch: Stretch, maxCount: number): Generator<Stretch> {
  if (stretch.count <= maxCount) return yield stretch
  const runs = stretch.runs.slice()
  for (let at = 0n; at < stretch.count; at += BigInt(maxCount)) {
    const count = min(stretch.count - at, BigInt(maxCount))
    yield { ...stretch, offset: stretch.offset + at, count, runs: removeFirst(runs, count) }
  }
}

/** Removes the runs of the first `count` codes from a list and returns them. */
function removeFirst(runs: Run[], count: bigint): Run[] {
  let missing = count
  const whole = runs.findIndex((run) => {
    if (run.count > missing) return true
    missing -= run.count
    return false
  })
  const removed = runs.splice(0, whole === -1 ? runs.length : whole)
  if (missing > 0n) {
    const [next] = runs
    if (next === undefined) throw new Error('A stretch has more codes than its runs.')
    removed.push({ ...next, count: missing })
    runs[0] = { ...next, count: next.count - missing }
  }
  return removed
}

/** The codes of a stretch as text. Rejects with a SnapshotChangedError if they have been removed. */
export async function codesOf({ reader, offset, count }: Stretch): Promise<string[]> {
  const codes = await reader.codes(offset, Number(count))
  // Codes of an upload are only removed after it has been undone.
  if (codes.length < count) throw new SnapshotChangedError()
  return codes
}

/** The next batches of a range, from the one that holds a position on. */
async function readPage(
  books: Books,
  { accountId, poolId, snapshot }: Excerpt,
  { lane }: LaneRange,
  position: bigint,
): Promise<Batch[]> {
  const batches = await readBatches(books, accountId, poolId, position, { limit: batchesAtOnce }, lane)
  // Checked after the read: a snapshot that is current now was current then.
  if (!(await isCurrent(books, accountId, poolId, snapshot))) throw new SnapshotChangedError()
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

/** Reads in order, page by page, who claimed the codes of a line, and what had become of them. Must be closed. */
class ClaimedReader {
  /** The positions before this one, from that of the first call on, are those of claimed codes. */
  readonly to: bigint
  readonly #books: Books
  readonly #excerpt: Excerpt
  /** Each is read while the one before it is used: at most two are in memory. */
  readonly #pages: AsyncGenerator<FileClaim[], void>
  #claims: FileClaim[] = []
  /** The next claim of the page. */
  #claim = 0
  #usage: PastUsage = { redemptions: [], voids: [], until: 0n }
  /** The first redemption and void of the page that may be at or after the next position. */
  #redemption = 0
  #void = 0

  constructor(books: Books, excerpt: Excerpt, from: bigint, to: bigint) {
    this.to = to
    this.#books = books
    this.#excerpt = excerpt
    const { accountId, poolId } = excerpt
    this.#pages = readAhead(readClaimPages(books, accountId, poolId, { from, to, limit: claimsAtOnce }))
  }

  async close(): Promise<void> {
    await this.#pages.return()
  }

  /** What had become of the codes from `position` on, up to `end` or the end of a page. */
  async runs(position: bigint, end: bigint): Promise<Run[]> {
    await this.#readPages(position)
    const until = min(end, this.#usage.until)
    const runs: Run[] = []
    let reached = position
    for (; reached < until && this.#claim < this.#claims.length; this.#claim++) {
      const claim = this.#claims[this.#claim] as FileClaim
      const claimEnd = claim.first + claim.count
      if (claim.first > reached || claimEnd <= reached)
        throw new Error(
          `The claim at ${claim.first} of the pool ${this.#excerpt.poolId} does not hold ${reached}.`,
        )
      const to = min(claimEnd, until)
      this.#addRuns(runs, claim, reached, to)
      reached = to
      // The claim continues in the next batch, or on the next page.
      if (claimEnd > until) break
    }
    if (runs.length === 0) throw new Error(`No claim holds ${position} of the pool ${this.#excerpt.poolId}.`)
    return runs
  }

  async #readPages(position: bigint): Promise<void> {
    const { accountId, poolId, snapshot } = this.#excerpt
    const { to } = this
    if (this.#claim === this.#claims.length) {
      this.#claims = (await this.#pages.next()).value ?? []
      this.#claim = 0
    }
    if (position < this.#usage.until) return
    const { usage } = snapshot
    this.#usage =
      // Nothing has ever been redeemed or void.
      usage === 0n
        ? { redemptions: [], voids: [], until: to }
        : await readPastUsage(this.#books, accountId, poolId, {
            usage,
            from: position,
            to,
            limit: usesAtOnce,
          })
    this.#redemption = 0
    this.#void = 0
  }

  /** Adds what had become of the codes [from, to) of a claim. */
  #addRuns(runs: Run[], claim: FileClaim, from: bigint, to: bigint): void {
    const { redemptions, voids } = this.#usage
    const validity = this.#hasExpired(claim.expiresAt) ? 'EXPIRED' : 'VALID'
    for (let position = from; position < to; ) {
      while ((redemptions[this.#redemption]?.position ?? position) < position) this.#redemption++
      while ((voids[this.#void]?.end ?? to) <= position) this.#void++
      const redemption = redemptions[this.#redemption]
      if (redemption?.position === position) {
        runs.push({ count: 1n, validity: 'REDEEMED', claim, redemption })
        position += 1n
        continue
      }
      const next = voids[this.#void]
      const isVoid = next !== undefined && next.first <= position
      const end = min(min(to, redemption?.position ?? to), (isVoid ? next.end : next?.first) ?? to)
      runs.push({
        count: end - position,
        validity: isVoid ? 'VOIDED' : validity,
        claim,
        redemption: undefined,
      })
      position = end
    }
  }

  #hasExpired(expiresAt: number | undefined): boolean {
    return expiresAt !== undefined && expiresAt <= this.#excerpt.snapshot.at.getTime()
  }
}
