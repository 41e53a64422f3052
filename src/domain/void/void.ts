import type { Books, BookTransaction } from '../books/books.ts'
import { InputCheck } from '../books/input.ts'
import { lockUsage } from '../usage/lock.ts'
import { checkSelect, countOf, findSelected, type Select, type Span } from './select.ts'

export const maxReasonLength = 1_000

/** What became of the codes of a choice when they were voided. Counts are codes; each is counted once. */
export interface Voided {
  voided: bigint
  /** Those that were redeemed, and so were left as they are. */
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
  { select, reason }: { select: Select; reason?: string | undefined },
): Promise<Voided> {
  const check = new InputCheck()
  checkSelect(check, select)
  if (reason !== undefined) check.text(['reason'], reason, maxReasonLength)
  check.done()
  return await books.write(accountId, async (tx) => {
    const { spans, notClaimed } = await findSelected(tx, accountId, select)
    const pools = await layVoids(tx, await lock(tx, spans), reason)
    const counts = pools.map(({ poolId, voided }) => ({ poolId, count: voided }))
    const poolIds = await note(tx, 'CODES_VOIDED', counts, { select, reason })
    const voided = sum(pools, 'voided')
    const redeemed = sum(pools, 'redeemed')
    return { voided, redeemed, alreadyVoid: countOf(spans) - voided - redeemed, notClaimed, poolIds }
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
  { select }: { select: Select },
): Promise<Unvoided> {
  const check = new InputCheck()
  checkSelect(check, select)
  check.done()
  return await books.write(accountId, async (tx) => {
    const { spans, notClaimed } = await findSelected(tx, accountId, select)
    const pools = await endVoids(tx, await lock(tx, spans))
    const poolIds = await note(tx, 'CODES_UNVOIDED', pools, { select })
    const unvoided = sum(pools, 'count')
    return { unvoided, notVoid: countOf(spans) + notClaimed - unvoided, poolIds }
  })
}

/** Spans of pools whose usage is locked, each with the version that a change will have. */
type LockedSpan = Span & { version: bigint }

async function lock(tx: BookTransaction, spans: readonly Span[]): Promise<LockedSpan[]> {
  const versions = await lockUsage(tx, [...new Set(spans.map(({ poolId }) => poolId))])
  return spans.map((span) => {
    const version = versions.get(span.poolId)
    if (version === undefined) throw new Error(`The pool ${span.poolId} has no usage.`)
    return { ...span, version: version + 1n }
  })
}

const spanTable = `
  SELECT * FROM unnest($2::uuid[], $3::numeric[], $4::numeric[], $5::bigint[]) AS span (pool_id, first, behind, version)`

function spanValues(spans: readonly LockedSpan[]) {
  return [
    spans.map(({ poolId }) => poolId),
    spans.map(({ first }) => first),
    spans.map(({ behind }) => behind),
    spans.map(({ version }) => version),
  ]
}

/** SQL: the void codes from the one that may reach into `span` on, up to its end. */
const voidsOfSpan = `
  FROM code_void
  WHERE account_id = $1 AND pool_id = span.pool_id AND unvoided_version IS NULL AND first < span.behind AND first >= coalesce((
    SELECT first FROM code_void
    WHERE account_id = $1 AND pool_id = span.pool_id AND unvoided_version IS NULL AND first <= span.first
    ORDER BY first DESC LIMIT 1
  ), 0)`

/**
 * Voids what is neither redeemed nor void in the spans: whole intervals, however long, between such codes. Resolves to the
 * pools, and how many codes were voided, and how many are redeemed.
 */
async function layVoids(
  tx: BookTransaction,
  spans: readonly LockedSpan[],
  reason: string | undefined,
): Promise<{ poolId: string; voided: bigint; redeemed: bigint }[]> {
  const rows = await tx.rows<{ pool_id: string; voided: string; redeemed: string }>({
    // An obstacle of no length at the end of each span ends its last gap.
    text: `
      WITH span AS (${spanTable}), obstacle AS MATERIALIZED (
        SELECT span.pool_id, span.version, span.first AS span_first, found.*
        FROM span CROSS JOIN LATERAL (
          SELECT position AS first, position + 1 AS behind, true AS is_redeemed FROM redemption
          WHERE account_id = $1 AND pool_id = span.pool_id AND rolled_back_version IS NULL
            AND position >= span.first AND position < span.behind
          UNION ALL
          SELECT first, first + count, false ${voidsOfSpan}
          UNION ALL
          SELECT span.behind, span.behind, false
        ) AS found
      ), gap AS (
        SELECT pool_id, version, first AS behind,
          greatest(span_first, lag(behind, 1, span_first) OVER (PARTITION BY pool_id, span_first ORDER BY first, behind)) AS first
        FROM obstacle
      ), laid AS (
        INSERT INTO code_void (account_id, pool_id, first, count, at, reason, version)
        SELECT $1, pool_id, first, behind - first, $6, $7, version FROM gap WHERE first < behind
        RETURNING pool_id, count
      )
      SELECT pool_id, sum(voided) AS voided, sum(redeemed) AS redeemed
      FROM (
        SELECT pool_id, count AS voided, 0 AS redeemed FROM laid
        UNION ALL SELECT pool_id, 0, 1 FROM obstacle WHERE is_redeemed
      ) AS part
      GROUP BY pool_id ORDER BY pool_id`,
    values: [tx.accountId, ...spanValues(spans), tx.now(), reason ?? null],
  })
  return rows.map((row) => ({
    poolId: row.pool_id,
    voided: BigInt(row.voided),
    redeemed: BigInt(row.redeemed),
  }))
}

/**
 * Ends the voids in the spans. What stays void at their sides gets rows of its own, with the same time and reason. Resolves to
 * the pools, and how many codes were unvoided.
 */
async function endVoids(
  tx: BookTransaction,
  spans: readonly LockedSpan[],
): Promise<{ poolId: string; count: bigint }[]> {
  const rows = await tx.rows<{ pool_id: string; count: string }>({
    // Sorting makes PostgreSQL end all rows before it inserts one, so that two never begin at the same position.
    text: `
      WITH span AS (${spanTable}), part AS MATERIALIZED (
        SELECT span.pool_id, span.version, whole.first AS whole_first, whole.behind AS whole_behind, whole.at, whole.reason,
          greatest(whole.first, span.first) AS first, least(whole.behind, span.behind) AS behind
        FROM span CROSS JOIN LATERAL (SELECT first, first + count AS behind, at, reason ${voidsOfSpan}) AS whole
        WHERE whole.behind > span.first
      ), whole AS (
        SELECT DISTINCT pool_id, version, whole_first, whole_behind, at, reason FROM part
      ), ended AS (
        UPDATE code_void SET unvoided_version = whole.version FROM whole
        WHERE code_void.account_id = $1 AND code_void.pool_id = whole.pool_id AND code_void.first = whole.whole_first
          AND code_void.unvoided_version IS NULL
        RETURNING code_void.pool_id, code_void.first AS whole_first
      ), rest AS (
        SELECT pool_id, version, whole_first, at, reason, first AS behind,
          lag(behind, 1, whole_first) OVER (PARTITION BY pool_id, whole_first ORDER BY first, behind) AS first
        FROM (
          SELECT pool_id, version, whole_first, at, reason, first, behind FROM part
          UNION ALL SELECT pool_id, version, whole_first, at, reason, whole_behind, whole_behind FROM whole
        ) AS edge
      ), laid AS (
        INSERT INTO code_void (account_id, pool_id, first, count, at, reason, version)
        SELECT $1, pool_id, first, behind - first, at, reason, version FROM rest JOIN ended USING (pool_id, whole_first)
        WHERE first < behind ORDER BY pool_id, first
      )
      SELECT pool_id, sum(behind - first) AS count FROM part GROUP BY pool_id ORDER BY pool_id`,
    values: [tx.accountId, ...spanValues(spans)],
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
