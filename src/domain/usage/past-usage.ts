import { min } from '../../bigint.ts'
import type { Queryable } from '../../database/transaction.ts'
import { timeText } from '../pool/claim-rows.ts'

/** What had become of a pool's claimed codes at a version of its usage, whatever was redeemed or voided since: for files. */
export interface PastUsage {
  /** The redeemed codes, in order. */
  redemptions: PastRedemption[]
  /** The void codes, in order: positions [first, end), which may have redeemed ones among them. */
  voids: { first: bigint; end: bigint }[]
  /** All positions before this one have been read. */
  until: bigint
}

/** `at` is ISO 8601 in UTC with milliseconds, as in the API. */
export interface PastRedemption {
  position: bigint
  at: string
  reference: string
}

type Kind = 'REDEEMED' | 'ROLLED_BACK' | 'VOID'

const kinds: readonly Kind[] = ['REDEEMED', 'ROLLED_BACK', 'VOID']

/**
 * Reads what had become of the codes at the positions [from, to) at the version `usage`, up to the position before `until`:
 * at most `limit` redemptions, redemptions that were rolled back, and voids.
 */
export async function readPastUsage(
  books: Queryable,
  accountId: string,
  poolId: string,
  { usage, from, to, limit }: { usage: bigint; from: bigint; to: bigint; limit: number },
): Promise<PastUsage> {
  const rows = await books.rows<PastUsageRow>({
    name: 'read-past-usage',
    // Each part descends one index. The first part finds the void that may hold `from`: those of one version are disjoint. The
    // third one has no condition on the version: a snapshot may be old, and then it would read any number of redemptions.
    text: `
      SELECT * FROM (
        (
          SELECT 'VOID' AS kind, first, count, version, NULL AS at, NULL AS reference FROM code_void
          WHERE account_id = $1 AND pool_id = $2 AND first <= $3
            AND version <= $5 AND (unvoided_version IS NULL OR unvoided_version > $5)
          ORDER BY first DESC LIMIT 1
        ) UNION ALL (
          SELECT 'VOID', first, count, version, NULL, NULL FROM code_void
          WHERE account_id = $1 AND pool_id = $2 AND first > $3 AND first < $4
            AND version <= $5 AND (unvoided_version IS NULL OR unvoided_version > $5)
          ORDER BY first LIMIT $6
        ) UNION ALL (
          SELECT 'REDEEMED', position, 1, version, ${timeText('at')}, reference FROM redemption
          WHERE account_id = $1 AND pool_id = $2 AND position >= $3 AND position < $4 AND rolled_back_version IS NULL
          ORDER BY position LIMIT $6
        ) UNION ALL (
          SELECT 'ROLLED_BACK', position, 1, version, ${timeText('at')}, reference FROM redemption
          WHERE account_id = $1 AND pool_id = $2 AND position >= $3 AND position < $4
            AND rolled_back_version > $5 AND version <= $5
          ORDER BY position LIMIT $6
        )
      ) AS use
      ORDER BY first`,
    values: [accountId, poolId, from, to, usage, limit],
  })
  let until = to
  for (const kind of kinds) {
    const ofKind = rows.filter((row) => row.kind === kind)
    const last = ofKind.at(-1)
    if (last !== undefined && ofKind.length >= limit) until = min(until, BigInt(last.first) + 1n)
  }
  const redemptions: PastRedemption[] = []
  const voids: PastUsage['voids'] = []
  for (const row of rows) {
    const first = BigInt(row.first)
    if (row.kind === 'VOID') voids.push({ first, end: first + BigInt(row.count) })
    else if (BigInt(row.version) <= usage)
      redemptions.push({ position: first, at: row.at, reference: row.reference })
  }
  return { redemptions, voids, until }
}

type PastUsageRow = { first: string; count: string; version: string } & (
  | { kind: 'VOID' }
  | { kind: 'REDEEMED' | 'ROLLED_BACK'; at: string; reference: string }
)
