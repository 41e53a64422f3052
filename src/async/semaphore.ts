/**
 * Limits how many jobs run at a time, first come, first served. Room is for jobs of different sizes and fair
 * shares of keys.
 */
export class Semaphore {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** Runs `work` as soon as possible, and settles as it does. */
  async run<T>(work: () => Promise<T> | T): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
