import type { IncomingMessage } from 'node:http'
import { isLoopbackHost } from './graphiql.ts'

// What browsers send with a page that somebody has asked for. Whatever else there is was added by something in between.
const ofBrowsers = new Set([
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
 * Whether a page is asked for by a browser on this very machine, at the service itself and of one's own accord: then it
 * may hold a key. Everything has to be as such a browser sends it: a proxy that is not known here should differ in
 * something all the same, as in the version of HTTP, in headers that it adds, or in the connection that it does not keep.
 */
export function isOperatorsOwn({
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
    // Not from a page of another site, and not by one, whatever it does with the answer.
    ['none', 'same-origin', undefined].includes(header(headers['sec-fetch-site'])) &&
    new Set(names).size === names.length &&
    names.every((name) => ofBrowsers.has(name) || name.startsWith('sec-'))
  )
}

function header(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}

function isLoopbackAddress(address: string | undefined): boolean {
  return address !== undefined && /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/i.test(address)
}
