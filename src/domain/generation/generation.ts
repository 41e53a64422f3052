import { v7 as newId } from 'uuid'
import type { Queryable } from '../../database/transaction.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { NotFoundError } from '../books/errors.ts'
import { checkIdempotencyKey, hashInput, once } from '../books/idempotency.ts'
import { InputCheck } from '../books/input.ts'
import type { TaskRef } from '../books/task-ref.ts'
import {
  availableForGeneration,
  type Format,
  lockFormat,
  QuantityExceedsAvailableError,
} from '../format/format.ts'
import { layBatch } from '../pool/batch.ts'
import { PoolArchivedError } from '../pool/issuing.ts'
import { lockPool, noteStock, type Pool, writePoolCounters } from '../pool/pool.ts'
import { writeReplenishment } from './replenishment.ts'
import {
  type Accepted,
  insertGenerationTask,
  markFailed,
  markGenerationCompleted,
  markRunning,
  readTask,
} from './task.ts'

export interface GenerateCodesInput {
  poolId: string
  formatId: string
  quantity: bigint
  /** Saved as the pool's Promo Codes section, with this format and quantity. */
  saveSettings?: { autoGenerate: boolean; refillThreshold: bigint } | undefined
  idempotencyKey?: string | undefined
}

const operation = 'generateCodes'

/** Like `acceptGeneration`, but only resolves to the id of the task. */
export async function generateCodes(
  books: Books,
  accountId: string,
  input: GenerateCodesInput,
): Promise<string> {
  return (await acceptGeneration(books, accountId, input)).taskId
}

/**
 * 'Save and generate': in one transaction, reserves the quantity and inserts the task that will generate it. Resolves to
 * the id of the task, with its pool and format as of that moment. With an idempotencyKey that was used for the same input
 * before, resolves to the id of the earlier task and changes nothing.
 * Rejects with an InvalidInputError, NotFoundError, PoolArchivedError, QuantityExceedsAvailableError or
 * IdempotencyConflictError.
 */
export async function acceptGeneration(
  books: Books,
  accountId: string,
  input: GenerateCodesInput,
): Promise<Accepted> {
  const check = new InputCheck()
  check.count(['quantity'], input.quantity, 1n)
  if (input.saveSettings !== undefined)
    check.count(['saveSettings', 'refillThreshold'], input.saveSettings.refillThreshold, 0n)
  checkIdempotencyKey(check, input.idempotencyKey)
  check.done()
  return await books.write(accountId, async (tx) => {
    const pool = await lockPool(tx, input.poolId)
    if (pool === undefined) throw new NotFoundError('pool', ['poolId'])
    const format = await lockFormat(tx, input.formatId)
    const hash = hashInput({
      poolId: input.poolId,
      formatId: input.formatId,
      quantity: input.quantity,
      autoGenerate: input.saveSettings?.autoGenerate,
      refillThreshold: input.saveSettings?.refillThreshold,
    })
    const taskId = newId()
    return await once(tx, operation, { key: input.idempotencyKey, hash, taskId }, () =>
      reserve(tx, pool, format, taskId, input),
    )
  })
}

/** Reserves the quantity and inserts the task. The transaction has locked the pool and the format. */
async function reserve(
  tx: BookTransaction,
  pool: Pool,
  format: Format,
  taskId: string,
  { quantity, saveSettings }: GenerateCodesInput,
): Promise<Accepted> {
  if (pool.archivedAt !== undefined) throw new PoolArchivedError(pool, 'generated')
  const available = availableForGeneration(format)
  if (quantity > available) throw new QuantityExceedsAvailableError(format, available)
  await tx.execute({
    text: 'UPDATE format SET reserved = reserved + $3 WHERE account_id = $1 AND id = $2',
    values: [tx.accountId, format.id, quantity],
  })
  format.reserved += quantity
  if (saveSettings !== undefined) {
    const settings = { method: 'GENERATE', formatId: format.id, quantity, ...saveSettings } as const
    await writeReplenishment(tx, pool, settings, ['saveSettings'])
  }
  await insertGenerationTask(tx, { id: taskId, poolId: pool.id, formatId: format.id, quantity })
  return { taskId, pool, format }
}

/** A generation in the queue, and what a worker has to know of it. */
export interface QueuedGeneration extends TaskRef {
  /** See `Task`. */
  traceParent: string | null
}

/**
 * At most `limit` generations of an account to run, oldest first: those that wait for a worker, and those whose worker may
 * have died; not those of formats that are not ready, whose backfill puts the account into the queue again.
 */
export async function readQueuedGenerations(
  books: Queryable,
  accountId: string,
  limit: number,
): Promise<QueuedGeneration[]> {
  return await books.rows<QueuedGeneration>({
    name: 'read-queued-generations',
    text: `
      SELECT account_id AS "accountId", id AS "taskId", trace_parent AS "traceParent" FROM task
      WHERE account_id = $1 AND kind = 'GENERATION' AND status IN ('AWAITING_EXECUTION', 'RUNNING') AND NOT EXISTS (
        SELECT FROM format WHERE account_id = $1 AND id = task.format_id AND taken_to IS NOT NULL
      )
      ORDER BY account_id, id LIMIT $2`,
    values: [accountId, limit],
  })
}

/**
 * Runs a generation in two transactions: the first makes it RUNNING, the second adds its codes to the pool and makes it
 * COMPLETED. If a worker dies in between, any other can finish the task. Resolves to false if there was nothing to do,
 * because another worker is running it or has finished it.
 */
export async function runGeneration(books: Books, task: TaskRef): Promise<boolean> {
  const started = await runStep(books, task, async (tx) => (await markRunning(tx, task.taskId)) !== undefined)
  const completed = await runStep(books, task, (tx, pool) => complete(tx, pool, task.taskId))
  return started || completed
}

/** Makes a generation FAILED. Resolves to false if it had already ended. */
export async function failGeneration(books: Books, task: TaskRef): Promise<boolean> {
  const message = 'The service could not finish this task. Nothing was added to the pool. Start it again.'
  return await runStep(
    books,
    task,
    async (tx) => (await markFailed(tx, task.taskId, { code: 'INTERNAL', message })) !== undefined,
  )
}

/**
 * Runs one step of a task in a transaction that has locked its pool. Resolves to false if another worker is running it.
 *
 * Workers exclude each other by an advisory lock, so that none waits for another. They do not lock the row of the task: it
 * is written under the lock of its pool, and a worker that held the row and waited for the pool would deadlock with a
 * cancellation.
 */
async function runStep(
  books: Books,
  { accountId, taskId }: TaskRef,
  step: (tx: BookTransaction, pool: Pool) => Promise<boolean>,
): Promise<boolean> {
  return await books.write(accountId, async (tx) => {
    if (!(await tx.tryLock(taskId))) return false
    const task = await readTask(tx, accountId, taskId)
    const pool = task === undefined ? undefined : await lockPool(tx, task.poolId)
    return pool !== undefined && (await step(tx, pool))
  })
}

async function complete(tx: BookTransaction, pool: Pool, taskId: string): Promise<boolean> {
  // Read again: while the pool is locked, the status does not change.
  const task = await readTask(tx, tx.accountId, taskId)
  if (task?.formatId === undefined || task.quantity === undefined)
    throw new Error(`The task ${taskId} has no format or quantity.`)
  if (task.status !== 'RUNNING') return false
  const format = await lockFormat(tx, task.formatId)
  if (format.takenTo !== undefined) return false
  await layBatch(tx, pool, format, { taskId, count: task.quantity, reserved: true })
  await noteStock(tx, pool, task.quantity)
  await writePoolCounters(tx, { ...pool, refillFailed: false })
  // Last, because it records the time.
  const completed = await markGenerationCompleted(tx, taskId)
  if (completed === undefined) throw new Error(`The task ${taskId} changed while its pool was locked.`)
  const payload = { taskId, added: String(completed.added) }
  tx.record({ poolId: pool.id, kind: 'POOL_REFILLED', payload }, completed.actorId)
  return true
}
