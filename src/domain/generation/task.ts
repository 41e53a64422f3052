import { v7 as newId } from 'uuid'
import type { FileLayout } from '../../codefile/read.ts'
import type { Queryable, RowOf } from '../../database/transaction.ts'
import type { TaskFailureCode, TaskKind, TaskStatus, TaskTrigger } from '../../generated/prisma/client.ts'
import { facts } from '../../telemetry/facts.ts'
import { traceParent } from '../../telemetry/spans.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { rowsById } from '../books/by-id.ts'
import { NotFoundError, TaskFinishedError } from '../books/errors.ts'
import type { TaskSnapshot } from '../books/event-log.ts'
import type { Filter } from '../books/listing.ts'
import type { TaskFailure } from '../books/task-failure.ts'
import type { TaskRef } from '../books/task-ref.ts'
import { type Format, lockFormat } from '../format/format.ts'
import { lockPool, type Pool } from '../pool/pool.ts'

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
 * Inserts and transitions record their events, log entries and facts in `writeTask`.
 */

/**
 * Counts are codes. The domain, the API and subscriptions share this shape; the progress of a generation stays 0. What only
 * the queue of uploads needs is in upload/queue.ts.
 */
export interface Task {
  accountId: string
  id: string
  kind: TaskKind
  trigger: TaskTrigger
  /** The API key of the request that created it; undefined if it was none, and for tasks from before this was kept. */
  actorId: string | undefined
  /** By which the work on it becomes part of the trace of the request that created it, if that is recorded. */
  traceParent: string | undefined
  poolId: string
  formatId: string | undefined
  quantity: bigint | undefined
  status: TaskStatus
  generated: bigint
  /** How many codes it has added to the pool: 0 until it is completed, and after it has been undone. */
  added: bigint
  failure: TaskFailure | undefined
  /** The input of an upload: see NewUpload. */
  column: string | undefined
  header: boolean | undefined
  dryRun: boolean
  caseSensitive: boolean
  /** The layout of an upload's file, once known. */
  layout: FileLayout | undefined
  /** How many rows of an upload's file have been read: the sum of the next four. */
  rowsRead: bigint
  accepted: bigint
  duplicatesInFile: bigint
  duplicatesInAccount: bigint
  refused: bigint
  /** The size of an upload's file as received, and how much of it has been read. */
  bytes: bigint
  bytesRead: bigint
  /** Whether the rejected rows of an upload are no longer kept. */
  rejectedForgotten: boolean
  createdAt: Date
  startedAt: Date | undefined
  finishedAt: Date | undefined
}

/**
 * An accepted task, and what the transaction that accepted it has left of its pool and format. They may have changed before
 * the answer is built. A repeated request (by its idempotencyKey) has only the task.
 */
export interface Accepted {
  taskId: string
  pool?: Pool
  format?: Format
}

export function refOf({ accountId, id }: Task): TaskRef {
  return { accountId, taskId: id }
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
export async function insertGenerationTask(
  tx: BookTransaction,
  { id, ...task }: NewGeneration & { id: string },
): Promise<void> {
  const values = [
    task.poolId,
    task.formatId,
    task.quantity,
    tx.actorId ?? null,
    tx.now(),
    traceParent() ?? null,
  ]
  const text = `
    INSERT INTO task (account_id, id, kind, trigger, pool_id, format_id, quantity, actor_id, status, created_at,
      trace_parent)
    VALUES ($1, $2, 'GENERATION', 'MANUAL', $3, $4, $5, $6, 'AWAITING_EXECUTION', $7, $8)`
  await writeTask(tx, id, { name: 'insert-generation-task', text, values })
  tx.queue('GENERATIONS')
}

/** Inserts a refill that this transaction carries out. The transaction has locked its pool. */
export async function insertRefillTask(tx: BookTransaction, task: NewGeneration): Promise<string> {
  const id = newId()
  const values = [task.poolId, task.formatId, task.quantity, tx.actorId ?? null, tx.now()]
  const text = `
    INSERT INTO task (account_id, id, kind, trigger, pool_id, format_id, quantity, generated, added, actor_id, status,
      created_at, started_at, finished_at)
    VALUES ($1, $2, 'GENERATION', 'AUTO_GENERATE', $3, $4, $5, $5, $5, $6, 'COMPLETED', $7, $7, $7)`
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
  const at = tx.now()
  const values = [
    poolId,
    column,
    header,
    dryRun,
    caseSensitive,
    bytes,
    tx.actorId ?? null,
    at,
    traceParent() ?? null,
  ]
  const text = `
    INSERT INTO task (account_id, id, kind, trigger, pool_id, status, "column", header, dry_run, case_sensitive, bytes,
      actor_id, has_work, created_at, trace_parent)
    VALUES ($1, $2, 'UPLOAD', 'MANUAL', $3, 'AWAITING_EXECUTION', $4, $5, $6, $7, $8, $9, true, $10, $11)`
  await writeTask(tx, id, { name: 'insert-upload-task', text, values })
  tx.queue('UPLOADS')
}

/** SQL: the time $n as the end of a task. The clocks of two processes differ, and a task does not end before it began. */
function notBefore(time: string): string {
  return `greatest(${time}::timestamptz, created_at, started_at)`
}

/** Starts a task. Like all transitions, resolves to undefined if the task did not have the expected status. */
export async function markRunning(tx: BookTransaction, taskId: string): Promise<Task | undefined> {
  const text = `
    UPDATE task SET status = 'RUNNING', started_at = greatest($3::timestamptz, created_at)
    WHERE account_id = $1 AND id = $2 AND status = 'AWAITING_EXECUTION'`
  return await writeTask(tx, taskId, { name: 'start-task', text, values: [tx.now()] })
}

/** Completes a generation whose codes have been added to the pool. */
export async function markGenerationCompleted(
  tx: BookTransaction,
  taskId: string,
): Promise<Task | undefined> {
  const text = `
    UPDATE task SET status = 'COMPLETED', generated = quantity, added = quantity,
      finished_at = ${notBefore('$3')}
    WHERE account_id = $1 AND id = $2 AND status = 'RUNNING' AND kind = 'GENERATION'`
  return await writeTask(tx, taskId, { name: 'complete-generation', text, values: [tx.now()] })
}

/** Completes an upload. It has added all codes that it accepted, or none if it is a dry run. */
export async function markUploadCompleted(tx: BookTransaction, taskId: string): Promise<Task | undefined> {
  const text = `
    UPDATE task SET status = 'COMPLETED', added = CASE WHEN dry_run THEN 0 ELSE accepted END,
      waits_for_clearing = false, finished_at = ${notBefore('$3')}
    WHERE account_id = $1 AND id = $2 AND status = 'RUNNING' AND kind = 'UPLOAD'`
  return await writeTask(tx, taskId, { name: 'complete-upload', text, values: [tx.now()] })
}

/** Makes a task FAILED, and releases what it has reserved. */
export async function markFailed(
  tx: BookTransaction,
  taskId: string,
  { code, message }: TaskFailure,
): Promise<Task | undefined> {
  const changes = "status = 'FAILED', failure_code = $4, failure_message = $5"
  return await endUnfinished(tx, taskId, { name: 'fail-task', changes, values: [code, message] })
}

async function markCancelled(tx: BookTransaction, taskId: string): Promise<Task | undefined> {
  return await endUnfinished(tx, taskId, { name: 'cancel-task', changes: "status = 'CANCELLED'" })
}

/** Ends a task before it is completed. Releases what a generation has reserved; uploads reserve nothing. */
async function endUnfinished(
  tx: BookTransaction,
  taskId: string,
  { name, changes, values = [] }: { name: string; changes: string; values?: unknown[] },
): Promise<Task | undefined> {
  const text = `
    UPDATE task SET ${changes}, waits_for_clearing = false, finished_at = ${notBefore('$3')}
    WHERE account_id = $1 AND id = $2 AND status IN ('AWAITING_EXECUTION', 'RUNNING')`
  const task = await writeTask(tx, taskId, { name, text, values: [tx.now(), ...values] })
  if (task?.formatId === undefined || task.quantity === undefined) return task
  await lockFormat(tx, task.formatId)
  await tx.execute({
    text: 'UPDATE format SET reserved = reserved - $3 WHERE account_id = $1 AND id = $2',
    values: [tx.accountId, task.formatId, task.quantity],
  })
  return task
}

/** Makes an upload UNDONE. A worker removes its codes later; `finished_at` does not change. */
export async function markUndone(tx: BookTransaction, taskId: string): Promise<Task | undefined> {
  tx.queue('UPLOADS')
  const text = `
    UPDATE task SET status = 'UNDONE', added = 0, has_work = true
    WHERE account_id = $1 AND id = $2 AND status = 'COMPLETED' AND kind = 'UPLOAD'`
  return await writeTask(tx, taskId, { name: 'undo-upload', text })
}

/**
 * Runs an insert or a transition, whose first parameters are the account and the task, and records its outcome. The actor of
 * what a worker does on a task is the key that created the task.
 */
async function writeTask(
  tx: BookTransaction,
  taskId: string,
  { name, text, values = [] }: { name: string; text: string; values?: unknown[] | undefined },
): Promise<Task | undefined> {
  const [row] = await tx.rows<TaskRow>({
    name,
    text: `${text} RETURNING ${taskColumns}`,
    values: [tx.accountId, taskId, ...values],
  })
  if (row === undefined) return undefined
  const task = decodeTask(row)
  const event = { poolId: task.poolId, kind: 'TASK_STATUS_CHANGED', payload: snapshotOf(task) } as const
  tx.record(event, tx.actorId ?? task.actorId)
  tellStatus(tx, task)
  return task
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

/** Reads tasks of an account without a lock: those that exist. */
export async function readTasks(
  books: Queryable,
  accountId: string,
  ids: readonly string[],
): Promise<Task[]> {
  const rows = await books.rows<TaskRow>({
    name: 'read-tasks',
    text: `SELECT task.* FROM ${rowsById('task', taskColumns)}`,
    values: [accountId, ids],
  })
  return rows.map(decodeTask)
}

/** Reads a task without a lock: its status may change; its kind, pool, format and quantity never do. */
export async function readTask(
  books: Queryable,
  accountId: string,
  taskId: string,
): Promise<Task | undefined> {
  return (await readTasks(books, accountId, [taskId]))[0]
}

export interface TaskFilter {
  poolId?: string | undefined
  status?: readonly TaskStatus[] | undefined
}

/** The tasks of the pool that have one of the statuses. */
export function tasksMatching({ poolId, status }: TaskFilter): Filter {
  return {
    table: 'task',
    condition: '($2::uuid IS NULL OR pool_id = $2) AND ($3::task_status[] IS NULL OR status = ANY ($3))',
    values: [poolId ?? null, status ?? null],
  }
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
  return row && { snapshot: snapshotOf(decodeTask(row)), sequence: BigInt(row.last) }
}

/** What `decodeTask` reads. */
export const taskColumns = `account_id AS "accountId", id, kind, trigger, actor_id AS "actorId",
  trace_parent AS "traceParent", pool_id AS "poolId", format_id AS "formatId",
  quantity, status, generated, added,
  failure_code AS "failureCode", failure_message AS "failureMessage",
  "column", header, dry_run AS "dryRun", case_sensitive AS "caseSensitive", layout, rows_read AS "rowsRead", accepted,
  duplicates_in_file AS "duplicatesInFile", duplicates_in_account AS "duplicatesInAccount", refused, bytes,
  bytes_read AS "bytesRead", rejected_forgotten AS "rejectedForgotten", created_at AS "createdAt",
  started_at AS "startedAt", finished_at AS "finishedAt"`

export type TaskRow = RowOf<Omit<Task, 'failure'>> & {
  failureCode: TaskFailureCode | null
  failureMessage: string | null
}

export function decodeTask({ failureCode, failureMessage, ...row }: TaskRow): Task {
  return {
    ...row,
    actorId: row.actorId ?? undefined,
    traceParent: row.traceParent ?? undefined,
    formatId: row.formatId ?? undefined,
    quantity: row.quantity === null ? undefined : BigInt(row.quantity),
    generated: BigInt(row.generated),
    added: BigInt(row.added),
    failure: failureCode === null ? undefined : { code: failureCode, message: failureMessage ?? '' },
    column: row.column ?? undefined,
    header: row.header ?? undefined,
    layout: row.layout ?? undefined,
    rowsRead: BigInt(row.rowsRead),
    accepted: BigInt(row.accepted),
    duplicatesInFile: BigInt(row.duplicatesInFile),
    duplicatesInAccount: BigInt(row.duplicatesInAccount),
    refused: BigInt(row.refused),
    bytes: BigInt(row.bytes),
    bytesRead: BigInt(row.bytesRead),
    startedAt: row.startedAt ?? undefined,
    finishedAt: row.finishedAt ?? undefined,
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

/**
 * A task as of a snapshot of it. Whatever is not in a snapshot never changes, or is the progress of an upload, which stays
 * that of `task`.
 */
export function withSnapshot(task: Task, snapshot: TaskSnapshot): Task {
  const { status, generated, added, startedAt, finishedAt, failureCode, failureMessage } = snapshot
  return {
    ...task,
    status,
    generated: BigInt(generated),
    added: BigInt(added),
    startedAt: startedAt === null ? undefined : new Date(startedAt),
    finishedAt: finishedAt === null ? undefined : new Date(finishedAt),
    failure: failureCode === null ? undefined : { code: failureCode, message: failureMessage ?? '' },
  }
}

/** A task as it was when it was accepted, not as an automatic refill. */
export function asAccepted(task: Task): Task {
  return {
    ...task,
    status: 'AWAITING_EXECUTION',
    generated: 0n,
    added: 0n,
    failure: undefined,
    layout: undefined,
    rowsRead: 0n,
    accepted: 0n,
    duplicatesInFile: 0n,
    duplicatesInAccount: 0n,
    refused: 0n,
    bytesRead: 0n,
    startedAt: undefined,
    finishedAt: undefined,
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
 * Tells the metrics and the log of a status. In the log, counts are decimal strings, as in events. The duration of a refill
 * is 0. The message of a failure is left out, as it may quote codes of the file.
 */
function tellStatus(tx: BookTransaction, task: Task): void {
  const { status, kind, trigger, quantity, startedAt, finishedAt } = task
  const waitedMs = status === 'RUNNING' ? elapsedMs(task.createdAt, startedAt) : undefined
  const durationMs = status === 'UNDONE' ? undefined : elapsedMs(startedAt, finishedAt)
  const added = status === 'COMPLETED' ? task.added : undefined
  const failureCode = task.failure?.code
  tx.tellOnCommit(facts.task, { kind, trigger, status, waitedMs, durationMs, failureCode, added })
  if (status === 'AWAITING_EXECUTION') return
  const subject = { accountId: tx.accountId, taskId: task.id, kind, trigger, quantity: quantity?.toString() }
  const outcome = {
    added: String(task.added),
    rows: kind === 'UPLOAD' ? String(task.rowsRead) : undefined,
    failureCode,
    durationMs,
  }
  tx.logOnCommit(
    status === 'RUNNING' ? { ...subject, waitedMs } : { ...subject, ...outcome },
    logMessages[status],
  )
}

function elapsedMs(from: Date | undefined, to: Date | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : to.getTime() - from.getTime()
}
