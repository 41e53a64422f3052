import { LRUCache } from 'lru-cache'
import { RateLimitedError } from '../books/errors.ts'

const perMinute = 10
const minuteMs = 60_000

// Each has at most `perMinute` numbers. Who is forgotten may test again a little early.
const maxAccounts = 10_000

/** Limits how many test deliveries an account can have in a minute, in this process. */
export class TestLimit {
  readonly #times = new LRUCache<string, number[]>({ max: maxAccounts })
  readonly #now: () => number

  /** `now`: a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Counts a test. Throws a RateLimitedError if the account has had too many. */
  count(accountId: string): void {
    const now = this.#now()
    const times = (this.#times.get(accountId) ?? []).filter((time) => time > now - minuteMs)
    const [oldest] = times
    if (times.length >= perMinute && oldest !== undefined)
      throw new RateLimitedError(
        Math.ceil(oldest + minuteMs - now),
        `An account can have ${perMinute} test deliveries in a minute. Wait for retryAfterMs milliseconds.`,
      )
    this.#times.set(accountId, [...times, now])
  }
}
