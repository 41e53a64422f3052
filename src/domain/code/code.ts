import { retry } from '../../async/retry.ts'
import { max, min } from '../../bigint.ts'
import type { IndexRun } from '../../codespace/index-run.ts'
import type { Books } from '../books/books.ts'
import { type Batch, type CodeSource, findPlace, type Lane, type Place, readBatches } from '../pool/batch.ts'
import { type Claim, readClaims } from '../pool/claim-rows.ts'
import { readPool } from '../pool/pool.ts'
import { type CodeStatus, isCurrent, readSnapshot } from '../pool/snapshot.ts'
import { type HolesAhead, readHoles } from './holes.ts'

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

/** The codes at the positions [from, to) of a pool. `batches` has all batches that hold them. `ahead`: if others follow. */
export async function computeCodes(
  books: Books,
  accountId: string,
  batches: readonly Batch[],
  from: bigint,
  to: bigint,
  ahead?: HolesAhead,
): Promise<CodeText[]> {
  const holding = batches.filter(({ start, count }) => start < to && start + count > from)
  const holes = await (ahead?.read(accountId, holding) ?? readHoles(books, accountId, holding))
  const codes: CodeText[] = []
  let runs: IndexRun[] = []
  for (const [i, batch] of holding.entries()) {
    const { start, count, formatId, uploadId } = batch
    const begin = max(from, start)
    runs.push(runWithin(batch, holes[i] ?? [], begin - start, Number(min(to, start + count) - begin)))
    const next = holding[i + 1]
    // Together with those of the next batch: each computation has a cost of its own.
    if (next !== undefined && next.formatId === formatId && next.uploadId === uploadId) continue
    addCodes(codes, batch, runs, await readTexts(books, accountId, batch, runs))
    runs = []
  }
  if (BigInt(codes.length) !== to - from) throw new LineMovedError()
  return codes
}

/** Adds the codes of runs of a source, given their texts. */
function addCodes(
  codes: CodeText[],
  { formatId, uploadId }: CodeSource,
  runs: readonly IndexRun[],
  texts: readonly string[],
): void {
  let text = 0
  for (const { first, count, passed } of runs) {
    let index = first
    let hole = 0
    for (const end = Math.min(text + count, texts.length), start = text; text < end; text++, index++) {
      for (; passed[hole] === text - start + hole; hole++) index++
      const code = texts[text] as string
      codes.push(formatId === undefined ? { uploadId, index, code } : { formatId, index, code })
    }
  }
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
  async codes(offset: bigint, count: number): Promise<string[]> {
    const run = await this.indices(offset, count)
    return await readTexts(this.#books, this.#accountId, this.#batch, [run])
  }

  /** The indices of the `count` codes from `offset` on. */
  async indices(offset: bigint, count: number): Promise<IndexRun> {
    this.#holes ??= (await readHoles(this.#books, this.#accountId, [this.#batch]))[0] ?? []
    return runWithin(this.#batch, this.#holes, offset, count)
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
}

/** The indices of the `count` codes of a batch from `offset` on, given all its holes. */
function runWithin(batch: Batch, holes: readonly bigint[], offset: bigint, count: number): IndexRun {
  let first = batch.first + offset
  let next = 0
  for (; next < holes.length && (holes[next] as bigint) <= first; next++) first += 1n
  const passed: number[] = []
  for (; next < holes.length; next++) {
    const at = Number((holes[next] as bigint) - first)
    if (at >= count + passed.length) break
    passed.push(at)
  }
  return { first, count, passed }
}

/** The codes of runs of a source, in their order; fewer if the codes of an undone upload have been removed. */
async function readTexts(
  books: Books,
  accountId: string,
  { formatId, uploadId }: CodeSource,
  runs: readonly IndexRun[],
): Promise<string[]> {
  if (formatId !== undefined)
    return (await books.codeSpaces.get(books, accountId, formatId)).codesOfRuns(runs)
  const texts: string[] = []
  for (const { first, count } of runs) {
    const rows = await books.rows<{ code: string }>({
      name: 'read-uploaded-codes',
      text: `
        SELECT code FROM uploaded_code
        WHERE account_id = $1 AND task_id = $2 AND row >= $3 AND row < $4 ORDER BY row`,
      values: [accountId, uploadId, first, first + BigInt(count)],
    })
    for (const { code } of rows) texts.push(code)
  }
  return texts
}
