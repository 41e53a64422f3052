/** Counts what is under way, by whom it is for. */
export class InFlight {
  readonly #counts = new Map<string, number>()

  /** How many are under way for a key. */
  of(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  /** How many are under way for all keys. */
  get all(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Runs work, which counts for the key until it settles, and settles as it does. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    this.#counts.set(key, this.of(key) + 1)
    try {
      return await work()
    } finally {
      const left = this.of(key) - 1
      if (left > 0) this.#counts.set(key, left)
      else this.#counts.delete(key)
    }
  }
}
