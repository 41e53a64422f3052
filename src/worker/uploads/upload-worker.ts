import type pg from 'pg'
import { logRetry, Poll } from '../../async/poll.ts'
import { Semaphore } from '../../async/semaphore.ts'
import { readWaitingAccount } from '../../domain/upload/queue.ts'
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

  /** Starts work once on each account that waits, oldest first, including those that begin to wait while it runs. */
  async #startWaiting(): Promise<void> {
    const started = new Set<string>()
    while (!this.#isClosed) {
      const busy = [...started, ...this.#working.keys()]
      const accountId = await readWaitingAccount(this.#options.books, busy)
      if (accountId === undefined) return
      started.add(accountId)
      while (this.#working.size >= maxAccounts) {
        this.#isCrowded = true
        await Promise.race(this.#working.values())
      }
      this.#isCrowded = false
      if (!this.#isClosed) this.#start(accountId)
    }
  }

  #start(accountId: string): void {
    const work = this.#workOn(accountId).then((hasProgress) => {
      this.#working.delete(accountId)
      if (hasProgress) this.#poll.wake()
    })
    this.#working.set(accountId, work)
  }

  /** Resolves to whether anything was done. */
  async #workOn(accountId: string): Promise<boolean> {
    try {
      await using lock = await AccountLock.acquire(this.#connection, accountId)
      if (lock === undefined) return false
      return await new AccountUploads(accountId, lock, this.#options).run()
    } catch (error) {
      logRetry(this.#options.log, error, purpose, { accountId })
      return false
    }
  }
}
