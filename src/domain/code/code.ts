import { retry } from '../../async/retry.ts'
import { max, min } from '../../bigint.ts'
import type { Books } from '../books/books.ts'
import { type Batch, type CodeSource, findPlace, type Lane, type Place, readBatches } from '../pool/batch.ts'
import { type Claim, readClaims } from '../pool/claim-rows.ts'
import { readPool } from '../pool/pool.ts'
import { type CodeStatus, isCurrent, readSnapshot } from '../pool/snapshot.ts'

/** Where a code comes from: an index of a format or of an upload. */
export type CodeOrigin = CodeSource & { index: bigint }

export type CodeText = CodeOrigin & { code: string }

/** A code in a pool. Its origin never changes. Its place can until it is claimed, and never after that. */
export type Code = CodeText &
  Place & {
    /** Undefined while it is available or withdrawn. */
    claim: Claim | undefined
  }

export function statusOf({ lane, claim }: Pick<Code, 'lane' | 'claim'>): CodeStatus {
  return lane === 'WITHDRAWN' ? 'WITHDRAWN' : claim === undefined ? 'AVAILABLE' : 'CLAIMED'
}

/** The codes at the positions [from, to) of a pool. `batches` has all batches that hold them. */
export async function computeCodes(
  books: Books,
  accountId: string,
  batches: readonly Batch[],
  from: bigint,
  to: bigint,
): Promise<CodeText[]> {
  const codes: CodeText[] = []
  for (const batch of batches) {
    const begin = max(from, batch.start)
    const end = min(to, batch.start + batch.count)
    if (begin >= end) continue
    const reader = new BatchReader(books, accountId, batch)
    const { first, passed, codes: texts } = await reader.codes(begin - batch.start, Number(end - begin))
    const { formatId, uploadId } = batch
    let index = first
    let hole = 0
    for (let at = 0; at < texts.length; at++, index++) {
      for (; passed[hole] === at + hole; hole++) index++
      const code = texts[at] as string
      codes.push(formatId === undefined ? { uploadId, index, code } : { formatId, index, code })
    }
  }
  if (BigInt(codes.length) !== to - from) throw new LineMovedError()
  return codes
}

/** Codes moved between two reads: an upload was undone, or codes were withdrawn or restored. */
class LineMovedError extends Error {
  constructor() {
    super('The line of a pool changed while it was read.')
    this.name = 'LineMovedError'
  }
}

/** The places [from, to) of a list of `total` codes. */
export interface CodePage {
  from: bigint
  to: bigint
  total: bigint
  codes: Code[]
}

/** Chooses a page of a list of `total` codes, given the places of its cursors. */
export type ChoosePage = (
  total: bigint,
  after: bigint | undefined,
  before: bigint | undefined,
) => { from: bigint; to: bigint }

/**
 * A page of a pool's codes of one status: AVAILABLE in the order in which they will be claimed, CLAIMED newest first,
 * WITHDRAWN in the order in which they will be restored. Costs the same anywhere in the list. The cursors are codes of the
 * pool; one that has been claimed since is before the first available one. Resolves to undefined when one of them is not a
 * code of this pool, or is withdrawn and the list has others, or the other way round.
 *
 * The page shows one moment, even if codes move while it is read.
 */
export async function readCodes(
  books: Books,
  accountId: string,
  poolId: string,
  status: CodeStatus,
  cursors: { after: CodeOrigin | undefined; before: CodeOrigin | undefined },
  choose: ChoosePage,
): Promise<CodePage | undefined> {
  return await retryWhileMoved(async () => {
    // If this is still current at the end, everything in between was read of the same line.
    const now = await readSnapshot(books, accountId, poolId, status)
    if (now === undefined) return undefined
    const { snapshot } = now
    const { claimed } = snapshot
    const isClaimed = status === 'CLAIMED'
    const lane: Lane = status === 'WITHDRAWN' ? 'WITHDRAWN' : 'LINE'
    const after = await positionOf(books, accountId, poolId, lane, cursors.after)
    const before = await positionOf(books, accountId, poolId, lane, cursors.before)
    if (after === null || before === null) return undefined
    // Where the list begins in its lane, unless it is that of claimed codes, which runs backwards from its end.
    const start = status === 'AVAILABLE' ? claimed : 0n
    const total = isClaimed ? claimed : lane === 'LINE' ? snapshot.total - claimed : snapshot.withdrawn
    const indexOf = (position: bigint | undefined) =>
      position === undefined ? undefined : isClaimed ? claimed - 1n - position : position - start
    const { from, to } = choose(total, indexOf(after), indexOf(before))
    const read = (begin: bigint, end: bigint) =>
      readPositions(books, accountId, poolId, { lane, from: begin, to: end }, isClaimed)
    const codes = isClaimed
      ? (await read(claimed - to, claimed - from)).reverse()
      : await read(start + from, start + to)
    // Claimed codes never move.
    if (!isClaimed && !(await isCurrent(books, accountId, poolId, snapshot))) throw new LineMovedError()
    return { from, to, total, codes }
  })
}

// Each attempt after the first means that codes have moved once more.
const maxAttempts = 10

/** Calls `read` until no codes move while it reads. */
function retryWhileMoved<T>(read: () => Promise<T>): Promise<T> {
  return retry(maxAttempts, read, (error) => error instanceof LineMovedError)
}

/** The position of a code in a lane of the pool; undefined for no origin, null if the lane does not have the code. */
async function positionOf(
  books: Books,
  accountId: string,
  poolId: string,
  lane: Lane,
  origin: CodeOrigin | undefined,
): Promise<bigint | undefined | null> {
  if (origin === undefined) return undefined
  const found = await findPlace(books, accountId, origin)
  return found?.poolId === poolId && found.lane === lane ? found.position : null
}

/** The codes at the positions [from, to) of a lane of a pool, which are all `claimed` or all not. */
export async function readPositions(
  books: Books,
  accountId: string,
  poolId: string,
  { lane, from, to }: { lane: Lane; from: bigint; to: bigint },
  claimed: boolean,
): Promise<Code[]> {
  if (from >= to) return []
  const batches = await readBatches(books, accountId, poolId, from, to, lane)
  const codes = await computeCodes(books, accountId, batches, from, to)
  const claims = claimed ? await readClaims(books, accountId, poolId, from, to) : []
  let claim = 0
  return codes.map((code, offset) => {
    const position = from + BigInt(offset)
    while (claim + 1 < claims.length && (claims[claim + 1]?.first ?? position + 1n) <= position) claim += 1
    return { ...code, poolId, lane, position, claim: claims[claim] }
  })
}

/** The code with this origin, if it is in a pool. */
export async function readCode(
  books: Books,
  accountId: string,
  origin: CodeOrigin,
): Promise<Code | undefined> {
  return await retryWhileMoved(async () => {
    const found = await findPlace(books, accountId, origin)
    if (found === undefined) return undefined
    const { poolId, lane, position } = found
    const pool = await readPool(books, accountId, poolId)
    if (pool === undefined) throw new Error(`The pool ${poolId} has batches but does not exist.`)
    const claimed = lane === 'LINE' && position < pool.claimed
    const only = { lane, from: position, to: position + 1n }
    const [code] = await readPositions(books, accountId, poolId, only, claimed)
    const { formatId, uploadId, index } = origin
    if (code?.index !== index || code.formatId !== formatId || code.uploadId !== uploadId)
      throw new LineMovedError()
    return code
  })
}

/** Indices of a format or of an upload, from `first` on without those at `passed`: ascending offsets from `first`. */
export interface IndexRun {
  first: bigint
  passed: readonly number[]
}

/** Reads the codes of a batch: computes those of a format, reads those of an upload. */
export class BatchReader {
  readonly #books: Books
  readonly #accountId: string
  readonly #batch: Batch
  // Cached: below the format's `next`, holes never change.
  #holes: bigint[] | undefined

  constructor(books: Books, accountId: string, batch: Batch) {
    this.#books = books
    this.#accountId = accountId
    this.#batch = batch
  }

  /** The `count` codes from `offset` on; fewer if the codes of an undone upload have been removed. */
  async codes(offset: bigint, count: number): Promise<IndexRun & { codes: string[] }> {
    const run = await this.indices(offset, count)
    const { formatId, uploadId } = this.#batch
    if (formatId === undefined)
      return { ...run, codes: await this.#readUploadedCodes(uploadId, run.first, count) }
    const space = await this.#books.codeSpaces.get(this.#books, this.#accountId, formatId)
    const codes = space.codesAt(run.first, count + run.passed.length)
    return { ...run, codes: run.passed.length === 0 ? codes : without(codes, run.passed) }
  }

  /** The indices of the `count` codes from `offset` on. */
  async indices(offset: bigint, count: number): Promise<IndexRun> {
    this.#holes ??= await this.#readHoles(this.#batch)
    const holes = this.#holes
    let first = this.#batch.first + offset
    let next = 0
    for (; next < holes.length && (holes[next] as bigint) <= first; next++) first += 1n
    const passed: number[] = []
    for (; next < holes.length; next++) {
      const at = Number((holes[next] as bigint) - first)
      if (at >= count + passed.length) break
      passed.push(at)
    }
    return { first, passed }
  }

  /**
   * The total length of uploaded codes, if all of them exist and consist of ASCII letters and digits and, after the first
   * character, dots, dashes and underscores. Undefined otherwise, and for generated codes.
   */
  async plainLength(offset: bigint, count: number): Promise<bigint | undefined> {
    const { uploadId, first } = this.#batch
    if (uploadId === undefined) return undefined
    const [row] = await this.#books.rows<{ length: string | null }>({
      name: 'measure-uploaded-codes',
      text: `
        SELECT CASE WHEN count(*) = $5 AND bool_and(code ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$') THEN sum(length(code)) END AS length
        FROM uploaded_code WHERE account_id = $1 AND task_id = $2 AND row >= $3 AND row < $4`,
      values: [this.#accountId, uploadId, first + offset, first + offset + BigInt(count), count],
    })
    return row?.length == null ? undefined : BigInt(row.length)
  }

  async #readHoles({ formatId, first, count, holes }: Batch): Promise<bigint[]> {
    if (holes === 0) return []
    const rows = await this.#books.rows<{ index: string }>({
      name: 'read-holes',
      text: `
        SELECT index FROM taken
        WHERE account_id = $1 AND format_id = $2 AND index >= $3 AND index < $4 ORDER BY index`,
      values: [this.#accountId, formatId, first, first + count + BigInt(holes)],
    })
    if (rows.length !== holes)
      throw new Error(
        `The batch at ${first} of the format ${formatId} has ${rows.length} holes, not ${holes}.`,
      )
    return rows.map(({ index }) => BigInt(index))
  }

  async #readUploadedCodes(uploadId: string, first: bigint, count: number): Promise<string[]> {
    const rows = await this.#books.rows<{ code: string }>({
      name: 'read-uploaded-codes',
      text: `
        SELECT code FROM uploaded_code
        WHERE account_id = $1 AND task_id = $2 AND row >= $3 AND row < $4 ORDER BY row`,
      values: [this.#accountId, uploadId, first, first + BigInt(count)],
    })
    return rows.map(({ code }) => code)
  }
}

/** The values without those at `passed`, which is ascending. */
function without<T>(values: readonly T[], passed: readonly number[]): T[] {
  let next = 0
  return values.filter((_value, at) => {
    if (passed[next] !== at) return true
    next += 1
    return false
  })
}
