import type { Logger } from 'pino'
import { maxApiKeyLength } from '../config.ts'
import { findApiKeys, hashOfSecret } from '../domain/account.ts'
import type { Books } from '../domain/books.ts'
import { KeyUses } from '../domain/key-uses.ts'
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

interface Believed {
  credentials: Credentials
  until: number
  /** Whether it is being asked for anew. */
  isAsked: boolean
}

/** Finds out whose request it is. */
export class Authentication {
  /** When the keys that it lets in were used. */
  readonly keyUses: KeyUses
  readonly #books: Books
  /** By the hashes of their secrets. */
  readonly #believed = new Map<string, Believed>()
  /** Until when keys are taken for ones that do not work, by the hashes of their secrets; the oldest is the first. */
  readonly #unknown = new Map<string, number>()
  /** Those that the database is asked for next, and who waits for that. */
  #asked = new Map<string, PromiseWithResolvers<Credentials | undefined>>()
  #asking = false
  readonly #stopListening: () => void
  /** Counts up with every notice, so that what was read before one is not believed after it. */
  #notices = 0

  constructor(books: Books, log: Logger) {
    this.#books = books
    this.keyUses = new KeyUses(books, log)
    this.#stopListening = books.notifications.on('keys', () => this.#forget())
  }

  async close(): Promise<void> {
    this.#stopListening()
    await this.keyUses.close()
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
    this.keyUses.note(credentials.keyId)
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
}

function unknownKey() {
  return unauthenticated('This API key does not exist, or it was revoked.')
}
