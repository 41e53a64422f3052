import type { ServerResponse } from 'node:http'

/** What every answer to a page of another origin has: it may read it, as no cookie counts. */
export const anyOrigin = { 'Access-Control-Allow-Origin': '*' }

/** Answers the question of a browser what a page of another origin may send. */
export function answerPreflight(
  response: ServerResponse,
  { methods, headers }: { methods: string; headers: string },
): void {
  response
    .writeHead(204, {
      ...anyOrigin,
      'Access-Control-Allow-Methods': methods,
      'Access-Control-Allow-Headers': headers,
      'Access-Control-Max-Age': '86400',
    })
    .end()
}
