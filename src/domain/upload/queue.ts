import type { Queryable } from '../../database/transaction.ts'
import type { TaskFailureCode, TaskStatus } from '../../generated/prisma/client.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import type { TaskRef } from '../books/task-ref.ts'
import { isUnfinished, markFailed, markRunning, type Task } from '../generation/task.ts'
import { lockPool } from '../pool/pool.ts'

/** The uploads that workers have to work on: tasks with `has_work`. */

/** An upload with work left: its file is to be read, or what it has left behind is to be cleared away. */
export interface QueuedUpload extends TaskRef {
  poolId: string
  status: TaskStatus
  column: string | undefined
  header: boolean | undefined
  /** How many rows of the file have been read. */
  rowsRead: bigint
  /** In bytes. */
  size: bigint
}

/** The account with the oldest upload in the queue, apart from `except`. */
export async function readWaitingAccount(
  books: Queryable,
  except: readonly string[],
): Promise<string | undefined> {
  const [row] = await books.rows<{ account_id: string }>({
    name: 'read-waiting-account',
    text: 'SELECT account_id FROM task WHERE has_work AND account_id <> ALL ($1::uuid[]) ORDER BY id LIMIT 1',
    values: [except],
  })
  return row?.account_id
}

/**
 * The account's next upload to work on: the oldest whose file is to be read, or else the oldest that is to be cleared
 * away; with `clearFirst`, the other way round.
 */
export async function readNextUpload(
  books: Queryable,
  accountId: string,
  clearFirst = false,
): Promise<QueuedUpload | undefined> {
  const [row] = await books.rows<UploadRow>({
    name: 'read-next-upload',
    text: `
      SELECT ${uploadColumns} FROM task WHERE has_work AND account_id = $1
      ORDER BY (status IN ('AWAITING_EXECUTION', 'RUNNING')) = $2, id LIMIT 1`,
    values: [accountId, clearFirst],
  })
  return row === undefined ? undefined : decodeUpload(row)
}

/** The upload as it is now, if it has work left. */
export async function readQueuedUpload(books: Queryable, ref: TaskRef): Promise<QueuedUpload | undefined> {
  const [row] = await books.rows<UploadRow>({
    name: 'read-queued-upload',
    text: `SELECT ${uploadColumns} FROM task WHERE has_work AND account_id = $1 AND id = $2`,
    values: [ref.accountId, ref.taskId],
  })
  return row === undefined ? undefined : decodeUpload(row)
}

const uploadColumns = 'account_id, id, pool_id, status, "column", header, rows_read, bytes'

interface UploadRow {
  account_id: string
  id: string
  pool_id: string
  status: TaskStatus
  column: string | null
  header: boolean | null
  rows_read: string
  bytes: string
}

function decodeUpload(row: UploadRow): QueuedUpload {
  return {
    accountId: row.account_id,
    taskId: row.id,
    poolId: row.pool_id,
    status: row.status,
    column: row.column ?? undefined,
    header: row.header ?? undefined,
    rowsRead: BigInt(row.rows_read),
    size: BigInt(row.bytes),
  }
}

/** Whether the account has a file that is not read to its end. */
export async function hasUnreadFile(books: Queryable, accountId: string): Promise<boolean> {
  const next = await readNextUpload(books, accountId)
  return next !== undefined && isUnfinished(next.status)
}

/** Why an upload makes no progress. */
export type UploadWait = 'WORKER' | 'EARLIER_UPLOAD' | 'CLEARING'

/** What some uploads wait for. Those that do not wait are left out. */
export async function readUploadWaits(
  books: Queryable,
  accountId: string,
  taskIds: readonly string[],
): Promise<Map<string, UploadWait>> {
  const rows = await books.rows<{ id: string; wait: UploadWait }>({
    name: 'read-upload-waits',
    text: `
      SELECT id, wait FROM task CROSS JOIN LATERAL (
        SELECT CASE
          WHEN waits_for_clearing THEN 'CLEARING'
          WHEN status = 'RUNNING' THEN NULL
          WHEN EXISTS (
            SELECT FROM task AS earlier
            WHERE earlier.has_work AND earlier.account_id = task.account_id AND earlier.id < task.id
              AND earlier.status IN ('AWAITING_EXECUTION', 'RUNNING')
          ) THEN 'EARLIER_UPLOAD'
          ELSE 'WORKER' END AS wait
      ) AS reason
      WHERE account_id = $1 AND id = ANY ($2::uuid[]) AND kind = 'UPLOAD' AND has_work
        AND status IN ('AWAITING_EXECUTION', 'RUNNING') AND wait IS NOT NULL`,
    values: [accountId, taskIds],
  })
  return new Map(rows.map(({ id, wait }) => [id, wait]))
}

/** Notes that a running upload waits for others to be cleared away. Its next chunk removes the note. */
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
export async function startUpload(books: Books, upload: QueuedUpload): Promise<boolean> {
  return await change(books, upload, (tx) => markRunning(tx, upload.taskId))
}

/** Makes an upload FAILED. Resolves to false if it had ended already. */
export async function failUpload(
  books: Books,
  upload: QueuedUpload,
  code: TaskFailureCode,
  message: string,
): Promise<boolean> {
  return await change(books, upload, (tx) => markFailed(tx, upload.taskId, { code, message }))
}

async function change(
  books: Books,
  { accountId, poolId }: QueuedUpload,
  transition: (tx: BookTransaction) => Promise<Task | undefined>,
): Promise<boolean> {
  return await books.write(accountId, async (tx) => {
    await lockPool(tx, poolId)
    return (await transition(tx)) !== undefined
  })
}
