import type { Queryable, RowOf } from '../../database/transaction.ts'
import { TimeWriter } from '../../dates.ts'

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
  const [page] = await books.rows<ClaimPage>({
    name: 'read-claims-from',
    // A list for each column: rows took this process several times as long, and times as text PostgreSQL. Recipients are
    // separated by NUL, which no text has. The first positions follow from the counts, as claims tile a line.
    text: `
      SELECT min(first) AS first, max(first) AS last, string_agg(count::text, ',') AS count,
        string_agg(textsend(coalesce(recipient, '')), '\\x00') AS recipient, string_agg(timestamptz_send(at), '') AS at,
        string_agg(coalesce(timestamptz_send(expires_at), '\\x80'), '') AS "expiresAt"
      FROM (
        SELECT first, count, recipient, at, expires_at ${claimsFrom} AND first < $4 ORDER BY first LIMIT $5
      ) AS claim`,
    values: [accountId, poolId, from, to, limit],
  })
  return page?.first == null ? [] : decodePage(page, poolId)
}

/** Claims column by column. */
interface ClaimColumns {
  first: string
  /** The first position of the last claim. */
  last: string
  count: string
  recipient: Buffer
  at: Buffer
  expiresAt: Buffer
}
type ClaimPage = ClaimColumns | { first: null }

function decodePage(page: ClaimColumns, poolId: string): ClaimText[] {
  const recipients = page.recipient.toString().split('\0')
  const times = decodeTimes(page.at, recipients.length)
  const expiries = decodeTimes(page.expiresAt, recipients.length)
  let next = BigInt(page.first)
  const claims = page.count.split(',').map((text, i) => {
    const first = next
    const count = text === '1' ? 1n : BigInt(text)
    next += count
    const recipient = recipients[i] === '' ? undefined : recipients[i]
    return { first, count, recipient, at: times[i] as string, expiresAt: expiries[i] }
  })
  if (claims.at(-1)?.first !== BigInt(page.last))
    throw new Error(
      `The claims of the pool ${poolId} from ${page.first} to ${page.last} do not tile its line.`,
    )
  return claims
}

// In PostgreSQL's binary format, a time is a number of microseconds since the year 2000, in 8 bytes.
const year2000Ms = Date.UTC(2000)
// No time begins with this byte.
const noTime = 0x80

/** Times in PostgreSQL's binary format; those that are missing are one byte. */
function decodeTimes(sent: Buffer, count: number): (string | undefined)[] {
  const writer = new TimeWriter()
  const times = new Array<string | undefined>(count)
  for (let i = 0, at = 0; i < count; i++) {
    if (sent[at] === noTime) {
      at += 1
      continue
    }
    times[i] = writer.write((sent.readInt32BE(at) * 2 ** 32 + sent.readUInt32BE(at + 4)) / 1_000 + year2000Ms)
    at += 8
  }
  return times
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
