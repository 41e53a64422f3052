import type { BookTransaction } from '../books/books.ts'

/**
 * Locks what becomes of the claimed codes of those pools that exist until the transaction ends. Whoever redeems, rolls back,
 * voids or unvoids holds this lock, and reads redemptions and voids in a later statement. Claims do not wait for it.
 *
 * Resolves to the version of each pool's usage, which grows by one with each transaction that changes it.
 */
export async function lockUsages(
  tx: BookTransaction,
  poolIds: readonly string[],
): Promise<Map<string, bigint>> {
  const rows = await tx.rows<{ pool_id: string; version: string }>({
    name: 'lock-usages',
    // Locked in the order of the ids, so that two transactions cannot deadlock. It reads no other table, and so returns the
    // rows as they are once they are locked.
    text: `
      SELECT pool_id, version FROM pool_usage
      WHERE account_id = $1 AND pool_id = ANY($2::uuid[]) ORDER BY pool_id FOR NO KEY UPDATE`,
    values: [tx.accountId, poolIds],
  })
  return new Map(rows.map(({ pool_id: poolId, version }) => [poolId, BigInt(version)]))
}

/** The same for one pool. Rejects if it has no usage, as every pool of the account has. */
export async function lockUsage(tx: BookTransaction, poolId: string): Promise<bigint> {
  const version = (await lockUsages(tx, [poolId])).get(poolId)
  if (version === undefined) throw new Error(`The pool ${poolId} has no usage.`)
  return version
}
