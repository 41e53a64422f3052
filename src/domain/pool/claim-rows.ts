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

/** A claim for files. Its times are milliseconds since 1970: of millions of claims, a Date each would cost too much. */
export interface FileClaim {
  first: bigint
  count: bigint
  recipient: string | undefined
  at: number
  expiresAt: number | undefined
}

// The claim that holds the position $3 begins at or before it. The index finds it, however many claims precede it. The pool is in a
// subquery: for a pool of few claims among others of many, each statement would otherwise be planned anew (see `rowsById`).
const holding = `
  SELECT first FROM claim WHERE account_id = $1 AND pool_id = (SELECT $2::uuid) AND first <= $3 ORDER BY first DESC LIMIT 1`

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
    text: `
      SELECT ${claimColumns} FROM claim
      WHERE account_id = $1 AND pool_id = (SELECT $2::uuid) AND first >= (${holding}) AND first < $4 ORDER BY first`,
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

/** Positions [from, to), of which at most `limit` claims are read at a time. */
interface ClaimRange {
  from: bigint
  to: bigint
  limit: number
}

// The second claim of a page is its first new one.
const minPage = 2

// Of the recipients of a page. To decode so many takes a few milliseconds.
const maxRecipientBytes = 500_000

/**
 * The claims of the positions [from, to) of a pool, in order, in pages of at most `limit`, which is at least 2: of fewer where
 * recipients are long. Rejects if they do not tile these positions.
 */
export async function* readClaimPages(
  books: Queryable,
  accountId: string,
  poolId: string,
  range: ClaimRange,
): AsyncGenerator<FileClaim[], void> {
  const { to, limit } = range
  let next = range.from
  // Of the first one, nothing is known.
  let size = Math.max(minPage, Math.ceil(limit / 4))
  // Each page begins with the last claim of the one before, so that the check of a page includes its border.
  let last: FileClaim | undefined
  while (next < to) {
    const from = last?.first ?? range.from
    const { claims, recipientBytes } = await readClaimPage(books, accountId, poolId, {
      from,
      to,
      limit: size,
    })
    // By the recipients of this page, as those of the next one are not known yet.
    const fitting = Math.ceil((claims.length * maxRecipientBytes) / Math.max(1, recipientBytes))
    size = Math.max(minPage, Math.min(limit, 2 * size, fitting))
    if (last !== undefined) claims.shift()
    last = claims.at(-1)
    if (last === undefined) throw new Error(`No claim of the pool ${poolId} holds ${next}.`)
    next = last.first + last.count
    yield claims
  }
}

async function readClaimPage(
  books: Queryable,
  accountId: string,
  poolId: string,
  { from, to, limit }: ClaimRange,
): Promise<{ claims: FileClaim[]; recipientBytes: number }> {
  const [page] = await books.rows<ClaimPage>({
    name: 'read-claims-from',
    // A list for each column: rows took this process several times as long, and times as text PostgreSQL. Recipients are
    // separated by NUL, which no text has. The first positions follow from the counts, as claims tile a line.
    text: `
      WITH start AS MATERIALIZED (${holding})
      SELECT (SELECT first FROM start) AS first, max(first) AS last,
        string_agg(CASE WHEN count <> 1 THEN count::text ELSE '' END, ',') AS count,
        string_agg(textsend(coalesce(recipient, '')), '\\x00') AS recipient, string_agg(timestamptz_send(at), '') AS at,
        string_agg(coalesce(timestamptz_send(expires_at), '\\x80'), '') AS "expiresAt"
      FROM (
        SELECT first, count, recipient, at, expires_at FROM claim
        WHERE account_id = $1 AND pool_id = (SELECT $2::uuid) AND first >= (SELECT first FROM start) AND first < $4
        ORDER BY first LIMIT $5
      ) AS claim`,
    values: [accountId, poolId, from, to, limit],
  })
  if (page?.last == null) return { claims: [], recipientBytes: 0 }
  return { claims: decodePage(page, poolId), recipientBytes: page.recipient.length }
}

/** Claims column by column. */
interface ClaimColumns {
  first: string
  /** The first position of the last claim. */
  last: string
  /** Empty for a claim of one code. */
  count: string
  recipient: Buffer
  at: Buffer
  expiresAt: Buffer
}
type ClaimPage = ClaimColumns | { last: null }

function decodePage(page: ClaimColumns, poolId: string): FileClaim[] {
  const recipients = page.recipient.toString().split('\0')
  const times = decodeTimes(page.at, recipients.length)
  const expiries = decodeTimes(page.expiresAt, recipients.length)
  let next = BigInt(page.first)
  const claims = page.count.split(',').map((text, i) => {
    const first = next
    const count = text === '' ? 1n : BigInt(text)
    next += count
    const recipient = recipients[i] === '' ? undefined : recipients[i]
    return { first, count, recipient, at: times[i] as number, expiresAt: expiries[i] }
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
function decodeTimes(sent: Buffer, count: number): (number | undefined)[] {
  const times = new Array<number | undefined>(count)
  for (let i = 0, at = 0; i < count; i++) {
    if (sent[at] === noTime) {
      at += 1
      continue
    }
    times[i] = (sent.readInt32BE(at) * 2 ** 32 + sent.readUInt32BE(at + 4)) / 1_000 + year2000Ms
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
