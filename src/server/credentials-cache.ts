import { LRUCache } from 'lru-cache'
import { Groups } from '../async/groups.ts'
import type { Notifications } from '../database/notifications.ts'
import type { Credentials } from '../graphql/context.ts'
import { unavailable } from '../graphql/errors/top-level.ts'

// How long credentials are cached. In a process that misses the notice, a revoked key works this long, and a new key that was
// tried before it existed is refused this long.
const maxAgeMs = 2_000

// When the credentials of a secret in use are refreshed in the background.
const refreshAfterMs = 1_000

// Secrets remembered as known, even after their credentials have expired, and as unknown.
const maxKnown = 10_000
const maxUnknown = 10_000

const maxSecretsPerStatement = 500

// Secrets that are not known to work and wait to be looked up: some ten statements.
const maxWaiting = 5_000

interface Known {
  credentials: Credentials
  until: number
  /** The number of notices that had arrived before it was read. */
  notices: number
  isRefreshing: boolean
}

/**
 * Secrets that have worked are looked up in groups of their own, so that any number of made-up ones cannot delay them. Each
 * of the two kinds uses at most one connection.
 */
type LookUpKey = readonly ['known' | 'others']

/** Finds the credentials of secrets of one kind, API keys or tokens of sessions, by their hashes. */
export class CredentialsCache {
  readonly #find: (hashes: readonly string[]) => Promise<Map<string, Credentials>>
  readonly #what: string
  readonly #known = new LRUCache<string, Known>({ max: maxKnown })
  readonly #unknown = new LRUCache<string, true>({ max: maxUnknown, ttl: maxAgeMs })
  readonly #lookUps = new Groups<LookUpKey, string, Credentials | undefined>({
    of: 'credentials',
    maxGroups: 2,
    maxItems: maxSecretsPerStatement,
    serve: (_key, group) => this.#lookUp(group.close()),
  })
  readonly #stopListening: () => void
  /** Counts notices that keys have changed. Credentials read before one are not used after it. */
  #notices = 0

  /** @param what the secrets, as an error message says it: "API keys". `find` reads the credentials of those that work. */
  constructor(
    notifications: Notifications,
    { what, find }: { what: string; find: (hashes: readonly string[]) => Promise<Map<string, Credentials>> },
  ) {
    this.#what = what
    this.#find = find
    this.#stopListening = notifications.on('keys', () => {
      this.#notices += 1
      this.#unknown.clear()
    })
  }

  close(): void {
    this.#stopListening()
  }

  /**
   * The credentials for the hash of a secret; undefined if the secret does not work. Rejects with UNAVAILABLE if too many
   * secrets that are not known to work are waiting to be looked up.
   */
  async get(hash: string): Promise<Credentials | undefined> {
    return this.#unknown.has(hash) ? undefined : (this.#cached(hash) ?? (await this.#read(hash)))
  }

  #cached(hash: string): Credentials | undefined {
    const known = this.#known.get(hash)
    if (known === undefined || known.notices !== this.#notices) return undefined
    const leftMs = known.until - Date.now()
    if (leftMs <= 0) return undefined
    if (!known.isRefreshing && leftMs < maxAgeMs - refreshAfterMs) {
      known.isRefreshing = true
      this.#read(hash).catch(() => {
        // The next request tries again, and reports the error once the credentials have expired.
        known.isRefreshing = false
      })
    }
    return known.credentials
  }

  async #read(hash: string): Promise<Credentials | undefined> {
    if (this.#known.has(hash)) return await this.#lookUps.add(['known'], hash)
    const others = ['others'] as const
    if (this.#lookUps.waiting(others) >= maxWaiting && !this.#lookUps.isWaiting(others, hash))
      throw unavailable(`Too many unknown ${this.#what} are being tried at the moment. Try again.`)
    return await this.#lookUps.add(others, hash)
  }

  async #lookUp(hashes: readonly string[]): Promise<(Credentials | undefined)[]> {
    const notices = this.#notices
    const found = await this.#find(hashes)
    return hashes.map((hash) => {
      const credentials = found.get(hash)
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
