import { setImmediate as nextTurn } from 'node:timers/promises'

// So many go on in one turn of the event loop. What each of them then does takes some ten microseconds.
const atOnce = 500

/** Somebody who waits for the same thing again and again, until `signal` is aborted. */
export class Sleeper {
  readonly signal: AbortSignal
  #wake: (() => void) | undefined

  constructor(signal: AbortSignal) {
    this.signal = signal
    signal.addEventListener('abort', () => this.wake(), { once: true })
  }

  /** Resolves at the next `wake`, at once if the signal has been aborted. */
  sleep(): Promise<void> {
    if (this.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  wake(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}

/**
 * All who wait for one thing. They are woken a few in each turn of the event loop: thousands that went on in the same
 * turn would keep everybody else waiting.
 */
export class Sleepers {
  /** Counts up with every call of `wakeAll`, so that nobody sleeps through one that came before it slept. */
  calls = 0
  #sleeping = new Set<Sleeper>()
  #waking = false

  /** Resolves when `wakeAll` has been called since `calls` stood at `seen`, or the sleeper's signal is aborted. */
  async sleep(sleeper: Sleeper, seen: number): Promise<void> {
    if (this.calls !== seen) return
    const sleeping = this.#sleeping
    sleeping.add(sleeper)
    await sleeper.sleep()
    sleeping.delete(sleeper)
  }

  wakeAll(): void {
    this.calls += 1
    if (!this.#waking) void this.#wakeInTurns()
  }

  async #wakeInTurns(): Promise<void> {
    this.#waking = true
    for (let served = 0; served !== this.calls; ) {
      served = this.calls
      const sleeping = this.#sleeping
      // Those who go to sleep again meanwhile are for the next call.
      this.#sleeping = new Set()
      let woken = 0
      for (const sleeper of sleeping) {
        sleeper.wake()
        woken += 1
        if (woken % atOnce === 0) await nextTurn()
      }
    }
    this.#waking = false
  }
}
