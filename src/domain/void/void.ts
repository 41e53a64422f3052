import type { Books, BookTransaction } from '../books/books.ts'
import { InputCheck, maxReasonLength } from '../books/input.ts'
import { lockUsages } from '../usage/lock.ts'
import { type ClaimedRange, checkSelect, countOf, findSelected, type Select } from './select.ts'

/** What became of the codes of a choice when they were voided. Counts are codes; each is counted once. */
export interface Voided {
  voided: bigint
  /** Those that are redeemed, and so stay as they are. */
  redeemed: bigint
  /** Those that were void already. They keep their time and their reason. */
  alreadyVoid: bigint
  /** Those that are available or withdrawn, and so cannot be voided. */
  notClaimed: bigint
  /** The pools in which codes were voided. */
  poolIds: string[]
}

/**
 * Voids claimed codes: they are no longer good. Doing it again changes nothing.
 *
 * Rejects with an InvalidInputError, or with a NotFoundError if something that `select` names does not exist.
 */
export async function voidCodes(
  books: Books,
  accountId: string,
  { reason, ...input }: { select: Select; reason?: string | undefined },
): Promise<Voided> {
  const check = new InputCheck()
  const select = checkSelect(check, input.select)
  if (reason !== undefined) check.visibleText(['reason'], reason, maxReasonLength)
  check.done()
  return await books.write(accountId, async (tx) => {
    const { ranges, notClaimed } = await findSelected(tx, accountId, select)
    const pools = await layVoids(tx, await lock(tx, ranges), reason)
    const counts = pools.map(({ poolId, voided }) => ({ poolId, count: voided }))
    const poolIds = await note(tx, 'CODES_VOIDED', counts, { select, reason })
    const voided = sum(pools, 'voided')
    const redeemed = sum(pools, 'redeemed')
    return { voided, redeemed, alreadyVoid: countOf(ranges) - voided - redeemed, notClaimed, poolIds }
  })
}

/** What became of the codes of a choice when they were unvoided. */
export interface Unvoided {
  unvoided: bigint
  /** Those that were not void. */
  notVoid: bigint
  /** The pools in which codes were unvoided. */
  poolIds: string[]
}

/**
 * Makes void codes good again, unless they have expired. Doing it again changes nothing.
 *
 * Rejects with an InvalidInputError, or with a NotFoundError if something that `select` names does not exist.
 */
export async function unvoidCodes(
  books: Books,
  accountId: string,
  input: { select: Select },
): Promise<Unvoided> {
  const check = new InputCheck()
  const select = checkSelect(check, input.select)
  check.done()
  return await books.write(accountId, async (tx) => {
    const { ranges, notClaimed } = await findSelected(tx, accountId, select)
    const pools = await endVoids(tx, await lock(tx, ranges))
    const poolIds = await note(tx, 'CODES_UNVOIDED', pools, { select })
    const unvoided = sum(pools, 'count')
    return { unvoided, notVoid: countOf(ranges) + notClaimed - unvoided, poolIds }
  })
}

/** A range of a pool whose usage is locked, with the version that a change will have. */
type LockedRange = ClaimedRange & { version: bigint }

async function lock(tx: BookTransaction, ranges: readonly ClaimedRange[]): Promise<LockedRange[]> {
  const usages = await lockUsages(tx, [...new Set(ranges.map(({ poolId }) => poolId))])
  return ranges.map((range) => {
    const usage = usages.get(range.poolId)
    if (usage === undefined) throw new Error(`The pool ${range.poolId} has no usage.`)
    return { ...range, version: usage.version + 1n }
  })
}

/** SQL: the table `asked` of ranges. */
const asked = `asked AS (
  SELECT * FROM unnest($2::uuid[], $3::numeric[], $4::numeric[], $5::bigint[]) AS range (pool_id, low, high, version)
)`

function valuesOf(ranges: readonly LockedRange[]): unknown[] {
  return [
    ranges.map(({ poolId }) => poolId),
    ranges.map(({ from }) => from),
    ranges.map(({ to }) => to),
    ranges.map(({ version }) => version),
  ]
}

/**
 * SQL: what is void in a range of `asked`, and perhaps the void that ends before it. One descent, however many precede it; with
 * OFFSET 0 behind it even where there are no statistics, as then PostgreSQL plans each range for itself.
 */
const voidsOfRange = `
  FROM code_void
  WHERE account_id = $1 AND pool_id = asked.pool_id AND unvoided_version IS NULL AND first < asked.high AND first >= coalesce((
    SELECT first FROM code_void
    WHERE account_id = $1 AND pool_id = asked.pool_id AND unvoided_version IS NULL AND first <= asked.low
    ORDER BY first DESC LIMIT 1
  ), 0)`

/**
 * Voids what is neither redeemed nor void in the ranges: the gaps between such codes, each one row however long it is. Resolves
 * to the pools, with how many codes were voided and how many are redeemed.
 */
async function layVoids(
  tx: BookTransaction,
  ranges: readonly LockedRange[],
  reason: string | undefined,
): Promise<{ poolId: string; voided: bigint; redeemed: bigint }[]> {
  const rows = await tx.rows<{ pool_id: string; voided: string; redeemed: string }>({
    // In the way are redeemed codes, voids, and the end of the range, which has no length and closes its last gap.
    text: `
      WITH ${asked}, obstacle AS MATERIALIZED (
        SELECT asked.pool_id, asked.version, asked.low AS range_low, found.*
        FROM asked CROSS JOIN LATERAL (
          SELECT position AS low, position + 1 AS high, true AS is_redeemed FROM redemption
          WHERE account_id = $1 AND pool_id = asked.pool_id AND rolled_back_version IS NULL
            AND position >= asked.low AND position < asked.high
          UNION ALL SELECT first, first + count, false ${voidsOfRange}
          UNION ALL SELECT asked.high, asked.high, false
          OFFSET 0
        ) AS found
      ), gap AS (
        SELECT pool_id, version, low AS high,
          greatest(range_low, lag(high, 1, range_low) OVER (PARTITION BY pool_id, range_low ORDER BY low, high)) AS low
        FROM obstacle
      ), laid AS (
        INSERT INTO code_void (account_id, pool_id, first, count, at, reason, version)
        SELECT $1, pool_id, low, high - low, $6, $7, version FROM gap WHERE low < high
        RETURNING pool_id, count
      )
      SELECT pool_id, sum(voided) AS voided, sum(redeemed) AS redeemed
      FROM (
        SELECT pool_id, count AS voided, 0 AS redeemed FROM laid
        UNION ALL SELECT pool_id, 0, 1 FROM obstacle WHERE is_redeemed
      ) AS part
      GROUP BY pool_id ORDER BY pool_id`,
    values: [tx.accountId, ...valuesOf(ranges), tx.now(), reason ?? null],
  })
  return rows.map((row) => ({
    poolId: row.pool_id,
    voided: BigInt(row.voided),
    redeemed: BigInt(row.redeemed),
  }))
}

/**
 * Ends the voids in the ranges. What stays void beside them gets rows of its own, with the same time and reason. Resolves to the
 * pools, with how many codes were unvoided.
 */
async function endVoids(
  tx: BookTransaction,
  ranges: readonly LockedRange[],
): Promise<{ poolId: string; count: bigint }[]> {
  const rows = await tx.rows<{ pool_id: string; count: string }>({
    // A row ends by an insertion that meets it: a join would be planned as a scan where there are no statistics. Rows end before
    // others are inserted, as two that are void cannot begin at the same position.
    text: `
      WITH ${asked}, part AS MATERIALIZED (
        SELECT asked.pool_id, asked.version AS next, whole.*, greatest(whole.first, asked.low) AS low,
          least(whole.first + whole.count, asked.high) AS high
        FROM asked CROSS JOIN LATERAL (SELECT first, count, at, reason, version ${voidsOfRange} OFFSET 0) AS whole
        WHERE whole.first + whole.count > asked.low
      ), whole AS (
        SELECT DISTINCT pool_id, next, first, count, at, reason, version FROM part
      ), beside AS (
        SELECT pool_id, next, at, reason, low AS high,
          lag(high, 1, first) OVER (PARTITION BY pool_id, first ORDER BY low, high) AS low
        FROM (
          SELECT pool_id, next, at, reason, first, low, high FROM part
          UNION ALL SELECT pool_id, next, at, reason, first, first + count, first + count FROM whole
        ) AS edge
      ), written AS (
        INSERT INTO code_void (account_id, pool_id, first, count, at, reason, version, unvoided_version)
        SELECT $1, void.* FROM (
          SELECT pool_id, first, count, at, reason, version, next AS unvoided_version FROM whole
          UNION ALL SELECT pool_id, low, high - low, at, reason, next, NULL FROM beside WHERE low < high
        ) AS void
        ORDER BY unvoided_version IS NULL, pool_id, first
        ON CONFLICT (account_id, pool_id, first, version) DO UPDATE SET unvoided_version = excluded.unvoided_version
      )
      SELECT pool_id, sum(high - low) AS count FROM part GROUP BY pool_id ORDER BY pool_id`,
    values: [tx.accountId, ...valuesOf(ranges)],
  })
  return rows.map((row) => ({ poolId: row.pool_id, count: BigInt(row.count) }))
}

/** Counts the codes that were voided or unvoided, and records it. Resolves to the pools of which any were. */
async function note(
  tx: BookTransaction,
  kind: 'CODES_VOIDED' | 'CODES_UNVOIDED',
  counts: readonly { poolId: string; count: bigint }[],
  { select, reason = null }: { select: Select; reason?: string | null | undefined },
): Promise<string[]> {
  const changed = counts.filter(({ count }) => count > 0n)
  if (changed.length === 0) return []
  const taskId = 'taskId' in select ? select.taskId : null
  await tx.execute({
    text: `
      UPDATE pool_usage SET voided = voided + change.count, version = version + 1
      FROM unnest($2::uuid[], $3::numeric[]) AS change (pool_id, count)
      WHERE account_id = $1 AND pool_usage.pool_id = change.pool_id`,
    values: [
      tx.accountId,
      changed.map(({ poolId }) => poolId),
      changed.map(({ count }) => (kind === 'CODES_VOIDED' ? count : -count)),
    ],
  })
  for (const { poolId, count } of changed)
    tx.record({ poolId, kind, payload: { count: String(count), reason, taskId } })
  return changed.map(({ poolId }) => poolId)
}

function sum<Name extends string>(rows: readonly Record<Name, bigint>[], name: Name): bigint {
  return rows.reduce((total, row) => total + row[name], 0n)
}
