import type pg from 'pg'
import { logRetry, Poll } from '../../async/poll.ts'
import { Semaphore } from '../../async/semaphore.ts'
import { leaveQueue, type QueuedAccount, readQueue } from '../../domain/books/queue.ts'
import { readNextUpload } from '../../domain/upload/queue.ts'
import { AccountLock } from './account-lock.ts'
import { AccountUploads, type AccountUploadsOptions } from './account-uploads.ts'

const pollEveryMs = 1_000

// Each has a connection, and a few megabytes of a file in memory.
const maxAccounts = 6

// Uploads share the connections of the process with everything else.
const maxWriting = 3

const defaultShareMs = 10_000

const purpose = 'work on uploads'

type Options = Pick<AccountUploadsOptions, 'books' | 'maxBytes' | 'log'> &
  Partial<Pick<AccountUploadsOptions, 'shareMs'>>

/**
 * Works on the uploads of all accounts. Several accounts are worked on at the same time, and their chunks alternate, so
 * that a small file never waits for a large one. If more accounts wait, each has a share of the time. A notification
 * starts an upload as soon as its file has arrived; the queue is also polled. Any number of workers may share a database.
 */
export class UploadWorker {
  readonly #connection: pg.ClientConfig
  readonly #options: AccountUploadsOptions
  readonly #stopListening: () => void
  readonly #poll: Poll
  /** The work in progress, by account. */
  readonly #working = new Map<string, Promise<void>>()
  /** Whether an account waits to which no other has yielded yet. */
  #isCrowded = false

  /** `connection`: how to connect to the database of the books, as each account's lock has its own connection. */
  constructor({ connection, ...options }: Options & { connection: pg.ClientConfig }) {
    const { books, log } = options
    this.#connection = connection
    this.#options = {
      shareMs: defaultShareMs,
      ...options,
      semaphore: new Semaphore(maxWriting),
      yieldShare: () => {
        const isCrowded = this.#isCrowded
        this.#isCrowded = false
        return isCrowded
      },
      isClosed: () => this.#isClosed,
    }
    this.#poll = new Poll({ purpose, run: () => this.#startWaiting(), everyMs: pollEveryMs, log })
    this.#stopListening = books.notifications.on('uploads', () => this.#poll.wake())
    this.#poll.wake()
  }

  /** Resolves when the chunks in progress have been added. Another worker resumes from there. */
  async close(): Promise<void> {
    this.#stopListening()
    await Promise.all([this.#poll.close(), ...this.#working.values()])
  }

  get #isClosed(): boolean {
    return this.#poll.signal.aborted
  }

  /**
   * Starts work once on each account in the queue, those that have waited for longest first, including those that begin to wait
   * while it runs. Leaves out those whose node is away.
   */
  async #startWaiting(): Promise<void> {
    const { books } = this.#options
    for await (const page of readQueue(books, 'UPLOADS'))
      for (const account of page) {
        if (this.#isClosed) return
        const { accountId } = account
        if (this.#working.has(accountId) || !(await books.reach.has(accountId))) continue
        while (this.#working.size >= maxAccounts) {
          this.#isCrowded = true
          await Promise.race(this.#working.values())
        }
        this.#isCrowded = false
        if (!this.#isClosed) this.#start(account)
      }
  }

  #start(account: QueuedAccount): void {
    const { accountId } = account
    const work = this.#workOn(account)
      .finally(() => this.#working.delete(accountId))
      .then((hasProgress) => {
        if (hasProgress) this.#poll.wake()
      })
    this.#working.set(accountId, work)
  }

  /** Resolves to whether anything was done. Never rejects. */
  async #workOn(account: QueuedAccount): Promise<boolean> {
    const { books, log } = this.#options
    const { accountId } = account
    try {
      if ((await readNextUpload(books, accountId)) === undefined) {
        await leaveQueue(books, account)
        return false
      }
      await using lock = await AccountLock.acquire(this.#connection, accountId)
      if (lock === undefined) return false
      return await new AccountUploads(accountId, lock, this.#options).run()
    } catch (error) {
      if (!(await books.reach.isLost(accountId, error))) logRetry(log, error, purpose, { accountId })
      return false
    }
  }
}
