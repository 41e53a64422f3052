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
import type { RequestRecord } from '../../telemetry/request-record.ts'

/** The codes of top-level errors: all errors except the typed ones (typed.ts). */
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

const retryAfterMs = 1_000

/**
 * An error with `extensions.code`. `extensions.http` sets the status and headers of the HTTP response when the error ends
 * the whole request.
 */
export function topLevelError(
  code: TopLevelErrorCode,
  message: string,
  extensions: Record<string, unknown> = {},
): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...extensions } })
}

export function badInput(message: string): GraphQLError {
  return topLevelError('BAD_USER_INPUT', message)
}

export function unauthenticated(message: string): GraphQLError {
  return topLevelError('UNAUTHENTICATED', message, {
    http: { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } },
  })
}

export function unavailable(
  message = 'The database cannot serve this request at the moment. Try again.',
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
 * The error that a client sees when `error` ends an operation or a field. Errors meant for clients keep their message and
 * have a code. Any other is logged and masked. With the record of the request, its id is in the error and in the log, and the
 * error's code in the record.
 */
export function publicError(error: unknown, log: Logger, record?: RequestRecord): GraphQLError {
  const shown = unnumbered(error, log, record?.id)
  if (record === undefined) return shown
  record.noteCode(shown.extensions['code'])
  shown.extensions['requestId'] = record.id
  return shown
}

/** The public error, a new one each time, without the id of the request. */
function unnumbered(error: unknown, log: Logger, requestId: string | undefined): GraphQLError {
  if (!(error instanceof GraphQLError)) return translate(error, log, requestId)
  const origin = error.cause ?? error.originalError
  if (origin != null && !(origin instanceof GraphQLError))
    return inPlace(error, translate(origin, log, requestId))
  const code = error.extensions['code']
  // The executor's own errors have no code: a variable of the wrong type, for example.
  if (code === undefined) {
    // `spec`: clients that accept only application/json get 200, as GraphQL over HTTP requires.
    const http = { status: 400, spec: true }
    return inPlace(error, topLevelError('GRAPHQL_VALIDATION_FAILED', error.message, { http }))
  }
  if (topLevelErrorCodes.some((known) => known === code)) return inPlace(error, error)
  // Yoga has its own codes, as for a body that is not JSON.
  const { http } = error.extensions
  return inPlace(error, topLevelError('BAD_USER_INPUT', error.message, http === undefined ? {} : { http }))
}

function translate(error: unknown, log: Logger, requestId: string | undefined): GraphQLError {
  if (error instanceof CursorInvalidError) return topLevelError('CURSOR_INVALID', error.message)
  if (error instanceof CursorExpiredError) return topLevelError('CURSOR_EXPIRED', error.message)
  if (error instanceof ReaderTooSlowError) return topLevelError('SUBSCRIBER_TOO_SLOW', error.message)
  if (error instanceof RateLimitedError || error instanceof TooMuchWaitingError) return rateLimited(error)
  if (error instanceof FileInterruptedError)
    return topLevelError('BAD_USER_INPUT', error.message, { http: { status: 400 } })
  if (error instanceof RejectedRowsForgottenError)
    return topLevelError('NOT_FOUND', error.message, { http: { status: 410 } })
  if (error instanceof TooManyUploadsError) return unavailable(error.message)
  // A transaction that has lost every conflict so far may succeed next time.
  if (isUnavailable(error) || canRunAgain(error)) {
    log.warn({ err: error, requestId }, 'a request could not be served by the database')
    return unavailable()
  }
  log.error({ err: error, requestId }, 'a request failed')
  return topLevelError(
    'INTERNAL_SERVER_ERROR',
    'The service failed to answer this request. The error is in its log.',
  )
}

/** An error as sent over other transports than an HTTP response: without `extensions.http`. */
export function wireError(error: GraphQLError): GraphQLFormattedError {
  const { extensions, ...rest } = error.toJSON()
  const { http: _http, ...others } = extensions ?? {}
  return { ...rest, extensions: others }
}

/**
 * The error `as`, with the locations and the path of `error`. Only an error of the whole request keeps its HTTP status:
 * when a field has failed, the response has data that the client should read.
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
