/**
 * Bounds how much work runs at a time, first come, first served. Where pieces of work have different sizes and keys are to
 * have fair shares, see Room.
 */
export class Semaphore {
  #free: number
  readonly #waiting: (() => void)[] = []

  /** `count`: how many pieces of work may run at a time. */
  constructor(count: number) {
    this.#free = count
  }

  /** Runs `work` as soon as it may, and settles as it does. */
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
