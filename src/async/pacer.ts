import { setImmediate } from 'node:timers/promises'

/** Resolves in the next iteration of the event loop, after it has handled I/O and timers. */
export async function yieldToEventLoop(): Promise<void> {
  await setImmediate()
}

/**
 * Lets long synchronous work yield to the event loop. Everything that shares a Pacer shares its limit: together, it blocks
 * each iteration of the event loop for about `maxMs`.
 *
 *     if (pacer.isDue()) await pacer.yield()
 *
 * costs no microtask while there is time left. Where that does not matter, `await pacer.yieldIfDue()` does the same.
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

  /** Resolves in the next iteration of the event loop. All who call it in one iteration get the same promise. */
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

/**
 * The items, one after the other, with yields to the event loop in between. What is done with one as soon as it is there is
 * done before the next. Not an async iterable: the executor of graphql handles what fails for one item only once it has
 * all of them, and a promise that is rejected before that ends the process.
 */
export function paced<T>(items: readonly T[], pacer: Pacer): Promise<T>[] {
  const given = items.map(() => Promise.withResolvers<T>())
  const giveOut = async () => {
    for (const [i, item] of items.entries()) {
      if (pacer.isDue()) await pacer.yield()
      given[i]?.resolve(item)
      // Whoever waits for the item goes first.
      await undefined
    }
  }
  void giveOut()
  return given.map(({ promise }) => promise)
}
