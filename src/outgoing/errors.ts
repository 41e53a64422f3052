/** Why a request got no answer. */
export type OutgoingFailure = 'FORBIDDEN' | 'NO_SUCH_NAME' | 'UNREACHABLE' | 'TOO_SLOW' | 'TLS' | 'NOT_HTTP'

/**
 * A request got no answer. The message is for whoever set up the receiver: it names no address, as that may be what
 * somebody wants to find out.
 */
export class OutgoingError extends Error {
  override name = 'OutgoingError'
  readonly failure: OutgoingFailure

  constructor(failure: OutgoingFailure, message: string, cause?: unknown) {
    super(message, { cause })
    this.failure = failure
  }
}

/** Its host is, or leads to, an address outside the public Internet that is not allowed either. */
export class ForbiddenAddressError extends OutgoingError {
  override name = 'ForbiddenAddressError'

  constructor(isHttps: boolean) {
    super(
      'FORBIDDEN',
      isHttps
        ? 'The host is not a public one, and its network is not allowed.'
        : 'The host may not be sent to by http: use https.',
    )
  }
}

const messages: readonly [RegExp, OutgoingFailure, string][] = [
  [/^ECONNREFUSED$/, 'UNREACHABLE', 'The host refused the connection.'],
  [/^(?:EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EACCES|EPERM)$/, 'UNREACHABLE', 'The host cannot be reached.'],
  [/^ETIMEDOUT$/, 'TOO_SLOW', 'The host did not accept the connection in time.'],
  [
    /^(?:ECONNRESET|EPIPE|ECONNABORTED)$/,
    'UNREACHABLE',
    'The receiver closed the connection before it answered.',
  ],
  [/^CERT_HAS_EXPIRED$/, 'TLS', "The receiver's certificate has expired."],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'TLS', "The receiver's certificate is for another host."],
  [
    /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|INVALID_CA|INVALID_PURPOSE)$/,
    'TLS',
    "The receiver's certificate could not be verified.",
  ],
  [/^(?:EPROTO|ERR_SSL_\w+|ERR_TLS_\w+)$/, 'TLS', 'No encrypted connection could be made.'],
  [/^HPE_HEADER_OVERFLOW$/, 'NOT_HTTP', 'The headers of the answer are too long.'],
  [/^HPE_\w+$/, 'NOT_HTTP', 'The answer is not HTTP.'],
]

/** The failure of a request, in words. */
export function describeFailure(error: unknown): OutgoingError {
  if (error instanceof OutgoingError) return error
  // Of several addresses.
  if (error instanceof AggregateError) return describeFailure(error.errors.at(-1))
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  for (const [known, failure, message] of messages)
    if (known.test(code)) return new OutgoingError(failure, message, error)
  return new OutgoingError('UNREACHABLE', `The request failed (${code}).`, error)
}
