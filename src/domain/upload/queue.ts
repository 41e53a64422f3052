import type { FileBeginning } from '../../codefile/first-rows.ts'
import type { Queryable } from '../../database/transaction.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import type { TaskFailure } from '../books/task-failure.ts'
import type { TaskRef } from '../books/task-ref.ts'
import {
  decodeTask,
  markFailed,
  markRunning,
  type Task,
  type TaskRow,
  taskColumns,
} from '../generation/task.ts'
import { lockPool } from '../pool/pool.ts'
import { storeBeginning } from './beginning.ts'

/*
 * What is queued of an account's uploads: the tasks with `has_work`. A worker has to read their files, or to clear away their
 * rows. Accounts with such tasks are in the queue (books/queue.ts).
 */

/**
 * The account's next upload to work on: the oldest with a file to read, or else the oldest to clear away; with
 * `clearFirst`, the other way round.
 */
export async function readNextUpload(
  books: Queryable,
  accountId: string,
  clearFirst = false,
): Promise<Task | undefined> {
  const [row] = await books.rows<TaskRow>({
    name: 'read-next-upload',
    text: `
      SELECT ${taskColumns} FROM task WHERE has_work AND account_id = $1
      ORDER BY (status IN ('AWAITING_EXECUTION', 'RUNNING')) = $2, id LIMIT 1`,
    values: [accountId, clearFirst],
  })
  return row && decodeTask(row)
}

/** What an upload waits for. Whether a RUNNING one has a worker at the moment is not known here. */
export type UploadWait = 'WORKER' | 'EARLIER_UPLOAD' | 'CLEARING'

/** What those of the uploads that wait are waiting for. */
export async function readUploadWaits(
  books: Queryable,
  accountId: string,
  taskIds: readonly string[],
): Promise<Map<string, UploadWait>> {
  const rows = await books.rows<{ id: string; wait: UploadWait }>({
    name: 'read-upload-waits',
    text: `
      SELECT id, wait FROM (
        SELECT id, CASE
          WHEN waits_for_clearing THEN 'CLEARING'
          WHEN status = 'RUNNING' THEN NULL
          WHEN EXISTS (
            SELECT FROM task AS earlier
            WHERE earlier.has_work AND earlier.account_id = $1 AND earlier.id < task.id
              AND earlier.status IN ('AWAITING_EXECUTION', 'RUNNING')
          ) THEN 'EARLIER_UPLOAD'
          ELSE 'WORKER' END AS wait
        FROM task
        WHERE account_id = $1 AND id = ANY ($2::uuid[]) AND kind = 'UPLOAD' AND has_work
          AND status IN ('AWAITING_EXECUTION', 'RUNNING')
      ) AS unfinished
      WHERE wait IS NOT NULL`,
    values: [accountId, taskIds],
  })
  return new Map(rows.map(({ id, wait }) => [id, wait]))
}

/** Notes that a running upload waits until others are cleared away. Its next chunk removes the note. */
export async function markWaitingForClearing(
  books: Queryable,
  { accountId, taskId }: TaskRef,
): Promise<void> {
  await books.rows({
    text: `
      UPDATE task SET waits_for_clearing = true
      WHERE account_id = $1 AND id = $2 AND status = 'RUNNING' AND NOT waits_for_clearing`,
    values: [accountId, taskId],
  })
}

/** Makes a waiting upload RUNNING. Resolves to false if it was not waiting. */
export async function startUpload(books: Books, upload: Task): Promise<boolean> {
  return await change(books, upload, (tx) => markRunning(tx, upload.id))
}

/** Makes an upload FAILED, and keeps how its file begins, if known. Resolves to false if it had ended already. */
export async function failUpload(
  books: Books,
  upload: Task,
  failure: TaskFailure,
  beginning?: FileBeginning,
): Promise<boolean> {
  return await change(books, upload, async (tx) => {
    const failed = await markFailed(tx, upload.id, failure)
    if (failed !== undefined && beginning !== undefined) await storeBeginning(tx, upload.id, beginning)
    return failed
  })
}

async function change(
  books: Books,
  { accountId, poolId }: Task,
  transition: (tx: BookTransaction) => Promise<Task | undefined>,
): Promise<boolean> {
  return await books.write(accountId, async (tx) => {
    await lockPool(tx, poolId)
    return (await transition(tx)) !== undefined
  })
}
