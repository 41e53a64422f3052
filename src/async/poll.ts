import type { Logger } from 'pino'
import { canRunAgain, isUnavailable } from '../database/errors.ts'

export interface PollOptions {
  /** What `run` does, for the log: a verb with its object, as in "read the event logs". */
  purpose: string
  /** Does the work once. When it resolves to true, it is run again at once. */
  run: () => Promise<unknown>
  /** The interval of the clock, in milliseconds. Without it, only `wake` starts a run, and nothing needs to be closed. */
  everyMs?: number
  log: Logger
}

/**
 * Runs a function whenever it is woken, and at an interval for wake-ups that were lost. There is never more than one run
 * at a time. Any number of calls of `wake` during a run cause one more run after it; a tick of the clock during a run
 * causes none. A run that fails is logged, and the next wake-up or tick tries again. The clock keeps the process alive
 * until `close`.
 */
export class Poll {
  readonly #options: PollOptions
  readonly #timer: NodeJS.Timeout | undefined
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined
  #isWoken = false

  /** Nothing is run before the first wake-up or tick. */
  constructor(options: PollOptions) {
    this.#options = options
    if (options.everyMs !== undefined) this.#timer = setInterval(() => this.#start(), options.everyMs)
  }

  /** Aborted by `close`, so that a long run can end early. */
  get signal(): AbortSignal {
    return this.#closing.signal
  }

  /** Runs the function at once, or once more when the current run is over. Does nothing after `close`. */
  wake(): void {
    this.#isWoken = true
    this.#start()
  }

  /** Resolves when the current run is over, and those that were asked for during it. Never rejects. */
  async idle(): Promise<void> {
    await this.#running
  }

  /** Starts no more runs, and resolves when the current one is over. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#closing.abort()
    await this.#running
  }

  #start(): void {
    if (!this.signal.aborted) this.#running ??= this.#runWhileWoken()
  }

  async #runWhileWoken(): Promise<void> {
    do {
      this.#isWoken = false
      if (await this.#runOnce()) this.#isWoken = true
    } while (this.#isWoken && !this.signal.aborted)
    this.#running = undefined
  }

  async #runOnce(): Promise<boolean> {
    const { run, log, purpose } = this.#options
    try {
      return (await run()) === true
    } catch (error) {
      logRetry(log, error, purpose)
      return false
    }
  }
}

/**
 * Logs a failure after which the work is tried again: a warning when the database is away or the transaction conflicted
 * with others, an error otherwise. `context` has more properties for the log entry.
 */
export function logRetry(log: Logger, error: unknown, purpose: string, context: object = {}): void {
  const entry = { err: error, ...context }
  if (isUnavailable(error)) log.warn(entry, `could not ${purpose}: the database is unavailable; trying again`)
  else if (canRunAgain(error))
    log.warn(entry, `could not ${purpose}: a transaction conflicted with others; trying again`)
  else log.error(entry, `could not ${purpose}; trying again`)
}
