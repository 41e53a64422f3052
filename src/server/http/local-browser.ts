import type { IncomingMessage } from 'node:http'

// Headers that browsers send when they open a page. Any other was added on the way.
const browserHeaders = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'connection',
  'cookie',
  'dnt',
  'host',
  'if-modified-since',
  'if-none-match',
  'pragma',
  'priority',
  'purpose',
  'referer',
  'save-data',
  'te',
  'upgrade-insecure-requests',
  'user-agent',
])

/**
 * Whether a page is requested directly by a browser on this machine, and not by a page of another site: then it may contain
 * a key. Everything must be as such a browser sends it. A reverse proxy on this machine looks local too, but differs in the
 * HTTP version, the headers it adds, or the connection it does not keep alive.
 */
export function isLocalBrowser({
  method,
  httpVersion,
  rawHeaders,
  headers,
  socket,
}: IncomingMessage): boolean {
  const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
  const port = Number(/:(\d+)$/.exec(headers.host ?? '')?.[1] ?? 80)
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    isLoopbackAddress(socket.remoteAddress) &&
    isLoopbackHost(headers.host) &&
    port === socket.localPort &&
    headers.connection?.toLowerCase() === 'keep-alive' &&
    // Neither opened nor fetched by a page of another site.
    [headers['sec-fetch-site']].flat().every((site) => ['none', 'same-origin', undefined].includes(site)) &&
    new Set(names).size === names.length &&
    names.every((name) => browserHeaders.has(name) || name.startsWith('sec-'))
  )
}

function isLoopbackAddress(address: string | undefined): boolean {
  return address !== undefined && /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/i.test(address)
}

/**
 * Whether a Host header names the loopback interface. With any other name the request may be the result of DNS rebinding, and
 * the browser would let evil.example read the page.
 */
export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host)
}
