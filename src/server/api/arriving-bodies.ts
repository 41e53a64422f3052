import { TooMuchWaitingError } from '../../async/scheduler.ts'

// Per key, of bodies that have not arrived completely.
const maxArrivingBytes = 32_000_000

/** Limits the memory for bodies that have not arrived completely, for each key over all its connections. */
export class ArrivingBodies {
  readonly #bytes = new Map<string, number>()

  /**
   * Begins to count a body. `keep` counts bytes before they are kept, and throws a TooMuchWaitingError if the key has too
   * many already. `end` must be called when the body has arrived or failed, and removes it from the count.
   */
  begin(key: string): { keep(bytes: number): void; end(): void } {
    let kept = 0
    let hasEnded = false
    return {
      keep: (bytes) => {
        if (hasEnded) return
        if (this.#of(key) + bytes > maxArrivingBytes) throw new TooMuchWaitingError()
        kept += bytes
        this.#bytes.set(key, this.#of(key) + bytes)
      },
      end: () => {
        if (hasEnded) return
        hasEnded = true
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
