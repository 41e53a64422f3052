import type { Logger } from 'pino'
import { maxApiKeyLength } from '../config.ts'
import { findApiKeys, hashOfSecret } from '../domain/account/account.ts'
import { KeyUses } from '../domain/account/key-uses.ts'
import type { Books } from '../domain/books/books.ts'
import type { Credentials } from '../graphql/context.ts'
import { unauthenticated, unavailable } from '../graphql/errors/top-level.ts'

// How long a key is believed without asking: the longest that a revoked one works in a process that the notice of
// its revocation did not reach.
const believedMs = 2_000

// When a key that is in use is asked for anew, so that nobody has to wait for that.
const freshMs = 1_000

// Also those that were believed some time ago, and are asked for anew when they come again.
const maxBelieved = 10_000

// Keys that do not work are remembered as long: a new one, which somebody has tried before it was made, works after that
// time at the latest.
const maxUnknown = 10_000

// Of one statement.
const maxAskedTogether = 500

// Keys that have not worked of late and wait to be asked for. It takes some ten statements to ask for as many.
const maxWaiting = 5_000

interface Believed {
  credentials: Credentials
  until: number
  /** The number of notices after which it was read. */
  notices: number
  /** Whether it is being asked for anew. */
  isAsked: boolean
}

/** Finds out whose request it is. */
export class Authentication {
  /** When the keys that it lets in were used. */
  readonly keyUses: KeyUses
  readonly #books: Books
  /** By the hashes of their secrets; the one that was asked for first is the first. */
  readonly #believed = new Map<string, Believed>()
  /** Until when keys are taken for ones that do not work, by the hashes of their secrets; the oldest is the first. */
  readonly #unknown = new Map<string, number>()
  /**
   * Two lines, so that those who try keys that do not exist, however many, keep none waiting that worked of late. Each
   * keeps one connection busy at most.
   */
  readonly #line = new AskingLine((hashes) => this.#ask(hashes))
  readonly #lineOfBelieved = new AskingLine((hashes) => this.#ask(hashes))
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
   * its key does not work, and with UNAVAILABLE when very many keys are waiting that have not worked of late.
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
    if (believed === undefined || believed.notices !== this.#notices || believed.until <= Date.now())
      return undefined
    if (!believed.isAsked && believed.until - Date.now() < believedMs - freshMs) {
      believed.isAsked = true
      this.#find(hash).catch(() => {
        // While the database is away, whoever comes once it is no longer believed is told so.
        believed.isAsked = false
      })
    }
    return believed.credentials
  }

  #forget(): void {
    this.#notices += 1
    this.#unknown.clear()
  }

  #isUnknown(hash: string): boolean {
    const until = this.#unknown.get(hash)
    if (until === undefined) return false
    if (until > Date.now()) return true
    this.#unknown.delete(hash)
    return false
  }

  async #find(hash: string): Promise<Credentials | undefined> {
    if (this.#believed.has(hash)) return await this.#lineOfBelieved.find(hash)
    if (this.#line.size >= maxWaiting && !this.#line.has(hash))
      throw unavailable('Too many unknown API keys are being tried at the moment. Try again.')
    return await this.#line.find(hash)
  }

  async #ask(hashes: readonly string[]): Promise<Map<string, Credentials>> {
    const notices = this.#notices
    const keys = await findApiKeys(this.#books, hashes)
    const found = new Map<string, Credentials>()
    for (const [hash, { accountId, id, scopes }] of keys) found.set(hash, { accountId, keyId: id, scopes })
    if (notices === this.#notices) for (const hash of hashes) this.#remember(hash, found.get(hash))
    return found
  }

  #remember(hash: string, credentials: Credentials | undefined): void {
    const until = Date.now() + believedMs
    this.#unknown.delete(hash)
    this.#believed.delete(hash)
    if (credentials === undefined) setNewest(this.#unknown, hash, until, maxUnknown)
    else {
      const believed = { credentials, until, notices: this.#notices, isAsked: false }
      setNewest(this.#believed, hash, believed, maxBelieved)
    }
  }
}

type Waiting = PromiseWithResolvers<Credentials | undefined>

/** Keys that wait to be asked for. All that come while others are being asked for are asked for together. */
class AskingLine {
  readonly #ask: (hashes: readonly string[]) => Promise<ReadonlyMap<string, Credentials>>
  readonly #waiting = new Map<string, Waiting>()
  #isAsking = false

  constructor(ask: (hashes: readonly string[]) => Promise<ReadonlyMap<string, Credentials>>) {
    this.#ask = ask
  }

  get size(): number {
    return this.#waiting.size
  }

  has(hash: string): boolean {
    return this.#waiting.has(hash)
  }

  find(hash: string): Promise<Credentials | undefined> {
    const waiting = this.#waiting.get(hash) ?? Promise.withResolvers<Credentials | undefined>()
    this.#waiting.set(hash, waiting)
    if (!this.#isAsking) void this.#askAll()
    return waiting.promise
  }

  /** Never rejects: what goes wrong is told to those who wait. */
  async #askAll(): Promise<void> {
    this.#isAsking = true
    while (this.#waiting.size > 0) {
      const asked = this.#next()
      try {
        const found = await this.#ask([...asked.keys()])
        for (const [hash, { resolve }] of asked) resolve(found.get(hash))
      } catch (error) {
        for (const { reject } of asked.values()) reject(error)
      }
    }
    this.#isAsking = false
  }

  #next(): Map<string, Waiting> {
    const next = new Map<string, Waiting>()
    for (const [hash, waiting] of this.#waiting) {
      if (next.size === maxAskedTogether) break
      next.set(hash, waiting)
      this.#waiting.delete(hash)
    }
    return next
  }
}

/** Adds an entry that is not there, without which the oldest goes where there are as many as there may be. */
function setNewest<Value>(map: Map<string, Value>, key: string, value: Value, maxSize: number): void {
  const [oldest] = map.keys()
  if (map.size >= maxSize && oldest !== undefined) map.delete(oldest)
  map.set(key, value)
}

function unknownKey() {
  return unauthenticated('This API key does not exist, or it was revoked.')
}
