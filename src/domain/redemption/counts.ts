import type { BookTransaction } from '../books/books.ts'
import type { Redemption } from '../usage/usage.ts'

// Every time zone's offset is a multiple of a quarter of an hour: days and hours of any zone consist of whole ones.
const quarterMs = 900_000

/**
 * Adds redemptions to the counts of their pool, or takes them away if `sign` is negative: in all, and per quarter of an hour of
 * the times for which they were made. The transaction has locked the pool's usage, which gets this version, or the next one.
 */
export async function countRedemptions(
  tx: BookTransaction,
  poolId: string,
  redemptions: readonly Redemption[],
  sign: 1 | -1,
  version?: bigint,
): Promise<void> {
  if (redemptions.length === 0) return
  const counts = new Map<number, number>()
  for (const { at } of redemptions) {
    const quarter = Math.floor(at.getTime() / quarterMs) * quarterMs
    counts.set(quarter, (counts.get(quarter) ?? 0) + sign)
  }
  await Promise.all([
    tx.execute({
      name: 'count-redemptions',
      text: `
        UPDATE pool_usage SET redeemed = redeemed + $3, version = coalesce($4, version + 1)
        WHERE account_id = $1 AND pool_id = $2`,
      values: [tx.accountId, poolId, sign * redemptions.length, version ?? null],
    }),
    tx.execute({
      name: 'count-redemptions-by-time',
      text: `
        INSERT INTO redemption_count (account_id, pool_id, quarter, count)
        SELECT $1, $2, made.quarter, made.count FROM unnest($3::timestamptz[], $4::bigint[]) AS made (quarter, count)
        ON CONFLICT (account_id, pool_id, quarter) DO UPDATE SET count = redemption_count.count + excluded.count`,
      values: [tx.accountId, poolId, [...counts.keys()].map((ms) => new Date(ms)), [...counts.values()]],
    }),
  ])
}
