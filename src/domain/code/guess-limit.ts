import { RateLimitedError } from '../books/errors.ts'

const minuteMs = 60_000
// What a failed attempt costs, if a millisecond earns `perMinute`: all numbers are whole, so nothing is lost in rounding.
const price = minuteMs

/** A token bucket: what a key may still do. */
interface Bucket {
  /** What is left for failed attempts, as of `at`. */
  left: number
  at: number
  /** Attempts that have begun and may still fail. */
  inFlight: number
  /** Attempts that wait for one in flight to end. */
  waiting: PromiseWithResolvers<void>[]
}

/**
 * Limits how often a key may look up what does not exist, as somebody does who guesses. Attempts that find something cost
 * nothing. A key may fail `perMinute` times at once, then as often in every minute. While it may not, nothing is looked up
 * for it: otherwise its guesses would still reveal what exists.
 */
export class GuessLimit {
  readonly #perMinute: number
  readonly #now: () => number
  /** Of keys that were used within the last minute; for any other key the bucket is full. In order of last use. */
  readonly #buckets = new Map<string, Bucket>()

  /** 0 sets no limit. `now` is a clock in whole milliseconds that never goes back. */
  constructor(perMinute: number, now: () => number = () => Math.floor(performance.now())) {
    this.#perMinute = perMinute
    this.#now = now
  }

  /** How many keys have a bucket. */
  get size(): number {
    return this.#buckets.size
  }

  /**
   * Runs `look` as an attempt of a key. It has failed if it resolves to nothing; one that rejects reveals nothing and costs
   * nothing. Rejects with a RateLimitedError when the key has to wait.
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
      bucket.inFlight -= 1
      if (failed) bucket.left -= price
      this.#advance(bucket)
    }
  }

  /** Resolves when the attempt can be made. */
  async #admit(bucket: Bucket): Promise<void> {
    const admitted = Promise.withResolvers<void>()
    bucket.waiting.push(admitted)
    this.#advance(bucket)
    await admitted.promise
  }

  /**
   * Admits waiting attempts while the bucket could pay for them and all in flight. Otherwise they wait for one in flight
   * that does not fail; with none in flight, they are rejected.
   */
  #advance(bucket: Bucket): void {
    this.#refill(bucket)
    for (let next = bucket.waiting[0]; next !== undefined; next = bucket.waiting[0]) {
      if (bucket.left >= (bucket.inFlight + 1) * price) {
        bucket.inFlight += 1
        next.resolve()
      } else if (bucket.inFlight > 0) return
      else next.reject(new RateLimitedError(Math.ceil((price - bucket.left) / this.#perMinute)))
      bucket.waiting.shift()
    }
  }

  #refill(bucket: Bucket): void {
    const now = this.#now()
    const earned = (now - bucket.at) * this.#perMinute
    bucket.left = Math.min(this.#perMinute * price, bucket.left + earned)
    bucket.at = now
  }

  /** The bucket of a key. Removes those that have not been used for a minute, which are full again. */
  #use(keyId: string): Bucket {
    const bucket = this.#buckets.get(keyId) ?? {
      left: this.#perMinute * price,
      at: this.#now(),
      inFlight: 0,
      waiting: [],
    }
    this.#buckets.delete(keyId)
    this.#buckets.set(keyId, bucket)
    for (const [oldest, { at, inFlight }] of this.#buckets) {
      if (oldest === keyId || inFlight > 0 || at > this.#now() - minuteMs) break
      this.#buckets.delete(oldest)
    }
    return bucket
  }
}
