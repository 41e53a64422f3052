import type { Books, BookTransaction } from '../books/books.ts'
import { InputCheck, maxReasonLength } from '../books/input.ts'
import { formatForRefill, isRefillable, recordShortage, refill } from '../generation/refill.ts'
import { writeReplenishment } from '../generation/replenishment.ts'
import { withdrawBatches } from '../pool/move-batches.ts'
import { type Pool, writePoolCounters } from '../pool/pool.ts'
import { lockStock, type Moved, type StockInput } from './lock-stock.ts'

export interface WithdrawCodesInput extends StockInput {
  /** Leaves auto-generation as it is. Otherwise it is turned off. */
  keepAutoGenerate?: boolean | undefined
  /** For the event; 1 to `maxReasonLength` characters. */
  reason?: string | undefined
}

/**
 * Withdraws the available codes of a pool, or those of them that a task has added: they can no longer be claimed, until they
 * are restored, and are never generated again. Any number takes the same time. A claim that runs at the same time gets its
 * codes before that, or finds them gone.
 *
 * Unless `keepAutoGenerate`, auto-generation is turned off in the same transaction, even if there was nothing to withdraw.
 * Otherwise the pool is refilled, or reports that it is low or empty, as after a claim.
 *
 * Rejects with an InvalidInputError, or with a NotFoundError if the account has no such pool, or the pool no such task.
 */
export async function withdrawCodes(
  books: Books,
  accountId: string,
  input: WithdrawCodesInput,
): Promise<Moved> {
  const { taskId, keepAutoGenerate = false, reason } = input
  const check = new InputCheck()
  if (reason !== undefined) check.visibleText(['reason'], reason, maxReasonLength, 'optional')
  check.done()
  return await books.write(accountId, async (tx) => {
    const pool = await lockStock(tx, input)
    return { count: await withdrawStock(tx, pool, { taskId, keepAutoGenerate, reason }), pool }
  })
}

/** `withdrawCodes` in a transaction that has locked the pool. Resolves to how many codes were withdrawn. */
export async function withdrawStock(
  tx: BookTransaction,
  pool: Pool,
  { taskId, keepAutoGenerate = false, reason }: Omit<WithdrawCodesInput, 'poolId'>,
): Promise<bigint> {
  const before = pool.total - pool.claimed
  const count = await withdrawBatches(tx, pool, taskId)
  if (count > 0n) {
    const payload = { count: String(count), reason: reason ?? null, taskId: taskId ?? null }
    tx.record({ poolId: pool.id, kind: 'CODES_WITHDRAWN', payload })
  }
  if (!keepAutoGenerate) await turnOffAutoGenerate(tx, pool)
  if (count > 0n) {
    const format = await formatForRefill(tx, pool, pool.total - pool.claimed)
    if (format !== undefined && isRefillable(pool, tx.now())) await refill(tx, pool, format, 0n)
    recordShortage(tx, pool, before, pool.total - pool.claimed)
    await writePoolCounters(tx, pool)
  }
  return count
}

async function turnOffAutoGenerate(tx: BookTransaction, pool: Pool): Promise<void> {
  if (!pool.autoGenerate) return
  const { method, formatId, quantity, refillThreshold } = pool
  await writeReplenishment(tx, pool, { method, formatId, quantity, autoGenerate: false, refillThreshold }, [])
}
