import type { Logger } from 'pino'
import { findApiKey } from '../domain/account.ts'
import type { Books } from '../domain/books.ts'
import { KeyUses } from '../domain/key-uses.ts'
import type { Credentials } from '../graphql/context.ts'
import { unauthenticated } from '../graphql/problems.ts'

// How long a key is believed without asking: the longest that a revoked one works in a process that the notice of
// its revocation did not reach.
const believedMs = 2_000
const mostBelieved = 10_000

interface Believed {
  credentials: Credentials
  until: number
}

/** Finds out whose request it is. */
export class Authentication {
  /** When the keys that it lets in were used. */
  readonly keyUses: KeyUses
  readonly #books: Books
  readonly #believed = new Map<string, Believed>()
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
    const credentials = this.#remembered(secret) ?? (await this.#find(secret))
    this.keyUses.note(credentials.keyId)
    return credentials
  }

  #remembered(secret: string): Credentials | undefined {
    const believed = this.#believed.get(secret)
    return believed !== undefined && believed.until > Date.now() ? believed.credentials : undefined
  }

  #forget(): void {
    this.#notices += 1
    this.#believed.clear()
  }

  async #find(secret: string): Promise<Credentials> {
    const notices = this.#notices
    const key = await findApiKey(this.#books, secret)
    if (key === undefined) {
      this.#believed.delete(secret)
      throw unauthenticated('This API key does not exist, or it was revoked.')
    }
    const credentials = { accountId: key.accountId, keyId: key.id, scopes: key.scopes }
    if (this.#believed.size >= mostBelieved) this.#believed.clear()
    if (notices === this.#notices) this.#believed.set(secret, { credentials, until: Date.now() + believedMs })
    return credentials
  }
}
