import { TooMuchWaitingError } from '../async/scheduler.ts'

// Of one key: what is kept of bodies until they have arrived whole.
const maxArrivingBytes = 32_000_000

/** A body that is on its way. */
export interface Arrival {
  /** Counts what is about to be kept. Throws a TooMuchWaitingError when its key has too much on its way already. */
  keep(bytes: number): void
  /** To be called when it has arrived, or will not any more: from then on nothing of it counts. */
  end(): void
}

/** Counts by key what is kept of bodies that have not arrived whole, over however many connections they come. */
export class Arrivals {
  readonly #bytes = new Map<string, number>()

  begin(key: string): Arrival {
    let kept = 0
    let isOver = false
    return {
      keep: (bytes) => {
        if (isOver) return
        if (this.#of(key) + bytes > maxArrivingBytes) throw new TooMuchWaitingError()
        kept += bytes
        this.#bytes.set(key, this.#of(key) + bytes)
      },
      end: () => {
        if (isOver) return
        isOver = true
        const left = this.#of(key) - kept
        if (left > 0) this.#bytes.set(key, left)
        else this.#bytes.delete(key)
      },
    }
  }

  #of(key: string): number {
    return this.#bytes.get(key) ?? 0
  }
}
