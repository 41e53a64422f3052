import type { ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { type ProblemCode, publicError, wireError } from '../graphql/problems.ts'

/** What every answer to a page of another origin has: it may read it, as no cookie counts. */
export const anyOrigin = { 'Access-Control-Allow-Origin': '*' }

const statuses: Readonly<Partial<Record<ProblemCode, number>>> = {
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  RATE_LIMITED: 429,
  INTERNAL_SERVER_ERROR: 500,
  UNAVAILABLE: 503,
}

/**
 * Answers a request beside the API with an error, in the form of the API: a problem with its own code and message, any
 * other error logged and masked. What extensions.http says of the status and of headers holds. An answer that has
 * begun is cut off.
 */
export function refuse(response: ServerResponse, error: unknown, log: Logger): void {
  const told = publicError(error, log)
  if (response.headersSent) {
    response.destroy()
    return
  }
  const { http, code } = told.extensions as {
    http?: { status?: number; headers?: Record<string, string> }
    code: ProblemCode
  }
  const body = JSON.stringify({ errors: [wireError(told)] })
  response
    .writeHead(http?.status ?? statuses[code] ?? 400, {
      ...anyOrigin,
      ...http?.headers,
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
    })
    .end(response.req.method === 'HEAD' ? undefined : body)
}
