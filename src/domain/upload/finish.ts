import { grouped } from '../../grouped.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { NotFoundError, UploadNotUndoneError } from '../books/errors.ts'
import type { TaskFailure } from '../books/task-failure.ts'
import type { TaskRef } from '../books/task-ref.ts'
import { formatForRefill, isRefillable, recordShortage, refill } from '../generation/refill.ts'
import {
  isUnfinished,
  markFailed,
  markUndone,
  markUploadCompleted,
  readTask,
  type Task,
} from '../generation/task.ts'
import { hasBarred, removeBatches } from '../pool/move-batches.ts'
import { lockPool, noteStock, type Pool, writePoolCounters } from '../pool/pool.ts'

/**
 * Completes an upload whose file has been read to its end: appends its codes to the pool as one batch. A dry run adds
 * nothing. If every row was refused, the upload fails, since it was not a file of codes, or the column was wrong.
 * Resolves to false if the upload was no longer RUNNING.
 */
export async function completeUpload(books: Books, { accountId, taskId }: TaskRef): Promise<boolean> {
  return await books.write(accountId, async (tx) => {
    const pool = await lockPoolOf(tx, await readTask(tx, accountId, taskId))
    const failure = await readFailure(tx, taskId)
    const task =
      failure === undefined ? await markUploadCompleted(tx, taskId) : await markFailed(tx, taskId, failure)
    if (task === undefined) return false
    if (task.added === 0n) return true
    await tx.execute({
      name: 'lay-upload',
      text: 'INSERT INTO batch (account_id, pool_id, start, count, task_id) VALUES ($1, $2, $3, $4, $5)',
      values: [accountId, pool.id, pool.total, task.added, taskId],
    })
    pool.total += task.added
    await noteStock(tx, pool, task.added)
    await writePoolCounters(tx, { ...pool, refillFailed: false })
    tx.record(
      { poolId: pool.id, kind: 'POOL_REFILLED', payload: { taskId, added: String(task.added) } },
      task.actorId,
    )
    return true
  })
}

/** The failure of an upload whose rows were all refused. */
async function readFailure(tx: BookTransaction, taskId: string): Promise<TaskFailure | undefined> {
  const [row] = await tx.rows<{ refused: string; number: string; reason: string }>({
    name: 'read-upload-failure',
    text: `
      SELECT task.refused, first.number, first.reason FROM task CROSS JOIN LATERAL (
        SELECT number, reason FROM rejected_row WHERE account_id = $1 AND task_id = $2 ORDER BY number LIMIT 1
      ) AS first
      WHERE account_id = $1 AND id = $2 AND refused > 0 AND refused = rows_read`,
    values: [tx.accountId, taskId],
  })
  if (row === undefined) return undefined
  const first = `refused, so there is nothing to add. Row ${row.number}: ${row.reason}`
  const message =
    row.refused === '1'
      ? `The only row of the file was ${first}`
      : `All ${grouped(BigInt(row.refused))} rows of the file were ${first} The rejected rows have the reason for each.`
  return { code: 'ALL_ROWS_REFUSED', message }
}

/**
 * Undoes a completed upload if none of its codes has been claimed. The codes, withdrawn or not, leave the pool, which is
 * then refilled, or reports that it is low or empty, as after a claim. They can be generated or uploaded again once a
 * worker has cleared them away. Undoing an undone upload changes nothing. Rejects with a NotFoundError or an
 * UploadNotUndoneError.
 */
export async function undoUpload(books: Books, accountId: string, taskId: string): Promise<void> {
  await books.write(accountId, async (tx) => {
    const before = await readTask(tx, accountId, taskId)
    if (before === undefined) throw new NotFoundError('task', ['taskId'])
    const pool = await lockPoolOf(tx, before)
    const task = await readTask(tx, accountId, taskId)
    if (task?.kind === 'UPLOAD' && task.status === 'UNDONE') return
    const reason = task === undefined ? 'The task is gone.' : reasonAgainst(task)
    if (reason !== undefined) throw new UploadNotUndoneError(taskId, reason)
    if ((await markUndone(tx, taskId)) === undefined)
      throw new Error(`The upload ${taskId} has changed although its pool was locked.`)
    await removeCodes(tx, pool, taskId)
  })
}

/** Why an upload cannot be undone, apart from claims. */
function reasonAgainst({ kind, status, dryRun }: Task): string | undefined {
  if (kind !== 'UPLOAD')
    return 'The task is a generation. Only uploads can be undone: generated codes stay generated.'
  if (isUnfinished(status)) return 'The upload has not finished. Cancel it instead; then it adds nothing.'
  if (status !== 'COMPLETED')
    return `The upload is ${status.toLowerCase()}, so it has added nothing that could be undone.`
  if (dryRun) return 'The upload was a dry run, so it has added nothing that could be undone.'
  return undefined
}

async function lockPoolOf(tx: BookTransaction, task: Task | undefined): Promise<Pool> {
  const pool = task === undefined ? undefined : await lockPool(tx, task.poolId)
  if (pool === undefined) throw new Error('The upload, or its pool, does not exist.')
  return pool
}

/** Removes the codes of an upload from its pool, if none has been claimed. */
async function removeCodes(tx: BookTransaction, pool: Pool, taskId: string): Promise<void> {
  await refuseIfClaimed(tx, pool, taskId)
  const before = pool.total - pool.claimed
  await removeBatches(tx, pool, taskId)
  const after = pool.total - pool.claimed
  if (after < before) {
    const format = await formatForRefill(tx, pool, after)
    if (format !== undefined && isRefillable(pool, tx.now())) await refill(tx, pool, format, 0n)
    recordShortage(tx, pool, before, pool.total - pool.claimed)
  }
  await writePoolCounters(tx, pool)
}

async function refuseIfClaimed(tx: BookTransaction, pool: Pool, taskId: string): Promise<void> {
  const [row] = await tx.rows<{ claimed: string | null; count: string }>({
    name: 'count-claimed-of-upload',
    text: `
      SELECT sum(least(start + count, $3) - start) FILTER (WHERE NOT withdrawn AND start < $3) AS claimed,
        sum(count) AS count
      FROM batch WHERE account_id = $1 AND task_id = $2`,
    values: [tx.accountId, taskId, pool.claimed],
  })
  if (row?.claimed != null)
    throw new UploadNotUndoneError(taskId, claimedReason(BigInt(row.claimed), BigInt(row.count)))
  if (await hasBarred(tx, taskId))
    throw new UploadNotUndoneError(
      taskId,
      'Some of its codes may have been claimed before the database was restored from a backup, so the upload can no longer be undone.',
    )
}

function claimedReason(claimed: bigint, count: bigint): string {
  const all = count === 1n ? 'Its only code' : 'All of its codes'
  const some = claimed === count ? all : `${grouped(claimed)} of its ${grouped(count)} codes`
  const withdraw = 'To take the others out of stock, withdraw them (withdrawCodes). '
  return (
    `${some} ${claimed === 1n ? 'has' : 'have'} been claimed, so the upload can no longer be undone. ` +
    `${claimed < count ? withdraw : ''}To make codes that were claimed stop working, void them (voidCodes).`
  )
}
