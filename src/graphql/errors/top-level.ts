import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import type { Logger } from 'pino'
import { TooMuchWaitingError } from '../../async/scheduler.ts'
import { canRunAgain, isUnavailable } from '../../database/errors.ts'
import {
  CursorExpiredError,
  CursorInvalidError,
  FileInterruptedError,
  RateLimitedError,
  ReaderTooSlowError,
  RejectedRowsForgottenError,
  TooManyUploadsError,
} from '../../domain/books/errors.ts'

/** The codes of top-level errors: everything that is not a typed error of the domain. */
const topLevelErrorCodes = [
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
  'CURSOR_INVALID',
  'CURSOR_EXPIRED',
  'SUBSCRIBER_TOO_SLOW',
  'RATE_LIMITED',
  'ANSWER_TOO_LARGE',
  'UNAVAILABLE',
  'INTERNAL_SERVER_ERROR',
] as const

export type TopLevelErrorCode = (typeof topLevelErrorCodes)[number]

function isTopLevelErrorCode(code: unknown): boolean {
  return topLevelErrorCodes.some((known) => known === code)
}

const retryAfterMs = 1_000

/** A top-level error, with extensions.code, and for some codes the HTTP status of a request that they end whole. */
export function topLevelError(
  code: TopLevelErrorCode,
  message: string,
  extensions: Record<string, unknown> = {},
): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...extensions } })
}

export function unauthenticated(message: string): GraphQLError {
  return topLevelError('UNAUTHENTICATED', message, {
    http: { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } },
  })
}

export function unavailable(
  message = 'The database cannot serve this at the moment. Try again.',
): GraphQLError {
  return topLevelError('UNAVAILABLE', message, {
    retryAfterMs,
    http: { status: 503, headers: retryAfter(retryAfterMs) },
  })
}

function rateLimited(error: RateLimitedError | TooMuchWaitingError): GraphQLError {
  return topLevelError('RATE_LIMITED', error.message, {
    retryAfterMs: error.retryAfterMs,
    http: { status: 429, headers: retryAfter(error.retryAfterMs) },
  })
}

function retryAfter(milliseconds: number): { 'Retry-After': string } {
  return { 'Retry-After': String(Math.ceil(milliseconds / 1_000)) }
}

/**
 * What a client is told of an error that ended an operation or a field. Errors that are meant for it keep their
 * message and have a code; any other is logged and masked.
 */
export function publicError(error: unknown, log: Logger): GraphQLError {
  if (!(error instanceof GraphQLError)) return translate(error, log)
  const origin = error.cause ?? error.originalError
  if (origin != null && !(origin instanceof GraphQLError)) return inPlace(error, translate(origin, log))
  const code = error.extensions['code']
  // What the executor itself objects to, such as variables of the wrong type, has no code of its own.
  if (code === undefined) {
    // By the specification of GraphQL over HTTP, a client that accepts no more than application/json is told 200.
    const http = { status: 400, spec: true }
    return inPlace(error, topLevelError('GRAPHQL_VALIDATION_FAILED', error.message, { http }))
  }
  if (isTopLevelErrorCode(code)) return inPlace(error, error)
  // What the server objects to in a request, such as a body that is not JSON, has codes of its own.
  const { http } = error.extensions
  return inPlace(error, topLevelError('BAD_USER_INPUT', error.message, http === undefined ? {} : { http }))
}

function translate(error: unknown, log: Logger): GraphQLError {
  if (error instanceof GraphQLError) return error
  if (error instanceof CursorInvalidError) return topLevelError('CURSOR_INVALID', error.message)
  if (error instanceof CursorExpiredError) return topLevelError('CURSOR_EXPIRED', error.message)
  if (error instanceof ReaderTooSlowError) return topLevelError('SUBSCRIBER_TOO_SLOW', error.message)
  if (error instanceof RateLimitedError || error instanceof TooMuchWaitingError) return rateLimited(error)
  if (error instanceof FileInterruptedError)
    return topLevelError('BAD_USER_INPUT', error.message, { http: { status: 400 } })
  if (error instanceof RejectedRowsForgottenError)
    return topLevelError('NOT_FOUND', error.message, { http: { status: 410 } })
  if (error instanceof TooManyUploadsError) return unavailable(error.message)
  // What has lost to other transactions time and again may well win the next time.
  if (isUnavailable(error) || canRunAgain(error)) {
    log.warn({ err: error }, 'a request could not be served by the database')
    return unavailable()
  }
  log.error({ err: error }, 'a request failed')
  return topLevelError(
    'INTERNAL_SERVER_ERROR',
    'The service failed to answer this. It is not your fault, and it was logged.',
  )
}

/** An error as it goes over the wire where no HTTP response carries it: without what is for that alone. */
export function wireError(error: GraphQLError): GraphQLFormattedError {
  const { extensions, ...rest } = error.toJSON()
  const { http: _http, ...others } = extensions ?? {}
  return { ...rest, extensions: others }
}

/**
 * The error `as`, at the place in the document and in the answer where `error` occurred. The HTTP status is left to
 * errors of the whole request: beside one that ended a field there are answers that a client should read.
 */
function inPlace(error: GraphQLError, as: GraphQLError): GraphQLError {
  const { http, ...extensions } = as.extensions
  return new GraphQLError(as.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    path: error.path,
    extensions: error.path === undefined && http !== undefined ? { ...extensions, http } : extensions,
  })
}
