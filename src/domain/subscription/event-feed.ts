import type { Logger } from 'pino'
import { isUnavailable } from '../../database/errors.ts'
import type { Books } from '../books/books.ts'
import { CursorExpiredError, ReaderTooSlowError } from '../books/errors.ts'
import { type PoolEvent, readEventsAfter, readLog, readLogs } from '../books/event-log.ts'
import { Sleeper, Sleepers } from '../sleepers.ts'
import type { Turns } from '../turns.ts'

// Between notices: how late an event is at most whose notice was lost.
const lookEveryMs = 1_000

// Events that a tail keeps for its readers; a reader that falls further behind reads the log by itself.
const kept = 5_000

const pageSize = 1_000

// Events that a reader is given at once, before it looks again: all that it holds while it is slow.
const atOnce = 20

/** What a reader wants of an account's log: the events after `sequence`, of one pool or of all. */
export interface Wanted {
  accountId: string
  poolId?: string | undefined
  sequence: bigint
}

/**
 * The live end of the event logs that somebody in this process follows. Each log is read once for all of its
 * readers, whenever a notice or the clock says that there may be something new. Readers take what they need at
 * their own pace, from what is kept here or from the log itself, so that a slow one costs no memory and misses
 * nothing. Those that are given the same live event are given the same object.
 */
export class EventFeed {
  readonly #books: Books
  readonly #log: Logger
  readonly #tails = new Map<string, Tail>()
  readonly #turns: Turns
  readonly #stopListening: () => void
  readonly #timer: NodeJS.Timeout
  #looking = false

  /** `turns`: those that its readers have together with who works out what they are told. */
  constructor(books: Books, turns: Turns, log: Logger) {
    this.#books = books
    this.#turns = turns
    this.#log = log
    this.#stopListening = books.notifications.on('events', (accountId) => {
      if (accountId === undefined) this.#lookAtAll()
      else this.#tails.get(accountId)?.advance()
    })
    this.#timer = setInterval(() => this.#lookAtAll(), lookEveryMs)
  }

  close(): void {
    this.#stopListening()
    clearInterval(this.#timer)
  }

  /**
   * Every event of the log after `sequence`, in order, without end: until `signal` is aborted. Ends with a
   * ReaderTooSlowError when events that are still to be read are no longer kept.
   */
  async *after({ accountId, poolId, sequence }: Wanted, signal: AbortSignal): AsyncGenerator<PoolEvent> {
    const tail = this.#follow(accountId)
    const sleeper = new Sleeper(signal)
    try {
      let position = sequence
      while (!signal.aborted) {
        const seen = tail.sleepers.calls
        const events = tail.after(position, atOnce) ?? (await this.#readPage(accountId, position, signal))
        for (const event of events) {
          if (this.#turns.isOver()) await this.#turns.next()
          if (signal.aborted) return
          position = event.sequence
          if (poolId === undefined || event.poolId === poolId) yield event
        }
        if (events.length === 0) await tail.sleepers.sleep(sleeper, seen)
      }
    } finally {
      this.#leave(accountId, tail)
    }
  }

  /** A page of the log. While the database is away, waits for it to come back: that delays events and loses none. */
  async #readPage(accountId: string, position: bigint, signal: AbortSignal): Promise<PoolEvent[]> {
    while (!signal.aborted) {
      try {
        return await readEventsAfter(this.#books, accountId, position, atOnce)
      } catch (error) {
        if (error instanceof CursorExpiredError) throw new ReaderTooSlowError()
        if (!isUnavailable(error)) throw error
        this.#log.warn({ err: error }, 'an event log is out of reach; trying again')
        await delay(lookEveryMs, signal)
      }
    }
    return []
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

  #leave(accountId: string, tail: Tail): void {
    tail.readers -= 1
    if (tail.readers === 0) this.#tails.delete(accountId)
  }

  #lookAtAll(): void {
    if (this.#tails.size === 0 || this.#looking) return
    this.#looking = true
    readLogs(this.#books, [...this.#tails.keys()])
      .then((logs) => {
        for (const log of logs) this.#tails.get(log.accountId)?.advanceTo(log.last)
      })
      .catch((error: unknown) => {
        // The next look comes in a second: nothing is lost meanwhile.
        if (isUnavailable(error)) this.#log.warn({ err: error }, 'the event logs are out of reach')
        else this.#log.error({ err: error }, 'the event logs could not be read')
      })
      .finally(() => {
        this.#looking = false
      })
  }
}

/** Resolves after `ms`, or as soon as `signal` is aborted. */
async function delay(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const wake = () => resolve()
  const timer = setTimeout(wake, ms)
  signal.addEventListener('abort', wake)
  await promise
  signal.removeEventListener('abort', wake)
  clearTimeout(timer)
}

/** The newest events of one account's log. */
class Tail {
  readers = 0
  /** Readers that have read all there is. They are woken by every change. */
  readonly sleepers = new Sleepers()
  readonly #books: Books
  readonly #accountId: string
  readonly #log: Logger
  /** Events (from, last], which are known here; nothing is known before the first look. */
  #events: PoolEvent[] = []
  #last: bigint | undefined
  #advancing = false
  #advanceAgain = false

  constructor(books: Books, accountId: string, log: Logger) {
    this.#books = books
    this.#accountId = accountId
    this.#log = log
  }

  /** The events after `sequence`, `limit` at most, if they are kept here. */
  after(sequence: bigint, limit: number): readonly PoolEvent[] | undefined {
    if (this.#last === undefined) return undefined
    const behind = this.#last - sequence
    if (behind < 0n || behind > BigInt(this.#events.length)) return behind < 0n ? [] : undefined
    const start = this.#events.length - Number(behind)
    return this.#events.slice(start, start + limit)
  }

  advanceTo(last: bigint): void {
    if (this.#last === undefined || last > this.#last) this.advance()
  }

  /** Reads what is new. Looks again if it is asked to while it reads. */
  advance(): void {
    if (this.#advancing) {
      this.#advanceAgain = true
      return
    }
    this.#advancing = true
    this.#read()
      .catch((error: unknown) => {
        if (isUnavailable(error)) this.#log.warn({ err: error }, 'an event log is out of reach')
        else this.#log.error({ err: error }, 'an event log could not be read')
      })
      .finally(() => {
        this.#advancing = false
      })
  }

  async #read(): Promise<void> {
    do {
      this.#advanceAgain = false
      if (this.#last === undefined) {
        this.#last = (await readLog(this.#books, this.#accountId)).last
        // A reader may have looked at the log before this: what came between is for it to read.
        this.sleepers.wakeAll()
      }
      const events = await readEventsAfter(this.#books, this.#accountId, this.#last, pageSize)
      const newest = events.at(-1)
      if (newest === undefined) continue
      this.#last = newest.sequence
      this.#events.push(...events)
      if (this.#events.length > kept) this.#events = this.#events.slice(-kept)
      if (events.length === pageSize) this.#advanceAgain = true
      this.sleepers.wakeAll()
    } while (this.#advanceAgain)
  }
}
