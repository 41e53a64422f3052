import type { Logger } from 'pino'
import { logRetry, Poll } from '../async/poll.ts'
import { isUnavailable } from '../database/errors.ts'
import { dayMs, hourMs } from '../dates.ts'
import { forgetSessions } from '../domain/account/sessions.ts'
import { readAccountIds } from '../domain/books/accounts.ts'
import type { Books, BookTransaction } from '../domain/books/books.ts'
import { forgetEvents } from '../domain/books/event-log.ts'
import { forgetKeys } from '../domain/books/idempotency.ts'
import { requeue } from '../domain/books/requeue.ts'
import { orphansAreKeptMs, removeOrphans } from '../domain/upload/file.ts'
import { forgetRejectedRows } from '../domain/upload/rejected-rows.ts'
import { inTrace } from '../telemetry/spans.ts'

const purpose = 'remove expired rows'
const everyMs = hourMs
const keysAreKeptMs = 2 * dayMs

// Few enough that no other transaction waits long for their locks.
const maxRowsPerStep = 5_000

/**
 * Removes expired rows once an hour, account by account and in steps. Any number of processes may do so at the same time, each
 * at another account. Also puts accounts into the queue that have work and are not in it. Accounts whose node is away, and those
 * for which it fails, are left to the next time; the others do not wait for them.
 */
export class Housekeeping {
  readonly #books: Books
  readonly #log: Logger
  readonly #eventsAreKeptMs: number
  readonly #rejectedRowsAreKeptMs: number
  readonly #poll: Poll

  constructor(
    books: Books,
    log: Logger,
    { eventsAreKeptMs, rejectedRowsAreKeptMs }: { eventsAreKeptMs: number; rejectedRowsAreKeptMs: number },
  ) {
    this.#books = books
    this.#log = log
    this.#eventsAreKeptMs = eventsAreKeptMs
    this.#rejectedRowsAreKeptMs = rejectedRowsAreKeptMs
    this.#poll = new Poll({
      purpose,
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
    await this.#repeat(async () => (await forgetSessions(this.#books, maxRowsPerStep)) === maxRowsPerStep)
    for await (const page of readAccountIds(this.#books)) {
      if (this.#isClosed) return
      await this.#books.reach.eachNode(page, async (accountIds) => {
        for (const accountId of accountIds) if (!this.#isClosed) await this.#tidy(accountId)
      })
    }
  }

  /** Rejects only if the database is unavailable. */
  async #tidy(accountId: string): Promise<void> {
    try {
      await this.#repeat(() => this.#removeSome(accountId))
      await requeue(this.#books, accountId)
    } catch (error) {
      if (isUnavailable(error)) throw error
      logRetry(this.#log, error, purpose, { accountId })
    }
  }

  /** Removes some of the account's expired rows of each kind. Resolves to whether there may be more. */
  async #removeSome(accountId: string): Promise<boolean> {
    const hasMore = await this.#exclusively(accountId, async (tx) => {
      // Sent together: most accounts have nothing to remove. Those that lock come in the order of locks.
      const [rejected, hasOrphans, keys] = await Promise.all([
        forgetRejectedRows(tx, before(this.#rejectedRowsAreKeptMs), maxRowsPerStep),
        removeOrphans(tx, before(orphansAreKeptMs)),
        forgetKeys(tx, before(keysAreKeptMs), maxRowsPerStep),
      ])
      return hasOrphans || Math.max(rejected, keys) === maxRowsPerStep
    })
    // A transaction of its own: the one above can put the account into the queue, whose lock precedes that of the event log.
    const hasMoreEvents = await this.#exclusively(accountId, async (tx) => {
      const time = before(this.#eventsAreKeptMs)
      return (await forgetEvents(tx, accountId, time, maxRowsPerStep)) === maxRowsPerStep
    })
    return hasMore || hasMoreEvents
  }

  /** Runs a step in a transaction. Resolves to false, without running it, if another process is at one for the same account. */
  async #exclusively(accountId: string, step: (tx: BookTransaction) => Promise<boolean>): Promise<boolean> {
    return await this.#books.write(
      accountId,
      async (tx) => (await tx.tryLock(`housekeeping of ${accountId}`)) && (await step(tx)),
    )
  }

  get #isClosed(): boolean {
    return this.#poll.signal.aborted
  }

  /** Repeats a step until it resolves to false: there is no more to do. */
  async #repeat(step: () => Promise<boolean>): Promise<void> {
    while (!this.#isClosed && (await step()));
  }
}

function before(keptMs: number): Date {
  return new Date(Date.now() - keptMs)
}
