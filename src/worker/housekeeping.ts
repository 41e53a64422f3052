import type { Logger } from 'pino'
import { isUnavailable } from '../database/errors.ts'
import type { Books } from '../domain/books/books.ts'
import { forgetEvents } from '../domain/books/event-log.ts'
import { forgetKeys } from '../domain/books/idempotency.ts'
import { removeOrphans } from '../domain/upload/file.ts'
import { forgetRejectedRows } from '../domain/upload/rejected-rows.ts'

const everyMs = 60 * 60 * 1_000
const dayMs = 24 * 60 * 60 * 1_000
const keysAreKeptMs = 2 * dayMs
// No file takes that long to arrive.
const orphansAreKeptMs = dayMs

// Few enough that nobody waits for the locks of the rows.
const atOnce = 5_000

/** Removes what is kept for a while only: once an hour, in steps. Any number of processes may do it at once. */
export class Housekeeping {
  readonly #books: Books
  readonly #log: Logger
  readonly #eventsAreKeptMs: number
  readonly #rejectedRowsAreKeptMs: number
  readonly #timer: NodeJS.Timeout
  #running: Promise<void> | undefined
  #closed = false

  constructor(
    books: Books,
    log: Logger,
    { eventsAreKeptMs, rejectedRowsAreKeptMs }: { eventsAreKeptMs: number; rejectedRowsAreKeptMs: number },
  ) {
    this.#books = books
    this.#log = log
    this.#eventsAreKeptMs = eventsAreKeptMs
    this.#rejectedRowsAreKeptMs = rejectedRowsAreKeptMs
    this.#timer = setInterval(() => this.#start(), everyMs)
    this.#start()
  }

  /** Resolves when the step under way is done. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#running
  }

  #start(): void {
    this.#running ??= this.#run()
      .catch((error: unknown) => {
        if (isUnavailable(error)) this.#log.warn({ err: error }, 'housekeeping has to wait')
        else this.#log.error({ err: error }, 'housekeeping failed')
      })
      .finally(() => {
        this.#running = undefined
      })
  }

  async #run(): Promise<void> {
    const before = (keptMs: number) => new Date(Date.now() - keptMs)
    await this.#inSteps(() => forgetKeys(this.#books, before(keysAreKeptMs), atOnce))
    await this.#inSteps(() => forgetEvents(this.#books.pool, before(this.#eventsAreKeptMs), atOnce))
    await this.#inSteps(() => forgetRejectedRows(this.#books, before(this.#rejectedRowsAreKeptMs), atOnce))
    while (!this.#closed && (await removeOrphans(this.#books, before(orphansAreKeptMs))));
  }

  /** Takes one step after the other until there is less to do than fits into one. */
  async #inSteps(step: () => Promise<number>): Promise<void> {
    while (!this.#closed && (await step()) === atOnce);
  }
}
