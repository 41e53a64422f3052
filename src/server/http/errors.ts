import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { GraphQLError } from 'graphql'
import type { Logger } from 'pino'
import {
  FileTooLargeError,
  InvalidInputError,
  UserError,
  type UserErrorCode,
} from '../../domain/books/errors.ts'
import {
  publicError,
  type TopLevelErrorCode,
  topLevelError,
  wireError,
} from '../../graphql/errors/top-level.ts'
import { RequestRecord, requestIdHeader, requestIdOf } from '../../telemetry/request-record.ts'
import { anyOrigin } from './cross-origin.ts'

// How HTTP requests are answered with errors: { "errors": [{ "message", "extensions" }] }, as in the API, and readable by
// pages of every origin.

/** The HTTP status of each error code; 400 for all others. */
const statuses: Readonly<Partial<Record<TopLevelErrorCode | UserErrorCode, number>>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  IDEMPOTENCY_CONFLICT: 409,
  POOL_ARCHIVED: 409,
  RATE_LIMITED: 429,
  INTERNAL_SERVER_ERROR: 500,
  UNAVAILABLE: 503,
}

/** BAD_USER_INPUT with a status. The message says what to send instead. */
export function badRequest(
  message: string,
  status = 400,
  headers: Readonly<Record<string, string>> = {},
): GraphQLError {
  return topLevelError('BAD_USER_INPUT', message, { http: { status, headers } })
}

export function notFound(message: string, status = 404): GraphQLError {
  return topLevelError('NOT_FOUND', message, { http: { status } })
}

/**
 * Answers a request with an error. Domain errors and top-level errors keep their code and message; any other error is logged
 * and masked. `extensions.http` overrides the status and adds headers. A response that has begun is cut off.
 */
export function answerError(
  response: ServerResponse,
  error: unknown,
  log: Logger,
  record = new RequestRecord(),
): void {
  const { status, headers, json } =
    error instanceof UserError ? domainError(error, record) : otherError(error, log, record)
  if (response.headersSent) {
    response.destroy()
    return
  }
  const body = JSON.stringify({ errors: [json] })
  response
    .writeHead(status, { ...anyOrigin, ...headers, ...bodyHeaders(body) })
    .end(response.req.method === 'HEAD' ? undefined : body)
}

/** Answers on a connection without a response, because its request is malformed or asks for another protocol, and closes it. */
export function refuseConnection(
  connection: Duplex,
  { status, message, headers = {} }: { status: number; message: string; headers?: Record<string, string> },
): void {
  const requestId = requestIdOf(undefined)
  const body = JSON.stringify({
    errors: [wireError(topLevelError('BAD_USER_INPUT', message, { requestId }))],
  })
  const lines = Object.entries({
    ...anyOrigin,
    ...headers,
    ...bodyHeaders(body),
    [requestIdHeader]: requestId,
    Connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  connection.once('finish', () => connection.destroy())
  connection.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`)
}

interface ErrorAnswer {
  status: number
  headers?: Record<string, string> | undefined
  json: object
}

/** The fields of the API's typed error become extensions. */
function domainError(error: UserError, record: RequestRecord): ErrorAnswer {
  const { message, code, path } = error
  record.noteCode(code)
  const issues = error instanceof InvalidInputError ? { issues: error.issues } : {}
  const status = error instanceof FileTooLargeError ? 413 : statusOf(code)
  return { status, json: { message, extensions: { code, path, ...issues, requestId: record.id } } }
}

function otherError(error: unknown, log: Logger, record: RequestRecord): ErrorAnswer {
  const shown = publicError(error, log, record)
  const { http, code } = shown.extensions as {
    http?: { status?: number; headers?: Record<string, string> }
    code: TopLevelErrorCode
  }
  return { status: http?.status ?? statusOf(code), headers: http?.headers, json: wireError(shown) }
}

function statusOf(code: TopLevelErrorCode | UserErrorCode): number {
  return statuses[code] ?? 400
}

function bodyHeaders(body: string) {
  return {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  }
}
