import type { Queryable, RowOf } from '../../database/transaction.ts'

/** A claim of the positions [first, first + count) of a pool, for one recipient. */
export interface Claim {
  first: bigint
  count: number
  recipient: string | undefined
  at: Date
  /** Tells whether a transaction whose COMMIT was not answered has written this claim. */
  nonce: bigint
}

/** A claim as in files: `at` is ISO 8601 in UTC with milliseconds, as in the API. */
export type WrittenClaim = Omit<Claim, 'at' | 'nonce'> & { at: string }

// The claim that holds `from` begins at or before it. The index finds it, however many claims precede it.
const claimsFrom = `
  FROM claim WHERE account_id = $1 AND pool_id = $2 AND first >= (
    SELECT first FROM claim WHERE account_id = $1 AND pool_id = $2 AND first <= $3 ORDER BY first DESC LIMIT 1
  )`

/** The claims of the positions [from, to) of a pool, in order. */
export async function readClaims(
  books: Queryable,
  accountId: string,
  poolId: string,
  from: bigint,
  to: bigint,
): Promise<Claim[]> {
  const rows = await books.rows<RowOf<Claim>>({
    name: 'read-claims',
    text: `SELECT first, count, recipient, at, nonce ${claimsFrom} AND first < $4 ORDER BY first`,
    values: [accountId, poolId, from, to],
  })
  return rows.map((row) => ({
    ...row,
    first: BigInt(row.first),
    recipient: row.recipient ?? undefined,
    nonce: BigInt(row.nonce),
  }))
}

/** At most `limit` claims of a pool, in order, from the one that holds the position `from` on. */
export async function readClaimsFrom(
  books: Queryable,
  accountId: string,
  poolId: string,
  from: bigint,
  limit: number,
): Promise<WrittenClaim[]> {
  const rows = await books.rows<RowOf<WrittenClaim>>({
    name: 'read-claims-from',
    // Times as text: parsing and formatting them took as long as all other work on a row.
    text: `
      SELECT first, count, recipient, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at
      ${claimsFrom} ORDER BY first LIMIT $4`,
    values: [accountId, poolId, from, limit],
  })
  return rows.map((row) => ({ ...row, first: BigInt(row.first), recipient: row.recipient ?? undefined }))
}
