import type { TaskStatus } from '../../generated/prisma/client.ts'
import { grouped } from '../../grouped.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { holdCatalog } from '../books/catalog-lock.ts'
import { NotFoundError, UploadNotUndoneError } from '../books/errors.ts'
import type { TaskRef } from '../books/task-ref.ts'
import { lockFormat } from '../format/format.ts'
import { findShares, giveBack } from '../format/taken-indices.ts'
import { formatForRefill, isRefillable, recordShortage, refill } from '../generation/refill.ts'
import {
  isUnfinished,
  markFailed,
  markUndone,
  markUploadCompleted,
  readTask,
  type Task,
  type TaskFailure,
} from '../generation/task.ts'
import { lockPool, type Pool, writePoolCounters } from '../pool/pool.ts'

/**
 * Ends an upload whose file has been read to its end as COMPLETED, and lays all codes that it has brought at the end
 * of its pool's line, as one batch. A dry run adds nothing. One of which every row was refused ends as FAILED: what was
 * uploaded is no file of codes, or not the right column of one. Resolves to false when it was no longer RUNNING.
 */
export async function completeUpload(books: Books, { accountId, taskId }: TaskRef): Promise<boolean> {
  return await books.write(accountId, async (tx) => {
    const pool = await lockPoolOf(tx, await readTask(tx, accountId, taskId))
    const refusal = await readRefusal(tx, taskId)
    const task =
      refusal === undefined ? await markUploadCompleted(tx, taskId) : await markFailed(tx, taskId, refusal)
    if (task === undefined) return false
    if (task.added === 0n) return true
    await tx.execute({
      name: 'lay-upload',
      text: `
        INSERT INTO batch (account_id, pool_id, start, count, task_id) VALUES ($1, $2, $3, $4, $5)`,
      values: [accountId, pool.id, pool.total, task.added, taskId],
    })
    await writePoolCounters(tx, { ...pool, total: pool.total + task.added, refillFailed: false })
    tx.record({ poolId: pool.id, kind: 'POOL_REFILLED', payload: { taskId, added: String(task.added) } })
    return true
  })
}

/** How an upload of which every row was refused fails; nothing of any other. */
async function readRefusal(tx: BookTransaction, taskId: string): Promise<TaskFailure | undefined> {
  const [row] = await tx.rows<{ refused: string; number: string; reason: string }>({
    name: 'read-refusal',
    text: `
      SELECT task.refused, first.number, first.reason FROM task CROSS JOIN LATERAL (
        SELECT number, reason FROM rejected_row WHERE account_id = $1 AND task_id = $2 ORDER BY number LIMIT 1
      ) AS first
      WHERE account_id = $1 AND id = $2 AND refused > 0 AND refused = rows_read`,
    values: [tx.accountId, taskId],
  })
  if (row === undefined) return undefined
  const all = row.refused === '1' ? 'The only row' : `All ${grouped(BigInt(row.refused))} rows`
  const message =
    `${all} of the file ${row.refused === '1' ? 'was' : 'were'} refused, so there is nothing to add. Row ${row.number}: ` +
    `${row.reason} The file of rejectedRowsUrl has the reason for each row.`
  return { code: 'ALL_ROWS_REFUSED', message }
}

/**
 * Undoes a completed upload as a whole, as long as none of its codes has been claimed: they leave the pool, which is
 * refilled, or tells that it is low or empty, as when they had been claimed. The codes are free for others once a
 * worker has cleared them away. Undoing an undone upload changes nothing.
 *
 * Rejects with a NotFoundError, or with an UploadNotUndoneError that says why not.
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
      throw new Error(`The upload ${taskId} was changed while its pool was locked.`)
    await removeBatch(tx, pool, taskId)
  })
}

/** Why an upload cannot be undone, whatever has become of its codes. */
function reasonAgainst({ kind, status, dryRun }: Task): string | undefined {
  if (kind !== 'UPLOAD')
    return 'The task is a generation. Only an upload can be undone: what a format has generated stays generated.'
  if (isUnfinished(status)) return 'The upload has not finished. Cancel it: then nothing is added.'
  if (status !== 'COMPLETED')
    return `The upload is ${status.toLowerCase()}, so it has added nothing, and there is nothing to undo.`
  if (dryRun) return 'The upload was a dry run: it has added nothing, and there is nothing to undo.'
  return undefined
}

async function lockPoolOf(tx: BookTransaction, task: Task | undefined): Promise<Pool> {
  const pool = task === undefined ? undefined : await lockPool(tx, task.poolId)
  if (pool === undefined) throw new Error('An upload is of no task, or of no pool.')
  return pool
}

/** Takes an upload's batch out of a pool's line, if it has one, and moves those behind it down. */
async function removeBatch(tx: BookTransaction, pool: Pool, taskId: string): Promise<void> {
  const [batch] = await tx.rows<{ start: string; count: string }>({
    text: 'SELECT start, count FROM batch WHERE account_id = $1 AND task_id = $2 AND format_id IS NULL LIMIT 1',
    values: [tx.accountId, taskId],
  })
  // A file may have had nothing to add.
  if (batch === undefined) return
  const [start, count] = [BigInt(batch.start), BigInt(batch.count)]
  if (start < pool.claimed) throw new UploadNotUndoneError(taskId, claimedReason(pool.claimed - start, count))
  await tx.execute({
    text: 'DELETE FROM batch WHERE account_id = $1 AND pool_id = $2 AND start = $3',
    values: [tx.accountId, pool.id, start],
  })
  await tx.execute({
    // All are removed before the first is inserted, which sorting sees to: no two have one place in between.
    text: `
      WITH moved AS (DELETE FROM batch WHERE account_id = $1 AND pool_id = $2 AND start > $3 RETURNING *)
      INSERT INTO batch (account_id, pool_id, start, count, format_id, first, holes, task_id)
      SELECT account_id, pool_id, start - $4, count, format_id, first, holes, task_id FROM moved ORDER BY start`,
    values: [tx.accountId, pool.id, start, count],
  })
  const before = pool.total - pool.claimed
  pool.total -= count
  const format = await formatForRefill(tx, pool, before - count)
  if (format !== undefined && isRefillable(pool)) await refill(tx, pool, format, 0n)
  recordShortage(tx, pool, before, pool.total - pool.claimed)
  await writePoolCounters(tx, pool)
}

function claimedReason(claimed: bigint, count: bigint): string {
  const some =
    claimed < count ? `${grouped(claimed)} of its ${grouped(count)} codes have` : `All of its codes have`
  return `${some} been claimed, so the upload can no longer be undone: codes that were handed out must stay what they are.`
}

/**
 * Removes a piece of what an upload that has ended has left behind, `limit` rows at most: its file, what a dry run has
 * noted, where it was not completed, its codes, which formats can generate from then on and others can upload, and the
 * rows that were rejected, once they are forgotten. Resolves to whether there is more.
 */
export async function clearUpload(
  books: Books,
  { accountId, taskId }: TaskRef,
  limit: number,
): Promise<boolean> {
  return await books.write(accountId, async (tx) => {
    await holdCatalog(tx)
    const upload = await lockUpload(tx, taskId)
    if (upload === undefined || isUnfinished(upload.status)) return false
    // Of one kind after the other: each has rows only where the ones before are through.
    if ((await removeRows(tx, 'upload_piece', taskId, limit)) > 0) return true
    if ((await removeRows(tx, 'dry_run_code', taskId, limit)) > 0) return true
    if (upload.status !== 'COMPLETED' && (await removeCodes(books, tx, taskId, limit))) return true
    if (upload.rejected_forgotten && (await removeRows(tx, 'rejected_row', taskId, limit)) > 0) return true
    await tx.execute({
      text: 'UPDATE task SET has_work = false WHERE account_id = $1 AND id = $2',
      values: [accountId, taskId],
    })
    return false
  })
}

/** Keeps an upload as it is until the transaction ends: nobody undoes it, or clears it away at the same time. */
async function lockUpload(
  tx: BookTransaction,
  taskId: string,
): Promise<{ status: TaskStatus; rejected_forgotten: boolean } | undefined> {
  // A row that is locked and read in one statement, with no other table, is read as it is once the lock is had.
  const [row] = await tx.rows<{ status: TaskStatus; rejected_forgotten: boolean }>({
    text: `
      SELECT status, rejected_forgotten FROM task WHERE account_id = $1 AND id = $2 AND kind = 'UPLOAD' FOR NO KEY UPDATE`,
    values: [tx.accountId, taskId],
  })
  return row
}

async function removeRows(
  tx: BookTransaction,
  table: 'upload_piece' | 'dry_run_code' | 'rejected_row',
  taskId: string,
  limit: number,
): Promise<number> {
  return await tx.execute({
    text: `
      DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM ${table} WHERE account_id = $1 AND task_id = $2 LIMIT $3
      ))`,
    values: [tx.accountId, taskId, limit],
  })
}

/** Removes codes that an upload has brought, if there are any, from its last row on, and gives their indices back to the formats. */
async function removeCodes(
  books: Books,
  tx: BookTransaction,
  taskId: string,
  limit: number,
): Promise<boolean> {
  const rows = await tx.rows<{ code: string; row: string }>({
    text: `
      SELECT code, row FROM uploaded_code WHERE account_id = $1 AND task_id = $2
      ORDER BY account_id DESC, task_id DESC, row DESC LIMIT $3`,
    values: [tx.accountId, taskId, limit],
  })
  const lowest = rows.at(-1)
  if (lowest === undefined) return false
  const codes = rows.map(({ code }) => code)
  const shares = await findShares(tx, await books.catalogs.readAll(tx, tx.accountId), codes)
  for (const { formatId } of shares) await lockFormat(tx, formatId)
  for (const { formatId, indices } of shares) await giveBack(tx, formatId, indices)
  await tx.execute({
    text: 'DELETE FROM uploaded_code WHERE account_id = $1 AND task_id = $2 AND row >= $3',
    values: [tx.accountId, taskId, lowest.row],
  })
  return true
}
