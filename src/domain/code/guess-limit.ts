import { facts } from '../../telemetry/facts.ts'
import { RateLimitedError } from '../books/errors.ts'

const minuteMs = 60_000
// The price of a failed attempt, where a millisecond earns `perMinute`: all numbers are integers, so none is rounded.
const price = minuteMs

/** The token bucket of a key. */
interface Bucket {
  /** The balance at the time `at`. */
  left: number
  at: number
  /** Attempts that may still fail. */
  inFlight: number
  /** Attempts that wait for those in flight. */
  waiting: PromiseWithResolvers<void>[]
}

/**
 * Limits how often a key may look up codes that do not exist, against guessing. Attempts that find something cost nothing.
 * A key may fail `perMinute` times in a burst, then as often per minute. While it may not, nothing is looked up for it:
 * otherwise its guesses would still reveal what exists.
 */
export class GuessLimit {
  readonly #perMinute: number
  readonly #now: () => number
  /**
   * In order of last use. The bucket of a key that has not been used for a minute is full, and is removed. Not an LRU, which
   * would forget the guesses of a key when many others come.
   */
  readonly #buckets = new Map<string, Bucket>()

  /** `perMinute`: 0 for no limit. `now`: a monotonic clock in whole milliseconds. */
  constructor(perMinute: number, now: () => number = () => Math.floor(performance.now())) {
    this.#perMinute = perMinute
    this.#now = now
  }

  /** How many keys have a bucket. */
  get size(): number {
    return this.#buckets.size
  }

  /**
   * Runs `look` as an attempt of a key. It fails by resolving to undefined; if it rejects, it reveals nothing and costs
   * nothing. Rejects with a RateLimitedError if the key has to wait.
   */
  async attempt<T>(keyId: string, look: () => Promise<T | undefined>): Promise<T | undefined> {
    if (this.#perMinute === 0) return tellOutcome(await look())
    const bucket = this.#use(keyId)
    const admitted = Promise.withResolvers<void>()
    bucket.waiting.push(admitted)
    this.#advance(bucket)
    await admitted.promise
    let failed = false
    try {
      const found = tellOutcome(await look())
      failed = found === undefined
      return found
    } finally {
      bucket.inFlight -= 1
      if (failed) bucket.left -= price
      this.#advance(bucket)
    }
  }

  /**
   * Admits waiting attempts while the bucket can pay for them and all in flight. Otherwise they wait, in case those in
   * flight do not fail; if none is in flight, they are rejected.
   */
  #advance(bucket: Bucket): void {
    const now = this.#now()
    bucket.left = Math.min(this.#perMinute * price, bucket.left + (now - bucket.at) * this.#perMinute)
    bucket.at = now
    for (let next = bucket.waiting[0]; next !== undefined; next = bucket.waiting[0]) {
      if (bucket.left >= (bucket.inFlight + 1) * price) {
        bucket.inFlight += 1
        next.resolve()
      } else if (bucket.inFlight > 0) return
      else {
        facts.lookedUp.tell({ outcome: 'refused' })
        next.reject(new RateLimitedError(Math.ceil((price - bucket.left) / this.#perMinute)))
      }
      bucket.waiting.shift()
    }
  }

  /** Returns the bucket of a key, and removes those that are full again. */
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

function tellOutcome<T>(found: T | undefined): T | undefined {
  facts.lookedUp.tell({ outcome: found === undefined ? 'nothing' : 'found' })
  return found
}
