import type { IncomingMessage } from 'node:http'

// Headers that browsers send when somebody opens a page. Any other was added on the way.
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
 * Whether a page was requested by a browser on this machine, directly and not by a page of another site: then it may contain
 * a key. Everything must be as such a browser sends it, because a reverse proxy on this machine looks local as well, and
 * gives itself away in the HTTP version, the headers that it adds, or the connection that it does not keep alive.
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
    ['none', 'same-origin', undefined].includes(header(headers['sec-fetch-site'])) &&
    new Set(names).size === names.length &&
    names.every((name) => browserHeaders.has(name) || name.startsWith('sec-'))
  )
}

function header(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}

function isLoopbackAddress(address: string | undefined): boolean {
  return address !== undefined && /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/i.test(address)
}

/**
 * Whether a Host header names the loopback interface. Under any other name the service could have been reached by DNS
 * rebinding: the browser would take its page for one of evil.example.
 */
export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host)
}
