import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Scheduler } from '../async/scheduler.ts'
import { Semaphore } from '../async/semaphore.ts'
import { isUnavailable } from '../database/errors.ts'
import { endSession, openSession } from '../domain/account/sessions.ts'
import type { Books } from '../domain/books/books.ts'
import { topLevelError } from '../graphql/errors/top-level.ts'
import { type Authentication, unknownKey } from './authentication.ts'
import { badRequest } from './http/errors.ts'
import { isLocalBrowser } from './http/local-browser.ts'
import type { Route } from './http/server.ts'
import { whyForeign } from './own-page.ts'

const methods = 'POST, DELETE, OPTIONS'

// Those of one key wait for each other, and must not take all connections meanwhile.
const maxWriting = 2

/**
 * Signs people in to the console, and out. An API key is exchanged once for a session, whose token the browser keeps in a
 * cookie that no script can read.
 */
export class SignIn {
  readonly #books: Books
  readonly #authentication: Authentication
  readonly #scheduler: Scheduler
  readonly #localKeyId: string | undefined
  readonly #writing = new Semaphore(maxWriting)

  /** @param localKeyId the API key of browsers on this machine, if they are signed in without being asked */
  constructor({
    books,
    authentication,
    scheduler,
    localKeyId,
  }: {
    books: Books
    authentication: Authentication
    scheduler: Scheduler
    localKeyId: string | undefined
  }) {
    this.#books = books
    this.#authentication = authentication
    this.#scheduler = scheduler
    this.#localKeyId = localKeyId
  }

  /**
   * `POST /session` signs in with the API key in Authorization, `DELETE /session` signs out; both answer 204, and ignore their
   * body. FORBIDDEN from elsewhere than a page of the service itself: another site could sign somebody in to an account of its
   * own, in which they would then work by mistake.
   */
  readonly route: Route = {
    methods,
    answer: async (request, response) => {
      if (request.method !== 'POST' && request.method !== 'DELETE')
        throw badRequest(
          'POST signs in with the API key in the header Authorization, and DELETE signs out.',
          405,
          { Allow: methods },
        )
      const elsewhere = whyForeign(request)
      if (elsewhere !== undefined) throw topLevelError('FORBIDDEN', elsewhere)
      if (request.method === 'POST') await this.#signIn(request, response)
      else await this.#signOut(request, response)
    },
  }

  /**
   * Signs in the browser that requests the console's page, if it is on this machine and the database is the embedded one.
   * Resolves to the value of a Set-Cookie header for the page's answer; to undefined if the browser may not be signed in,
   * is signed in already, or the key of this machine was revoked; also while the database is unavailable: the page itself then
   * says so, and tries again. The caller leaves it out where people choose another key: at /sign-in.
   */
  async signInLocally(request: IncomingMessage): Promise<string | undefined> {
    if (this.#localKeyId === undefined || !isLocalBrowser(request)) return undefined
    try {
      const session = await this.#authentication.findSession(request)
      return session === undefined ? await this.#open(this.#localKeyId, request) : undefined
    } catch (error) {
      if (!isUnavailable(error)) throw error
      return undefined
    }
  }

  /**
   * The API key that a browser on this machine is signed in with without being asked, if a request comes from one: its page can
   * offer that, and need not ask for a key when a session has expired.
   */
  localKeyOf(request: IncomingMessage): string | undefined {
    return isLocalBrowser(request) ? this.#localKeyId : undefined
  }

  async #signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Not by the session: it could be prolonged forever.
    const { keyId } = await this.#authentication.authenticate(request.headers.authorization)
    const isWanted = () => !response.destroyed
    const open = async () => {
      const cookie = await this.#open(keyId, request)
      if (cookie === undefined) throw unknownKey()
      return cookie
    }
    const cookie = await this.#scheduler.run(keyId, open, { bytes: 0, isWanted })
    // The client has left.
    if (cookie === undefined) return
    await this.#end(request)
    response.writeHead(204, { 'Set-Cookie': cookie, 'Cache-Control': 'no-store' }).end()
  }

  async #signOut(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#end(request)
    const { cookie } = this.#authentication
    response.writeHead(204, { 'Set-Cookie': cookie.removing(), 'Cache-Control': 'no-store' }).end()
  }

  /** Opens a session. Resolves to the value of the Set-Cookie header for it; to undefined if the key does not work. */
  async #open(keyId: string, request: IncomingMessage): Promise<string | undefined> {
    const token = await this.#writing.run(() => openSession(this.#books, keyId))
    return token === undefined ? undefined : this.#authentication.cookie.storing(token, request)
  }

  /** Ends the session of a request, if it has one. Tokens that are made up cost no more than keys that are. */
  async #end(request: IncomingMessage): Promise<void> {
    const { sessionHash } = (await this.#authentication.findSession(request)) ?? {}
    if (sessionHash !== undefined) await this.#writing.run(() => endSession(this.#books, sessionHash))
  }
}
