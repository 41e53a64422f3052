import type { Logger } from 'pino'
import { readAhead } from '../../async/read-ahead.ts'
import type { Semaphore } from '../../async/semaphore.ts'
import { CodeFileError, HeaderUnclearError } from '../../codefile/code-file-error.ts'
import { readCodeFile } from '../../codefile/read.ts'
import { canRunAgain, isUnavailable } from '../../database/errors.ts'
import type { Books } from '../../domain/books/books.ts'
import type { TaskRef } from '../../domain/books/task-ref.ts'
import { isUnfinished, readTask, refOf, type Task } from '../../domain/generation/task.ts'
import { addChunk } from '../../domain/upload/add-chunk.ts'
import { clearUpload } from '../../domain/upload/clear.ts'
import type { Chunk } from '../../domain/upload/decide-chunk.ts'
import { readFile, removeFile } from '../../domain/upload/file.ts'
import { completeUpload } from '../../domain/upload/finish.ts'
import { HeldByEndedUploadError } from '../../domain/upload/known-codes.ts'
import { failUpload, markWaitingForClearing, readNextUpload, startUpload } from '../../domain/upload/queue.ts'
import { beginWait, failSpan, inTrace } from '../../telemetry/spans.ts'
import type { AccountLock } from './account-lock.ts'
import { chunksOf } from './chunks.ts'

// A share lasts at least this many times as long as skipping the rows that were read before, which each share repeats.
const minShareByResuming = 10

const maxRowsCleared = 10_000
// After this many files of an account, some rows are cleared away although more files wait.
const filesPerClearing = 8

/** What is done next for an upload, as traces say it. */
const steps: Partial<Record<Task['status'], string>> = {
  AWAITING_EXECUTION: 'start upload',
  RUNNING: 'read upload',
}

/**
 * Works on the uploads of one account during its share of the time: reads its files, oldest first, and clears away what
 * ended uploads have left behind. Files come before clearing, except after every few files, and except for codes that a
 * file contains again: these are cleared away before any row of the file depends on them.
 */
export class AccountUploads {
  readonly #accountId: string
  readonly #lock: AccountLock
  readonly #options: AccountUploadsOptions
  readonly #began = performance.now()
  #shareMs: number
  /** Whether the account has to let another one work. */
  #isOver = false

  constructor(accountId: string, lock: AccountLock, options: AccountUploadsOptions) {
    this.#accountId = accountId
    this.#lock = lock
    this.#options = options
    this.#shareMs = options.shareMs
  }

  /** Resolves to whether anything was done, so that there may be more to do. */
  async run(): Promise<boolean> {
    const { books } = this.#options
    let upload = await readNextUpload(books, this.#accountId)
    if (upload === undefined) return false
    let filesRead = 0
    while (upload !== undefined && !this.#isOver) {
      if (!(await this.#traced(upload))) return false
      if (upload.status === 'RUNNING') filesRead += 1
      const clearFirst = upload.status === 'RUNNING' && filesRead % filesPerClearing === 0
      upload = await readNextUpload(books, this.#accountId, clearFirst)
    }
    return true
  }

  /** Advances an upload, in the trace of the request that created it. */
  async #traced(upload: Task): Promise<boolean> {
    const { accountId, id, status, rowsRead, traceParent } = upload
    const attributes = {
      'promo_codes.account_id': accountId,
      'promo_codes.task_id': id,
      'promo_codes.rows_read': Number(rowsRead),
    }
    return await inTrace(
      steps[status] ?? 'clear upload',
      attributes,
      () => this.#advance(upload),
      traceParent,
    )
  }

  /** Resolves to false if the work stopped before the upload or the share ended. */
  async #advance(upload: Task): Promise<boolean> {
    const { books, log } = this.#options
    if (upload.status === 'AWAITING_EXECUTION') return await startUpload(books, upload)
    if (upload.status !== 'RUNNING') return await this.#clear(refOf(upload), () => this.#filesComeFirst())
    try {
      return await this.#read(upload)
    } catch (error) {
      if (error instanceof CodeFileError) {
        const code = error instanceof HeaderUnclearError ? 'HEADER_UNCLEAR' : 'UNREADABLE_FILE'
        return await failUpload(books, upload, { code, message: error.message }, error.beginning)
      }
      if (isUnavailable(error) || canRunAgain(error)) throw error
      failSpan(error)
      log.error({ err: error, ...refOf(upload) }, 'an upload failed')
      const message =
        'The service could not finish this upload. Nothing was added to the pool. Upload the file again.'
      return await failUpload(books, upload, { code: 'INTERNAL', message })
    }
  }

  async #read(upload: Task): Promise<boolean> {
    const { books, maxBytes } = this.#options
    const { accountId, id, column, header, rowsRead } = upload
    const ref = refOf(upload)
    const bytes = readFile(books, ref, upload.bytes)
    const file = readCodeFile(bytes, { column, header, maxBytes, skip: Number(rowsRead) })
    const opened = performance.now()
    let from = rowsRead
    for await (const chunk of readAhead(chunksOf(file, from))) {
      if (from === rowsRead)
        this.#shareMs = Math.max(this.#shareMs, minShareByResuming * (performance.now() - opened))
      const added = await this.#add(ref, from, chunk)
      if (this.#isOver) return true
      if (added === undefined) return false
      // It was cancelled, or another worker is reading it.
      if (!added) return (await readTask(books, accountId, id))?.status !== 'RUNNING'
      from = chunk.rowsRead
      if (this.#yieldsShare()) return true
    }
    return (await this.#run(() => completeUpload(books, ref))) ?? false
  }

  /** Adds a chunk once the ended uploads that hold its codes are cleared away. `undefined` if they were not. */
  async #add(upload: TaskRef, from: bigint, chunk: Chunk): Promise<boolean | undefined> {
    const { books } = this.#options
    for (;;) {
      try {
        return await this.#run(() => addChunk(books, upload, from, chunk, { waits: true }))
      } catch (error) {
        if (!(error instanceof HeldByEndedUploadError)) throw error
        await this.#run(() => markWaitingForClearing(books, upload))
        for (const taskId of error.taskIds) {
          const ref = { accountId: upload.accountId, taskId }
          const cleared = await this.#clear(ref, () => this.#yieldsShare())
          if (!cleared || this.#isOver) return undefined
        }
      }
    }
  }

  /** Clears away an ended upload until nothing is left or `stops` resolves to true. Resolves to whether it could. */
  async #clear(upload: TaskRef, stops: () => boolean | Promise<boolean>): Promise<boolean> {
    const { books } = this.#options
    // Outside of the transactions, since it needs no lock.
    await removeFile(books, upload)
    for (;;) {
      const hasMore = await this.#run(() => clearUpload(books, upload, maxRowsCleared))
      if (hasMore === undefined) return false
      if (!hasMore || (await stops())) return true
    }
  }

  async #filesComeFirst(): Promise<boolean> {
    // Clearing loses no work when it is interrupted, so it can yield immediately.
    if (this.#yieldsShare(true)) return true
    const next = await readNextUpload(this.#options.books, this.#accountId)
    return next !== undefined && isUnfinished(next.status)
  }

  /** Runs work once the semaphore admits it. `undefined` if this worker may no longer do it. */
  async #run<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { semaphore, isClosed } = this.#options
    const endWait = beginWait('wait for other uploads')
    return await semaphore.run(async () => {
      endWait()
      return isClosed() || this.#lock.isLost ? undefined : await work()
    })
  }

  /** Ends the share if it has been used up, or `atOnce`, and another account waits. */
  #yieldsShare(atOnce = false): boolean {
    const isUsed = atOnce || performance.now() - this.#began >= this.#shareMs
    if (isUsed && this.#options.yieldShare()) this.#isOver = true
    return this.#isOver
  }
}

export interface AccountUploadsOptions {
  books: Books
  /** The limit of an unpacked file. */
  maxBytes: number
  /** How long an account may work while others wait. */
  shareMs: number
  /** Bounds how many accounts write at the same time. */
  semaphore: Semaphore
  /** Whether another account waits, and no account has yielded to it yet. */
  yieldShare: () => boolean
  isClosed: () => boolean
  log: Logger
}
