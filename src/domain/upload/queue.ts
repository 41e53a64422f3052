import type { Queryable } from '../../database/transaction.ts'
import type { TaskStatus } from '../../generated/prisma/client.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import type { TaskRef } from '../books/task-ref.ts'
import { markFailed, markRunning, type Task, type TaskFailure } from '../generation/task.ts'
import { lockPool } from '../pool/pool.ts'

/** An upload that a worker has to work on, a task with `has_work`: to read its file, or to clear away its rows. */
export interface QueuedUpload extends TaskRef {
  poolId: string
  status: TaskStatus
  column: string | undefined
  header: boolean | undefined
  rowsRead: bigint
  /** In bytes. */
  size: bigint
}

interface UploadRow extends Pick<QueuedUpload, 'accountId' | 'taskId' | 'poolId' | 'status'> {
  column: string | null
  header: boolean | null
  rowsRead: string
  size: string
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
 * The account's next upload to work on: the oldest with a file to read, or else the oldest to clear away; with
 * `clearFirst`, the other way round.
 */
export async function readNextUpload(
  books: Queryable,
  accountId: string,
  clearFirst = false,
): Promise<QueuedUpload | undefined> {
  const [row] = await books.rows<UploadRow>({
    name: 'read-next-upload',
    text: `
      SELECT account_id AS "accountId", id AS "taskId", pool_id AS "poolId", status, "column", header,
        rows_read AS "rowsRead", bytes AS size
      FROM task WHERE has_work AND account_id = $1
      ORDER BY (status IN ('AWAITING_EXECUTION', 'RUNNING')) = $2, id LIMIT 1`,
    values: [accountId, clearFirst],
  })
  return (
    row && {
      ...row,
      column: row.column ?? undefined,
      header: row.header ?? undefined,
      rowsRead: BigInt(row.rowsRead),
      size: BigInt(row.size),
    }
  )
}

/** Why an upload makes no progress. */
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
export async function startUpload(books: Books, upload: QueuedUpload): Promise<boolean> {
  return await change(books, upload, (tx) => markRunning(tx, upload.taskId))
}

/** Makes an upload FAILED. Resolves to false if it had ended already. */
export async function failUpload(books: Books, upload: QueuedUpload, failure: TaskFailure): Promise<boolean> {
  return await change(books, upload, (tx) => markFailed(tx, upload.taskId, failure))
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
