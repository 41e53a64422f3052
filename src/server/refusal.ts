import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import {
  FileTooLargeError,
  InvalidInputError,
  UserError,
  type UserErrorCode,
} from '../domain/books/errors.ts'
import { publicError, type TopLevelErrorCode, topLevelError, wireError } from '../graphql/errors/top-level.ts'
import { anyOrigin } from './cross-origin.ts'

/** By the codes of problems and of typed errors; for those that are not here it is 400. */
const statuses: Readonly<Partial<Record<TopLevelErrorCode | UserErrorCode, number>>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  IDEMPOTENCY_CONFLICT: 409,
  RATE_LIMITED: 429,
  INTERNAL_SERVER_ERROR: 500,
  UNAVAILABLE: 503,
}

/**
 * Answers a request beside the API with an error, in the form of the API: a typed error or a problem with its own code
 * and message, any other error logged and masked. What extensions.http says of the status and of headers holds. An
 * answer that has begun is cut off.
 */
export function refuse(response: ServerResponse, error: unknown, log: Logger): void {
  const { status, headers, told } = error instanceof UserError ? typed(error) : untyped(error, log)
  if (response.headersSent) {
    response.destroy()
    return
  }
  const body = JSON.stringify({ errors: [told] })
  response
    .writeHead(status, {
      ...anyOrigin,
      ...headers,
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
    })
    .end(response.req.method === 'HEAD' ? undefined : body)
}

/**
 * Answers on a connection that no response was made for, as its request could not be read or was for another protocol,
 * in the same form; then closes it.
 */
export function refuseConnection(
  connection: Duplex,
  { status, message, headers = {} }: { status: number; message: string; headers?: Record<string, string> },
): void {
  const body = JSON.stringify({ errors: [wireError(topLevelError('BAD_USER_INPUT', message))] })
  const head = {
    ...anyOrigin,
    ...headers,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  }
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`)
  connection.once('finish', () => connection.destroy())
  connection.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`)
}

interface Refusal {
  status: number
  headers?: Record<string, string> | undefined
  told: object
}

/** With what a typed error has in the API, as extensions. */
function typed(error: UserError): Refusal {
  const { message, code, path } = error
  const issues = error instanceof InvalidInputError ? { issues: error.issues } : {}
  const status = error instanceof FileTooLargeError ? 413 : statusOf(code)
  return { status, told: { message, extensions: { code, path, ...issues } } }
}

function untyped(error: unknown, log: Logger): Refusal {
  const told = publicError(error, log)
  const { http, code } = told.extensions as {
    http?: { status?: number; headers?: Record<string, string> }
    code: TopLevelErrorCode
  }
  return { status: http?.status ?? statusOf(code), headers: http?.headers, told: wireError(told) }
}

function statusOf(code: TopLevelErrorCode | UserErrorCode): number {
  return statuses[code] ?? 400
}
