import { v7 as newId } from 'uuid'
import { CommitUnansweredError, isUnavailable } from '../database/errors.ts'
import type { Queryable } from '../database/transaction.ts'
import type { TaskFailureCode, TaskStatus } from '../generated/prisma/client.ts'
import type { Books, BookTransaction } from './books.ts'
import { IdempotencyConflictError, InvalidInputError, NotFoundError, TooManyUploadsError } from './errors.ts'
import { checkIdempotencyKey, findKeys, hashInput, insertKeys, KeyJustUsedError } from './idempotency.ts'
import { InputCheck } from './input.ts'
import { lockPool, readPool } from './pool.ts'
import { changeTask, insertUploadTask, type Task, type TaskChange, unfinished } from './task.ts'
import { type FileOwner, removeFile, storeFile } from './upload-file.ts'

export interface UploadInput {
  poolId: string
  /** The name of the column that has the codes; without it, the file's reader finds one. */
  column?: string | undefined
  /** Whether to say what would be added, and add nothing. */
  dryRun: boolean
  /** Whether codes that differ in case, spaces and dashes alone are different ones. */
  caseSensitive?: boolean | undefined
  idempotencyKey?: string | undefined
}

const operation = 'uploadCodes'
const longestColumn = 200

// Each file has a few megabytes in memory while it arrives.
const mostAtOnce = 32
const mostOfAccount = 8

/** Receives files into a process: no more at once than it has memory for, and of no account so many that others wait. */
export class Uploads {
  /** How large a file may be. */
  readonly maximumBytes: number
  readonly #books: Books
  /** How many files are arriving, by account. */
  readonly #arriving = new Map<string, number>()

  constructor(books: Books, maximumBytes: number) {
    this.#books = books
    this.maximumBytes = maximumBytes
  }

  /** As `receiveUpload`; rejects also with a TooManyUploadsError. */
  async receive(accountId: string, input: UploadInput, bytes: AsyncIterable<Uint8Array>): Promise<string> {
    const own = this.#arriving.get(accountId) ?? 0
    if (own >= mostOfAccount)
      throw new TooManyUploadsError(
        `Your account is sending ${mostOfAccount} files at this moment, which is the most that it can.`,
      )
    const all = [...this.#arriving.values()].reduce((sum, count) => sum + count, 0)
    if (all >= mostAtOnce) throw new TooManyUploadsError('Too many files are being uploaded at this moment.')
    this.#arriving.set(accountId, own + 1)
    try {
      return await receiveUpload(this.#books, accountId, input, bytes, this.maximumBytes)
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
 * Rejects with an InvalidInputError, which is a FileTooLargeError when the file has more than `maximumBytes`; with a
 * NotFoundError, before a byte has been read; with an IdempotencyConflictError; or with what `bytes` rejects with.
 */
export async function receiveUpload(
  books: Books,
  accountId: string,
  input: UploadInput,
  bytes: AsyncIterable<Uint8Array>,
  maximumBytes: number,
): Promise<string> {
  const check = new InputCheck()
  if (input.column !== undefined) check.text(['column'], input.column, longestColumn)
  checkIdempotencyKey(check, input.idempotencyKey)
  check.done()
  if ((await readPool(books, accountId, input.poolId)) === undefined)
    throw new NotFoundError('pool', ['poolId'])
  const owner = { accountId, taskId: newId() }
  let taskId: string | undefined
  try {
    const file = await storeFile(books, owner, bytes, maximumBytes)
    if (file.size === 0) throw emptyFile()
    taskId = await accept(books, owner, input, file)
    return taskId
  } catch (error) {
    // The upload may be there, and then it needs its file; if it is not, housekeeping removes that.
    if (error instanceof CommitUnansweredError) taskId = owner.taskId
    throw error
  } finally {
    if (taskId !== owner.taskId) await dropFile(books, owner)
  }
}

function emptyFile(): InvalidInputError {
  return new InvalidInputError([
    { path: ['file'], message: 'The file is empty. Send one with at least one code in it.' },
  ])
}

/** Removes what nobody needs. While the database is away that cannot be done: then housekeeping will. */
async function dropFile(books: Books, owner: FileOwner): Promise<void> {
  try {
    await removeFile(books, owner)
  } catch (error) {
    if (!isUnavailable(error)) throw error
  }
}

interface StoredFile {
  size: number
  sha256: string
}

async function accept(books: Books, owner: FileOwner, input: UploadInput, file: StoredFile): Promise<string> {
  try {
    return await books.write(owner.accountId, (tx) => acceptUpload(tx, owner, input, file))
  } catch (error) {
    // The other transaction has ended by now, so this time its key is found.
    if (error instanceof KeyJustUsedError)
      return await books.write(owner.accountId, (tx) => acceptUpload(tx, owner, input, file))
    throw error
  }
}

async function acceptUpload(
  tx: BookTransaction,
  { taskId }: FileOwner,
  input: UploadInput,
  file: StoredFile,
): Promise<string> {
  const { poolId, column, dryRun, caseSensitive = false, idempotencyKey: key } = input
  if ((await lockPool(tx, poolId)) === undefined) throw new NotFoundError('pool', ['poolId'])
  // Without what is as it was before there was a choice: keys of an earlier release stay what they are.
  const hash = hashInput({
    poolId,
    column,
    dryRun,
    ...(caseSensitive ? { caseSensitive } : {}),
    file: file.sha256,
  })
  const used = key === undefined ? undefined : (await findKeys(tx, operation, [key])).get(key)
  if (used !== undefined) {
    if (used.hash !== hash || used.taskId === undefined) throw new IdempotencyConflictError()
    return used.taskId
  }
  await insertUploadTask(tx, { id: taskId, poolId, column, dryRun, caseSensitive, bytes: BigInt(file.size) })
  if (key !== undefined)
    await insertKeys(tx, operation, [{ key, hash, taskId, poolId: undefined, first: undefined }])
  return taskId
}

/** An upload for which there is something left to do: to read its file, or to remove what it has left behind. */
export interface QueuedUpload extends FileOwner {
  poolId: string
  status: TaskStatus
  column: string | undefined
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
    text: 'SELECT account_id FROM task WHERE leftovers AND account_id <> ALL ($1::uuid[]) ORDER BY id LIMIT 1',
    values: [except],
  })
  return row?.account_id
}

/** The oldest of such uploads of an account, if there is one. */
export async function readNextUpload(books: Queryable, accountId: string): Promise<QueuedUpload | undefined> {
  const [row] = await books.rows<UploadRow>({
    name: 'read-next-upload',
    text: `SELECT ${uploadColumns} FROM task WHERE leftovers AND account_id = $1 ORDER BY id LIMIT 1`,
    values: [accountId],
  })
  return row === undefined ? undefined : decodeUpload(row)
}

/** The upload as it is now, if there is anything left to do for it. */
export async function readUpload(books: Queryable, owner: FileOwner): Promise<QueuedUpload | undefined> {
  const [row] = await books.rows<UploadRow>({
    name: 'read-upload',
    text: `SELECT ${uploadColumns} FROM task WHERE leftovers AND account_id = $1 AND id = $2`,
    values: [owner.accountId, owner.taskId],
  })
  return row === undefined ? undefined : decodeUpload(row)
}

const uploadColumns = 'account_id, id, pool_id, status, "column", rows_read, bytes'

interface UploadRow {
  account_id: string
  id: string
  pool_id: string
  status: TaskStatus
  column: string | null
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
    rowsRead: BigInt(row.rows_read),
    size: BigInt(row.bytes),
  }
}

/** Makes a waiting upload RUNNING. Resolves to false when it does not wait any more. */
export async function startUpload(books: Books, upload: QueuedUpload): Promise<boolean> {
  return (await change(books, upload, ['AWAITING_EXECUTION'], { status: 'RUNNING' })) !== undefined
}

/** Ends an upload as FAILED. Resolves to false when it had ended already. */
export async function failUpload(
  books: Books,
  upload: QueuedUpload,
  code: TaskFailureCode,
  message: string,
): Promise<boolean> {
  return (await change(books, upload, unfinished, { status: 'FAILED', code, message })) !== undefined
}

async function change(
  books: Books,
  { accountId, poolId, taskId }: QueuedUpload,
  expected: readonly TaskStatus[],
  to: TaskChange,
): Promise<Task | undefined> {
  return await books.write(accountId, async (tx) => {
    await lockPool(tx, poolId)
    return await changeTask(tx, taskId, expected, to)
  })
}
