import type { PoolEvents, PoolState, View } from './frontend/operations.ts'

type Event = PoolEvents['poolEvents']

/** The view of a pool in a frontend, for tests to wait for. */
export class Watched implements View {
  /** Each state that was shown, and how many events had been applied before. */
  readonly states: { pool: NonNullable<PoolState['pool']>; before: number }[] = []
  readonly applied: Event[] = []
  failure: unknown
  readonly #waiting = new Set<() => void>()

  show(pool: NonNullable<PoolState['pool']>): void {
    this.states.push({ pool, before: this.applied.length })
    this.#wake()
  }

  apply(event: Event): void {
    this.applied.push(event)
    this.#wake()
  }

  fail(reason: unknown): void {
    this.failure = reason
    this.#wake()
  }

  /** Resolves when the condition holds; rejects when the frontend has given up. */
  async until(condition: (watched: this) => boolean): Promise<void> {
    while (!condition(this)) {
      if (this.failure !== undefined) throw new Error('The frontend gave up.', { cause: this.failure })
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.add(resolve)
      await promise
      this.#waiting.delete(resolve)
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
  }
}
