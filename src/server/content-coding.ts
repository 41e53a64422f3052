import type { IncomingMessage } from 'node:http'
import Negotiator from 'negotiator'

/** How the body of an answer can be packed. RFC 9110, 8.4.1; "identity" leaves it as it is. */
export type ContentCoding = 'br' | 'gzip' | 'identity'

/**
 * The coding that a request's Accept-Encoding likes best, the first one where it likes several alike; undefined where it
 * refuses them all. A request that says nothing gets it as it is. RFC 9110, 12.5.3.
 */
export function acceptedCoding(
  request: IncomingMessage,
  codings: readonly ContentCoding[],
): ContentCoding | undefined {
  const accepted = new Negotiator(request).encoding(codings, { preferred: codings })
  return codings.find((coding) => coding === accepted)
}
