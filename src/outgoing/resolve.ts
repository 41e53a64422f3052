import { Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import { OutgoingError } from './errors.ts'

/** Finds the addresses of a name. Rejects with an OutgoingError if there are none, and when `signal` is aborted. */
export type Resolve = (name: string, signal: AbortSignal) => Promise<readonly string[]>

// Of one name. More are not tried.
const maxAddresses = 8

/**
 * Asks name servers, by default those of the machine. The resolver of the system (getaddrinfo) would not do: each question
 * occupies one of four threads that the whole process shares, so a few names whose servers do not answer would hold up
 * everything. So /etc/hosts is not read.
 */
export async function resolveByDns(
  name: string,
  signal: AbortSignal,
  servers?: readonly string[],
): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: 1_500, tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const found = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    signal.throwIfAborted()
    const addresses = found.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
    if (addresses.length > 0) return addresses.slice(0, maxAddresses)
    throw failureOf(found.flatMap((each) => (each.status === 'rejected' ? [each.reason] : [])))
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

function failureOf(reasons: unknown[]): OutgoingError {
  const codes = reasons.map((reason) =>
    reason instanceof Error && 'code' in reason ? reason.code : undefined,
  )
  return codes.every((code) => code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EBADNAME')
    ? new OutgoingError('NO_SUCH_NAME', 'There is no host of this name.', reasons[0])
    : new OutgoingError('UNREACHABLE', 'The name of the host could not be resolved.', reasons[0])
}

/** The addresses of the host of a URL, which is a name or an address. "localhost" is this machine (RFC 6761). */
export async function addressesOf(
  url: URL,
  resolve: Resolve,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0) return [host]
  if (/^(?:.+\.)?localhost\.?$/.test(host)) return ['127.0.0.1', '::1']
  return await resolve(host, signal)
}
