import { GraphQLError } from 'graphql'
import type { Logger } from 'pino'
import { isUnavailable } from '../database/errors.ts'
import { CursorExpiredError, CursorInvalidError } from '../domain/errors.ts'

/** The codes of top-level errors: everything that is not a typed error of the domain. */
export type ProblemCode =
  | 'GRAPHQL_PARSE_FAILED'
  | 'GRAPHQL_VALIDATION_FAILED'
  | 'BAD_USER_INPUT'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'CURSOR_INVALID'
  | 'CURSOR_EXPIRED'
  | 'SUBSCRIBER_TOO_SLOW'
  | 'RATE_LIMITED'
  | 'UNAVAILABLE'
  | 'INTERNAL_SERVER_ERROR'

const retryAfterMs = 1_000

/** A top-level error, with extensions.code, and for some codes the HTTP status of a request that they end whole. */
export function problem(
  code: ProblemCode,
  message: string,
  extensions: Record<string, unknown> = {},
): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...extensions } })
}

export function unauthenticated(message: string): GraphQLError {
  return problem('UNAUTHENTICATED', message, {
    http: { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } },
  })
}

export function unavailable(): GraphQLError {
  const seconds = String(Math.ceil(retryAfterMs / 1_000))
  return problem('UNAVAILABLE', 'The service cannot reach its database at the moment. Try again.', {
    retryAfterMs,
    http: { status: 503, headers: { 'Retry-After': seconds } },
  })
}

/**
 * What a client is told of an error that ended an operation or a field. Errors that are meant for it keep their
 * message and have a code; any other is logged and masked.
 */
export function publicError(error: unknown, log: Logger): GraphQLError {
  if (!(error instanceof GraphQLError)) return translate(error, log)
  if (
    error.originalError !== undefined &&
    error.originalError !== null &&
    !(error.originalError instanceof GraphQLError)
  )
    return inPlace(error, translate(error.originalError, log))
  if (typeof error.extensions['code'] === 'string') return error
  // What the executor itself objects to, such as variables of the wrong type, has no code of its own.
  return inPlace(error, problem('GRAPHQL_VALIDATION_FAILED', error.message))
}

function translate(error: unknown, log: Logger): GraphQLError {
  if (error instanceof GraphQLError) return error
  if (error instanceof CursorInvalidError) return problem('CURSOR_INVALID', error.message)
  if (error instanceof CursorExpiredError) return problem('CURSOR_EXPIRED', error.message)
  if (isUnavailable(error)) {
    log.warn({ err: error }, 'a request met a database that is out of reach')
    return unavailable()
  }
  log.error({ err: error }, 'a request failed')
  return problem(
    'INTERNAL_SERVER_ERROR',
    'The service failed to answer this. It is not your fault, and it was logged.',
  )
}

/** The error `as`, at the place in the document and in the answer where `error` occurred. */
function inPlace(error: GraphQLError, as: GraphQLError): GraphQLError {
  return new GraphQLError(as.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    path: error.path,
    extensions: as.extensions,
  })
}
