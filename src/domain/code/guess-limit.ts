import { RateLimitedError } from '../books/errors.ts'

const minuteMs = 60_000
// What an attempt that fails costs. A millisecond earns as much as attempts may fail in a minute, so that all are whole
// numbers, and nothing is lost in rounding.
const price = minuteMs

/** What a key may still do. */
interface Bucket {
  /** What it has to pay for attempts that fail, as of `at`. */
  left: number
  at: number
  /** Attempts that were begun, each of which may fail. */
  underWay: number
  /** Attempts that wait for one under way to end. */
  waiting: PromiseWithResolvers<void>[]
}

/**
 * Limits how often a key may look for something that is not there, as somebody does who guesses. Attempts that find
 * something cost nothing. A key may fail `perMinute` times at once, then as often in every minute; while it may not,
 * nothing is looked up for it, so that what exists is not told either. 0 sets no limit.
 */
export class GuessLimit {
  readonly #perMinute: number
  readonly #now: () => number
  /** Of keys that were used within the last minute: all others may do everything. */
  readonly #buckets = new Map<string, Bucket>()

  /** `now` is a clock in whole milliseconds that never goes back. */
  constructor(perMinute: number, now: () => number = () => Math.floor(performance.now())) {
    this.#perMinute = perMinute
    this.#now = now
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#buckets.size
  }

  /**
   * Runs `look` as an attempt of a key, which has failed if it resolves to nothing; one that rejects has told nothing
   * and costs nothing. Rejects with a RateLimitedError when the key has to wait.
   */
  async attempt<T>(keyId: string, look: () => Promise<T | undefined>): Promise<T | undefined> {
    if (this.#perMinute === 0) return await look()
    const bucket = this.#use(keyId)
    await this.#admit(bucket)
    let failed = false
    try {
      const found = await look()
      failed = found === undefined
      return found
    } finally {
      bucket.underWay -= 1
      if (failed) bucket.left -= price
      this.#advance(bucket)
    }
  }

  /** Resolves when the attempt can be made. */
  async #admit(bucket: Bucket): Promise<void> {
    const turn = Promise.withResolvers<void>()
    bucket.waiting.push(turn)
    this.#advance(bucket)
    await turn.promise
  }

  /**
   * Lets in those who wait, as long as all attempts under way could fail. When no more could, they wait for one that
   * does not; when none is under way, they have come too soon.
   */
  #advance(bucket: Bucket): void {
    this.#refill(bucket)
    for (let turn = bucket.waiting[0]; turn !== undefined; turn = bucket.waiting[0]) {
      if (bucket.left >= (bucket.underWay + 1) * price) {
        bucket.underWay += 1
        turn.resolve()
      } else if (bucket.underWay > 0) return
      else turn.reject(new RateLimitedError(Math.ceil((price - bucket.left) / this.#perMinute)))
      bucket.waiting.shift()
    }
  }

  #refill(bucket: Bucket): void {
    const now = this.#now()
    const earned = (now - bucket.at) * this.#perMinute
    bucket.left = Math.min(this.#perMinute * price, bucket.left + earned)
    bucket.at = now
  }

  /** The bucket of a key, which is a full one when it was not used for a minute. */
  #use(keyId: string): Bucket {
    const bucket = this.#buckets.get(keyId) ?? {
      left: this.#perMinute * price,
      at: this.#now(),
      underWay: 0,
      waiting: [],
    }
    // To the young end: the first of a Map is the one that was used least lately.
    this.#buckets.delete(keyId)
    this.#buckets.set(keyId, bucket)
    for (const [oldest, { at, underWay }] of this.#buckets) {
      if (oldest === keyId || underWay > 0 || at > this.#now() - minuteMs) break
      this.#buckets.delete(oldest)
    }
    return bucket
  }
}
