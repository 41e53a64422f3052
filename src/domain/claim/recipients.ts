import type { Queryable, RowOf } from '../../database/transaction.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { rowsById } from '../books/by-id.ts'
import { InputCheck } from '../books/input.ts'
import { type Claim, claimColumns, decodeClaim } from '../pool/claim-rows.ts'
import type { Pool } from '../pool/pool.ts'
import type { LineRange } from '../pool/ranges.ts'
import { endSnapshots } from '../pool/snapshot.ts'
import { readUsage, unused, validityOfClaimed } from '../usage/usage.ts'

/**
 * The claims of a recipient are found by claim_recipient_idx, an index on an 8-byte key and the first position. The key's upper
 * 40 bits are a hash of the recipient and the account, its lower 24 one of the pool: one key for a recipient in a pool, and a
 * range of keys for a recipient in all pools. Different recipients and pools can share a key, so every statement compares the
 * recipient and the pool, too.
 *
 * The position is negative in the index, so that the newest claim comes first, and so that no other index can be used for
 * conditions on it: the primary key would lead through the claims of the whole pool or account.
 */

/** SQL: the key of a claim, as in the index. */
const key = keyOf('recipient', 'account_id', 'pool_id')

function keyOf(recipient: string, account: string, pool: string): string {
  return `((${beginningOf(recipient, account)}) | (uuid_hash(${pool}) & 16777215)::bigint)`
}

/** SQL: the smallest key of a recipient. */
function beginningOf(recipient: string, account: string): string {
  return `hashtextextended(${recipient} COLLATE "C", uuid_hash_extended(${account}, 0)) & -16777216`
}

/**
 * SQL: the condition on the claims of a recipient in a pool of account $1, with positions from `above` to just before `below`.
 */
function areOf(recipient: string, pool: string, { above, below } = everywhere): string {
  // `IS TRUE` keeps the planner from using the primary key for the pool.
  return `account_id = $1 AND ${key} = ${keyOf(recipient, '$1', pool)} AND ${isWithin(above, below)}
    AND recipient = ${recipient} AND (pool_id = ${pool}) IS TRUE`
}

/**
 * SQL: the bounds of a position. Always both are given: without statistics, the planner then trusts the index to find few
 * claims.
 */
function isWithin(above: string, below: string): string {
  return `(-first) <= -(${above}) AND (-first) > -(${below})`
}

// Positions are numeric(40,0).
const behindAll = 10n ** 40n
const everywhere = { above: '0', below: `${behindAll}` }
const isAnywhere = isWithin(everywhere.above, everywhere.below)

/** The first code of the newest claim of a recipient in a pool. */
export interface NewestClaim {
  recipient: string
  first: bigint
  expiresAt: Date | undefined
}

/** The newest claims of recipients in a pool that this transaction has locked. */
export async function readNewest(
  tx: BookTransaction,
  poolId: string,
  recipients: readonly string[],
): Promise<NewestClaim[]> {
  if (recipients.length === 0) return []
  const rows = await tx.rows<RowOf<NewestClaim>>({
    name: 'newest-claims-of',
    text: `
      SELECT wanted.recipient, newest.first, newest.expires_at AS "expiresAt"
      FROM unnest((SELECT $3::text[])) AS wanted (recipient)
      CROSS JOIN LATERAL (
        SELECT first, expires_at FROM claim WHERE ${areOf('wanted.recipient', '$2')} ORDER BY (-first) LIMIT 1
      ) AS newest`,
    values: [tx.accountId, poolId, recipients],
  })
  return rows.map(({ recipient, first, expiresAt }) => ({
    recipient,
    first: BigInt(first),
    expiresAt: expiresAt ?? undefined,
  }))
}

/**
 * Of the newest claims of recipients, the positions of the codes that they still hold: all but those that the terms of the
 * pool let them renew.
 */
export async function findHeld(
  tx: BookTransaction,
  { id: poolId, terms: { renewAfter } }: Pool,
  newest: readonly NewestClaim[],
): Promise<Map<string, bigint>> {
  const held = new Map(newest.map(({ recipient, first }) => [recipient, first]))
  if (renewAfter.length === 0) return held
  const places = newest.map(({ first: position }) => ({ poolId, position }))
  const usages = await readUsage(tx, tx.accountId, places)
  for (const [i, claim] of newest.entries()) {
    const validity = validityOfClaimed(claim, usages[i] ?? unused, tx.now())
    if (validity !== 'VALID' && renewAfter.includes(validity)) held.delete(claim.recipient)
  }
  return held
}

/** A part of a list of claims that is newest first. */
export interface ClaimSlice<Cursor> {
  /** Only older claims. */
  after: Cursor | undefined
  /** Only newer claims. */
  before: Cursor | undefined
  limit: number
  /** Whether it begins with the oldest instead of the newest. */
  fromOldest: boolean
}

/** Claims of a pool, in the order in which the slice begins. A cursor is a position. */
export async function listClaims(
  books: Queryable,
  accountId: string,
  poolId: string,
  { after, before, limit, fromOldest }: ClaimSlice<bigint>,
): Promise<Claim[]> {
  const rows = await books.rows<RowOf<Claim>>({
    name: fromOldest ? 'list-oldest-claims' : 'list-newest-claims',
    text: `
      SELECT ${claimColumns} FROM claim
      WHERE account_id = $1 AND pool_id = $2 AND first > $3 AND first < $4
      ORDER BY first ${fromOldest ? 'ASC' : 'DESC'} LIMIT $5`,
    values: [accountId, poolId, before ?? -1n, after ?? behindAll, limit],
  })
  return rows.map(decodeClaim)
}

/**
 * Claims of a recipient, of one pool or of all pools of the account, in the order in which the slice begins: by time; those of
 * one time by pool, and by position. Reads no more than a page of each pool's claims of the recipient, however many there are.
 */
export async function listClaimsOf(
  books: Queryable,
  accountId: string,
  { recipient, poolId }: { recipient: string; poolId?: string | undefined },
  slice: ClaimSlice<Claim>,
): Promise<Claim[]> {
  const poolIds = poolId === undefined ? await poolsOf(books, accountId, recipient) : [poolId]
  if (poolIds.length === 0) return []
  const [above, below] = await Promise.all([
    placesOf(books, accountId, poolIds, slice.before, 'after'),
    placesOf(books, accountId, poolIds, slice.after, 'before'),
  ])
  const order = slice.fromOldest ? 'ASC' : 'DESC'
  const claimsOf = (columns: string, limit: string) => `
    SELECT ${columns} FROM claim
    WHERE ${areOf('$2', 'line.pool_id', { above: 'line.above', below: 'line.below' })}
    ORDER BY (-first) ${slice.fromOldest ? 'DESC' : 'ASC'} LIMIT ${limit}`
  const rows = await books.rows<RowOf<Claim>>({
    name: slice.fromOldest ? 'list-oldest-claims-of' : 'list-newest-claims-of',
    // As many pools as claims are wanted: those whose first claims come first. Each other pool has only claims behind these.
    text: `
      SELECT page.* FROM (
        SELECT line.* FROM unnest($3::uuid[], $4::numeric[], $5::numeric[]) AS line (pool_id, above, below)
        CROSS JOIN LATERAL (${claimsOf('at', '1')}) AS nearest
        ORDER BY nearest.at ${order}, line.pool_id ${order} LIMIT $6
      ) AS line
      CROSS JOIN LATERAL (${claimsOf(claimColumns, '$6')}) AS page
      ORDER BY page.at ${order}, page."poolId" ${order}, page.first ${order} LIMIT $6`,
    values: [
      accountId,
      recipient,
      poolIds,
      poolIds.map((id) => above?.get(id) ?? 0n),
      poolIds.map((id) => below?.get(id) ?? behindAll),
      slice.limit,
    ],
  })
  return rows.map(decodeClaim)
}

// Claims of one statement. More would hold the event loop while they are decoded.
const maxRead = 10_000

/**
 * Where the codes of a recipient lie, in one pool or in all pools of the account: the places of its claims, with adjacent ones
 * as one, and those of a pool in order. Undefined if there are more than `maxClaims` claims.
 */
export async function rangesOfRecipient(
  books: Queryable,
  accountId: string,
  { recipient, poolId }: { recipient: string; poolId?: string | undefined },
  maxClaims: number,
): Promise<LineRange[] | undefined> {
  const poolIds = poolId === undefined ? await poolsOf(books, accountId, recipient) : [poolId]
  if (poolIds.length > maxClaims) return undefined
  const ranges = new Map(poolIds.map((id): [string, LineRange[]] => [id, []]))
  let claims = 0
  let unread = poolIds
  while (unread.length > 0) {
    // Of many pools at once, but only so many claims of each. Those that have more are read further.
    const page = unread.slice(0, maxRead)
    const each = Math.floor(maxRead / page.length)
    const lines = page.map((id) => ({ poolId: id, from: ranges.get(id)?.at(-1)?.to ?? 0n }))
    const found = await readPlaces(books, accountId, recipient, lines, each)
    claims += found.length
    if (claims > maxClaims) return undefined
    const places = Map.groupBy(found, (place) => place.poolId)
    for (const [id, ofPool] of places) join(ranges.get(id) ?? [], ofPool)
    unread = [...page.filter((id) => places.get(id)?.length === each), ...unread.slice(page.length)]
  }
  return [...ranges.values()].flat()
}

/** The places of a recipient's oldest claims in pools from positions on, in order: of each pool at most `each`. */
async function readPlaces(
  books: Queryable,
  accountId: string,
  recipient: string,
  lines: readonly { poolId: string; from: bigint }[],
  each: number,
): Promise<LineRange[]> {
  const rows = await books.rows<{ poolId: string; first: string; count: string }>({
    text: `
      SELECT line.pool_id AS "poolId", claim.first, claim.count
      FROM unnest($3::uuid[], $4::numeric[]) AS line (pool_id, above)
      CROSS JOIN LATERAL (
        SELECT first, count FROM claim WHERE ${areOf('$2', 'line.pool_id', { ...everywhere, above: 'line.above' })}
        ORDER BY (-first) DESC LIMIT $5
      ) AS claim
      ORDER BY line.pool_id, claim.first`,
    values: [accountId, recipient, lines.map((line) => line.poolId), lines.map(({ from }) => from), each],
  })
  return rows.map(({ poolId, first, count }) => ({
    poolId,
    from: BigInt(first),
    to: BigInt(first) + BigInt(count),
  }))
}

/** Adds places behind a pool's ranges, with adjacent ones as one. */
function join(ranges: LineRange[], places: readonly LineRange[]): void {
  for (const place of places) {
    const last = ranges.at(-1)
    if (last?.to === place.from) last.to = place.to
    else ranges.push({ ...place })
  }
}

/** The pools in which a recipient has claims. */
async function poolsOf(books: Queryable, accountId: string, recipient: string): Promise<string[]> {
  const rows = await books.rows<{ id: string }>({
    name: 'pools-of-recipient',
    // From each key to the next, however many claims it has. Then the pools of a key, of which there is nearly always one.
    text: `
      WITH RECURSIVE found AS (
        (
          SELECT ${key} AS key FROM claim
          WHERE account_id = $1 AND recipient = $2 AND ${key} >= (${beginningOf('$2', '$1')})
            AND ${key} <= ((${beginningOf('$2', '$1')}) | 16777215) AND ${isAnywhere}
          ORDER BY ${key} LIMIT 1
        )
        UNION ALL
        SELECT next.key FROM found CROSS JOIN LATERAL (
          SELECT ${key} AS key FROM claim
          WHERE account_id = $1 AND recipient = $2 AND ${key} > found.key
            AND ${key} <= ((${beginningOf('$2', '$1')}) | 16777215) AND ${isAnywhere}
          ORDER BY ${key} LIMIT 1
        ) AS next
      )
      SELECT pool.id FROM found CROSS JOIN LATERAL (
        SELECT id FROM pool WHERE account_id = $1 AND (uuid_hash(id) & 16777215) = (found.key & 16777215)::integer OFFSET 0
      ) AS pool
      ORDER BY pool.id`,
    values: [accountId, recipient],
  })
  return rows.map(({ id }) => id)
}

/**
 * Where a claim lies in the lines of pools: the position of each pool's first claim that is newer (`after`), or newer or the
 * claim itself (`before`), in the order of `listClaimsOf`. Undefined without a claim.
 *
 * The times of a pool's claims do not decrease along its line, so the position is found by halving the line.
 */
async function placesOf(
  books: Queryable,
  accountId: string,
  poolIds: readonly string[],
  claim: Claim | undefined,
  side: 'before' | 'after',
): Promise<Map<string, bigint> | undefined> {
  if (claim === undefined) return undefined
  const rows = await books.rows<{ poolId: string; place: string }>({
    name: 'places-in-lines',
    // A claim of the same time is newer if its pool's id is greater.
    text: `
      WITH RECURSIVE search AS (
        SELECT pool.id AS pool_id, 0::numeric AS low, pool.claimed AS high
        FROM ${rowsById('pool', 'id, claimed')}
        UNION ALL
        SELECT search.pool_id,
          CASE WHEN middle.older THEN middle.first + middle.count ELSE search.low END,
          CASE WHEN middle.older THEN search.high ELSE middle.first END
        FROM search CROSS JOIN LATERAL (
          SELECT first, count, at < $3 OR (at = $3 AND search.pool_id < $4) AS older FROM claim
          WHERE account_id = $1 AND pool_id = search.pool_id AND first <= div(search.low + search.high, 2)
          ORDER BY first DESC LIMIT 1
        ) AS middle
        WHERE search.low < search.high
      )
      SELECT pool_id AS "poolId", low AS place FROM search WHERE low >= high`,
    values: [accountId, poolIds.filter((id) => id !== claim.poolId), claim.at, claim.poolId],
  })
  const places = new Map(rows.map((row) => [row.poolId, BigInt(row.place)]))
  return places.set(claim.poolId, side === 'before' ? claim.first : claim.first + 1n)
}

// Claims of one transaction.
const maxForgotten = 1_000

/**
 * Erases a recipient from all claims that were made before. Resolves to their number. Each page of claims is a transaction of its
 * own: after a crash, the rest is erased when it is called again. Rejects with an InvalidInputError.
 */
export async function forgetRecipient(books: Books, accountId: string, input: string): Promise<bigint> {
  const check = new InputCheck()
  const recipient = check.storedRecipient(['recipient'], input)
  check.done()
  let count = 0n
  for (const poolId of await poolsOf(books, accountId, recipient)) {
    let from: bigint | undefined = 0n
    while (from !== undefined) {
      const page: ErasedPage = await erase(books, accountId, poolId, recipient, from)
      count += page.erased
      from = page.next
    }
  }
  return count
}

interface ErasedPage {
  erased: bigint
  /** Where the next page begins; undefined if this was the last one. */
  next: bigint | undefined
}

/** Erases a recipient from the next claims of a pool, at the position `from` or behind it. */
async function erase(
  books: Books,
  accountId: string,
  poolId: string,
  recipient: string,
  from: bigint,
): Promise<ErasedPage> {
  return await books.write(accountId, async (tx) => {
    const [page] = await tx.rows<{ found: string; last: string | null }>({
      name: 'find-recipient-to-erase',
      text: `
        SELECT count(*) AS found, max(first) AS last FROM (
          SELECT first FROM claim WHERE ${areOf('$3', '$2', { ...everywhere, above: '$4::numeric' })}
          ORDER BY (-first) DESC LIMIT ${maxForgotten}
        ) AS page`,
      values: [accountId, poolId, recipient, from],
    })
    if (page === undefined || page.last === null) return { erased: 0n, next: undefined }
    const next = BigInt(page.last) + 1n
    const [claims] = await tx.rows<{ erased: string }>({
      name: 'erase-recipient',
      // The page by its bounds, through the same index: a join would be planned as a scan where there are no statistics. It waits
      // for another transaction that erases the same recipient, and then finds nothing left to do.
      text: `
        WITH erased AS (
          UPDATE claim SET recipient = NULL
          WHERE ${areOf('$3', '$2', { above: '$4::numeric', below: '$5::numeric' })} RETURNING 1
        )
        SELECT count(*) AS erased FROM erased`,
      values: [accountId, poolId, recipient, from, next],
    })
    const erased = BigInt(claims?.erased ?? 0)
    if (erased > 0n) await endSnapshots(tx, poolId)
    return { erased, next: Number(page.found) < maxForgotten ? undefined : next }
  })
}
