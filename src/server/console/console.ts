import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { Lazy } from '../../async/lazy.ts'
import { encodeId } from '../../graphql/ids.ts'
import { Assets } from '../http/asset.ts'
import { pageHeaders } from '../http/page.ts'
import { type Route, type Routes, readOnly, respond } from '../http/server.ts'
import type { SignIn } from '../session.ts'

// What src/build/console.ts has built.
const folder = join(import.meta.dirname, '../../../dist/console')

/**
 * The routes of the console: its page, which is the same at all of its addresses, and the files that the page loads. It is also
 * the answer where nothing is, and says so.
 */
export function consoleRoutes(signIn: SignIn): Routes {
  const document = new Lazy(() => readFile(join(folder, 'index.html'), 'utf8'))
  const cookieFor = (request: IncomingMessage) => signIn.signInLocally(request)
  return {
    console: pageRoute(document, signIn, { cookieFor }),
    nothing: pageRoute(document, signIn, { cookieFor, status: 404 }),
    // Without signing in: who signs out here chooses another key.
    signIn: pageRoute(document, signIn),
    consoleFile: new Assets(join(folder, 'console')).route,
  }
}

/** A route with the page. `cookieFor` resolves to the value of a Set-Cookie header, if the answer needs one. */
function pageRoute(
  document: Lazy<string>,
  signIn: SignIn,
  {
    cookieFor,
    status = 200,
  }: { cookieFor?: (request: IncomingMessage) => Promise<string | undefined>; status?: number } = {},
): Route {
  return readOnly(async (request, response) => {
    const nonce = randomBytes(16).toString('base64')
    const [html, cookie] = await Promise.all([document.get(), cookieFor?.(request)])
    respond(response, status, withFacts(html, nonce, signIn.localKeyOf(request)), {
      ...headers(nonce),
      ...(cookie !== undefined && { 'Set-Cookie': cookie }),
    })
  })
}

/**
 * The page's own headers. Mantine's components add style elements, which have the nonce. Everything that a script sets as HTML
 * goes through the policy of src/console/policy.ts.
 */
function headers(nonce: string): Readonly<Record<string, string>> {
  return pageHeaders([
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "require-trusted-types-for 'script'",
    'trusted-types default',
  ])
}

/** The page with the nonce where its scripts look for it, and for a browser on this machine with the id of its API key. */
function withFacts(html: string, nonce: string, localKeyId: string | undefined): string {
  const facts = [
    `<meta property="csp-nonce" nonce="${nonce}">`,
    ...(localKeyId === undefined
      ? []
      : [`<meta name="local-key" content="${encodeId('ApiKey', localKeyId)}">`]),
  ]
  return html.replace('<head>', ['<head>', ...facts].join('\n    '))
}
