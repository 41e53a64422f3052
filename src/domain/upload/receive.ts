import { v7 as newId } from 'uuid'
import { InFlight } from '../../async/in-flight.ts'
import { CommitUnansweredError, isUnavailable } from '../../database/errors.ts'
import { inSpan } from '../../telemetry/spans.ts'
import type { Books } from '../books/books.ts'
import { InvalidInputError, NotFoundError, TooManyUploadsError } from '../books/errors.ts'
import { checkIdempotencyKey, hashInput, once } from '../books/idempotency.ts'
import { InputCheck } from '../books/input.ts'
import type { TaskRef } from '../books/task-ref.ts'
import { type Accepted, insertUploadTask } from '../generation/task.ts'
import { PoolArchivedError } from '../pool/issuing.ts'
import { lockPool, type Pool, readPool } from '../pool/pool.ts'
import { removeFile, storeFile } from './file.ts'

export interface UploadInput {
  poolId: string
  /** As in CodeFileOptions. */
  column?: string | undefined
  header?: boolean | undefined
  /** Whether to only count what would be added. */
  dryRun: boolean
  /** Whether codes that differ only in case, spaces and dashes are different codes. */
  caseSensitive?: boolean | undefined
  idempotencyKey?: string | undefined
}

const operation = 'uploadCodes'
export const maxColumnLength = 200

// Each arriving file has a few megabytes in memory.
const maxArriving = 32
const maxArrivingOfAccount = 8

/** Receives files, a limited number at the same time: in all, and for each account. */
export class Uploads {
  readonly maxBytes: number
  readonly #books: Books
  /** The arriving files, by account. */
  readonly #arriving = new InFlight()

  constructor(books: Books, maxBytes: number) {
    this.#books = books
    this.maxBytes = maxBytes
  }

  /** As `receiveUpload`, for an API key of the account. Also rejects with a TooManyUploadsError. */
  async receive(
    { accountId, keyId }: { accountId: string; keyId: string },
    input: UploadInput,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<Accepted> {
    if (this.#arriving.of(accountId) >= maxArrivingOfAccount)
      throw new TooManyUploadsError(
        `Your account is sending ${maxArrivingOfAccount} files at the moment, which is the limit.`,
      )
    if (this.#arriving.all >= maxArriving)
      throw new TooManyUploadsError('Too many files are being uploaded at the moment.')
    return await this.#arriving.run(accountId, () =>
      receiveUpload(this.#books.actingAs(keyId), accountId, input, bytes, this.maxBytes),
    )
  }
}

/**
 * Stores a file of codes for a pool, and creates the task that reads it. Resolves to the task, with the pool as it was
 * then; if the idempotencyKey was used for the same input and file, to the first task. If it fails, leaves nothing behind.
 *
 * Rejects with an InvalidInputError; with a FileTooLargeError if the file has more than `maxBytes`; with a
 * NotFoundError, before a byte has been read; with a PoolArchivedError, usually before that, too; with an
 * IdempotencyConflictError; and with errors of `bytes`.
 */
export async function receiveUpload(
  books: Books,
  accountId: string,
  input: UploadInput,
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Accepted> {
  const check = new InputCheck()
  if (input.column !== undefined) check.text(['column'], input.column, maxColumnLength, 'optional')
  if (input.header === false && input.column !== undefined && !/^[1-9]\d{0,2}$/.test(input.column))
    check.issue(
      ['column'],
      'A file without a header has no column names. Give the number of the column with the codes, from 1.',
    )
  checkIdempotencyKey(check, input.idempotencyKey)
  check.done()
  const pool = await readPool(books, accountId, input.poolId)
  if (pool === undefined) throw new NotFoundError('pool', ['poolId'])
  // With a key, it may repeat a request from before the pool was archived.
  if (pool.archivedAt !== undefined && input.idempotencyKey === undefined) throw archived(pool)
  const ref = { accountId, taskId: newId() }
  let taskId: string | undefined
  try {
    const file = await inSpan('receive file', {}, () => storeFile(books, ref, bytes, maxBytes))
    if (file.size === 0)
      throw new InvalidInputError([
        { path: ['file'], message: 'The file is empty. Send a file with at least one code.' },
      ])
    const accepted = await accept(books, ref, input, file)
    taskId = accepted.taskId
    return accepted
  } catch (error) {
    // The upload may exist and need its file. If it does not, housekeeping removes the file.
    if (error instanceof CommitUnansweredError) taskId = ref.taskId
    throw error
  } finally {
    if (taskId !== ref.taskId) await dropFile(books, ref)
  }
}

function archived(pool: Pool): PoolArchivedError {
  return new PoolArchivedError(pool, 'uploaded')
}

/** Removes a file that became no upload. If the database is unavailable, housekeeping will remove it. */
async function dropFile(books: Books, ref: TaskRef): Promise<void> {
  try {
    await removeFile(books, ref)
  } catch (error) {
    if (!isUnavailable(error)) throw error
  }
}

async function accept(
  books: Books,
  { accountId, taskId }: TaskRef,
  input: UploadInput,
  file: { size: number; sha256: string },
): Promise<Accepted> {
  const { poolId, column, header, dryRun, caseSensitive = false } = input
  // The default of caseSensitive does not count, so that keys used before it existed keep their hash.
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
    return await once(tx, operation, { key: input.idempotencyKey, hash, taskId }, async () => {
      if (pool.archivedAt !== undefined) throw archived(pool)
      const bytes = BigInt(file.size)
      await insertUploadTask(tx, { id: taskId, poolId, column, header, dryRun, caseSensitive, bytes })
      return { taskId, pool }
    })
  })
}
