import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { canRunAgain, isUnavailable } from '../database/errors.ts'
import { facts } from '../telemetry/facts.ts'
import { failSpan, outsideTraces } from '../telemetry/spans.ts'

// A poll logs an outage of the database again after this time.
const sayOutageEveryMs = 60_000

export interface PollOptions {
  /** What `run` does, as the log says it: "read the event logs". */
  purpose: string
  /** Does the work once. If it resolves to true, it is run again immediately. */
  run: () => Promise<unknown>
  /** The polling interval, in milliseconds. Without it, only `wake` starts a run, and nothing needs to be closed. */
  everyMs?: number
  log: Logger
}

/**
 * Runs a function whenever it is woken, and at an interval in case wake-ups are lost. Runs never overlap: any number of
 * calls of `wake` during a run cause one more run after it; a tick during a run causes none. A run that fails is logged,
 * and the next wake-up or tick tries again. While the database is unavailable, that is logged once a minute, and so is the end of
 * it. The timer keeps the process alive until `close`.
 */
export class Poll {
  readonly #options: PollOptions
  readonly #timer: NodeJS.Timeout | undefined
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined
  #isWoken = false
  /** Since when every run has failed because the database was unavailable, and when that was last logged. */
  #outage: { since: number; saidAt: number } | undefined

  /** The first run starts at the first wake-up or tick. */
  constructor(options: PollOptions) {
    this.#options = options
    if (options.everyMs !== undefined) this.#timer = setInterval(() => this.#start(), options.everyMs)
  }

  /** Aborted by `close`, so that a long run can end early. */
  get signal(): AbortSignal {
    return this.#closing.signal
  }

  /** Runs the function now, or once more after the current run. Does nothing after `close`. */
  wake(): void {
    this.#isWoken = true
    this.#start()
  }

  /** Resolves after the current run and those requested during it. Never rejects. */
  async idle(): Promise<void> {
    await this.#running
  }

  /** Starts no more runs. Resolves after the current one. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#closing.abort()
    await this.#running
  }

  #start(): void {
    // Whoever wakes it may be in a trace, and only the first to do so would be.
    if (!this.signal.aborted) this.#running ??= outsideTraces(() => this.#runWhileWoken())
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
      const runsAgain = (await run()) === true
      this.#noteSuccess()
      return runsAgain
    } catch (error) {
      if (isUnavailable(error)) this.#noteOutage(error)
      else logRetry(log, error, purpose)
      return false
    }
  }

  #noteOutage(error: unknown): void {
    const { log, purpose } = this.#options
    const now = performance.now()
    const { since, saidAt } = this.#outage ?? { since: now, saidAt: Number.NEGATIVE_INFINITY }
    const isTold = now - saidAt < sayOutageEveryMs
    this.#outage = { since, saidAt: isTold ? saidAt : now }
    if (isTold) tellRetry(error, purpose)
    else logRetry(log, error, purpose)
  }

  #noteSuccess(): void {
    if (this.#outage === undefined) return
    const { log, purpose } = this.#options
    const awayMs = Math.round(performance.now() - this.#outage.since)
    this.#outage = undefined
    log.info({ awayMs }, `the database is available again: going on to ${purpose}`)
  }
}

/**
 * Logs and tells a failure after which the work is retried: as a warning if the database is unavailable or the transaction
 * conflicted with others, otherwise as an error. `context` adds properties to the log entry.
 */
export function logRetry(log: Logger, error: unknown, purpose: string, context: object = {}): void {
  const entry = { err: error, ...context }
  const reason = tellRetry(error, purpose)
  if (reason === 'unavailable')
    log.warn(entry, `could not ${purpose}: the database is unavailable; trying again`)
  else if (reason === 'conflict')
    log.warn(entry, `could not ${purpose}: a transaction conflicted with others; trying again`)
  else log.error(entry, `could not ${purpose}; trying again`)
}

function tellRetry(error: unknown, purpose: string): 'unavailable' | 'conflict' | 'error' {
  const reason = isUnavailable(error) ? 'unavailable' : canRunAgain(error) ? 'conflict' : 'error'
  facts.workFailed.tell({ purpose, reason })
  failSpan(error)
  return reason
}

const retryEveryMs = 1_000

/**
 * Runs `work` again once a second while it fails because the database is unavailable, which it logs the first time, and rejects
 * with any other error.
 * `purpose` and `context` are for the log. Resolves to undefined once `signal` is aborted.
 */
export async function retryWhileUnavailable<T>(
  work: () => Promise<T>,
  { purpose, context, log, signal }: { purpose: string; context?: object; log: Logger; signal: AbortSignal },
): Promise<T | undefined> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      return await work()
    } catch (error) {
      if (!isUnavailable(error)) throw error
      // An outage may be long, and those who wait many.
      if (failures === 0) logRetry(log, error, purpose, context)
      // Rejects only when `signal` is aborted, which ends the loop.
      await delay(retryEveryMs, undefined, { signal, ref: false }).catch(() => {})
    }
  }
  return undefined
}
