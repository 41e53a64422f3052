import { yieldToEventLoop } from './pacer.ts'

// Waiters resumed in one iteration of the event loop. What each of them then does takes some ten microseconds.
const maxWokenAtOnce = 500

/** Waits for signals, any number of times, until its AbortSignal is aborted. It waits for one thing at a time. */
export class Waiter {
  readonly #signal: AbortSignal
  #resume: (() => void) | undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
    // One listener for all waits: a subscription waits thousands of times.
    signal.addEventListener('abort', () => this.wake(), { once: true })
  }

  /** Resolves at the next `wake`, at once if the AbortSignal is aborted. Never rejects. */
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

/** Wakes all who wait for it, a few hundred in each iteration of the event loop, so that thousands of them block nobody. */
export class Signal {
  /** The number of calls of `wakeAll` so far. */
  version = 0
  #waiting = new Set<Waiter>()
  #isWaking = false

  /**
   * Resolves when `wakeAll` has been called since `version` was `seen`, or the waiter's AbortSignal is aborted. Read
   * `version` before the state that you wait for, so that no change in between is missed.
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
      // Those who wait again meanwhile are for the next call.
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
