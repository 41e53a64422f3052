import type { IncomingMessage } from 'node:http'
import { quoted } from '../quoted.ts'
import { isWebSocket } from './http/request.ts'

/**
 * Whether a request comes from a page of the service itself: browsers send cookies with requests of other pages, too. If not,
 * this is a sentence that says why, and what to do.
 *
 * Browsers that send Sec-Fetch-Site say so themselves, and let no page change that header. Those that do not, and all over
 * plain HTTP except on loopback, send the Origin of the page: always for a WebSocket, and for HTTP unless they only read. What
 * a page of another origin reads is withheld from it, because no answer allows it to send credentials.
 */
export function whyForeign(request: IncomingMessage): string | undefined {
  const { method, headers } = request
  const isUpgrade = isWebSocket(headers.upgrade)
  const isRead = !isUpgrade && (method === 'GET' || method === 'HEAD')
  const site = isUpgrade ? undefined : headers['sec-fetch-site']
  if (site !== undefined)
    return site === 'same-origin' || (site === 'none' && isRead)
      ? undefined
      : foreign(`its Sec-Fetch-Site is ${quoted(String(site))}`)
  const { origin } = headers
  if (origin === undefined)
    return isRead ? undefined : foreign('it has neither the header Sec-Fetch-Site nor Origin')
  const hosts = [headers.host, forwardedHost(request)]
  return hosts.some((host) => host !== undefined && isOriginOf(origin, host))
    ? undefined
    : foreign(`its Origin is ${quoted(origin)}, and its Host ${quoted(headers.host ?? '')}`)
}

function foreign(why: string): string {
  return (
    `A session works only in pages of the service itself, and this request comes from elsewhere: ${why}. There, send an ` +
    'API key: "Authorization: Bearer <key>". A proxy in front of the service must pass on Host, or the original one as ' +
    'X-Forwarded-Host.'
  )
}

/** What the browser asked the first proxy for. No page can set the header with credentials, or for a WebSocket. */
function forwardedHost({ headers }: IncomingMessage): string | undefined {
  return [headers['x-forwarded-host']].flat()[0]?.split(',')[0]?.trim()
}

/** Whether a Host header names the host of an origin. The port of its scheme may be left out. */
function isOriginOf(origin: string, host: string): boolean {
  const page = URL.parse(origin)
  if (page?.protocol !== 'http:' && page?.protocol !== 'https:') return false
  return URL.parse(`${page.protocol}//${host}`)?.host === page.host
}
