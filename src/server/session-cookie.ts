import type { IncomingMessage } from 'node:http'
import { hashOfSecret } from '../domain/account/account.ts'
import { isToken } from '../domain/account/sessions.ts'
import { isLoopbackHost } from './http/local-browser.ts'
import { whyForeign } from './own-page.ts'

/** The session that a request or an upgrade asks for by its cookie: the hash of its token, or why the cookie does not count. */
export type SentSession = { hash: string } | { refusal: string }

export const sessionHasEnded = 'Your session has ended. Sign in again.'

// With this prefix, browsers accept a cookie only from the host itself over TLS. Without it, a page of a sibling subdomain could
// set a cookie of its own session, in which people would then work by mistake.
const tlsPrefix = '__Host-'

/** The cookie that contains the token of a browser's session. */
export class SessionCookie {
  readonly #name: string

  /** @param firstAccountId the account that was created first, which tells databases apart */
  constructor(firstAccountId: string) {
    // Cookies do not know ports: without this, two services on one machine would sign people out of each other.
    this.#name = `session-${Buffer.from(hashOfSecret(firstAccountId), 'base64').toString('hex', 0, 4)}`
  }

  /** The session of a request or an upgrade; undefined if it sends no cookie. */
  sent(request: IncomingMessage): SentSession | undefined {
    const token =
      cookieValue(request, tlsPrefix + this.#name) ??
      (isOverTls(request) ? undefined : cookieValue(request, this.#name))
    if (token === undefined) return undefined
    const refusal = whyForeign(request) ?? (isToken(token) ? undefined : sessionHasEnded)
    return refusal === undefined ? { hash: hashOfSecret(token) } : { refusal }
  }

  /** The value of a Set-Cookie header that stores a token until the browser is closed. */
  storing(token: string, request: IncomingMessage): string {
    return isOverTls(request)
      ? `${tlsPrefix}${this.#name}=${token}; ${attributes}; Secure`
      : `${this.#name}=${token}; ${attributes}`
  }

  /** The values of Set-Cookie headers that remove the token. */
  removing(): string[] {
    return [
      `${tlsPrefix}${this.#name}=; ${attributes}; Secure; Max-Age=0`,
      `${this.#name}=; ${attributes}; Max-Age=0`,
    ]
  }
}

const attributes = 'Path=/; HttpOnly; SameSite=Strict'

/**
 * Whether the browser certainly uses TLS, whatever the proxy before the service does. With a request without Origin, it sends
 * Sec-Fetch-Site only over TLS and on loopback.
 */
function isOverTls({ headers }: IncomingMessage): boolean {
  const { origin, host = '' } = headers
  if (origin !== undefined) return /^https:/i.test(origin)
  const isLoopback = isLoopbackHost(host) || /\.localhost(:\d+)?$/i.test(host)
  return headers['sec-fetch-site'] !== undefined && !isLoopback
}

function cookieValue({ headers }: IncomingMessage, name: string): string | undefined {
  for (const pair of headers.cookie?.split(';') ?? []) {
    const [given, value] = pair.split('=', 2)
    if (given?.trim() === name) return value?.trim()
  }
  return undefined
}
