import type { TaskStatus } from '../../generated/prisma/client.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { holdCatalog } from '../books/catalog.ts'
import type { TaskRef } from '../books/task-ref.ts'
import { lockFormat } from '../format/format.ts'
import { giveBack, groupCodes } from '../format/taken-indices.ts'
import { isUnfinished } from '../generation/task.ts'

/**
 * Clears away up to `limit` rows that an ended upload has left behind: its file; the codes of a dry run; the codes of an
 * upload that is not COMPLETED, which can then be generated and uploaded again; its rejected rows, if they are forgotten.
 * Resolves to whether there is more.
 */
export async function clearUpload(
  books: Books,
  { accountId, taskId }: TaskRef,
  limit: number,
): Promise<boolean> {
  return await books.write(accountId, async (tx) => {
    await holdCatalog(tx)
    // The lock keeps others from undoing the upload or clearing it away. A statement that locks and reads a row of this
    // table only reads it as it is once the lock is acquired.
    const [upload] = await tx.rows<{ status: TaskStatus; rejected_forgotten: boolean }>({
      text: `
        SELECT status, rejected_forgotten FROM task
        WHERE account_id = $1 AND id = $2 AND kind = 'UPLOAD' FOR NO KEY UPDATE`,
      values: [accountId, taskId],
    })
    if (upload === undefined || isUnfinished(upload.status)) return false
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

async function removeRows(
  tx: BookTransaction,
  table: 'upload_piece' | 'dry_run_code' | 'rejected_row',
  taskId: string,
  limit: number,
): Promise<number> {
  return await tx.execute({
    text: `
      DELETE FROM ${table} WHERE account_id = $1 AND ctid = ANY (ARRAY(
        SELECT ctid FROM ${table} WHERE account_id = $1 AND task_id = $2 LIMIT $3
      ))`,
    values: [tx.accountId, taskId, limit],
  })
}

/** Removes codes of an upload, last rows first, and releases their indices. Resolves to whether there were any. */
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
  const ofFormats = await groupCodes(tx, await books.knownFormats.readAll(tx, tx.accountId), codes)
  for (const { formatId } of ofFormats) await lockFormat(tx, formatId)
  for (const { formatId, indices } of ofFormats) await giveBack(tx, formatId, indices)
  await tx.execute({
    text: 'DELETE FROM uploaded_code WHERE account_id = $1 AND task_id = $2 AND row >= $3',
    values: [tx.accountId, taskId, lowest.row],
  })
  return true
}
