import { v7 as newId } from 'uuid'
import { kindOfName } from '../../codefile/column-names.ts'
import type { FileLayout } from '../../codefile/read.ts'
import { CommitUnansweredError, isUnavailable } from '../../database/errors.ts'
import type { Queryable } from '../../database/transaction.ts'
import type { TaskFailureCode, TaskStatus } from '../../generated/prisma/client.ts'
import { grouped } from '../../grouped.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { InvalidInputError, NotFoundError, TooManyUploadsError } from '../books/errors.ts'
import { checkIdempotencyKey, hashInput, once } from '../books/idempotency.ts'
import { InputCheck } from '../books/input.ts'
import type { TaskRef } from '../books/task-ref.ts'
import { insertUploadTask, isUnfinished, markFailed, markRunning, type Task } from '../generation/task.ts'
import type { Accepted } from '../pool/moment.ts'
import { lockPool, readPool } from '../pool/pool.ts'
import { removeFile, storeFile } from './file.ts'

export interface UploadInput {
  poolId: string
  /** The name of the column that has the codes; without it, the file's reader finds one. */
  column?: string | undefined
  /** Whether the file has a header; without it, the file's reader finds out. With it, `column` can be a number. */
  header?: boolean | undefined
  /** Whether to say what would be added, and add nothing. */
  dryRun: boolean
  /** Whether codes that differ in case, spaces and dashes alone are different ones. */
  caseSensitive?: boolean | undefined
  idempotencyKey?: string | undefined
}

const operation = 'uploadCodes'
export const maxColumnLength = 200

// Each file has a few megabytes in memory while it arrives.
const maxAtOnce = 32
const maxOfAccount = 8

/** Receives files into a process: no more at once than it has memory for, and of no account so many that others wait. */
export class Uploads {
  /** How large a file may be. */
  readonly maxBytes: number
  readonly #books: Books
  /** How many files are arriving, by account. */
  readonly #arriving = new Map<string, number>()

  constructor(books: Books, maxBytes: number) {
    this.#books = books
    this.maxBytes = maxBytes
  }

  /** As `receiveUpload`, with how the pool stood then; rejects also with a TooManyUploadsError. */
  async receive(accountId: string, input: UploadInput, bytes: AsyncIterable<Uint8Array>): Promise<Accepted> {
    const own = this.#arriving.get(accountId) ?? 0
    if (own >= maxOfAccount)
      throw new TooManyUploadsError(
        `Your account is sending ${maxOfAccount} files at this moment, which is the most that it can.`,
      )
    const all = [...this.#arriving.values()].reduce((sum, count) => sum + count, 0)
    if (all >= maxAtOnce) throw new TooManyUploadsError('Too many files are being uploaded at this moment.')
    this.#arriving.set(accountId, own + 1)
    try {
      return await receiveFile(this.#books, accountId, input, bytes, this.maxBytes)
    } finally {
      const left = (this.#arriving.get(accountId) ?? 0) - 1
      if (left > 0) this.#arriving.set(accountId, left)
      else this.#arriving.delete(accountId)
    }
  }
}

/**
 * Receives a file of codes for a pool, and creates the task that will read it when all of it is there. Resolves to the
 * id of the task; with an idempotencyKey that was used for the same input and the same file, to that task's. Whatever
 * else it ends with, nothing is left behind.
 *
 * Rejects with an InvalidInputError, which is a FileTooLargeError when the file has more than `maxBytes`; with a
 * NotFoundError, before a byte has been read; with an IdempotencyConflictError; or with what `bytes` rejects with.
 */
export async function receiveUpload(
  books: Books,
  accountId: string,
  input: UploadInput,
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<string> {
  return (await receiveFile(books, accountId, input, bytes, maxBytes)).taskId
}

async function receiveFile(
  books: Books,
  accountId: string,
  input: UploadInput,
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Accepted> {
  const check = new InputCheck()
  if (input.column !== undefined) check.text(['column'], input.column, maxColumnLength)
  if (input.header === false && input.column !== undefined && !/^[1-9]\d{0,2}$/.test(input.column))
    check.issue(
      ['column'],
      'A file without a header has no names of columns: give the number of the column with the codes, from 1.',
    )
  checkIdempotencyKey(check, input.idempotencyKey)
  check.done()
  if ((await readPool(books, accountId, input.poolId)) === undefined)
    throw new NotFoundError('pool', ['poolId'])
  const ref = { accountId, taskId: newId() }
  let taskId: string | undefined
  try {
    const file = await storeFile(books, ref, bytes, maxBytes)
    if (file.size === 0) throw emptyFile()
    const accepted = await accept(books, ref, input, file)
    taskId = accepted.taskId
    return accepted
  } catch (error) {
    // The upload may be there, and then it needs its file; if it is not, housekeeping removes that.
    if (error instanceof CommitUnansweredError) taskId = ref.taskId
    throw error
  } finally {
    if (taskId !== ref.taskId) await dropFile(books, ref)
  }
}

function emptyFile(): InvalidInputError {
  return new InvalidInputError([
    { path: ['file'], message: 'The file is empty. Send one with at least one code in it.' },
  ])
}

/** Removes what nobody needs. While the database is away that cannot be done: then housekeeping will. */
async function dropFile(books: Books, ref: TaskRef): Promise<void> {
  try {
    await removeFile(books, ref)
  } catch (error) {
    if (!isUnavailable(error)) throw error
  }
}

interface StoredFile {
  size: number
  sha256: string
}

async function accept(
  books: Books,
  { accountId, taskId }: TaskRef,
  input: UploadInput,
  file: StoredFile,
): Promise<Accepted> {
  const { poolId, column, header, dryRun, caseSensitive = false } = input
  // Keys of releases that had no `caseSensitive` stay valid: the default does not count.
  const hash = hashInput({
    poolId,
    column,
    header,
    dryRun,
    caseSensitive: caseSensitive || undefined,
    file: file.sha256,
  })
  return await books.write(accountId, async (tx) => {
    const pool = await lockPool(tx, poolId)
    if (pool === undefined) throw new NotFoundError('pool', ['poolId'])
    return await once(tx, operation, input.idempotencyKey, hash, async () => {
      const bytes = BigInt(file.size)
      await insertUploadTask(tx, { id: taskId, poolId, column, header, dryRun, caseSensitive, bytes })
      return { taskId, moment: { pool } }
    })
  })
}

/** An upload for which there is something left to do: to read its file, or to remove what it has left behind. */
export interface QueuedUpload extends TaskRef {
  poolId: string
  status: TaskStatus
  column: string | undefined
  header: boolean | undefined
  /** Rows of the file that have been read so far. */
  rowsRead: bigint
  /** The size of the file in bytes. */
  size: bigint
}

/** The account with the oldest of such uploads, but for some accounts. */
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
 * The next of such uploads of an account, if there is one: the oldest whose file is to be read, and only when there is
 * none, the oldest that has left something behind; with `clearFirst` the other way round.
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

/** The upload as it is now, if there is anything left to do for it. */
export async function readUpload(books: Queryable, ref: TaskRef): Promise<QueuedUpload | undefined> {
  const [row] = await books.rows<UploadRow>({
    name: 'read-upload',
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

/** Whether a file of the account waits to be read, or is being read. */
export async function hasUnread(books: Queryable, accountId: string): Promise<boolean> {
  const next = await readNextUpload(books, accountId)
  return next !== undefined && isUnfinished(next.status)
}

/** Why an upload does not go on. */
export type UploadWait = 'WORKER' | 'EARLIER_UPLOAD' | 'CLEARING'

/** What those of some uploads wait for that wait. */
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

/** What somebody should look at although an upload is completed: sentences for people. */
export function uploadWarnings(upload: {
  status: TaskStatus
  dryRun: boolean
  rowsRead: bigint
  accepted: bigint
  duplicatesInFile: bigint
  duplicatesInAccount: bigint
  refused: bigint
  header: boolean | null
  column: string | null
  layout: unknown
}): string[] {
  const { status, dryRun, rowsRead, accepted, duplicatesInAccount, refused } = upload
  if (status !== 'COMPLETED') return []
  const warnings: string[] = []
  const { headerRow, header, columnNumber } = (upload.layout ?? {}) as Partial<FileLayout>
  const name = header?.[(columnNumber ?? 0) - 1]
  const isSaid = upload.header !== null || upload.column !== null
  if (!isSaid && name !== undefined && kindOfName(name) !== 'USUAL')
    warnings.push(
      `Row ${headerRow}, "${name}", was taken for the header, since it looks like none of the rows below it. If it is a ` +
        'code, upload it in a file of its own, with header=false.',
    )
  const rows = (count: bigint) => `${grouped(count)} ${count === 1n ? 'row' : 'rows'}`
  if (accepted === 0n && rowsRead > 0n)
    warnings.push(
      `${dryRun ? 'Nothing would be added' : 'Nothing was added'}: ` +
        (duplicatesInAccount + upload.duplicatesInFile === rowsRead
          ? 'every code of the file is in the account already.'
          : 'every code of the file is in the account already, or was refused.'),
    )
  if (refused > 0n)
    warnings.push(
      `Of ${rows(rowsRead)}, ${grouped(refused)} ${refused === 1n ? 'was' : 'were'} refused: see the reasons ` +
        'in the file of rejectedRowsUrl.',
    )
  return warnings
}

/** Says of a running upload that it waits until others are cleared away; its next rows say that it does not any more. */
export async function markWaiting(books: Queryable, { accountId, taskId }: TaskRef): Promise<void> {
  await books.rows({
    text: `
      UPDATE task SET waits_for_clearing = true
      WHERE account_id = $1 AND id = $2 AND status = 'RUNNING' AND NOT waits_for_clearing`,
    values: [accountId, taskId],
  })
}

/** Makes a waiting upload RUNNING. Resolves to false when it does not wait any more. */
export async function startUpload(books: Books, upload: QueuedUpload): Promise<boolean> {
  return await change(books, upload, (tx) => markRunning(tx, upload.taskId))
}

/** Ends an upload as FAILED. Resolves to false when it had ended already. */
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
