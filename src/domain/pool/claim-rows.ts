import type { Queryable, RowOf } from '../../database/transaction.ts'

/** What names a claim for ever: its pool, and its first position. */
export interface ClaimRef {
  poolId: string
  first: bigint
}

/** A claim of the positions [first, first + count) of a pool, for one recipient. */
export interface Claim extends ClaimRef {
  count: bigint
  recipient: string | undefined
  at: Date
  /** Until when its codes are good; undefined if they do not expire. */
  expiresAt: Date | undefined
}

/** A claim as in files: its times are ISO 8601 in UTC with milliseconds, as in the API. */
export interface ClaimText {
  first: bigint
  count: bigint
  recipient: string | undefined
  at: string
  expiresAt: string | undefined
}

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
    text: `SELECT ${claimColumns} ${claimsFrom} AND first < $4 ORDER BY first`,
    values: [accountId, poolId, from, to],
  })
  return rows.map(decodeClaim)
}

/** The claim with this name; undefined if the account has none. */
export async function readClaim(
  books: Queryable,
  accountId: string,
  { poolId, first }: ClaimRef,
): Promise<Claim | undefined> {
  const [claim] = await readClaims(books, accountId, poolId, first, first + 1n)
  return claim?.first === first ? claim : undefined
}

export const claimColumns = 'pool_id AS "poolId", first, count, recipient, at, expires_at AS "expiresAt"'

export function decodeClaim(row: RowOf<Claim>): Claim {
  return {
    poolId: row.poolId,
    first: BigInt(row.first),
    count: BigInt(row.count),
    recipient: row.recipient ?? undefined,
    at: row.at,
    expiresAt: row.expiresAt ?? undefined,
  }
}

/** The claims of the positions [from, to) of a pool, in order, at most `limit`. */
export async function readClaimsFrom(
  books: Queryable,
  accountId: string,
  poolId: string,
  from: bigint,
  to: bigint,
  limit: number,
): Promise<ClaimText[]> {
  const rows = await books.rows<RowOf<ClaimText>>({
    name: 'read-claims-from',
    // Times as text: parsing and formatting them took as long as all other work on a row.
    text: `
      SELECT first, count, recipient, ${timeText('at')} AS at, ${timeText('expires_at')} AS "expiresAt"
      ${claimsFrom} AND first < $4 ORDER BY first LIMIT $5`,
    values: [accountId, poolId, from, to, limit],
  })
  return rows.map((row) => ({
    first: BigInt(row.first),
    count: BigInt(row.count),
    recipient: row.recipient ?? undefined,
    at: row.at,
    expiresAt: row.expiresAt ?? undefined,
  }))
}

/** SQL: a time as in files. */
export function timeText(column: string): string {
  return `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
}

/** The nonce of the transaction that wrote a claim; undefined if there is no such claim. */
export async function readClaimNonce(
  books: Queryable,
  accountId: string,
  { poolId, first }: ClaimRef,
): Promise<bigint | undefined> {
  const [row] = await books.rows<{ nonce: string }>({
    name: 'read-claim-nonce',
    text: 'SELECT nonce FROM claim WHERE account_id = $1 AND pool_id = $2 AND first = $3',
    values: [accountId, poolId, first],
  })
  return row === undefined ? undefined : BigInt(row.nonce)
}
