import type { Pacer } from '../async/pacer.ts'

/** The items of a list, with yields to the event loop in between. */
export async function* paced<T>(items: readonly T[], pacer: Pacer): AsyncGenerator<T, void> {
  for (const item of items) {
    if (pacer.isDue()) await pacer.yield()
    yield item
  }
}

/** Runs no more than so many at a time, in the order in which they came. */
export class Lane {
  readonly #maxRunning: number
  readonly #pacer: Pacer
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(maxRunning: number, pacer: Pacer) {
    this.#maxRunning = maxRunning
    this.#pacer = pacer
  }

  async run<T>(work: () => Promise<T> | T): Promise<T> {
    if (this.#running >= this.#maxRunning) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running += 1
    try {
      await this.#pacer.yieldIfDue()
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}
