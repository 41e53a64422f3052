import type { RowOf } from '../../database/transaction.ts'
import type { BookTransaction } from '../books/books.ts'
import type { PoolUsage } from '../pool/pool.ts'

/** What became of a pool's claimed codes, in the transaction that has locked it. */
export interface LockedUsage extends PoolUsage {
  poolId: string
  /** Grows by one with each transaction that redeems, rolls back, voids or unvoids codes of the pool. */
  version: bigint
}

/**
 * Locks the usages of those of the pools that exist, until the transaction ends. A transaction that redeems, rolls back, voids
 * or unvoids holds this lock, and reads redemptions and voids in a later statement. Claims do not wait for it.
 */
export async function lockUsages(
  tx: BookTransaction,
  poolIds: readonly string[],
): Promise<Map<string, LockedUsage>> {
  const rows = await tx.rows<RowOf<LockedUsage>>({
    name: 'lock-usages',
    // Locked in the order of the ids, so that two transactions cannot deadlock. It reads no other table, and so returns the
    // rows as they are once they are locked.
    text: `
      SELECT pool_id AS "poolId", redeemed, voided, version FROM pool_usage
      WHERE account_id = $1 AND pool_id = ANY($2::uuid[]) ORDER BY pool_id FOR NO KEY UPDATE`,
    values: [tx.accountId, poolIds],
  })
  const usages = rows.map(({ poolId, redeemed, voided, version }) => ({
    poolId,
    redeemed: BigInt(redeemed),
    voided: BigInt(voided),
    version: BigInt(version),
  }))
  return new Map(usages.map((usage) => [usage.poolId, usage]))
}

/** The same for one pool; undefined if the account has no such pool. */
export async function lockUsage(tx: BookTransaction, poolId: string): Promise<LockedUsage | undefined> {
  return (await lockUsages(tx, [poolId])).get(poolId)
}

/** Writes the counts and the version of a usage that this transaction has locked. */
export async function writeUsage(tx: BookTransaction, usage: LockedUsage): Promise<void> {
  await tx.execute({
    name: 'write-usage',
    text: 'UPDATE pool_usage SET redeemed = $3, voided = $4, version = $5 WHERE account_id = $1 AND pool_id = $2',
    values: [tx.accountId, usage.poolId, usage.redeemed, usage.voided, usage.version],
  })
}
