import type { Books } from '../books/books.ts'
import { restoreBatches } from '../pool/move-batches.ts'
import { writePoolCounters } from '../pool/pool.ts'
import { lockStock, type Moved, type StockInput } from './lock-stock.ts'

/**
 * Restores the withdrawn codes of a pool, or those of them that a task has added: they can be claimed again, after all that are
 * available now. Any number takes the same time. Auto-generation stays as it is. Codes that may have been handed out before a
 * rewind stay withdrawn.
 *
 * Rejects with a NotFoundError if the account has no such pool, or the pool no such task.
 */
export async function restoreCodes(books: Books, accountId: string, input: StockInput): Promise<Moved> {
  return await books.write(accountId, async (tx) => {
    const pool = await lockStock(tx, input)
    const count = await restoreBatches(tx, pool, input.taskId)
    if (count === 0n) return { count, pool }
    await writePoolCounters(tx, pool)
    const payload = { count: String(count), reason: null, taskId: input.taskId ?? null }
    tx.record({ poolId: pool.id, kind: 'CODES_RESTORED', payload })
    return { count, pool }
  })
}
