import type { Logger } from 'pino'
import type { Pacer } from '../../async/pacer.ts'
import { Poll, retryWhileUnavailable } from '../../async/poll.ts'
import { Signal, Waiter } from '../../async/signal.ts'
import { facts } from '../../telemetry/facts.ts'
import type { Books } from '../books/books.ts'
import { CursorExpiredError, ReaderTooSlowError } from '../books/errors.ts'
import { type LoggedEvent, readEventsAfter, readLog, readLogs } from '../books/event-log.ts'

// The maximum delay of an event whose notification was lost.
const pollEveryMs = 1_000

// Events that are kept for the readers of a log. A reader that falls further behind reads the log itself.
const maxKept = 5_000

const pageSize = 1_000

// Events that a reader gets at a time: a slow one holds no more.
const maxReadAtOnce = 20

/** Which events of an account's log a reader wants: those after `sequence`, of one pool, or all of the account. */
export interface Wanted<Event extends LoggedEvent = LoggedEvent> {
  accountId: string
  poolId?: string | undefined
  sequence: bigint
  /** Whether an event is of the wanted type. By default, all are. */
  isOfType?: (event: LoggedEvent) => event is Event
}

/**
 * Delivers the events of the logs that have readers in this process. Each log is read once for all its readers, after
 * notifications and once a second. Readers go at their own pace, and get events from memory or from the log: a slow one
 * costs no memory and misses nothing. All readers of a live event get the same object.
 */
export class EventFeed {
  readonly #books: Books
  readonly #log: Logger
  readonly #tails = new Map<string, Tail>()
  readonly #pacer: Pacer
  readonly #stopListening: () => void
  readonly #poll: Poll

  /** `pacer` is shared by everything that answers subscriptions. */
  constructor(books: Books, pacer: Pacer, log: Logger) {
    this.#books = books
    this.#pacer = pacer
    this.#log = log
    this.#poll = new Poll({
      purpose: 'read the event logs',
      run: () => this.#advanceTails(),
      everyMs: pollEveryMs,
      log,
    })
    this.#stopListening = books.notifications.on('events', (accountId) => {
      if (accountId === undefined) this.#poll.wake()
      else this.#tails.get(accountId)?.advance()
    })
  }

  async close(): Promise<void> {
    this.#stopListening()
    await this.#poll.close()
  }

  /**
   * Yields all events of the log after `sequence`, in order, until `signal` is aborted. Rejects with a ReaderTooSlowError
   * if the next events have been removed from the log.
   */
  async *after<Event extends LoggedEvent = LoggedEvent>(
    { accountId, poolId, sequence, isOfType = (_event): _event is Event => true }: Wanted<Event>,
    signal: AbortSignal,
  ): AsyncGenerator<Event, void, void> {
    const tail = this.#follow(accountId)
    const waiter = new Waiter(signal)
    try {
      let position = sequence
      while (!signal.aborted) {
        const seen = tail.changed.version
        const events =
          tail.after(position, maxReadAtOnce) ?? (await this.#readPage(accountId, position, signal))
        for (const event of events) {
          if (this.#pacer.isDue()) await this.#pacer.yield()
          if (signal.aborted) return
          position = event.sequence
          if ((poolId === undefined || event.poolId === poolId) && isOfType(event)) yield event
        }
        if (events.length === 0) await tail.changed.wait(waiter, seen)
      }
    } finally {
      tail.readers -= 1
      if (tail.readers === 0) this.#tails.delete(accountId)
    }
  }

  /** Reads a page of the log. Waits while the database is unavailable, which delays events but loses none. */
  async #readPage(accountId: string, position: bigint, signal: AbortSignal): Promise<LoggedEvent[]> {
    const read = () => readEventsAfter(this.#books, accountId, position, maxReadAtOnce)
    const options = { purpose: 'read an event log', context: { accountId }, log: this.#log, signal }
    try {
      return (await retryWhileUnavailable(read, options)) ?? []
    } catch (error) {
      throw error instanceof CursorExpiredError ? new ReaderTooSlowError() : error
    }
  }

  #follow(accountId: string): Tail {
    let tail = this.#tails.get(accountId)
    if (tail === undefined) {
      tail = new Tail(this.#books, accountId, this.#log)
      this.#tails.set(accountId, tail)
      tail.advance()
    }
    tail.readers += 1
    return tail
  }

  async #advanceTails(): Promise<void> {
    if (this.#tails.size === 0) return
    await this.#books.reach.eachNode([...this.#tails.keys()], async (accountIds) => {
      for (const { accountId, last } of await readLogs(this.#books, accountIds))
        this.#tails.get(accountId)?.advanceTo(last)
    })
  }
}

/** The newest events of one account's log. */
class Tail {
  readers = 0
  /** For readers that have read everything. */
  readonly changed = new Signal()
  readonly #books: Books
  readonly #accountId: string
  readonly #poll: Poll
  /** The newest events, up to `last`; both are set by the first read. */
  #events: LoggedEvent[] = []
  #last: bigint | undefined

  constructor(books: Books, accountId: string, log: Logger) {
    this.#books = books
    this.#accountId = accountId
    this.#poll = new Poll({ purpose: 'read an event log', run: () => this.#read(), log })
  }

  /** At most `limit` events after `sequence`; undefined if not all of them are kept here. */
  after(sequence: bigint, limit: number): readonly LoggedEvent[] | undefined {
    if (this.#last === undefined) return undefined
    const behind = this.#last - sequence
    if (behind < 0n || behind > BigInt(this.#events.length)) return behind < 0n ? [] : undefined
    const start = this.#events.length - Number(behind)
    return this.#events.slice(start, start + limit)
  }

  advanceTo(last: bigint): void {
    if (this.#last === undefined || last > this.#last) this.advance()
  }

  advance(): void {
    this.#poll.wake()
  }

  /** Resolves to whether there may be more events. */
  async #read(): Promise<boolean> {
    if (this.#last === undefined) {
      this.#last = (await readLog(this.#books, this.#accountId)).last
      // A reader that has read the log before this reads the events in between itself.
      this.changed.wakeAll()
    }
    const events = await readEventsAfter(this.#books, this.#accountId, this.#last, pageSize)
    const newest = events.at(-1)
    if (newest === undefined) return false
    this.#last = newest.sequence
    if (facts.eventsRead.isWanted) facts.eventsRead.tell({ delaysMs: delaysOf(events) })
    this.#events.push(...events)
    if (this.#events.length > maxKept) this.#events = this.#events.slice(-maxKept)
    this.changed.wakeAll()
    return events.length === pageSize
  }
}

/** How long ago events were written, by the clocks of the database and of this process, which may differ. */
function delaysOf(events: readonly LoggedEvent[]): number[] {
  const now = Date.now()
  return events.map(({ at }) => Math.max(0, now - at.getTime()))
}
