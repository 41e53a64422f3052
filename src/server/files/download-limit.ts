import { InFlight } from '../../async/in-flight.ts'
import { RateLimitedError } from '../../domain/books/errors.ts'

// Each keeps a few megabytes in memory while it is sent. A backend may pass downloads on to many people with one key.
const maxDownloadsOfKey = 32
const retryAfterMs = 5_000

/** Limits how many downloads of each API key are in flight in this process. */
export class DownloadLimit {
  readonly #inFlight = new InFlight()

  /** Runs a download of a key, and settles as it does. Rejects with a RateLimitedError if the key has as many as it may. */
  async run(keyId: string, download: () => Promise<void>): Promise<void> {
    if (this.#inFlight.of(keyId) >= maxDownloadsOfKey)
      throw new RateLimitedError(
        retryAfterMs,
        `${maxDownloadsOfKey} downloads with this API key are in flight, which is the limit. Wait until one has ended, and try ` +
          'again after retryAfterMs milliseconds.',
      )
    await this.#inFlight.run(keyId, download)
  }
}
