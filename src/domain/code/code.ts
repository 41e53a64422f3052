import { max, min } from '../../bigint.ts'
import type { Books } from '../books/books.ts'
import { type Batch, type CodeSource, findPosition, readBatches } from '../pool/batch.ts'
import { readClaims } from '../pool/claim-rows.ts'
import { readPool } from '../pool/pool.ts'
import { type CodeStatus, isCurrent, readSnapshot } from '../pool/snapshot.ts'
import { BatchReader } from './batch-reader.ts'

/** What a code comes from, and which of its codes it is: the index of a format, or the row of an upload. */
export type CodeOrigin = CodeSource & { index: bigint }

/** A code with its text. */
export type CodeText = CodeOrigin & { code: string }

/** A code in a pool. Its origin never changes; its position may. */
export type Code = CodeText & {
  poolId: string
  /** When and for whom it was claimed; nothing while it is available. */
  claim: { at: Date; recipient: string | undefined } | undefined
}

/** The codes at positions [from, to) of a pool, which `batches` hold. */
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
  if (BigInt(codes.length) !== to - from) throw new CodesMissingError(from, to)
  return codes
}

/** Batches do not hold all codes that they should: an upload was undone between two reads. */
class CodesMissingError extends Error {
  constructor(from: bigint, to: bigint) {
    super(`The batches do not hold all of the positions ${from} to ${to}.`)
    this.name = 'CodesMissingError'
  }
}

/** A page of a list of codes: its places [from, to) of `total`. */
export interface CodePage {
  from: bigint
  to: bigint
  total: bigint
  codes: Code[]
}

/** Chooses a page of a list by the length of the list and the places of its cursors. */
export type ChoosePage = (
  total: bigint,
  after: bigint | undefined,
  before: bigint | undefined,
) => { from: bigint; to: bigint }

/**
 * A page of a pool's codes of one status: AVAILABLE ones in the order in which they will be claimed, CLAIMED ones newest
 * first. It costs the same anywhere in the list. The cursors are codes of the pool; one that has been claimed meanwhile
 * comes before the first available one. Resolves to nothing when one of them is not a code of this pool.
 *
 * The page shows one moment, even if an upload is undone while it is read, which moves the codes behind it.
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
    // Read first: if it is still current at the end, everything in between was read from the same line.
    const now = await readSnapshot(books, accountId, poolId, status)
    if (now === undefined) return { done: true, value: undefined }
    const { snapshot } = now
    const after = await positionOf(books, accountId, poolId, cursors.after)
    const before = await positionOf(books, accountId, poolId, cursors.before)
    if (after === null || before === null) return { done: true, value: undefined }
    const { claimed } = snapshot
    const available = status === 'AVAILABLE'
    const total = available ? snapshot.total - claimed : claimed
    const place = (position: bigint | undefined) =>
      position === undefined ? undefined : available ? position - claimed : claimed - 1n - position
    const { from, to } = choose(total, place(after), place(before))
    const codes = available
      ? await readPositions(books, accountId, poolId, claimed + from, claimed + to, false)
      : (await readPositions(books, accountId, poolId, claimed - to, claimed - from, true)).reverse()
    // Claimed codes never move.
    const done = !available || (await isCurrent(books, accountId, poolId, snapshot))
    return { done, value: { from, to, total, codes } }
  })
}

// Each further attempt needs another upload to be undone meanwhile.
const maxAttempts = 10

/** Reads a pool's line again until no codes have moved meanwhile, which is when `read` says that it is done. */
async function retryWhileMoved<T>(read: () => Promise<{ done: boolean; value: T }>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { done, value } = await read()
      if (done) return value
      if (attempt === maxAttempts)
        throw new Error(`The line of a pool changed during each of ${maxAttempts} attempts to read it.`)
    } catch (error) {
      if (!(error instanceof CodesMissingError) || attempt === maxAttempts) throw error
    }
  }
}

/** The position of a code in the pool; nothing for no code, null for one that the pool does not have. */
async function positionOf(
  books: Books,
  accountId: string,
  poolId: string,
  origin: CodeOrigin | undefined,
): Promise<bigint | undefined | null> {
  if (origin === undefined) return undefined
  const found = await findPosition(books, accountId, origin)
  return found?.poolId === poolId ? found.position : null
}

async function readPositions(
  books: Books,
  accountId: string,
  poolId: string,
  from: bigint,
  to: bigint,
  claimed: boolean,
): Promise<Code[]> {
  if (from >= to) return []
  const batches = await readBatches(books, accountId, poolId, from, to)
  const codes = await computeCodes(books, accountId, batches, from, to)
  const claims = claimed ? await readClaims(books, accountId, poolId, from, to) : []
  let claim = 0
  return codes.map((code, offset) => {
    const position = from + BigInt(offset)
    while (claim + 1 < claims.length && (claims[claim + 1]?.first ?? position + 1n) <= position) claim += 1
    const holder = claims[claim]
    return { ...code, poolId, claim: holder && { at: holder.at, recipient: holder.recipient } }
  })
}

/** The code of an origin, if it is in a pool. */
export async function readCode(
  books: Books,
  accountId: string,
  origin: CodeOrigin,
): Promise<Code | undefined> {
  return await retryWhileMoved(async () => {
    const found = await findPosition(books, accountId, origin)
    if (found === undefined) return { done: true, value: undefined }
    const { poolId, position } = found
    const pool = await readPool(books, accountId, poolId)
    if (pool === undefined) throw new Error(`The pool ${poolId} has batches and does not exist.`)
    const claimed = position < pool.claimed
    const [code] = await readPositions(books, accountId, poolId, position, position + 1n, claimed)
    const { formatId, uploadId, index } = origin
    return {
      done: code?.index === index && code.formatId === formatId && code.uploadId === uploadId,
      value: code,
    }
  })
}
