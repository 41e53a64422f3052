import { max, min } from '../../bigint.ts'
import type { BookTransaction } from '../books/books.ts'
import type { LineRange } from '../pool/ranges.ts'
import { add, type LockedRange, type Page, type PageOutcome } from './page.ts'

/** SQL: the table `asked` of ranges. */
const asked = `unnest($2::uuid[], $3::numeric[], $4::numeric[]) WITH ORDINALITY AS asked (pool_id, low, high, number)`

function valuesOf({ ranges, each }: Page): unknown[] {
  return [
    ranges.map(({ poolId }) => poolId),
    ranges.map(({ from }) => from),
    ranges.map(({ to }) => to),
    each,
  ]
}

/**
 * SQL: the first voids in a range of `asked`. One descent, however many precede them; PostgreSQL plans each range for itself,
 * whatever its statistics are.
 */
const voidsOfRange = `
  SELECT first, count, version FROM code_void
  WHERE account_id = $1 AND pool_id = asked.pool_id AND unvoided_version IS NULL AND first < asked.high AND first >= coalesce((
    SELECT first FROM code_void
    WHERE account_id = $1 AND pool_id = asked.pool_id AND unvoided_version IS NULL AND first <= asked.low
    ORDER BY first DESC LIMIT 1
  ), 0) AND first + count > asked.low
  ORDER BY first LIMIT $5`

/** Voids what is neither redeemed nor void: the gaps between such codes, each one row however long it is. */
export async function layVoids(
  tx: BookTransaction,
  page: Page,
  reason: string | undefined,
): Promise<PageOutcome> {
  const obstacles = await readObstacles(tx, page)
  const gaps: (LockedRange & { first: bigint; end: bigint })[] = []
  const rest: LineRange[] = []
  const changed = new Map<string, bigint>()
  let redeemed = 0n
  const lay = (range: LockedRange, first: bigint, end: bigint) => {
    if (first >= end) return
    gaps.push({ ...range, first, end })
    add(changed, range.poolId, end - first)
  }
  for (const [i, range] of page.ranges.entries()) {
    const found = obstacles.get(i) ?? []
    let low = range.from
    for (const { first, end, isRedeemed } of found) {
      lay(range, low, first)
      low = max(low, end)
      if (isRedeemed) redeemed += 1n
    }
    // What is behind the last obstacle is known only if no more were looked for.
    if (found.length < page.each) lay(range, low, range.to)
    else if (low < range.to) rest.push({ poolId: range.poolId, from: low, to: range.to })
  }
  if (gaps.length > 0)
    await tx.execute({
      text: `
        INSERT INTO code_void (account_id, pool_id, first, count, at, reason, version)
        SELECT $1, pool_id, first, count, $2, $3, version
        FROM unnest($4::uuid[], $5::numeric[], $6::numeric[], $7::bigint[]) AS gap (pool_id, first, count, version)`,
      values: [
        tx.accountId,
        tx.now(),
        reason ?? null,
        gaps.map(({ poolId }) => poolId),
        gaps.map(({ first }) => first),
        gaps.map(({ first, end }) => end - first),
        gaps.map(({ version }) => version),
      ],
    })
  return { changed, redeemed, rest }
}

/** Positions [first, end) that cannot be voided. */
interface Obstacle {
  first: bigint
  end: bigint
  isRedeemed: boolean
}

/** The first redeemed codes and voids of each range, by its number. */
async function readObstacles(tx: BookTransaction, page: Page): Promise<Map<number, Obstacle[]>> {
  const rows = await tx.rows<{ range: number; first: string; count: string; isRedeemed: boolean }>({
    text: `
      SELECT asked.number::integer - 1 AS range, found.first, found.count, found.redeemed AS "isRedeemed"
      FROM ${asked} CROSS JOIN LATERAL (
        (
          SELECT position AS first, 1::numeric AS count, true AS redeemed FROM redemption
          WHERE account_id = $1 AND pool_id = asked.pool_id AND rolled_back_version IS NULL
            AND position >= asked.low AND position < asked.high
          ORDER BY position LIMIT $5
        )
        UNION ALL SELECT first, count, false FROM (${voidsOfRange}) AS void
        ORDER BY first LIMIT $5
      ) AS found
      ORDER BY asked.number, found.first`,
    values: [tx.accountId, ...valuesOf(page)],
  })
  return Map.groupBy(
    rows.map((row) => ({ ...row, ...spanOf(row) })),
    ({ range }) => range,
  )
}

function spanOf(row: { first: string; count: string }): { first: bigint; end: bigint } {
  const first = BigInt(row.first)
  return { first, end: first + BigInt(row.count) }
}

/** A void that ends. */
interface Ended {
  poolId: string
  first: bigint
  end: bigint
  version: bigint
  unvoidedVersion: bigint
  /** Positions before this one have been looked at. */
  until: bigint
}

/** Ends the voids. What stays void beside them gets rows of its own, with the same time and reason. */
export async function endVoids(tx: BookTransaction, page: Page): Promise<PageOutcome> {
  const rows = await tx.rows<{ range: number; first: string; count: string; version: string }>({
    text: `
      SELECT asked.number::integer - 1 AS range, void.first, void.count, void.version
      FROM ${asked} CROSS JOIN LATERAL (${voidsOfRange}) AS void
      ORDER BY asked.number, void.first`,
    values: [tx.accountId, ...valuesOf(page)],
  })
  const voids = Map.groupBy(rows, ({ range }) => range)
  const ended = new Map<string, Ended>()
  const beside: (Ended & { low: bigint; high: bigint })[] = []
  const rest: LineRange[] = []
  const changed = new Map<string, bigint>()
  for (const [i, { poolId, from, to, version: unvoidedVersion }] of page.ranges.entries()) {
    const found = voids.get(i) ?? []
    let low = from
    for (const row of found) {
      const { first, end } = spanOf(row)
      // The next range may have another part of the same void.
      const name = `${poolId} ${first}`
      const whole = ended.get(name) ?? {
        poolId,
        first,
        end,
        version: BigInt(row.version),
        unvoidedVersion,
        until: first,
      }
      ended.set(name, whole)
      const [partFrom, partTo] = [max(first, from), min(end, to)]
      if (whole.until < partFrom) beside.push({ ...whole, low: whole.until, high: partFrom })
      whole.until = partTo
      add(changed, poolId, partTo - partFrom)
      low = partTo
    }
    if (found.length === page.each && low < to) rest.push({ poolId, from: low, to })
  }
  for (const whole of ended.values())
    if (whole.until < whole.end) beside.push({ ...whole, low: whole.until, high: whole.end })
  if (ended.size > 0) await writeEnds(tx, [...ended.values()])
  if (beside.length > 0) await writeBeside(tx, beside)
  return { changed, redeemed: 0n, rest }
}

async function writeEnds(tx: BookTransaction, ended: readonly Ended[]): Promise<void> {
  await tx.execute({
    // An update by the insertion of rows that are there: one that joins would be planned as a scan where there are no statistics.
    text: `
      INSERT INTO code_void (account_id, pool_id, first, count, at, version, unvoided_version)
      SELECT $1, pool_id, first, count, $2, version, unvoided_version
      FROM unnest($3::uuid[], $4::numeric[], $5::numeric[], $6::bigint[], $7::bigint[])
        AS ended (pool_id, first, count, version, unvoided_version)
      ON CONFLICT (account_id, pool_id, first, version) DO UPDATE SET unvoided_version = excluded.unvoided_version`,
    values: [
      tx.accountId,
      tx.now(),
      ended.map(({ poolId }) => poolId),
      ended.map(({ first }) => first),
      ended.map(({ first, end }) => end - first),
      ended.map(({ version }) => version),
      ended.map(({ unvoidedVersion }) => unvoidedVersion),
    ],
  })
}

/** Writes the parts [low, high) of ended voids that stay void. */
async function writeBeside(
  tx: BookTransaction,
  beside: readonly (Ended & { low: bigint; high: bigint })[],
): Promise<void> {
  await tx.execute({
    text: `
      INSERT INTO code_void (account_id, pool_id, first, count, at, reason, version)
      SELECT $1, beside.pool_id, beside.low, beside.count, whole.at, whole.reason, beside.next
      FROM unnest($2::uuid[], $3::numeric[], $4::bigint[], $5::bigint[], $6::numeric[], $7::numeric[])
        AS beside (pool_id, first, version, next, low, count)
      CROSS JOIN LATERAL (
        SELECT at, reason FROM code_void
        WHERE account_id = $1 AND pool_id = beside.pool_id AND first = beside.first AND version = beside.version
        LIMIT 1
      ) AS whole`,
    values: [
      tx.accountId,
      beside.map(({ poolId }) => poolId),
      beside.map(({ first }) => first),
      beside.map(({ version }) => version),
      beside.map(({ unvoidedVersion }) => unvoidedVersion),
      beside.map(({ low }) => low),
      beside.map(({ low, high }) => high - low),
    ],
  })
}
