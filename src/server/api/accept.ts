import type { IncomingHttpHeaders } from 'node:http'

// What a client accepts as an answer, by Yoga's rules: the first range counts that can be satisfied, without weights, and a
// range with another charset than UTF-8 does not.

/** A media type of an answer that is neither a stream nor in parts. */
export type JsonType = 'application/json' | 'application/graphql-response+json'

const jsonTypes: ReadonlyMap<string, JsonType> = new Map([
  ['*/*', 'application/json'],
  ['application/*', 'application/json'],
  ['application/json', 'application/json'],
  ['application/graphql-response+json', 'application/graphql-response+json'],
])

const streamTypes: ReadonlySet<string> = new Set(['*/*', 'text/*', 'text/event-stream'])

/** The type of the answer to a query or a mutation, if it can be JSON. */
export function jsonTypeOf(accept = '*/*'): JsonType | undefined {
  // What nearly all clients send.
  const known = jsonTypes.get(accept)
  if (known !== undefined) return known
  const ranges = mediaRangesOf(accept)
  return jsonTypes.get(ranges.find((range) => jsonTypes.has(range)) ?? '')
}

/** Whether the answer to a subscription can be an event stream. */
export function acceptsStream(accept: string): boolean {
  return mediaRangesOf(accept).some((range) => streamTypes.has(range))
}

/**
 * The headers with an Accept header that Yoga can satisfy. Otherwise it finds out only after execution, and sends no answer.
 */
export function acceptable(headers: IncomingHttpHeaders): Record<string, string> {
  const { accept } = headers
  const isKnown =
    accept === undefined ||
    mediaRangesOf(accept).some(
      (range) => jsonTypes.has(range) || streamTypes.has(range) || multipartTypes.has(range),
    )
  return (isKnown ? headers : { ...headers, accept: 'application/json' }) as Record<string, string>
}

const multipartTypes: ReadonlySet<string> = new Set(['multipart/*', 'multipart/mixed'])

/** The media ranges of an Accept header, in order. */
function mediaRangesOf(accept: string): string[] {
  return accept
    .replaceAll(/\s/g, '')
    .toLowerCase()
    .split(',')
    .flatMap((range) => {
      const [type = '', ...parameters] = range.split(';')
      const charset = parameters.find((parameter) => parameter.includes('charset='))
      return charset === undefined || charset === 'charset=utf-8' ? [type] : []
    })
}
