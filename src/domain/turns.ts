import { setImmediate as nextTurn } from 'node:timers/promises'

// How long events that are at hand are read before it is the turn of others.
const maxStretchMs = 10

/** The turns of the event loop that those who work out answers and tell of events in this process have together. */
export class Turns {
  #began = 0
  #next: Promise<void> | undefined

  /** Whether this turn has lasted for as long as it may. */
  isOver(): boolean {
    return performance.now() - this.#began >= maxStretchMs
  }

  /** Resolves at once while this turn lasts, and otherwise in the next one. */
  async free(): Promise<void> {
    if (this.isOver()) await this.next()
  }

  /** Resolves in the next turn, after others have had theirs. */
  next(): Promise<void> {
    this.#next ??= nextTurn().then(() => {
      this.#began = performance.now()
      this.#next = undefined
    })
    return this.#next
  }
}
