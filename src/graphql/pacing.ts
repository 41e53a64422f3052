import type { Turns } from '../domain/turns.ts'

/** The items of a list, between which others have their turns: each of very many can take its time. */
export async function* paced<T>(items: readonly T[], turns: Turns): AsyncGenerator<T, void> {
  for (const item of items) {
    if (turns.isOver()) await turns.next()
    yield item
  }
}

/** Runs no more than so many at a time, in the order in which they came. */
export class Lane {
  readonly #maxRunning: number
  readonly #turns: Turns
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(maxRunning: number, turns: Turns) {
    this.#maxRunning = maxRunning
    this.#turns = turns
  }

  async run<T>(work: () => Promise<T> | T): Promise<T> {
    if (this.#running >= this.#maxRunning) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running += 1
    try {
      await this.#turns.free()
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}
