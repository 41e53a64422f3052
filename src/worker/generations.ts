import type { Logger } from 'pino'
import { logRetry, Poll } from '../async/poll.ts'
import { canRunAgain, isUnavailable } from '../database/errors.ts'
import type { Books } from '../domain/books/books.ts'
import type { TaskRef } from '../domain/books/task-ref.ts'
import { backfillFormat, readUnreadyFormat } from '../domain/format/backfill.ts'
import { failGeneration, readQueuedGenerations, runGeneration } from '../domain/generation/generation.ts'

const pollEveryMs = 1_000
const maxTasksRead = 100
// Claims that refill from the format wait for each piece.
const codesPerPiece = 5_000

/**
 * Carries out the generations of all accounts, one after the other, oldest first. In between it takes codes that were
 * uploaded before a format was created out of that format, piece by piece; generations of the format wait for that. A
 * notice starts a task as soon as it is queued. The queue is also read once a second, for notices that were lost and for
 * tasks whose worker has died. Any number of workers can share one database.
 */
export class GenerationWorker {
  readonly #books: Books
  readonly #log: Logger
  readonly #poll: Poll
  readonly #stopListening: () => void

  constructor(books: Books, log: Logger) {
    this.#books = books
    this.#log = log
    this.#poll = new Poll({
      purpose: 'work through the queue of generations',
      run: () => this.#workThroughQueue(),
      everyMs: pollEveryMs,
      log,
    })
    this.#stopListening = books.notifications.on('tasks', () => this.#poll.wake())
    this.#poll.wake()
  }

  /** Starts no more tasks, and resolves when the current one is done. */
  async close(): Promise<void> {
    this.#stopListening()
    await this.#poll.close()
  }

  /** Resolves to whether anything was done: more may have been queued meanwhile. */
  async #workThroughQueue(): Promise<boolean> {
    let hasProgress = false
    for (const task of await readQueuedGenerations(this.#books, maxTasksRead)) {
      if (this.#poll.signal.aborted) break
      if (await this.#run(task)) hasProgress = true
    }
    if (!this.#poll.signal.aborted && (await this.#backfill())) hasProgress = true
    return hasProgress
  }

  async #run(task: TaskRef): Promise<boolean> {
    try {
      return await runGeneration(this.#books, task)
    } catch (error) {
      if (isUnavailable(error)) throw error
      if (canRunAgain(error)) {
        logRetry(this.#log, error, 'carry out a generation', task)
        return false
      }
      this.#log.error({ err: error, ...task }, 'could not carry out a generation; it has failed')
      return await failGeneration(this.#books, task)
    }
  }

  async #backfill(): Promise<boolean> {
    const format = await readUnreadyFormat(this.#books)
    if (format === undefined) return false
    try {
      return await backfillFormat(this.#books, format, codesPerPiece)
    } catch (error) {
      if (isUnavailable(error)) throw error
      logRetry(this.#log, error, 'take uploaded codes out of a format', format)
      return false
    }
  }
}
