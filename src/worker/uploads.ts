import pg from 'pg'
import type { Logger } from 'pino'
import { CodeFileError, HeaderUnclearError } from '../codefile/code-file-error.ts'
import { type FileLayout, type FileRows, readCodeFile } from '../codefile/read.ts'
import { canRunAgain, isUnavailable } from '../database/errors.ts'
import { prepareSession } from '../database/session.ts'
import type { Books } from '../domain/books/books.ts'
import type { TaskRef } from '../domain/books/task-ref.ts'
import {
  addChunk,
  type Chunk,
  clearUpload,
  completeUpload,
  HeldByEndedUploadError,
  rowsAtOnce,
} from '../domain/upload/add-chunk.ts'
import { readFile, removeFile } from '../domain/upload/file.ts'
import {
  failUpload,
  hasUnread,
  markWaiting,
  type QueuedUpload,
  readNextUpload,
  readUpload,
  readWaitingAccount,
  startUpload,
} from '../domain/upload/receive.ts'
import { Slots } from './slots.ts'

const pollEveryMs = 1_000

// A file that is being read has a few megabytes in memory, and its account a connection.
const maxAccounts = 6

// Of these, so many write at the same moment: uploads share the connections of the process with everything else.
const maxSideBySide = 3

// How long an account may stay among them while others wait. What comes next, reading a file from its beginning to where
// it was, must be little beside what is done there.
const turnMs = 10_000
const turnByWayThere = 10

// A chunk has fewer rows where few lie in so many bytes: its end is what the progress tells, and where another worker
// goes on.
const bytesOfChunk = 8_000_000

const rowsClearedAtOnce = 10_000
// So many files of an account are read before a piece is cleared away although more of them wait.
const filesBetweenClearing = 8

/**
 * Works on the uploads of all accounts: reads their files into the books, and removes what they leave behind. Those of
 * one account one after the other, oldest first; what is left of others is removed when no file waits, a piece now and
 * then between files, or before anything else as soon as a file has codes that belong to it: so a file that comes again after it
 * was undone never meets remains of itself, and no other waits for them. Those of several accounts side by side, a piece of each in turns, so that a small file waits for no
 * large one. When there are more accounts than can be open side by side, each is for a while. An upload starts as soon
 * as its file is there, by a notice; the queue is also looked at once a second. Any number of these share one database.
 */
export class UploadWorker {
  readonly #books: Books
  readonly #connection: pg.ClientConfig
  readonly #maxBytes: number
  readonly #turnMs: number
  readonly #log: Logger
  readonly #stopListening: () => void
  readonly #timer: NodeJS.Timeout
  /** The work under way, by account. */
  readonly #working = new Map<string, Promise<void>>()
  readonly #slots = new Slots(maxSideBySide)
  /** Whether somebody waits for one of the accounts to make room. */
  #crowded = false
  #looking: Promise<void> | undefined
  #lookAgain = false
  #closed = false

  /**
   * `connection` is for connections of its own to the database of the books; a file may have `maxBytes` when it
   * is unpacked. While others wait, an account makes room for them after `turnMs`.
   */
  constructor(options: {
    books: Books
    connection: pg.ClientConfig
    maxBytes: number
    turnMs?: number
    log: Logger
  }) {
    this.#books = options.books
    this.#connection = options.connection
    this.#maxBytes = options.maxBytes
    this.#turnMs = options.turnMs ?? turnMs
    this.#log = options.log
    this.#stopListening = this.#books.notifications.on('tasks', () => this.#wake())
    this.#timer = setInterval(() => this.#wake(), pollEveryMs)
    this.#wake()
  }

  /** Takes up nothing more, and resolves when the chunks under way are done: others go on from there. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopListening()
    clearInterval(this.#timer)
    await Promise.all([this.#looking, ...this.#working.values()])
  }

  #wake(): void {
    this.#lookAgain = true
    if (this.#closed) return
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
      // A notice that came after the last look, and before this.
      if (this.#lookAgain) this.#wake()
    })
  }

  async #look(): Promise<void> {
    while (this.#lookAgain && !this.#closed) {
      this.#lookAgain = false
      try {
        await this.#giveEachItsTurn()
      } catch (error) {
        this.#tell(error, {})
        return
      }
    }
  }

  /** Begins with every account that waits, also with those that come meanwhile, oldest first and each once. */
  async #giveEachItsTurn(): Promise<void> {
    const had = new Set<string>()
    while (!this.#closed) {
      const accountId = await readWaitingAccount(this.#books, [...had, ...this.#working.keys()])
      if (accountId === undefined) return
      had.add(accountId)
      while (this.#working.size >= maxAccounts) {
        this.#crowded = true
        await Promise.race(this.#working.values())
      }
      this.#crowded = false
      if (!this.#closed) this.#begin(accountId)
    }
  }

  #begin(accountId: string): void {
    const work = this.#workOn(accountId).then((progress) => {
      this.#working.delete(accountId)
      if (progress) this.#wake()
    })
    this.#working.set(accountId, work)
  }

  /** Carries on the account's oldest upload, unless another process does. Resolves to whether anything was done. */
  async #workOn(accountId: string): Promise<boolean> {
    try {
      await using lock = await AccountLock.take(this.#connection, accountId)
      if (!lock.held) return false
      const upload = await readNextUpload(this.#books, accountId)
      return upload !== undefined && (await this.#carryOn(upload, new Turn(lock, this.#turnMs)))
    } catch (error) {
      this.#tell(error, { accountId })
      return false
    }
  }

  /** The poll comes back to it. A database that is away is nothing wrong with the worker; all else is. */
  #tell(error: unknown, about: object): void {
    const entry = { err: error, ...about }
    if (isUnavailable(error)) this.#log.warn(entry, 'uploads are out of reach; trying again')
    else if (canRunAgain(error)) this.#log.warn(entry, 'an upload lost to other transactions; trying again')
    else this.#log.error(entry, 'uploads could not be worked on; trying again')
  }

  /** Resolves to whether anything was done. */
  async #carryOn(first: QueuedUpload, turn: Turn): Promise<boolean> {
    let upload: QueuedUpload | undefined = first
    let filesRead = 0
    while (upload !== undefined && !turn.ended) {
      if (!(await this.#takeStep(upload, turn))) return false
      if (upload.status === 'RUNNING') filesRead += 1
      // What others have left would stay for as long as files come.
      const clears = upload.status === 'RUNNING' && filesRead % filesBetweenClearing === 0
      upload = await readNextUpload(this.#books, first.accountId, clears)
    }
    return true
  }

  /** Resolves to whether it was taken to its end, or to that of the turn. */
  async #takeStep(upload: QueuedUpload, turn: Turn): Promise<boolean> {
    if (upload.status === 'AWAITING_EXECUTION') return await startUpload(this.#books, upload)
    if (upload.status !== 'RUNNING')
      return await this.#clear(upload, turn, () => this.#comesLater(upload, turn))
    try {
      return await this.#read(upload, turn)
    } catch (error) {
      if (error instanceof CodeFileError) {
        const code = error instanceof HeaderUnclearError ? 'HEADER_UNCLEAR' : 'UNREADABLE_FILE'
        return await failUpload(this.#books, upload, code, error.message)
      }
      if (isUnavailable(error) || canRunAgain(error)) throw error
      this.#log.error({ err: error, accountId: upload.accountId, taskId: upload.taskId }, 'an upload failed')
      const message =
        'The service could not finish this upload. Nothing was added to the pool: upload it again.'
      return await failUpload(this.#books, upload, 'INTERNAL', message)
    }
  }

  /** Reads the file on from where it has been read to. */
  async #read(upload: QueuedUpload, turn: Turn): Promise<boolean> {
    const file = readCodeFile(readFile(this.#books, upload, upload.size), {
      column: upload.column,
      header: upload.header,
      maxBytes: this.#maxBytes,
      skip: Number(upload.rowsRead),
    })
    const opened = performance.now()
    let from = upload.rowsRead
    for await (const chunk of ahead(chunksOf(file, from))) {
      if (from === upload.rowsRead) turn.lastAtLeast(turnByWayThere * (performance.now() - opened))
      const outcome = await this.#add(upload, from, chunk, turn)
      if (turn.ended) return true
      if (outcome === undefined) return false
      // It was cancelled, or somebody else is at it.
      if (!outcome) return (await readUpload(this.#books, upload))?.status !== 'RUNNING'
      from = chunk.rowsRead
      if (this.#makesRoom(turn)) return true
    }
    return (await this.#inSlot(turn, () => completeUpload(this.#books, upload))) ?? false
  }

  /** Adds a chunk, when what it depends on has been cleared away. As `#inSlot`; nothing, too, when the turn has ended. */
  async #add(upload: QueuedUpload, from: bigint, chunk: Chunk, turn: Turn): Promise<boolean | undefined> {
    for (;;) {
      try {
        return await this.#inSlot(turn, () => addChunk(this.#books, upload, from, chunk, { waits: true }))
      } catch (error) {
        if (!(error instanceof HeldByEndedUploadError)) throw error
        await markWaiting(this.#books, upload)
        for (const taskId of error.taskIds) {
          const cleared = await this.#clear({ accountId: upload.accountId, taskId }, turn, () =>
            this.#makesRoom(turn),
          )
          if (!cleared || turn.ended) return undefined
        }
      }
    }
  }

  /** Clears an upload away that has ended, until nothing is left or `stops` says that others come first. */
  async #clear(upload: TaskRef, turn: Turn, stops: () => boolean | Promise<boolean>): Promise<boolean> {
    // Beforehand, as it needs no lock on anything.
    await removeFile(this.#books, upload)
    for (;;) {
      const more = await this.#inSlot(turn, () => clearUpload(this.#books, upload, rowsClearedAtOnce))
      if (more === undefined) return false
      if (!more || (await stops())) return true
    }
  }

  /** Whether what has been left behind can wait: for a file of the account, or of another that waits for room. */
  async #comesLater({ accountId }: TaskRef, turn: Turn): Promise<boolean> {
    // Nothing has to be read again to go on from here, so this makes room at once.
    return this.#makesRoom(turn, true) || (await hasUnread(this.#books, accountId))
  }

  /** What a piece of the work comes to, when its turn has come; nothing when it is no longer this worker's to do. */
  async #inSlot(turn: Turn, work: () => Promise<boolean>): Promise<boolean | undefined> {
    return await this.#slots.use(async () => (this.#closed || turn.lock.lost ? undefined : await work()))
  }

  /** Whether an account goes, for now, as somebody waits and its turn has lasted for long enough: one goes for each. */
  #makesRoom(turn: Turn, atOnce = false): boolean {
    if (!this.#crowded || !(atOnce || turn.mayEnd)) return false
    this.#crowded = false
    turn.ended = true
    return true
  }
}

/** A time for which the uploads of an account are worked on, with the right to it. */
class Turn {
  readonly lock: AccountLock
  ended = false
  readonly #began = performance.now()
  #leastMs: number

  constructor(lock: AccountLock, leastMs: number) {
    this.lock = lock
    this.#leastMs = leastMs
  }

  get mayEnd(): boolean {
    return performance.now() - this.#began >= this.#leastMs
  }

  lastAtLeast(ms: number): void {
    this.#leastMs = Math.max(this.#leastMs, ms)
  }
}

/** The rows of a file, of which `from` rows were read before, in chunks of a good size. */
async function* chunksOf(file: AsyncIterable<FileRows>, from: bigint): AsyncGenerator<Chunk, void> {
  let chunk = { rows: [] as FileRows['rows'], refused: [] as FileRows['refused'] }
  let rowsRead = from
  let bytesRead = 0
  let bytesTold = 0
  let layout: FileLayout | undefined
  const finish = (): Chunk => {
    const { rows, refused } = chunk
    rowsRead += BigInt(rows.length + refused.length)
    bytesTold = bytesRead
    chunk = { rows: [], refused: [] }
    return { rows, refused, rowsRead, bytesRead: BigInt(bytesRead), layout }
  }
  for await (const part of file) {
    chunk.rows.push(...part.rows)
    chunk.refused.push(...part.refused)
    bytesRead = part.bytesRead
    layout = part.layout
    if (chunk.rows.length + chunk.refused.length >= rowsAtOnce || bytesRead - bytesTold >= bytesOfChunk)
      yield finish()
  }
  if (chunk.rows.length + chunk.refused.length > 0) yield finish()
}

/** The same values, each asked for while the one before it is being used. */
async function* ahead<T>(values: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  let next = values.next()
  try {
    for (;;) {
      const { done, value } = await next
      if (done === true) return
      next = values.next()
      // Its failure is told when its turn comes, and not before: by then somebody has to have listened.
      next.catch(() => undefined)
      yield value
    }
  } finally {
    await values.return()
  }
}

/**
 * The right to work on the uploads of an account. It belongs to a connection of its own, and ends with it, whatever
 * ends that: another process can go on at once.
 */
class AccountLock implements AsyncDisposable {
  /** Whether the right was free to be had. */
  readonly held: boolean
  readonly #client: pg.Client
  readonly #connection: { lost: boolean }

  private constructor(client: pg.Client, connection: { lost: boolean }, held: boolean) {
    this.#client = client
    this.#connection = connection
    this.held = held
  }

  static async take(config: pg.ClientConfig, accountId: string): Promise<AccountLock> {
    const client = new pg.Client(config)
    const connection = { lost: false }
    client.on('error', () => {
      connection.lost = true
    })
    client.on('end', () => {
      connection.lost = true
    })
    try {
      await client.connect()
      await prepareSession(client)
      const { rows } = await client.query<{ held: boolean }>(
        `SELECT pg_try_advisory_lock(hashtextextended('uploads of ' || $1, 0)) AS held`,
        [accountId],
      )
      return new AccountLock(client, connection, rows[0]?.held === true)
    } catch (error) {
      await client.end()
      throw error
    }
  }

  /** Whether somebody else may have the right by now. */
  get lost(): boolean {
    return this.#connection.lost
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end()
  }
}
