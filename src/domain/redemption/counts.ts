import type { BookTransaction } from '../books/books.ts'

// Every time zone's offset is a multiple of a quarter of an hour: days and hours of any zone consist of whole ones.
const quarterMs = 900_000

/** Adds redemptions of a pool to its counts per quarter of an hour, by the times for which they were made. */
export async function countRedemptions(
  tx: BookTransaction,
  poolId: string,
  times: readonly Date[],
): Promise<void> {
  const counts = new Map<number, number>()
  for (const time of times) {
    const quarter = quarterOf(time)
    counts.set(quarter, (counts.get(quarter) ?? 0) + 1)
  }
  await tx.execute({
    name: 'count-redemptions',
    text: `
      INSERT INTO redemption_count (account_id, pool_id, quarter, count)
      SELECT $1, $2, made.quarter, made.count FROM unnest($3::timestamptz[], $4::bigint[]) AS made (quarter, count)
      ON CONFLICT (account_id, pool_id, quarter) DO UPDATE SET count = redemption_count.count + excluded.count`,
    values: [tx.accountId, poolId, [...counts.keys()].map((ms) => new Date(ms)), [...counts.values()]],
  })
}

/** Takes a redemption that was rolled back from the counts. */
export async function uncountRedemption(tx: BookTransaction, poolId: string, time: Date): Promise<void> {
  await tx.execute({
    text: `
      UPDATE redemption_count SET count = count - 1
      WHERE account_id = $1 AND pool_id = $2 AND quarter = $3`,
    values: [tx.accountId, poolId, new Date(quarterOf(time))],
  })
}

function quarterOf(time: Date): number {
  return Math.floor(time.getTime() / quarterMs) * quarterMs
}
