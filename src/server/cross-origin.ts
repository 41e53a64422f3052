import type { ServerResponse } from 'node:http'

// What answers have beside their bodies that a page of another origin could need.
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
]

/** What every answer to a page of another origin has: it may read it, as no cookie counts. */
export const anyOrigin: Readonly<Record<string, string>> = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': exposed.join(', '),
}

// None of them lets a page do anything, as the key is a header that the page itself must have. The star stands for all
// that clients and what watches over them may add, but for Authorization; browsers that are too old to know it go by
// the names.
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

/** Answers the question of a browser what a page of another origin may send. `methods`: "GET, POST, OPTIONS". */
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
