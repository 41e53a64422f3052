import type { Logger } from 'pino'
import { Poll } from '../async/poll.ts'
import { forgetSessions } from '../domain/account/sessions.ts'
import type { Books } from '../domain/books/books.ts'
import { forgetEvents } from '../domain/books/event-log.ts'
import { forgetKeys } from '../domain/books/idempotency.ts'
import { removeOrphans } from '../domain/upload/file.ts'
import { forgetRejectedRows } from '../domain/upload/rejected-rows.ts'
import { inTrace } from '../telemetry/spans.ts'

const everyMs = 60 * 60 * 1_000
export const dayMs = 24 * 60 * 60 * 1_000
const keysAreKeptMs = 2 * dayMs
// No file takes that long to be received.
const orphansAreKeptMs = dayMs

// Few enough that no other transaction waits long for their locks.
const maxRowsPerStep = 5_000

/** Removes expired rows once an hour, in steps. Any number of processes may do so at the same time. */
export class Housekeeping {
  readonly #books: Books
  readonly #eventsAreKeptMs: number
  readonly #rejectedRowsAreKeptMs: number
  readonly #poll: Poll

  constructor(
    books: Books,
    log: Logger,
    { eventsAreKeptMs, rejectedRowsAreKeptMs }: { eventsAreKeptMs: number; rejectedRowsAreKeptMs: number },
  ) {
    this.#books = books
    this.#eventsAreKeptMs = eventsAreKeptMs
    this.#rejectedRowsAreKeptMs = rejectedRowsAreKeptMs
    this.#poll = new Poll({
      purpose: 'remove expired rows',
      run: () => inTrace('housekeeping', {}, () => this.#removeExpired()),
      everyMs,
      log,
    })
    this.#poll.wake()
  }

  /** Resolves after the current step. */
  async close(): Promise<void> {
    await this.#poll.close()
  }

  async #removeExpired(): Promise<void> {
    const before = (keptMs: number) => new Date(Date.now() - keptMs)
    await this.#inSteps((max) => forgetKeys(this.#books, before(keysAreKeptMs), max))
    await this.#inSteps((max) => forgetSessions(this.#books, max))
    await this.#inSteps((max) => forgetEvents(this.#books.connections, before(this.#eventsAreKeptMs), max))
    await this.#inSteps((max) => forgetRejectedRows(this.#books, before(this.#rejectedRowsAreKeptMs), max))
    while (!this.#poll.signal.aborted && (await removeOrphans(this.#books, before(orphansAreKeptMs))));
  }

  /** Repeats a step that removes at most `max` rows and resolves to their number, until it removes fewer. */
  async #inSteps(step: (max: number) => Promise<number>): Promise<void> {
    while (!this.#poll.signal.aborted && (await step(maxRowsPerStep)) === maxRowsPerStep);
  }
}
