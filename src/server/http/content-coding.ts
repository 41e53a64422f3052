import type { IncomingMessage } from 'node:http'
import Negotiator from 'negotiator'

/** Codings of RFC 9110, 8.4.1; "identity" is no compression. */
export type ContentCoding = 'br' | 'gzip' | 'identity'

/**
 * The coding that a request's Accept-Encoding prefers, the first of several with the same weight; undefined if it accepts
 * none. Without the header it is "identity". RFC 9110, 12.5.3.
 */
export function acceptedCoding(
  request: IncomingMessage,
  codings: readonly ContentCoding[],
): ContentCoding | undefined {
  const accepted = new Negotiator(request).encoding(codings, { preferred: codings })
  return codings.find((coding) => coding === accepted)
}
