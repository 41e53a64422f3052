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
 * Locks what becomes of a pool's claimed codes until the transaction ends; undefined if the account has no such pool. Whoever
 * redeems, rolls back, voids or unvoids holds this lock, and reads redemptions and voids in a later statement. Claims do not
 * wait for it.
 */
export async function lockUsage(tx: BookTransaction, poolId: string): Promise<LockedUsage | undefined> {
  const [row] = await tx.rows<RowOf<Omit<LockedUsage, 'poolId'>>>({
    name: 'lock-usage',
    text: `
      SELECT redeemed, voided, version FROM pool_usage WHERE account_id = $1 AND pool_id = $2 FOR NO KEY UPDATE`,
    values: [tx.accountId, poolId],
  })
  if (row === undefined) return undefined
  return {
    poolId,
    redeemed: BigInt(row.redeemed),
    voided: BigInt(row.voided),
    version: BigInt(row.version),
  }
}

/** Writes the counts and the version of a usage that this transaction has locked. */
export async function writeUsage(tx: BookTransaction, usage: LockedUsage): Promise<void> {
  await tx.execute({
    name: 'write-usage',
    text: 'UPDATE pool_usage SET redeemed = $3, voided = $4, version = $5 WHERE account_id = $1 AND pool_id = $2',
    values: [tx.accountId, usage.poolId, usage.redeemed, usage.voided, usage.version],
  })
}
