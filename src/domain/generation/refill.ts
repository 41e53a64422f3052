import { max, min } from '../../bigint.ts'
import { grouped } from '../../grouped.ts'
import { facts } from '../../telemetry/facts.ts'
import type { BookTransaction } from '../books/books.ts'
import { atOnceWhileUnready, takeNext } from '../format/backfill.ts'
import { availableForGeneration, type Format, lockFormat, readFormat } from '../format/format.ts'
import { layBatch } from '../pool/batch.ts'
import { noteStock, type Pool } from '../pool/pool.ts'
import { isValidityOver } from '../pool/terms.ts'
import { insertRefillTask } from './task.ts'

/**
 * How many codes an automatic refill generates for a pool with `available` codes, of which `needed` will be claimed: the
 * smallest multiple of `quantity` that leaves more than `threshold` codes after the claims; 0 if that many are left anyway.
 */
export function refillQuantity(stock: {
  available: bigint
  needed: bigint
  threshold: bigint
  quantity: bigint
}): bigint {
  const short = stock.needed + stock.threshold + 1n - stock.available
  if (short <= 0n) return 0n
  return ((short + stock.quantity - 1n) / stock.quantity) * stock.quantity
}

/** A pool with settings for automatic refills. */
export type RefillablePool = Pool & { formatId: string; quantity: bigint }

/** Whether the pool is refilled at the time `at`: not while it is archived, nor once its codes would no longer be good. */
export function isRefillable(pool: Pool, at: Date): pool is RefillablePool {
  return (
    pool.archivedAt === undefined &&
    !isValidityOver(pool.terms, at) &&
    pool.autoGenerate &&
    pool.method === 'GENERATE' &&
    pool.formatId !== undefined &&
    pool.quantity !== undefined
  )
}

/**
 * Locks the pool's format if a stock of `rest` requires a refill and the format may have codes for it. A format that was
 * exhausted at the last refill is first read without a lock, in case it still is.
 */
export async function formatForRefill(
  tx: BookTransaction,
  pool: Pool,
  rest: bigint,
): Promise<Format | undefined> {
  if (!isRefillable(pool, tx.now()) || rest > pool.refillThreshold) return undefined
  if (pool.refillFailed && (await isExhausted(tx, pool))) return undefined
  return await lockFormat(tx, pool.formatId)
}

async function isExhausted(tx: BookTransaction, pool: RefillablePool): Promise<boolean> {
  const format = await readFormat(tx, tx.accountId, pool.formatId)
  return format === undefined || availableForGeneration(format) === 0n
}

/** Records that the stock has fallen to the threshold or to nothing, if it has. */
export function recordShortage(tx: BookTransaction, pool: Pool, before: bigint, after: bigint): void {
  const threshold = pool.refillThreshold
  // With a threshold of 0, a pool is never low, only empty.
  if (threshold > 0n && before > threshold && after <= threshold)
    tx.record({ poolId: pool.id, kind: 'POOL_LOW', payload: { available: String(after) } })
  if (before > 0n && after === 0n) tx.record({ poolId: pool.id, kind: 'POOL_EMPTY', payload: {} })
}

/**
 * Refills a pool for claims of `needed` codes if its stock would fall to the threshold: one task, one batch and their
 * events. If the format has fewer codes than wanted, the refill is as large as possible. The transaction has locked the
 * pool and its format. Changes the counters of `pool`, which the caller writes. Resolves to the id of the task, if there
 * is one.
 *
 * A refill that is impossible or too small is recorded once, until another succeeds or the settings change.
 */
export async function refill(
  tx: BookTransaction,
  pool: RefillablePool,
  format: Format,
  needed: bigint,
): Promise<string | undefined> {
  const wanted = refillQuantity({
    available: pool.total - pool.claimed,
    needed,
    threshold: pool.refillThreshold,
    quantity: pool.quantity,
  })
  if (wanted === 0n) return undefined
  const available = availableForGeneration(format)
  const possible = min(wanted, available)
  // While a format is not ready, claims wait for the backfill of every code that is laid. So no more is laid than the claims
  // need and some for the next ones.
  const quantity =
    format.takenTo === undefined
      ? possible
      : min(possible, max(needed - (pool.total - pool.claimed), 0n) + atOnceWhileUnready)
  const taskId = quantity > 0n ? await generate(tx, pool, format, quantity) : undefined
  if (possible === wanted) pool.refillFailed = false
  else if (!pool.refillFailed) {
    pool.refillFailed = true
    tx.record({
      poolId: pool.id,
      kind: 'POOL_REFILL_FAILED',
      payload: { code: 'FORMAT_EXHAUSTED', message: shortage(format, possible), formatId: format.id },
    })
  }
  return taskId
}

async function generate(
  tx: BookTransaction,
  pool: RefillablePool,
  format: Format,
  quantity: bigint,
): Promise<string> {
  const taskId = await insertRefillTask(tx, { poolId: pool.id, formatId: format.id, quantity })
  if (format.takenTo !== undefined) await takeNext(tx, format, quantity)
  await layBatch(tx, pool, format, { taskId, count: quantity, reserved: false })
  await noteStock(tx, pool, quantity)
  tx.tellOnCommit(facts.refilled, { codes: quantity })
  tx.record({ poolId: pool.id, kind: 'POOL_REFILLED', payload: { taskId, added: String(quantity) } })
  return taskId
}

function shortage(format: Format, quantity: bigint): string {
  const rest =
    quantity === 0n
      ? `has no codes left, so the pool could not be refilled`
      : `had only ${grouped(quantity)} codes left, so the pool was not refilled in full`
  return `The format "${format.name}" ${rest}. Give the pool a format with more room.`
}
