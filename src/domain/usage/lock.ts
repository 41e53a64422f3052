import type { BookTransaction } from '../books/books.ts'

/**
 * Locks what has become of the codes of pools until the transaction ends: nobody else redeems, rolls back, voids or unvoids
 * codes of these pools meanwhile, but they can be claimed. Resolves to the version of each pool's usage.
 */
export async function lockUsage(
  tx: BookTransaction,
  poolIds: readonly string[],
): Promise<Map<string, bigint>> {
  const rows = await tx.rows<{ pool_id: string; version: string }>({
    // Locked in the order of the ids, so that two transactions cannot deadlock. It reads no other table, and so returns the
    // rows as they are once they are locked.
    text: `
      SELECT pool_id, version FROM pool_usage WHERE account_id = $1 AND pool_id = ANY($2::uuid[])
      ORDER BY pool_id FOR NO KEY UPDATE`,
    values: [tx.accountId, poolIds],
  })
  return new Map(rows.map(({ pool_id: poolId, version }) => [poolId, BigInt(version)]))
}
