import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { Lanes } from '../async/lanes.ts'
import { maxApiKeyLength } from '../config.ts'
import { findApiKeys, hashOfSecret, KeyUses } from '../domain/account/account.ts'
import type { Books } from '../domain/books/books.ts'
import type { Credentials } from '../graphql/context.ts'
import { unauthenticated, unavailable } from '../graphql/errors/top-level.ts'

// How long credentials are cached. In a process that misses the notice, a revoked key works this long, and a new key that was
// tried before it existed is refused this long.
const maxAgeMs = 2_000

// When the credentials of a key in use are refreshed in the background.
const refreshAfterMs = 1_000

// Keys remembered as known, even after their credentials have expired, and as unknown.
const maxKnown = 10_000
const maxUnknown = 10_000

const maxKeysPerStatement = 500

// Keys that are not known to work and wait to be looked up: some ten statements.
const maxWaiting = 5_000

interface Known {
  credentials: Credentials
  until: number
  /** The number of notices that had arrived before it was read. */
  notices: number
  isRefreshing: boolean
}

/**
 * Keys that have worked are looked up in a lane of their own, so that any number of made-up keys cannot delay them. Each
 * lane uses at most one connection.
 */
type LaneKey = readonly ['known' | 'others']

/** Finds the account and the API key of a request. */
export class Authentication {
  /** Notes when each key was last used. */
  readonly keyUses: KeyUses
  readonly #books: Books
  // By the hashes of secrets.
  readonly #known = new LRUCache<string, Known>({ max: maxKnown })
  readonly #unknown = new LRUCache<string, true>({ max: maxUnknown, ttl: maxAgeMs })
  readonly #lookUps = new Lanes<LaneKey, string, Credentials | undefined>({
    maxGroups: 2,
    maxItems: maxKeysPerStatement,
    serve: (_lane, group) => this.#lookUp(group.close()),
  })
  readonly #stopListening: () => void
  /** Counts notices that keys have changed. Credentials read before one are not used after it. */
  #notices = 0

  constructor(books: Books, log: Logger) {
    this.#books = books
    this.keyUses = new KeyUses(books, log)
    this.#stopListening = books.notifications.on('keys', () => {
      this.#notices += 1
      this.#unknown.clear()
    })
  }

  async close(): Promise<void> {
    this.#stopListening()
    await this.keyUses.written()
  }

  /**
   * The credentials for an Authorization header, "Bearer <key>". Rejects with UNAUTHENTICATED if it is missing or its key does
   * not work, and with UNAVAILABLE if too many keys that are not known to work are waiting to be looked up.
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
    if (this.#unknown.has(hash)) throw unknownKey()
    const credentials = this.#cached(hash) ?? (await this.#find(hash))
    if (credentials === undefined) throw unknownKey()
    this.keyUses.note(credentials.keyId)
    return credentials
  }

  #cached(hash: string): Credentials | undefined {
    const known = this.#known.get(hash)
    if (known === undefined || known.notices !== this.#notices) return undefined
    const leftMs = known.until - Date.now()
    if (leftMs <= 0) return undefined
    if (!known.isRefreshing && leftMs < maxAgeMs - refreshAfterMs) {
      known.isRefreshing = true
      this.#find(hash).catch(() => {
        // The next request tries again, and reports the error once the credentials have expired.
        known.isRefreshing = false
      })
    }
    return known.credentials
  }

  async #find(hash: string): Promise<Credentials | undefined> {
    if (this.#known.has(hash)) return await this.#lookUps.add(['known'], hash)
    const others = ['others'] as const
    if (this.#lookUps.waiting(others) >= maxWaiting && !this.#lookUps.isWaiting(others, hash))
      throw unavailable('Too many unknown API keys are being tried at the moment. Try again.')
    return await this.#lookUps.add(others, hash)
  }

  async #lookUp(hashes: readonly string[]): Promise<(Credentials | undefined)[]> {
    const notices = this.#notices
    const keys = await findApiKeys(this.#books, hashes)
    return hashes.map((hash) => {
      const key = keys.get(hash)
      const credentials = key && { accountId: key.accountId, keyId: key.id, scopes: key.scopes }
      if (notices === this.#notices) this.#remember(hash, credentials)
      return credentials
    })
  }

  #remember(hash: string, credentials: Credentials | undefined): void {
    if (credentials === undefined) {
      this.#known.delete(hash)
      this.#unknown.set(hash, true)
      return
    }
    this.#unknown.delete(hash)
    this.#known.set(hash, {
      credentials,
      until: Date.now() + maxAgeMs,
      notices: this.#notices,
      isRefreshing: false,
    })
  }
}

function unknownKey() {
  return unauthenticated('This API key does not exist, or it was revoked.')
}
