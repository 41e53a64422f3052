import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'
import { maxApiKeyLength } from '../config.ts'
import { findApiKeys, hashOfSecret, touchApiKeys } from '../domain/account/account.ts'
import { LastUses } from '../domain/account/last-uses.ts'
import { findSessions, touchSessions } from '../domain/account/sessions.ts'
import type { Books } from '../domain/books/books.ts'
import type { Credentials } from '../graphql/context.ts'
import { unauthenticated } from '../graphql/errors/top-level.ts'
import { facts } from '../telemetry/facts.ts'
import { CredentialsCache } from './credentials-cache.ts'
import { type SentSession, type SessionCookie, sessionHasEnded } from './session-cookie.ts'

/** Finds the account and the API key of a request: by the key itself, or by the session that was opened with it. */
export class Authentication {
  /** Notes when each key was last used. */
  readonly keyUses: LastUses
  /** Notes when each session was last used, by its hash. */
  readonly sessionUses: LastUses
  readonly cookie: SessionCookie
  readonly #keys: CredentialsCache
  readonly #sessions: CredentialsCache

  constructor({ books, cookie, log }: { books: Books; cookie: SessionCookie; log: Logger }) {
    this.cookie = cookie
    const { notifications } = books
    this.keyUses = new LastUses(books, { of: 'API keys', write: (ids) => touchApiKeys(books, ids), log })
    this.sessionUses = new LastUses(books, {
      of: 'sessions',
      write: (hashes) => touchSessions(books, hashes),
      log,
    })
    this.#keys = new CredentialsCache(notifications, {
      what: 'API keys',
      find: async (hashes) => {
        const keys = await findApiKeys(books, hashes)
        return new Map(
          [...keys].map(([hash, { accountId, id, scopes }]) => [hash, { accountId, keyId: id, scopes }]),
        )
      },
    })
    this.#sessions = new CredentialsCache(notifications, {
      what: 'sessions',
      find: async (hashes) => {
        const sessions = await findSessions(books, hashes)
        return new Map([...sessions].map(([hash, session]) => [hash, { ...session, sessionHash: hash }]))
      },
    })
  }

  async close(): Promise<void> {
    this.#keys.close()
    this.#sessions.close()
    await Promise.all([this.keyUses.written(), this.sessionUses.written()])
  }

  /** The credentials of an HTTP request: see `authenticate`. */
  async authenticateRequest(request: IncomingMessage): Promise<Credentials> {
    return await this.authenticate(request.headers.authorization, this.cookie.sent(request))
  }

  /**
   * The credentials for an authorization, "Bearer <key>"; without one, those of the session. Rejects with UNAUTHENTICATED if
   * there is neither, or if what there is does not work, and with UNAVAILABLE if too many keys or sessions that are not known
   * to work are waiting to be looked up.
   *
   * UNAUTHENTICATED, not FORBIDDEN, also for the session of a request from elsewhere: it counts as none, and is not even looked
   * up, so another page does not learn whether somebody is signed in.
   */
  async authenticate(
    authorization: string | null | undefined,
    session?: SentSession | undefined,
  ): Promise<Credentials> {
    if (authorization == null && session !== undefined) return await this.#ofSession(session)
    if (authorization == null || authorization === '')
      throw unauthenticated(
        'Send your API key: "Authorization: Bearer <key>" as a header, or over WebSocket as { authorization } in connectionParams.',
      )
    const secret = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
    if (secret === undefined) throw unauthenticated('The authorization is not of the form "Bearer <key>".')
    const credentials =
      secret.length > maxApiKeyLength ? undefined : await this.#keys.get(hashOfSecret(secret))
    if (credentials === undefined) {
      facts.credentialsRefused.tell({ of: 'key' })
      throw unknownKey()
    }
    this.keyUses.note(credentials.keyId)
    return credentials
  }

  /** The credentials of the session that a request sends, without counting this as a use; undefined if it is not open. */
  async findSession(request: IncomingMessage): Promise<Credentials | undefined> {
    const sent = this.cookie.sent(request)
    return sent === undefined || 'refusal' in sent ? undefined : await this.#sessions.get(sent.hash)
  }

  async #ofSession(session: SentSession): Promise<Credentials> {
    if ('refusal' in session) throw unauthenticated(session.refusal)
    const credentials = await this.#sessions.get(session.hash)
    if (credentials === undefined) {
      facts.credentialsRefused.tell({ of: 'session' })
      throw unauthenticated(sessionHasEnded)
    }
    this.sessionUses.note(session.hash)
    this.keyUses.note(credentials.keyId)
    return credentials
  }
}

export function unknownKey() {
  return unauthenticated('This API key does not exist, or it was revoked.')
}
