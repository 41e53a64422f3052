import type { Queryable } from '../database/transaction.ts'
import { type Batch, type CodeSource, findPosition, readBatches } from './batch.ts'
import { BatchReader } from './batch-codes.ts'
import type { Books } from './books.ts'
import { readPool } from './pool.ts'

/** What a code comes from, and which of its codes it is: the index of a format, or the row of an upload. */
export type CodeOrigin = CodeSource & { index: bigint }

/** A code with its text. */
export type CodeText = CodeOrigin & { code: string }

/** A code in a pool. Its origin never changes. */
export type Code = CodeText & {
  poolId: string
  /** When and to whom it was handed out; nothing while it is available. */
  claim: { at: Date; recipient: string | undefined } | undefined
}

export type CodeStatus = 'AVAILABLE' | 'CLAIMED'

/**
 * The origins and texts of the codes at positions [from, to) of a pool, whose batches are given: generated ones are
 * computed, uploaded ones are read.
 */
export async function computeCodes(
  books: Books,
  accountId: string,
  batches: readonly Batch[],
  from: bigint,
  to: bigint,
): Promise<CodeText[]> {
  const codes: CodeText[] = []
  for (const batch of batches) {
    const begin = from > batch.start ? from : batch.start
    const end = to < batch.start + batch.count ? to : batch.start + batch.count
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
  if (BigInt(codes.length) !== to - from)
    throw new Error(`The batches do not hold all of the positions ${from} to ${to}.`)
  return codes
}

/** A page of a pool's codes, as places in the order of their list: [from, to) of `total`. */
export interface CodePage {
  from: bigint
  to: bigint
  total: bigint
  codes: Code[]
}

/** Chooses a page when the length of the list and the places of two codes in it are known. */
export type ChoosePage = (
  total: bigint,
  after: bigint | undefined,
  before: bigint | undefined,
) => { from: bigint; to: bigint }

/**
 * A page of a pool's codes of one status: AVAILABLE ones in the order in which they will be claimed, CLAIMED ones
 * newest first. It costs the same anywhere in the list. `after` and `before` are codes of the pool; one that has
 * been claimed meanwhile comes before the first available one. Resolves to nothing when one of them is not a code
 * of this pool.
 */
export async function readCodes(
  books: Books,
  accountId: string,
  poolId: string,
  status: CodeStatus,
  cursors: { after: CodeOrigin | undefined; before: CodeOrigin | undefined },
  choose: ChoosePage,
): Promise<CodePage | undefined> {
  const after = await positionOf(books, accountId, poolId, cursors.after)
  const before = await positionOf(books, accountId, poolId, cursors.before)
  if (after === null || before === null) return undefined
  // Read after the positions: what has a position by then is on this line.
  const pool = await readPool(books, accountId, poolId)
  if (pool === undefined) return undefined
  const available = status === 'AVAILABLE'
  const total = available ? pool.total - pool.claimed : pool.claimed
  const place = (position: bigint | undefined) =>
    position === undefined ? undefined : available ? position - pool.claimed : pool.claimed - 1n - position
  const { from, to } = choose(total, place(after), place(before))
  const codes = available
    ? await readPositions(books, accountId, poolId, pool.claimed + from, pool.claimed + to, false)
    : (await readPositions(books, accountId, poolId, pool.claimed - to, pool.claimed - from, true)).reverse()
  return { from, to, total, codes }
}

/** Where a code lies in the pool; nothing for no code, null for one that the pool does not have. */
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

/** The code of an origin, if it has been generated. */
export async function readCode(
  books: Books,
  accountId: string,
  origin: CodeOrigin,
): Promise<Code | undefined> {
  const found = await findPosition(books, accountId, origin)
  if (found === undefined) return undefined
  const pool = await readPool(books, accountId, found.poolId)
  if (pool === undefined) throw new Error(`The pool ${found.poolId} has batches and does not exist.`)
  const [code] = await readPositions(
    books,
    accountId,
    found.poolId,
    found.position,
    found.position + 1n,
    found.position < pool.claimed,
  )
  return code
}

export interface ClaimRow {
  first: bigint
  count: number
  recipient: string | undefined
  at: Date
  nonce: bigint
}

/** The claims that hold positions [from, to) of a pool, in their order. */
export async function readClaims(
  books: Queryable,
  accountId: string,
  poolId: string,
  from: bigint,
  to: bigint,
): Promise<ClaimRow[]> {
  const rows = await books.rows<{
    first: string
    count: number
    recipient: string | null
    at: Date
    nonce: string
  }>({
    name: 'read-claims',
    text: `
      SELECT first, count, recipient, at, nonce FROM claim
      WHERE account_id = $1 AND pool_id = $2 AND first < $4 AND first >= (
        SELECT first FROM claim WHERE account_id = $1 AND pool_id = $2 AND first <= $3 ORDER BY first DESC LIMIT 1
      )
      ORDER BY first`,
    values: [accountId, poolId, from, to],
  })
  return rows.map((row) => ({
    first: BigInt(row.first),
    count: row.count,
    recipient: row.recipient ?? undefined,
    at: row.at,
    nonce: BigInt(row.nonce),
  }))
}
