import { yieldToEventLoop } from './pacer.ts'

// Waiters that are woken in one iteration of the event loop. Each then works for some ten microseconds.
const maxWokenAtOnce = 500

/** Waits for signals, one at a time and any number of times, until its AbortSignal is aborted. */
export class Waiter {
  readonly #signal: AbortSignal
  #resume: (() => void) | undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
    // One listener for all waits: a subscription waits thousands of times.
    signal.addEventListener('abort', () => this.wake(), { once: true })
  }

  /** Resolves at the next `wake`, or immediately if the AbortSignal is aborted. Never rejects. */
  wait(): Promise<void> {
    if (this.#signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      this.#resume = resolve
    })
  }

  wake(): void {
    this.#resume?.()
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
  async wait(waiter: Waiter, seen: number): Promise<void> {
    if (this.version !== seen) return
    const waiting = this.#waiting
    waiting.add(waiter)
    await waiter.wait()
    waiting.delete(waiter)
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
