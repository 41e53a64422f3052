import { yieldToEventLoop } from './pacer.ts'

// Waiters that are woken in one iteration of the event loop. Each then works for some ten microseconds.
const maxWokenAtOnce = 500

/** Waits for signals, one at a time and any number of times, until its AbortSignal is aborted. */
export class Waiter {
  readonly #signal: AbortSignal
  /** Those that wait for the same signal. */
  #waiting: Set<Waiter> | undefined
  #resume: (() => void) | undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
    // One listener for all waits: a subscription waits thousands of times.
    signal.addEventListener('abort', () => this.wake(), { once: true })
  }

  /** Resolves at the next `wake`, or immediately if the AbortSignal is aborted. Is among `waiting` until then. Never rejects. */
  wait(waiting: Set<Waiter>): Promise<void> {
    if (this.#signal.aborted) return Promise.resolve()
    this.#waiting = waiting.add(this)
    return new Promise((resolve) => {
      this.#resume = resolve
    })
  }

  wake(): void {
    this.#waiting?.delete(this)
    this.#resume?.()
    this.#waiting = undefined
    this.#resume = undefined
  }
}

/** Wakes all its waiters, a few hundred in each iteration of the event loop, so that thousands do not block it. */
export class Signal {
  /** The number of calls of `wakeAll` so far. */
  version = 0
  #waiting = new Set<Waiter>()
  #isWaking = false

  /**
   * Resolves when `wakeAll` has been called since `version` was `seen`, or the waiter's AbortSignal is aborted. To
   * miss no change, read `version` before the state that you wait to change.
   */
  wait(waiter: Waiter, seen: number): Promise<void> {
    return this.version === seen ? waiter.wait(this.#waiting) : Promise.resolve()
  }

  wakeAll(): void {
    this.version += 1
    if (!this.#isWaking) void this.#wake()
  }

  async #wake(): Promise<void> {
    this.#isWaking = true
    for (let served = 0; served !== this.version; ) {
      served = this.version
      const waiting = this.#waiting
      // Waiters that have begun to wait again are woken by the next call.
      this.#waiting = new Set()
      let woken = 0
      for (const waiter of waiting) {
        waiter.wake()
        woken += 1
        if (woken % maxWokenAtOnce === 0) await yieldToEventLoop()
      }
    }
    this.#isWaking = false
  }
}
