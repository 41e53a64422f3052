import type { IncomingMessage } from 'node:http'

/**
 * Splits the target of a request, a path or a whole address (RFC 9112, 3.2), before the question mark. It is split as text,
 * because it need not be a valid address.
 */
export function targetOf({ url = '/' }: IncomingMessage): { path: string; search: string } {
  const [, authority, rest = ''] = /^https?:\/\/([^/?]*)(.*)$/is.exec(url) ?? []
  const [, path = '', search = ''] =
    /^([^?]*)(.*)$/s.exec(authority !== undefined && isHost(authority) ? rest : url) ?? []
  return { path: path === '' ? '/' : path, search }
}

/** What is wrong with the Host header of a request, if anything is (RFC 9112, 3.2). It is not used for anything else. */
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
    : 'The Host header is not the name or address of a host. Send the one at which the service is reached.'
}

/** Whether a header Upgrade asks for a WebSocket. */
export function isWebSocket(upgrade: string | undefined): boolean {
  return upgrade?.toLowerCase() === 'websocket'
}

/** Whether a text can be the name or address of a host, with or without a port. */
function isHost(text: string): boolean {
  return text.length <= 300 && /^(\[[\da-f:.]{2,}\]|[\w.-]+)(:\d{1,5})?$/i.test(text)
}
