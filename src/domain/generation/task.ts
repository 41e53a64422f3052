import { v7 as newId } from 'uuid'
import type { Queryable } from '../../database/transaction.ts'
import type { TaskFailureCode, TaskKind, TaskStatus, TaskTrigger } from '../../generated/prisma/client.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { NotFoundError, TaskFinishedError } from '../books/errors.ts'
import type { TaskSnapshot } from '../books/event-log.ts'
import { lockFormat } from '../format/format.ts'
import { lockPool } from '../pool/pool.ts'

/**
 * A task is one run that adds codes to a pool. Its status, and what changes it:
 *
 *     insertGenerationTask, insertUploadTask
 *              │
 *              ▼
 *     AWAITING_EXECUTION ────┐
 *              │ markRunning │
 *              ▼             ├── markFailed ─────► FAILED
 *           RUNNING ─────────┴── markCancelled ──► CANCELLED
 *              │ markGenerationCompleted, markUploadCompleted
 *              ▼
 *          COMPLETED ◄── insertRefillTask
 *              │ markUndone (uploads only)
 *              ▼
 *           UNDONE
 *
 * Requests insert, cancel and undo tasks. Workers start, complete and fail them. A refill is inserted as completed by the
 * transaction that needs its codes, usually that of a claim.
 *
 * Each transition is part of a transaction that has locked the task's pool, and one UPDATE with the expected status in its
 * condition: of two that compete, the second changes nothing. Completing, failing and cancelling a generation then locks
 * its format, where its quantity is reserved. Advisory locks, on a generation or on the uploads of an account, only keep
 * workers from doing the same work twice.
 *
 * Inserts and transitions record their events and log entries in `writeTask`.
 */

/** Counts are codes. */
export interface Task {
  id: string
  kind: TaskKind
  trigger: TaskTrigger
  poolId: string
  formatId: string | undefined
  quantity: bigint | undefined
  status: TaskStatus
  generated: bigint
  /** How many codes it has added to the pool: 0 until it is completed, and after it has been undone. */
  added: bigint
  /** Whether an upload only counts what it would add. */
  dryRun: boolean
  /** How many rows of an upload's file have been read. */
  rowsRead: bigint
  createdAt: Date
  startedAt: Date | undefined
  finishedAt: Date | undefined
  failure: TaskFailure | undefined
}

export interface TaskFailure {
  code: TaskFailureCode
  message: string
}

export function isUnfinished(status: TaskStatus): boolean {
  return status === 'AWAITING_EXECUTION' || status === 'RUNNING'
}

export interface NewGeneration {
  poolId: string
  formatId: string
  quantity: bigint
}

/** Inserts a generation for a worker. The transaction has locked its pool and reserved its quantity. */
export async function insertGenerationTask(tx: BookTransaction, task: NewGeneration): Promise<string> {
  const id = newId()
  const values = [task.poolId, task.formatId, task.quantity]
  const text = `
    INSERT INTO task (account_id, id, kind, trigger, pool_id, format_id, quantity, status, created_at)
    VALUES ($1, $2, 'GENERATION', 'MANUAL', $3, $4, $5, 'AWAITING_EXECUTION', now())`
  await writeTask(tx, id, { name: 'insert-generation-task', text, values })
  tx.announceOnCommit('generations')
  return id
}

/** Inserts a refill that this transaction carries out. The transaction has locked its pool. */
export async function insertRefillTask(tx: BookTransaction, task: NewGeneration): Promise<string> {
  const id = newId()
  const values = [task.poolId, task.formatId, task.quantity]
  const text = `
    INSERT INTO task (account_id, id, kind, trigger, pool_id, format_id, quantity, generated, added, status,
      created_at, started_at, finished_at)
    VALUES ($1, $2, 'GENERATION', 'AUTO_GENERATE', $3, $4, $5, $5, $5, 'COMPLETED', now(), now(), now())`
  await writeTask(tx, id, { name: 'insert-refill-task', text, values })
  return id
}

export interface NewUpload {
  id: string
  poolId: string
  /** The column of the file with the codes, if given. */
  column: string | undefined
  /** Whether the file has a header, if given. */
  header?: boolean | undefined
  dryRun: boolean
  /** Whether codes that differ only in case, spaces and dashes are different codes. False by default. */
  caseSensitive?: boolean
  /** The size of the file as received. */
  bytes: bigint
}

/** Inserts an upload whose file has been stored. The transaction has locked its pool. */
export async function insertUploadTask(tx: BookTransaction, upload: NewUpload): Promise<void> {
  const { id, poolId, column = null, header = null, dryRun, caseSensitive = false, bytes } = upload
  const values = [poolId, column, header, dryRun, caseSensitive, bytes]
  const text = `
    INSERT INTO task (account_id, id, kind, trigger, pool_id, status, "column", header, dry_run, case_sensitive, bytes,
      has_work, created_at)
    VALUES ($1, $2, 'UPLOAD', 'MANUAL', $3, 'AWAITING_EXECUTION', $4, $5, $6, $7, $8, true, now())`
  await writeTask(tx, id, { name: 'insert-upload-task', text, values })
  tx.announceOnCommit('uploads')
}

/** Starts a task. Like all transitions, resolves to undefined if the task did not have the expected status. */
export async function markRunning(tx: BookTransaction, taskId: string): Promise<Task | undefined> {
  const text = `
    UPDATE task SET status = 'RUNNING', started_at = clock_timestamp()
    WHERE account_id = $1 AND id = $2 AND status = 'AWAITING_EXECUTION'`
  return await writeTask(tx, taskId, { name: 'start-task', text })
}

/** Completes a generation whose codes have been added to the pool. */
export async function markGenerationCompleted(
  tx: BookTransaction,
  taskId: string,
): Promise<Task | undefined> {
  const text = `
    UPDATE task SET status = 'COMPLETED', generated = quantity, added = quantity, finished_at = clock_timestamp()
    WHERE account_id = $1 AND id = $2 AND status = 'RUNNING' AND kind = 'GENERATION'`
  return await writeTask(tx, taskId, { name: 'complete-generation', text })
}

/** Completes an upload. It has added all codes that it accepted, or none if it is a dry run. */
export async function markUploadCompleted(tx: BookTransaction, taskId: string): Promise<Task | undefined> {
  const text = `
    UPDATE task SET status = 'COMPLETED', added = CASE WHEN dry_run THEN 0 ELSE accepted END,
      finished_at = clock_timestamp()
    WHERE account_id = $1 AND id = $2 AND status = 'RUNNING' AND kind = 'UPLOAD'`
  return await writeTask(tx, taskId, { name: 'complete-upload', text })
}

/** Makes a task FAILED, and releases what it has reserved. */
export async function markFailed(
  tx: BookTransaction,
  taskId: string,
  { code, message }: TaskFailure,
): Promise<Task | undefined> {
  const text = `
    UPDATE task SET status = 'FAILED', failure_code = $3, failure_message = $4, waits_for_clearing = false,
      finished_at = clock_timestamp()
    WHERE account_id = $1 AND id = $2 AND status IN ('AWAITING_EXECUTION', 'RUNNING')`
  const failed = await writeTask(tx, taskId, { name: 'fail-task', text, values: [code, message] })
  if (failed !== undefined) await releaseReservation(tx, failed)
  return failed
}

async function markCancelled(tx: BookTransaction, taskId: string): Promise<Task | undefined> {
  const text = `
    UPDATE task SET status = 'CANCELLED', waits_for_clearing = false, finished_at = clock_timestamp()
    WHERE account_id = $1 AND id = $2 AND status IN ('AWAITING_EXECUTION', 'RUNNING')`
  const cancelled = await writeTask(tx, taskId, { name: 'cancel-task', text })
  if (cancelled !== undefined) await releaseReservation(tx, cancelled)
  return cancelled
}

/** Makes an upload UNDONE. A worker removes its codes later; `finished_at` does not change. */
export async function markUndone(tx: BookTransaction, taskId: string): Promise<Task | undefined> {
  const text = `
    UPDATE task SET status = 'UNDONE', added = 0, has_work = true
    WHERE account_id = $1 AND id = $2 AND status = 'COMPLETED' AND kind = 'UPLOAD'`
  return await writeTask(tx, taskId, { name: 'undo-upload', text })
}

/** Runs an insert or a transition, whose first parameters are the account and the task, and records its outcome. */
async function writeTask(
  tx: BookTransaction,
  taskId: string,
  { name, text, values = [] }: { name: string; text: string; values?: unknown[] },
): Promise<Task | undefined> {
  const [row] = await tx.rows<TaskRow>({
    name,
    text: `${text} RETURNING ${taskColumns}`,
    values: [tx.accountId, taskId, ...values],
  })
  if (row === undefined) return undefined
  const task = decodeTask(row)
  tx.record({ poolId: task.poolId, kind: 'TASK_STATUS_CHANGED', payload: snapshotOf(task) })
  logStatus(tx, task)
  return task
}

/** Releases what a generation has reserved. Uploads reserve nothing. */
async function releaseReservation(tx: BookTransaction, { formatId, quantity }: Task): Promise<void> {
  if (formatId === undefined || quantity === undefined) return
  await lockFormat(tx, formatId)
  await tx.execute({
    text: 'UPDATE format SET reserved = reserved - $3 WHERE account_id = $1 AND id = $2',
    values: [tx.accountId, formatId, quantity],
  })
}

/**
 * Cancels an unfinished task: it adds nothing to the pool. What a generation had reserved is available again immediately,
 * the codes of an upload once a worker has removed them. Cancelling a cancelled task changes nothing. Rejects with a
 * NotFoundError or a TaskFinishedError.
 */
export async function cancelTask(books: Books, accountId: string, taskId: string): Promise<void> {
  await books.write(accountId, async (tx) => {
    const before = await readTask(tx, accountId, taskId)
    if (before === undefined) throw new NotFoundError('task', ['taskId'])
    await lockPool(tx, before.poolId)
    if ((await markCancelled(tx, taskId)) !== undefined) return
    const now = await readTask(tx, accountId, taskId)
    if (now?.status !== 'CANCELLED') throw new TaskFinishedError(taskId, now?.status ?? 'gone')
  })
}

/** Reads a task without a lock: its status may change; its kind, pool, format and quantity never do. */
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
 * A task's current snapshot, with its place in the event log: it contains the changes up to `sequence` and no later ones.
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
  return row === undefined ? undefined : { snapshot: snapshotOf(decodeTask(row)), sequence: BigInt(row.last) }
}

const taskColumns = `id, kind, trigger, pool_id, format_id, quantity, status, generated, added, dry_run, rows_read,
  created_at, started_at, finished_at, failure_code, failure_message`

interface TaskRow {
  id: string
  kind: TaskKind
  trigger: TaskTrigger
  pool_id: string
  format_id: string | null
  quantity: string | null
  status: TaskStatus
  generated: string
  added: string
  dry_run: boolean
  rows_read: string
  created_at: Date
  started_at: Date | null
  finished_at: Date | null
  failure_code: TaskFailureCode | null
  failure_message: string | null
}

function decodeTask(row: TaskRow): Task {
  return {
    id: row.id,
    kind: row.kind,
    trigger: row.trigger,
    poolId: row.pool_id,
    formatId: row.format_id ?? undefined,
    quantity: row.quantity === null ? undefined : BigInt(row.quantity),
    status: row.status,
    generated: BigInt(row.generated),
    added: BigInt(row.added),
    dryRun: row.dry_run,
    rowsRead: BigInt(row.rows_read),
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
    failure:
      row.failure_code === null ? undefined : { code: row.failure_code, message: row.failure_message ?? '' },
  }
}

/** What changes with a task's status, as in events and subscriptions. */
function snapshotOf(task: Task): TaskSnapshot {
  return {
    taskId: task.id,
    status: task.status,
    generated: String(task.generated),
    added: String(task.added),
    startedAt: task.startedAt?.toISOString() ?? null,
    finishedAt: task.finishedAt?.toISOString() ?? null,
    failureCode: task.failure?.code ?? null,
    failureMessage: task.failure?.message ?? null,
  }
}

const logMessages = {
  RUNNING: 'task started',
  COMPLETED: 'task completed',
  FAILED: 'task failed',
  CANCELLED: 'task cancelled',
  UNDONE: 'upload undone',
} as const satisfies Record<Exclude<TaskStatus, 'AWAITING_EXECUTION'>, string>

/**
 * Counts are decimal strings, as in events. The duration of a refill is 0. The message of a failure is left out, as it may
 * quote codes of the file.
 */
function logStatus(tx: BookTransaction, task: Task): void {
  const { status, kind, trigger, quantity, startedAt, finishedAt } = task
  if (status === 'AWAITING_EXECUTION') return
  const subject = { accountId: tx.accountId, taskId: task.id, kind, trigger, quantity: quantity?.toString() }
  const outcome = {
    added: String(task.added),
    rows: kind === 'UPLOAD' ? String(task.rowsRead) : undefined,
    failureCode: task.failure?.code,
    durationMs: status === 'UNDONE' ? undefined : elapsedMs(startedAt, finishedAt),
  }
  tx.logOnCommit(
    status === 'RUNNING'
      ? { ...subject, waitedMs: elapsedMs(task.createdAt, startedAt) }
      : { ...subject, ...outcome },
    logMessages[status],
  )
}

function elapsedMs(from: Date | undefined, to: Date | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : to.getTime() - from.getTime()
}
