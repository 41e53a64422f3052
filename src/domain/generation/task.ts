import { v7 as newId } from 'uuid'
import type { Queryable } from '../../database/transaction.ts'
import type { TaskFailureCode, TaskKind, TaskStatus, TaskTrigger } from '../../generated/prisma/client.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { NotFoundError, TaskFinishedError } from '../books/errors.ts'
import type { TaskSnapshot } from '../books/event-log.ts'
import { lockFormat } from '../format/format.ts'
import { lockPool } from '../pool/pool.ts'

/** One run that adds codes to a pool. Counts are codes. */
export interface Task {
  id: string
  kind: TaskKind
  poolId: string
  formatId: string | undefined
  quantity: bigint | undefined
  status: TaskStatus
  /** How many codes it has added to the pool: 0 until it is completed, and again when it was undone. */
  added: bigint
  /** Of an upload: whether it only says what it would do. */
  dryRun: boolean
}

export interface NewTask {
  trigger: TaskTrigger
  poolId: string
  formatId: string
  quantity: bigint
}

/** Inserts a task that waits for a worker, and its event. The pool is locked, the quantity is reserved. */
export async function insertWaitingTask(tx: BookTransaction, task: NewTask): Promise<string> {
  return await insertTask(tx, task, 'AWAITING_EXECUTION')
}

/** Inserts a task that this very transaction carries out, and its event. The pool is locked. */
export async function insertCompletedTask(tx: BookTransaction, task: NewTask): Promise<string> {
  return await insertTask(tx, task, 'COMPLETED')
}

async function insertTask(
  tx: BookTransaction,
  task: NewTask,
  status: 'AWAITING_EXECUTION' | 'COMPLETED',
): Promise<string> {
  const id = newId()
  const [row] = await tx.rows<TaskRow>({
    name: 'insert-task',
    text: `
      INSERT INTO task (account_id, id, kind, trigger, pool_id, format_id, quantity, status,
        generated, added, created_at, started_at, finished_at)
      SELECT $1, $2, 'GENERATION', $3, $4, $5, $6, $7::task_status, done.count, done.count, now(), done.at, done.at
      FROM (VALUES
        ('AWAITING_EXECUTION'::task_status, 0, NULL::timestamptz), ('COMPLETED', $6::numeric, now())
      ) AS done (status, count, at)
      WHERE done.status = $7::task_status
      RETURNING ${taskColumns}`,
    values: [tx.accountId, id, task.trigger, task.poolId, task.formatId, task.quantity, status],
  })
  record(tx, row)
  return id
}

export interface NewUpload {
  id: string
  poolId: string
  /** Which column of the file has the codes, if that was said. */
  column: string | undefined
  /** Whether the file has a header, if that was said. */
  header?: boolean | undefined
  dryRun: boolean
  /** Whether codes that differ in case, spaces and dashes alone are different ones; false if it is not said. */
  caseSensitive?: boolean
  /** The size of the file as it came. */
  bytes: bigint
}

/** Inserts an upload whose file has been stored and waits to be read, and its event. The account has the pool. */
export async function insertUploadTask(tx: BookTransaction, upload: NewUpload): Promise<void> {
  const [row] = await tx.rows<TaskRow>({
    name: 'insert-upload-task',
    text: `
      INSERT INTO task (account_id, id, kind, trigger, pool_id, status, "column", header, dry_run, case_sensitive, bytes,
        has_work, created_at)
      VALUES ($1, $2, 'UPLOAD', 'MANUAL', $3, 'AWAITING_EXECUTION', $4, $5, $6, $7, $8, true, now())
      RETURNING ${taskColumns}`,
    values: [
      tx.accountId,
      upload.id,
      upload.poolId,
      upload.column ?? null,
      upload.header ?? null,
      upload.dryRun,
      upload.caseSensitive ?? false,
      upload.bytes,
    ],
  })
  record(tx, row)
}

/**
 * How a task goes on. `done`: how many codes a generation has generated and added; an upload adds what it has
 * accepted, and a dry run nothing. An upload that fails or is undone has things left behind to be removed.
 */
export type TaskChange =
  | { status: 'RUNNING' }
  | { status: 'COMPLETED'; done?: bigint }
  | { status: 'FAILED'; code?: TaskFailureCode; message: string }
  | { status: 'CANCELLED' }
  | { status: 'UNDONE' }

/**
 * Changes the status of a task whose pool this transaction has locked, and records it, if it is `expected` to be
 * changed: resolves to nothing when somebody else was first.
 */
export async function changeTask(
  tx: BookTransaction,
  taskId: string,
  expected: readonly TaskStatus[],
  change: TaskChange,
): Promise<Task | undefined> {
  const [row] = await tx.rows<TaskRow>({
    name: 'change-task',
    text: `
      UPDATE task SET
        status = $4::task_status,
        generated = coalesce($5::numeric, generated),
        added = CASE
          WHEN $4::task_status = 'UNDONE' THEN 0
          WHEN $4::task_status = 'COMPLETED' AND kind = 'UPLOAD' THEN CASE WHEN dry_run THEN 0 ELSE accepted END
          ELSE coalesce($5::numeric, added) END,
        has_work = has_work OR $4::task_status = 'UNDONE',
        waits_for_clearing = false,
        failure_code = $6::task_failure_code,
        failure_message = $7::text,
        started_at = CASE WHEN $4::task_status = 'RUNNING' THEN clock_timestamp() ELSE started_at END,
        -- Undone is what was finished.
        finished_at = CASE $4::task_status
          WHEN 'RUNNING' THEN NULL WHEN 'UNDONE' THEN finished_at ELSE clock_timestamp() END
      WHERE account_id = $1 AND id = $2 AND status = ANY($3::task_status[])
      RETURNING ${taskColumns}`,
    values: [
      tx.accountId,
      taskId,
      expected,
      change.status,
      change.status === 'COMPLETED' ? (change.done ?? null) : null,
      change.status === 'FAILED' ? (change.code ?? 'INTERNAL') : null,
      change.status === 'FAILED' ? change.message : null,
    ],
  })
  return row === undefined ? undefined : record(tx, row)
}

/** Returns what a task that will not run had reserved of its format; an upload reserves nothing. */
export async function returnReservation(tx: BookTransaction, task: Task): Promise<void> {
  if (task.formatId === undefined || task.quantity === undefined) return
  await lockFormat(tx, task.formatId)
  await tx.execute({
    text: 'UPDATE format SET reserved = reserved - $3 WHERE account_id = $1 AND id = $2',
    values: [tx.accountId, task.formatId, task.quantity],
  })
}

/**
 * Cancels a task that has not finished: nothing is added to the pool, and what it had reserved can be asked for again.
 * What an upload has taken is free again once a worker has cleared it away. Cancelling a cancelled task changes nothing. Rejects with a NotFoundError or a TaskFinishedError.
 */
export async function cancelTask(books: Books, accountId: string, taskId: string): Promise<void> {
  await books.write(accountId, async (tx) => {
    const before = await readTask(tx, accountId, taskId)
    if (before === undefined) throw new NotFoundError('task', ['taskId'])
    await lockPool(tx, before.poolId)
    const cancelled = await changeTask(tx, taskId, unfinished, { status: 'CANCELLED' })
    if (cancelled !== undefined) return await returnReservation(tx, cancelled)
    const now = await readTask(tx, accountId, taskId)
    if (now?.status !== 'CANCELLED') throw new TaskFinishedError(taskId, now?.status ?? 'gone')
  })
}

export const unfinished: readonly TaskStatus[] = ['AWAITING_EXECUTION', 'RUNNING']

/** Reads a task without a lock. What it is about never changes; its status may. */
export async function readTask(
  books: Queryable,
  accountId: string,
  taskId: string,
): Promise<Task | undefined> {
  const [row] = await books.rows<TaskRow>({
    name: 'read-task',
    text: `SELECT ${taskColumns} FROM task WHERE account_id = $1 AND id = $2`,
    values: [accountId, taskId],
  })
  return row === undefined ? undefined : decodeTask(row)
}

/**
 * A task as it is now, together with the place in the event log that this belongs to: every later change is an
 * event after it, and no earlier one is.
 */
export async function readTaskInLog(
  books: Queryable,
  accountId: string,
  taskId: string,
): Promise<{ snapshot: TaskSnapshot; sequence: bigint } | undefined> {
  const [row] = await books.rows<TaskRow & { last: string }>({
    name: 'read-task-in-log',
    text: `
      SELECT log.last, ${taskColumns} FROM event_log log JOIN task USING (account_id)
      WHERE log.account_id = $1 AND task.id = $2`,
    values: [accountId, taskId],
  })
  return row === undefined ? undefined : { snapshot: snapshot(row), sequence: BigInt(row.last) }
}

const taskColumns = `id, kind, pool_id, format_id, quantity, status, generated, added, dry_run, started_at,
  finished_at, failure_code, failure_message`

interface TaskRow {
  id: string
  kind: TaskKind
  pool_id: string
  format_id: string | null
  quantity: string | null
  status: TaskStatus
  generated: string
  added: string
  dry_run: boolean
  started_at: Date | null
  finished_at: Date | null
  failure_code: TaskFailureCode | null
  failure_message: string | null
}

function decodeTask(row: TaskRow): Task {
  return {
    id: row.id,
    kind: row.kind,
    poolId: row.pool_id,
    formatId: row.format_id ?? undefined,
    quantity: row.quantity === null ? undefined : BigInt(row.quantity),
    status: row.status,
    added: BigInt(row.added),
    dryRun: row.dry_run,
  }
}

function snapshot(row: TaskRow): TaskSnapshot {
  return {
    taskId: row.id,
    status: row.status,
    generated: row.generated,
    added: row.added,
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
    failureCode: row.failure_code,
    failureMessage: row.failure_message,
  }
}

/** Every creation and every change of status is an event. */
function record(tx: BookTransaction, row: TaskRow | undefined): Task {
  if (row === undefined) throw new Error('A task was written without an answer.')
  tx.record({ poolId: row.pool_id, kind: 'TASK_STATUS_CHANGED', payload: snapshot(row) })
  return decodeTask(row)
}
