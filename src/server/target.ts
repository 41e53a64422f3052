import type { IncomingMessage } from 'node:http'

/** What a request is for: the path of its address, and what follows it from the question mark on. */
export interface Target {
  path: string
  search: string
}

/**
 * Reads the target of a request, which may be a path or a whole address (RFC 9112, 3.2). It is taken apart as text: an
 * address that a stranger sends need not be one.
 */
export function targetOf({ url = '/' }: IncomingMessage): Target {
  const [, authority, rest = ''] = /^https?:\/\/([^/?]*)(.*)$/is.exec(url) ?? []
  const [, path = '', search = ''] =
    /^([^?]*)(.*)$/s.exec(authority !== undefined && isHost(authority) ? rest : url) ?? []
  return { path: path === '' ? '/' : path, search }
}

/**
 * What is wrong with how a request names its host, if anything is: one, that could be the name or the address of one
 * (RFC 9112, 3.2). Nothing is done with it but that.
 */
export function hostProblem({ rawHeaders, headers, httpVersion }: IncomingMessage): string | undefined {
  const count = rawHeaders.filter(
    (name, i) => i % 2 === 0 && name.length === 4 && /^host$/i.test(name),
  ).length
  if (count > 1) return 'The request has more than one Host header. Send one.'
  const { host } = headers
  if (host === undefined)
    return httpVersion === '1.0' ? undefined : 'The request has no Host header. Send one.'
  return isHost(host)
    ? undefined
    : 'The Host header is not the name of a host. Send the name or the address that the service is reached by.'
}

/** Whether it is a WebSocket that a request asks for, by its header Upgrade. */
export function isWebSocket(upgrade: string | undefined): boolean {
  return upgrade?.toLowerCase() === 'websocket'
}

/** Whether it could be the name or the address of a host, with a port or without one. */
function isHost(text: string): boolean {
  return text.length <= 300 && /^(\[[\da-f:.]{2,}\]|[\w.-]+)(:\d{1,5})?$/i.test(text)
}
