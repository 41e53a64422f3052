import type { Logger } from 'pino'
import { canRunAgain, isUnavailable } from '../database/errors.ts'
import type { Books } from '../domain/books/books.ts'
import type { TaskRef } from '../domain/books/task-ref.ts'
import { readUnreadyFormat, takeEarlier, type UnreadyFormat } from '../domain/format/backfill.ts'
import { failGeneration, readQueuedGenerations, runGeneration } from '../domain/generation/generation.ts'

const pollEveryMs = 1_000
const batchOfTasks = 100
// Claims that refill from the format wait meanwhile.
const codesLookedAtAtOnce = 5_000

/**
 * Carries out the generations of all accounts, one after the other, oldest first; and between them, piece by piece, takes
 * codes that were uploaded before a format was created out of it, for which those of that format wait. A task starts as soon as it is
 * enqueued, by a notice; the queue is also looked at once a second, for notices that were lost and for tasks whose
 * worker died. Any number of workers share one database.
 */
export class Worker {
  readonly #books: Books
  readonly #log: Logger
  readonly #stopListening: () => void
  readonly #timer: NodeJS.Timeout
  #running: Promise<void> | undefined
  #lookAgain = false
  #closed = false

  constructor(books: Books, log: Logger) {
    this.#books = books
    this.#log = log
    this.#stopListening = books.notifications.on('tasks', () => this.#wake())
    this.#timer = setInterval(() => this.#wake(), pollEveryMs)
    this.#wake()
  }

  /** Takes no more tasks, and resolves when the one under way is done. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopListening()
    clearInterval(this.#timer)
    await this.#running
  }

  #wake(): void {
    this.#lookAgain = true
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      // A notice that came after the last look, and before this.
      if (this.#lookAgain && !this.#closed) this.#wake()
    })
  }

  async #run(): Promise<void> {
    while (this.#lookAgain && !this.#closed) {
      this.#lookAgain = false
      try {
        if (await this.#carryOnAll()) this.#lookAgain = true
      } catch (error) {
        // The poll comes back to it. A database that is away is nothing wrong with the worker; all else is.
        if (isUnavailable(error)) this.#log.warn({ err: error }, 'the queue is out of reach; trying again')
        else this.#log.error({ err: error }, 'the queue could not be worked on; trying again')
        return
      }
    }
  }

  /** Whether anything was done: then more may have come meanwhile. */
  async #carryOnAll(): Promise<boolean> {
    let progress = false
    for (const task of await readQueuedGenerations(this.#books, batchOfTasks)) {
      if (this.#closed) break
      if (await this.#carryOnOne(task)) progress = true
    }
    const format = this.#closed ? undefined : await readUnreadyFormat(this.#books)
    if (format !== undefined && (await this.#takeEarlierOf(format))) progress = true
    return progress
  }

  async #takeEarlierOf(format: UnreadyFormat): Promise<boolean> {
    try {
      return await takeEarlier(this.#books, format, codesLookedAtAtOnce)
    } catch (error) {
      if (isUnavailable(error)) throw error
      if (canRunAgain(error)) this.#log.warn({ err: error, ...format }, 'a format has to wait; trying again')
      else this.#log.error({ err: error, ...format }, 'a format could not be made ready; trying again')
      return false
    }
  }

  async #carryOnOne(task: TaskRef): Promise<boolean> {
    try {
      return await runGeneration(this.#books, task)
    } catch (error) {
      if (isUnavailable(error)) throw error
      if (canRunAgain(error)) {
        this.#log.warn({ err: error, ...task }, 'a task lost to other transactions; trying again')
        return false
      }
      this.#log.error({ err: error, ...task }, 'a task failed')
      return await failGeneration(this.#books, task)
    }
  }
}
