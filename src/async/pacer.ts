import { setImmediate } from 'node:timers/promises'

/** Resolves in the next iteration of the event loop, when I/O and timers have been handled. */
export async function yieldToEventLoop(): Promise<void> {
  await setImmediate()
}

/**
 * Yields to the event loop when synchronous work has gone on for too long. All work that shares a Pacer shares its limit:
 * together they hold an iteration of the event loop for about `maxMs`, however many they are.
 *
 *     if (pacer.isDue()) await pacer.yield()
 *
 * in a loop costs no microtask while there is time left; `await pacer.yieldIfDue()` is the same where that does not matter.
 */
export class Pacer {
  readonly #maxMs: number
  #began = performance.now()
  #next: Promise<void> | undefined

  constructor(maxMs = 10) {
    this.#maxMs = maxMs
  }

  /** Whether at least `maxMs` have passed since the last yield. */
  isDue(): boolean {
    return performance.now() - this.#began >= this.#maxMs
  }

  /** Resolves in the next iteration of the event loop; for all who wait for that in the same one. */
  yield(): Promise<void> {
    this.#next ??= setImmediate().then(() => {
      this.#began = performance.now()
      this.#next = undefined
    })
    return this.#next
  }

  async yieldIfDue(): Promise<void> {
    if (this.isDue()) await this.yield()
  }
}

/** The same items, with yields to the event loop in between. */
export async function* paced<T>(items: readonly T[], pacer: Pacer): AsyncGenerator<T, void> {
  for (const item of items) {
    if (pacer.isDue()) await pacer.yield()
    yield item
  }
}
