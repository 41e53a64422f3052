import { RateLimitedError } from '../../domain/books/errors.ts'

// Each keeps a few megabytes in memory while it is sent. A backend may pass downloads on to many people with one key.
const maxDownloadsOfKey = 32
const retryAfterMs = 5_000

/** Limits how many downloads of each API key are in flight in this process. */
export class DownloadLimit {
  /** The number of downloads in flight by key. */
  readonly #inFlight = new Map<string, number>()

  /** Runs a download of a key, and settles as it does. Rejects with a RateLimitedError if the key has as many as it may. */
  async run(keyId: string, download: () => Promise<void>): Promise<void> {
    const own = this.#inFlight.get(keyId) ?? 0
    if (own >= maxDownloadsOfKey)
      throw new RateLimitedError(
        retryAfterMs,
        `${maxDownloadsOfKey} downloads with this API key are in flight, which is the limit. Wait until one has ended, and try ` +
          'again after retryAfterMs milliseconds.',
      )
    this.#inFlight.set(keyId, own + 1)
    try {
      await download()
    } finally {
      const left = (this.#inFlight.get(keyId) ?? 0) - 1
      if (left > 0) this.#inFlight.set(keyId, left)
      else this.#inFlight.delete(keyId)
    }
  }
}
