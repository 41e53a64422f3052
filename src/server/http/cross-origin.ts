import type { ServerResponse } from 'node:http'
import { requestIdHeader } from '../../telemetry/request-record.ts'

// Response headers that a page of another origin may need.
const exposed = [
  'Accept-Ranges',
  'Allow',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Location',
  'Content-Range',
  'ETag',
  'Retry-After',
  'WWW-Authenticate',
  requestIdHeader,
]

/**
 * Headers of every response. Pages of all origins may read responses, but not those to requests with a cookie: these would
 * have to allow credentials, and none does.
 */
export const anyOrigin: Readonly<Record<string, string>> = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': exposed.join(', '),
}

// All are safe, because a page of another origin needs a key. The star allows every header that clients and monitoring
// tools add, except Authorization; the names are for old browsers without it.
const allowed = [
  'authorization',
  'content-type',
  'content-encoding',
  'range',
  'if-range',
  'if-none-match',
  'cache-control',
  'idempotency-key',
  'last-event-id',
  'x-requested-with',
  'x-request-id',
  'x-correlation-id',
  'traceparent',
  'tracestate',
  'baggage',
  'sentry-trace',
  'apollo-require-preflight',
  'apollographql-client-name',
  'apollographql-client-version',
  'x-apollo-operation-name',
  'x-apollo-operation-id',
  'graphql-client-name',
  'graphql-client-version',
  'graphql-require-preflight',
  '*',
]

/** Answers a CORS preflight request. `methods`: "GET, POST, OPTIONS". */
export function answerPreflight(response: ServerResponse, methods: string): void {
  response
    .writeHead(204, {
      ...anyOrigin,
      Allow: methods,
      'Access-Control-Allow-Methods': methods,
      'Access-Control-Allow-Headers': allowed.join(', '),
      'Access-Control-Max-Age': '86400',
    })
    .end()
}
