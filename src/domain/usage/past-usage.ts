import { min } from '../../bigint.ts'
import type { Queryable } from '../../database/transaction.ts'

/** What had become of a pool's claimed codes at a version of its usage, whatever was redeemed or voided since: for files. */
export interface PastUsage {
  /** The redeemed codes, in order. */
  redemptions: PastRedemption[]
  /** The void codes, in order: positions [first, end), which may have redeemed ones among them. */
  voids: { first: bigint; end: bigint }[]
  /** All positions before this one have been read. */
  until: bigint
}

export interface PastRedemption {
  position: bigint
  at: Date
  reference: string
}

/** What was redeemed and void then, and whether it still is; `HELD` is a void that began before the page. */
type Kind = 'REDEEMED' | 'ROLLED_BACK' | 'VOID' | 'UNVOIDED' | 'HELD'

const pagedKinds: readonly Kind[] = ['REDEEMED', 'ROLLED_BACK', 'VOID', 'UNVOIDED']

/**
 * Reads what had become of the codes at the positions [from, to) at the version `usage`, up to the position before `until`:
 * at most `limit` redemptions, voids, and of either, those that have ended since.
 */
export async function readPastUsage(
  books: Queryable,
  accountId: string,
  poolId: string,
  { usage, from, to, limit }: { usage: bigint; from: bigint; to: bigint; limit: number },
): Promise<PastUsage> {
  const rows = await books.rows<PastUsageRow>({
    name: 'read-past-usage',
    // `standing` has no condition on the version: a snapshot may be old, and then it would read any number of rows. It decides
    // where the page ends, so that those of the past are read once by all pages together, not by each up to its `to`.
    //
    // Voids that ended before the snapshot are not read at all, however many they are. Those of one version are disjoint, so
    // one descent for each version in which voids have ended since finds the one that may hold `from`.
    text: `
      WITH RECURSIVE standing AS MATERIALIZED (
        (
          SELECT 'VOID' AS kind, first, count, version, NULL::timestamptz AS at, NULL::text AS reference FROM code_void
          WHERE account_id = $1 AND pool_id = $2 AND first > $3 AND first < $4 AND unvoided_version IS NULL
          ORDER BY first LIMIT $6
        ) UNION ALL (
          SELECT 'REDEEMED', position, 1, version, at, reference FROM redemption
          WHERE account_id = $1 AND pool_id = $2 AND position >= $3 AND position < $4 AND rolled_back_version IS NULL
          ORDER BY position LIMIT $6
        )
      ), page AS (
        SELECT least($4, min(until)) AS until
        FROM (SELECT max(first) + 1 AS until FROM standing GROUP BY kind HAVING count(*) >= $6) AS part
      ), ended AS (
        (
          SELECT unvoided_version AS at FROM code_void
          WHERE account_id = $1 AND pool_id = $2 AND unvoided_version > $5 ORDER BY unvoided_version LIMIT 1
        ) UNION ALL
        SELECT next.at FROM ended CROSS JOIN LATERAL (
          SELECT unvoided_version AS at FROM code_void
          WHERE account_id = $1 AND pool_id = $2 AND unvoided_version > ended.at ORDER BY unvoided_version LIMIT 1
        ) AS next
      )
      SELECT * FROM (
        SELECT * FROM standing
        UNION ALL
        SELECT 'HELD', first, count, version, NULL, NULL FROM (
          (
            SELECT first, count, version FROM code_void
            WHERE account_id = $1 AND pool_id = $2 AND first <= $3 AND unvoided_version IS NULL
            ORDER BY first DESC LIMIT 1
          ) UNION ALL
          SELECT nearest.* FROM ended CROSS JOIN LATERAL (
            SELECT first, count, version FROM code_void
            WHERE account_id = $1 AND pool_id = $2 AND first <= $3 AND unvoided_version = ended.at
            ORDER BY first DESC LIMIT 1
          ) AS nearest
        ) AS void
        WHERE first + count > $3
        UNION ALL (
          SELECT 'UNVOIDED', first, count, version, NULL, NULL FROM code_void
          WHERE account_id = $1 AND pool_id = $2 AND first > $3 AND first < (SELECT until FROM page)
            -- IS TRUE has it follow the positions: by version, each page would read all that have ended since.
            AND version <= $5 AND (unvoided_version > $5) IS TRUE AND EXISTS (SELECT FROM ended)
          ORDER BY first LIMIT $6
        ) UNION ALL (
          SELECT 'ROLLED_BACK', position, 1, version, at, reference FROM redemption
          WHERE account_id = $1 AND pool_id = $2 AND position >= $3 AND position < (SELECT until FROM page)
            AND rolled_back_version > $5 AND version <= $5
          ORDER BY position LIMIT $6
        )
      ) AS use
      ORDER BY first`,
    values: [accountId, poolId, from, to, usage, limit],
  })
  let until = to
  for (const kind of pagedKinds) {
    const ofKind = rows.filter((row) => row.kind === kind)
    const last = ofKind.at(-1)
    if (last !== undefined && ofKind.length >= limit) until = min(until, BigInt(last.first) + 1n)
  }
  const redemptions: PastRedemption[] = []
  const voids: PastUsage['voids'] = []
  for (const row of rows.filter(({ version }) => BigInt(version) <= usage)) {
    const first = BigInt(row.first)
    if (row.kind === 'REDEEMED' || row.kind === 'ROLLED_BACK')
      redemptions.push({ position: first, at: row.at, reference: row.reference })
    else voids.push({ first, end: first + BigInt(row.count) })
  }
  return { redemptions, voids, until }
}

type PastUsageRow = { first: string; count: string; version: string } & (
  | { kind: 'VOID' | 'UNVOIDED' | 'HELD' }
  | { kind: 'REDEEMED' | 'ROLLED_BACK'; at: Date; reference: string }
)
