import type { Logger } from 'pino'
import { isUnavailable } from '../database/errors.ts'
import type { Books } from '../domain/books.ts'
import { forgetKeys } from '../domain/idempotency.ts'

const everyMs = 60 * 60 * 1_000
const keysAreKeptMs = 2 * 24 * 60 * 60 * 1_000

// Few enough that nobody waits for the locks of the rows.
const atOnce = 5_000

/** Removes what is kept for a while only: once an hour, in steps. Any number of processes may do it at once. */
export class Housekeeping {
  readonly #books: Books
  readonly #log: Logger
  readonly #timer: NodeJS.Timeout
  #running: Promise<void> | undefined
  #closed = false

  constructor(books: Books, log: Logger) {
    this.#books = books
    this.#log = log
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
    const time = new Date(Date.now() - keysAreKeptMs)
    while (!this.#closed && (await forgetKeys(this.#books, time, atOnce)) === atOnce);
  }
}
