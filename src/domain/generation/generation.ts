import type { Queryable } from '../../database/transaction.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { IdempotencyConflictError, NotFoundError } from '../books/errors.ts'
import {
  checkIdempotencyKey,
  findKeys,
  hashInput,
  insertKeys,
  KeyJustUsedError,
} from '../books/idempotency.ts'
import { InputCheck } from '../books/input.ts'
import type { TaskRef } from '../books/task-ref.ts'
import { availableForGeneration, lockFormat, QuantityExceedsAvailableError } from '../format/format.ts'
import { layBatch } from '../pool/batch.ts'
import type { Accepted } from '../pool/moment.ts'
import { lockPool, type Pool, writePoolCounters } from '../pool/pool.ts'
import { writeReplenishment } from './replenishment.ts'
import { changeTask, insertWaitingTask, readTask, returnReservation, unfinished } from './task.ts'

export interface GenerateCodesInput {
  poolId: string
  formatId: string
  quantity: bigint
  /** Saved as the pool's Promo Codes section, with this format and quantity. */
  saveSettings?: { autoGenerate: boolean; refillThreshold: bigint } | undefined
  idempotencyKey?: string | undefined
}

const operation = 'generateCodes'

/** As `acceptGeneration`; resolves to the id of the task alone. */
export async function generateCodes(
  books: Books,
  accountId: string,
  input: GenerateCodesInput,
): Promise<string> {
  return (await acceptGeneration(books, accountId, input)).taskId
}

/**
 * 'Save and generate': reserves the quantity and creates the task that will generate it, in one transaction.
 * Resolves to the id of the task, and to how its pool and its format stood then; with an idempotencyKey that was used for
 * the same input, to that task's.
 * Rejects with an InvalidInputError, NotFoundError, QuantityExceedsAvailableError or IdempotencyConflictError.
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
  try {
    return await books.write(accountId, (tx) => accept(tx, input))
  } catch (error) {
    // The other transaction has ended by now, so this time its key is found.
    if (error instanceof KeyJustUsedError) return await books.write(accountId, (tx) => accept(tx, input))
    throw error
  }
}

async function accept(tx: BookTransaction, input: GenerateCodesInput): Promise<Accepted> {
  const { idempotencyKey: key, saveSettings } = input
  const pool = await lockPool(tx, input.poolId)
  if (pool === undefined) throw new NotFoundError('pool', ['poolId'])
  const format = await lockFormat(tx, input.formatId)
  const hash = hashInput({
    poolId: input.poolId,
    formatId: input.formatId,
    quantity: input.quantity,
    autoGenerate: saveSettings?.autoGenerate,
    refillThreshold: saveSettings?.refillThreshold,
  })
  const used = key === undefined ? undefined : (await findKeys(tx, operation, [key])).get(key)
  if (used !== undefined) {
    if (used.hash !== hash || used.taskId === undefined) throw new IdempotencyConflictError()
    return { taskId: used.taskId, moment: {} }
  }
  const room = availableForGeneration(format)
  if (input.quantity > room) throw new QuantityExceedsAvailableError(format, room)
  await tx.execute({
    text: 'UPDATE format SET reserved = reserved + $3 WHERE account_id = $1 AND id = $2',
    values: [tx.accountId, format.id, input.quantity],
  })
  format.reserved += input.quantity
  if (saveSettings !== undefined)
    await writeReplenishment(tx, pool, {
      method: 'GENERATE',
      formatId: format.id,
      quantity: input.quantity,
      ...saveSettings,
    })
  const taskId = await insertWaitingTask(tx, {
    trigger: 'MANUAL',
    poolId: pool.id,
    formatId: format.id,
    quantity: input.quantity,
  })
  if (key !== undefined)
    await insertKeys(tx, operation, [{ key, hash, taskId, poolId: undefined, first: undefined }])
  return { taskId, moment: { pool, format } }
}

/**
 * The tasks that wait for a worker, or for another worker because theirs died: oldest first, `limit` at most. Those of a
 * format that earlier codes are still being taken out of wait for that first.
 */
export async function readQueue(books: Queryable, limit: number): Promise<TaskRef[]> {
  const rows = await books.rows<{ account_id: string; id: string }>({
    name: 'read-queue',
    text: `
      SELECT account_id, id FROM task
      WHERE status IN ('AWAITING_EXECUTION', 'RUNNING') AND kind = 'GENERATION' AND NOT EXISTS (
        SELECT FROM format WHERE account_id = task.account_id AND id = task.format_id AND taken_to IS NOT NULL
      )
      ORDER BY id LIMIT $1`,
    values: [limit],
  })
  return rows.map((row) => ({ accountId: row.account_id, taskId: row.id }))
}

/**
 * Carries a queued task on to its end: first makes it RUNNING, then, in one transaction, adds its codes to the
 * pool and makes it COMPLETED. A worker that dies between the two leaves a task that any other can finish.
 * Resolves to false when there was nothing to do, because somebody else is at it or was first.
 */
export async function carryOn(books: Books, task: TaskRef): Promise<boolean> {
  const started = await advance(books, task, startTask)
  const finished = await advance(books, task, finishTask)
  return started || finished
}

/** Ends a task that cannot be carried on as FAILED. Resolves to false when it had ended already. */
export async function failTask(books: Books, task: TaskRef): Promise<boolean> {
  return await advance(books, task, async (tx) => {
    const message = 'The service could not finish this task. Nothing was added to the pool: start it again.'
    const failed = await changeTask(tx, task.taskId, unfinished, { status: 'FAILED', message })
    if (failed !== undefined) await returnReservation(tx, failed)
    return failed !== undefined
  })
}

/**
 * Runs one step of a task in a transaction that has locked its pool, unless another worker is at it.
 *
 * The row of the task is not what workers lock: it is written while its pool is locked, pool first, and whoever
 * held the row and then waited for the pool would deadlock with a cancellation. An advisory lock keeps workers from
 * waiting for each other; that a step is taken once is up to the status that the step expects.
 */
async function advance(
  books: Books,
  { accountId, taskId }: TaskRef,
  step: (tx: BookTransaction, pool: Pool, taskId: string) => Promise<boolean>,
): Promise<boolean> {
  return await books.write(accountId, async (tx) => {
    if (!(await tx.tryLock(taskId))) return false
    const task = await readTask(tx, accountId, taskId)
    const pool = task === undefined ? undefined : await lockPool(tx, task.poolId)
    return pool !== undefined && (await step(tx, pool, taskId))
  })
}

async function startTask(tx: BookTransaction, _pool: Pool, taskId: string): Promise<boolean> {
  return (await changeTask(tx, taskId, ['AWAITING_EXECUTION'], { status: 'RUNNING' })) !== undefined
}

async function finishTask(tx: BookTransaction, pool: Pool, taskId: string): Promise<boolean> {
  const task = await readTask(tx, tx.accountId, taskId)
  if (task?.formatId === undefined || task.quantity === undefined)
    throw new Error(`The task ${taskId} does not say what to generate.`)
  const count = task.quantity
  // As its pool is locked, nobody else changes it from here on.
  if (task.status !== 'RUNNING') return false
  const format = await lockFormat(tx, task.formatId)
  if (format.takenTo !== undefined) return false
  await layBatch(tx, pool, format, { taskId, count, reserved: true })
  await writePoolCounters(tx, { ...pool, refillFailed: false })
  // Last, as it notes the time.
  await changeTask(tx, taskId, ['RUNNING'], { status: 'COMPLETED', done: count })
  tx.record({ poolId: pool.id, kind: 'POOL_REFILLED', payload: { taskId, added: String(count) } })
  return true
}
