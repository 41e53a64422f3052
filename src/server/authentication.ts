import type { Logger } from 'pino'
import { maxApiKeyLength } from '../config.ts'
import { isUnavailable } from '../database/errors.ts'
import { findApiKeys, hashOfSecret, touchApiKeys } from '../domain/account.ts'
import type { Books } from '../domain/books.ts'
import type { Credentials } from '../graphql/context.ts'
import { unauthenticated } from '../graphql/problems.ts'

// How long a key is believed without asking: the longest that a revoked one works in a process that the notice of
// its revocation did not reach.
const believedMs = 2_000

// When a key that is in use is asked for anew, so that nobody has to wait for that.
const freshMs = 1_000

const mostBelieved = 10_000

// Keys that do not work are remembered as long: a new one, which somebody has tried before it was made, works after that
// time at the latest.
const maxUnknown = 10_000

// Of one statement.
const maxAskedTogether = 500

// lastUsedAt is exact to the minute: a row for each request would cost more than the request.
const touchEveryMs = 60_000
const flushEveryMs = 1_000

interface Believed {
  credentials: Credentials
  until: number
  /** Whether it is being asked for anew. */
  isAsked: boolean
}

/** Finds out whose request it is. */
export class Authentication {
  readonly #books: Books
  readonly #log: Logger
  /** By the hashes of their secrets. */
  readonly #believed = new Map<string, Believed>()
  /** Until when keys are taken for ones that do not work, by the hashes of their secrets; the oldest is the first. */
  readonly #unknown = new Map<string, number>()
  /** Those that the database is asked for next, and who waits for that. */
  #asked = new Map<string, PromiseWithResolvers<Credentials | undefined>>()
  #asking = false
  readonly #touched = new Map<string, number>()
  readonly #toTouch = new Set<string>()
  readonly #stopListening: () => void
  readonly #timer: NodeJS.Timeout
  #flushing: Promise<void> | undefined
  /** Counts up with every notice, so that what was read before one is not believed after it. */
  #notices = 0

  constructor(books: Books, log: Logger) {
    this.#books = books
    this.#log = log
    this.#stopListening = books.notifications.on('keys', () => this.#forget())
    this.#timer = setInterval(() => this.#flush(), flushEveryMs)
  }

  async close(): Promise<void> {
    this.#stopListening()
    clearInterval(this.#timer)
    this.#flush()
    await this.#flushing
  }

  /**
   * The credentials of an Authorization header, "Bearer <key>". Rejects with UNAUTHENTICATED when there is none or
   * its key does not work.
   */
  async authenticate(authorization: string | null | undefined): Promise<Credentials> {
    if (authorization == null || authorization === '')
      throw unauthenticated(
        'Send your API key: "Authorization: Bearer <key>" as a header, or over WebSocket as { authorization } in connectionParams.',
      )
    const secret = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
    if (secret === undefined) throw unauthenticated('The authorization is not of the form "Bearer <key>".')
    if (secret.length > maxApiKeyLength) throw unknownKey()
    const hash = hashOfSecret(secret)
    if (this.#isUnknown(hash)) throw unknownKey()
    const credentials = this.#remembered(hash) ?? (await this.#find(hash))
    if (credentials === undefined) throw unknownKey()
    this.#touch(credentials.keyId)
    return credentials
  }

  #remembered(hash: string): Credentials | undefined {
    const believed = this.#believed.get(hash)
    if (believed === undefined || believed.until <= Date.now()) return undefined
    if (!believed.isAsked && believed.until - Date.now() < believedMs - freshMs) {
      believed.isAsked = true
      // While the database is away, whoever comes once it is no longer believed is told so.
      this.#find(hash).catch(() => undefined)
    }
    return believed.credentials
  }

  #forget(): void {
    this.#notices += 1
    this.#believed.clear()
    this.#unknown.clear()
  }

  #isUnknown(hash: string): boolean {
    const until = this.#unknown.get(hash)
    if (until === undefined) return false
    if (until > Date.now()) return true
    this.#unknown.delete(hash)
    return false
  }

  /**
   * Asks the database. All that come while it is being asked are asked for together, by one statement after the other:
   * so those who try keys that do not exist, however many, keep one connection busy, and leave the others to the rest.
   */
  #find(hash: string): Promise<Credentials | undefined> {
    const asked = this.#asked.get(hash) ?? Promise.withResolvers<Credentials | undefined>()
    this.#asked.set(hash, asked)
    if (!this.#asking) void this.#ask()
    return asked.promise
  }

  /** Never rejects: what goes wrong is told to those who wait. */
  async #ask(): Promise<void> {
    this.#asking = true
    while (this.#asked.size > 0) {
      const asked = [...this.#asked].slice(0, maxAskedTogether)
      for (const [hash] of asked) this.#asked.delete(hash)
      const notices = this.#notices
      try {
        const found = await findApiKeys(
          this.#books,
          asked.map(([hash]) => hash),
        )
        for (const [hash, { resolve }] of asked) {
          const key = found.get(hash)
          const credentials = key && { accountId: key.accountId, keyId: key.id, scopes: key.scopes }
          if (notices === this.#notices) this.#remember(hash, credentials)
          resolve(credentials)
        }
      } catch (error) {
        for (const [, { reject }] of asked) reject(error)
      }
    }
    this.#asking = false
  }

  #remember(hash: string, credentials: Credentials | undefined): void {
    const until = Date.now() + believedMs
    this.#unknown.delete(hash)
    if (credentials === undefined) {
      this.#believed.delete(hash)
      const [oldest] = this.#unknown.keys()
      if (this.#unknown.size >= maxUnknown && oldest !== undefined) this.#unknown.delete(oldest)
      this.#unknown.set(hash, until)
    } else {
      if (this.#believed.size >= mostBelieved) this.#believed.clear()
      this.#believed.set(hash, { credentials, until, isAsked: false })
    }
  }

  #touch(keyId: string): void {
    const now = Date.now()
    if (now - (this.#touched.get(keyId) ?? 0) < touchEveryMs) return
    if (this.#touched.size >= mostBelieved) this.#touched.clear()
    this.#touched.set(keyId, now)
    this.#toTouch.add(keyId)
  }

  #flush(): void {
    if (this.#toTouch.size === 0 || this.#flushing !== undefined) return
    const keyIds = [...this.#toTouch]
    this.#toTouch.clear()
    this.#flushing = touchApiKeys(this.#books, keyIds)
      .catch((error: unknown) => {
        // Nothing but a time that is shown: the next use tells it again.
        if (isUnavailable(error)) this.#log.warn({ err: error }, 'the last use of keys could not be noted')
        else this.#log.error({ err: error }, 'the last use of keys could not be noted')
      })
      .finally(() => {
        this.#flushing = undefined
      })
  }
}

function unknownKey() {
  return unauthenticated('This API key does not exist, or it was revoked.')
}
