import { setTimeout as delay } from 'node:timers/promises'

// Whoever asks does not wait longer for a reading. It goes on, for the next one who asks.
const maxWaitMs = 1_000

/** A value that is read when somebody asks for it, at most once in a while. */
export class RecentReading<T> {
  readonly #read: () => Promise<T>
  readonly #onError: (error: unknown) => void
  readonly #everyMs: number
  #began = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  #known: { value: T; at: number } | undefined

  constructor({
    read,
    everyMs,
    onError,
  }: { read: () => Promise<T>; everyMs: number; onError: (error: unknown) => void }) {
    this.#read = read
    this.#everyMs = everyMs
    this.#onError = onError
  }

  /**
   * The newest value, which is about `everyMs` old at most. Undefined if the last reading has failed, or if the value is much
   * older because the reading takes so long. Never rejects.
   */
  async get(): Promise<T | undefined> {
    const now = performance.now()
    if (this.#reading === undefined && now - this.#began >= this.#everyMs) {
      this.#began = now
      this.#reading = this.#readNow()
    }
    if (this.#reading !== undefined)
      await Promise.race([this.#reading, delay(maxWaitMs, undefined, { ref: false })])
    const known = this.#known
    return known !== undefined && now - known.at < 3 * this.#everyMs ? known.value : undefined
  }

  async #readNow(): Promise<void> {
    try {
      this.#known = { value: await this.#read(), at: performance.now() }
    } catch (error) {
      this.#known = undefined
      this.#onError(error)
    } finally {
      this.#reading = undefined
    }
  }
}
