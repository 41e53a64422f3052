import type { BookTransaction } from '../books/books.ts'
import { NotFoundError } from '../books/errors.ts'
import { readTask } from '../generation/task.ts'
import { lockPool, type Pool } from '../pool/pool.ts'

/** Codes of a pool: all of a kind, or only those that a task has added. */
export interface StockInput {
  poolId: string
  taskId?: string | undefined
}

/** How many codes were withdrawn or restored, and the pool as of that moment. */
export interface Moved {
  count: bigint
  pool: Pool
}

/** Locks the pool. Rejects with a NotFoundError if the account has no such pool, or the pool no such task. */
export async function lockStock(tx: BookTransaction, { poolId, taskId }: StockInput): Promise<Pool> {
  const pool = await lockPool(tx, poolId)
  if (pool === undefined) throw new NotFoundError('pool', ['poolId'])
  if (taskId !== undefined && (await readTask(tx, tx.accountId, taskId))?.poolId !== pool.id)
    throw new NotFoundError('task of this pool', ['taskId'])
  return pool
}
