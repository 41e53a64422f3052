import { TooMuchWaitingError } from '../../async/scheduler.ts'

// Per key: bytes of bodies that have not arrived completely.
const maxArrivingBytes = 32_000_000

/** A body that is arriving. */
export interface Arrival {
  /** Counts bytes before they are kept. Throws a TooMuchWaitingError if its key has too many already. */
  keep(bytes: number): void
  /** To be called when the body has arrived or failed: it no longer counts. */
  end(): void
}

/** Limits, per key, what is kept of bodies that have not arrived completely, over however many connections. */
export class Arrivals {
  readonly #bytes = new Map<string, number>()

  begin(key: string): Arrival {
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
