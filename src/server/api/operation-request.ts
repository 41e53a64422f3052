import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import type { GraphQLParams } from 'graphql-yoga'
import { FileInterruptedError } from '../../domain/books/errors.ts'
import { topLevelError } from '../../graphql/errors/top-level.ts'
import { grouped } from '../../grouped.ts'
import { quoted } from '../../quoted.ts'
import { Parameters } from '../../routes.ts'
import { badRequest } from '../http/errors.ts'
import { limitArrival, maxSilenceMs, receiveBody } from '../http/request.ts'

// Reads operations from HTTP requests: https://graphql.github.io/graphql-over-http/draft/. A request without a valid
// operation is answered with the same status whatever its Accept header says. Forms: see multipart.ts.

export const maxRequestBytes = 1_000_000

// Parsing is slowest where few bytes make many values: a megabyte of brackets took 0.1 s.
const maxJsonValues = 20_000
const maxJsonLevels = 100

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c]
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]

const asJson =
  'Send the operation as JSON, { "query": "…", "variables": { … } }, with the header Content-Type: application/json.'

const inAddress =
  'Send a query in the address, as in /graphql?query=…, or an operation as JSON with POST. A browser that opens the address gets ' +
  'GraphiQL.'

/** What a request brought, before it is parsed. `length` is in characters. */
export type RequestBody = { length: number } & (
  | { text: string; type: BodyType }
  | { operation: GraphQLParams }
  | { search: string }
)

type BodyType = 'json' | 'document'

/** @throws (405) if operations are not sent with the method of a request */
export function checkMethod({ method }: IncomingMessage): void {
  if (method !== 'GET' && method !== 'POST')
    throw badRequest('Send an operation with POST, or a query with GET.', 405, {
      Allow: 'GET, POST, OPTIONS',
    })
}

/** Whether the body of a request is a form, which may contain a file. */
export function isForm({ method, headers }: IncomingMessage): boolean {
  return method === 'POST' && /^multipart\/form-data *(;|$)/i.test(headers['content-type'] ?? '')
}

/**
 * Reads the body of a request that is not a form, or its query string. Every chunk is counted with `keep` before it is kept.
 *
 * @throws BAD_USER_INPUT for a body that cannot be an operation, and what `keep` throws
 */
export async function readRequestBody(
  request: IncomingMessage,
  response: ServerResponse,
  keep: (bytes: number) => void,
): Promise<RequestBody> {
  const { method, headers, url = '' } = request
  if (method === 'GET') {
    // It has no body, but may announce one.
    limitArrival(request)
    const search = url.split(/\?(.*)/s)[1] ?? ''
    return { search, length: search.length }
  }
  const type = typeOf(headers['content-type'])
  if (!/^(|identity)$/i.test((headers['content-encoding'] ?? '').trim()))
    throw badRequest('An operation cannot be compressed: leave Content-Encoding out.', 415)
  const text = decoded(await readWhole(request, response, keep))
  return { text, type, length: text.length }
}

/** @throws BAD_USER_INPUT that says what to send, if the body is not an operation */
export function readOperation(body: RequestBody): GraphQLParams {
  if ('operation' in body) return checkedOperation(body.operation, asJson)
  if ('search' in body) return checkedOperation(operationOfSearch(body.search), inAddress)
  if (body.text.trim() === '') throw badRequest(`The request has no body. ${asJson}`)
  const sent = body.type === 'document' ? { query: body.text } : parse(body.text, 'The body', asJson)
  return checkedOperation(sent, asJson)
}

/**
 * The error for an operation that is only named by hash or id. Clients of persisted queries recognise it, and then send the
 * query: https://www.apollographql.com/docs/apollo-server/performance/apq
 */
export function persistedQueryNotSupported(): GraphQLError {
  return topLevelError('PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported')
}

function typeOf(contentType: string | undefined): BodyType {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';')
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/.exec(parameter)?.[1])
    .find((named) => named !== undefined)
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')
    throw badRequest(`The charset of the body is ${quoted(charset)}. Send it in UTF-8.`, 415)
  const name = type.trim()
  if (name === 'application/json' || name === 'application/graphql+json') return 'json'
  if (name === 'application/graphql') return 'document'
  const given = name === '' ? 'The request names no content type.' : `The content type is ${quoted(name)}.`
  // What curl -d sends.
  const hint =
    name === 'application/x-www-form-urlencoded' ? " With curl: -H 'Content-Type: application/json'." : ''
  throw badRequest(`${given} ${asJson}${hint}`, 415)
}

async function readWhole(
  request: IncomingMessage,
  response: ServerResponse,
  keep: (bytes: number) => void,
): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxRequestBytes) throw tooLong()
  const chunks: Buffer[] = []
  let size = 0
  const receive = (chunk: Buffer) => {
    size += chunk.length
    if (size > maxRequestBytes) throw tooLong()
    keep(chunk.length)
    chunks.push(chunk)
  }
  try {
    await receiveBody(request, response, { silenceMs: maxSilenceMs, receive })
  } catch (error) {
    if (!(error instanceof FileInterruptedError)) throw error
    // Not sent: the connection is lost.
    throw badRequest('The connection was lost before all of the request had arrived.')
  }
  const [only] = chunks
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, size)
}

function tooLong(): GraphQLError {
  return badRequest(
    `The request has more than ${grouped(maxRequestBytes)} bytes. Ask for less in each request. Send a file as a form, ` +
      'or to /pools/<pool id>/codes.',
    413,
  )
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function decoded(body: Buffer): string {
  try {
    return decoder.decode(body)
  } catch {
    throw badRequest('The body is not UTF-8. Send JSON in UTF-8.')
  }
}

function operationOfSearch(search: string): Record<string, unknown> {
  const invalid = (_name: string, message: string) => badRequest(message)
  const parameters = new Parameters(search, [...fields], invalid, { allowUnknown: true })
  const operation: Record<string, unknown> = {}
  for (const name of documentNames) operation[name] = parameters.text(name)
  for (const name of fields) {
    const value = parameters.text(name)
    if (value === undefined || value === '') continue
    const isJson = name === 'variables' || name === 'extensions'
    operation[name] = isJson
      ? parse(value, `The parameter ${name} of the address`, 'Send a JSON object, percent-encoded.')
      : value
  }
  return operation
}

/** `advice` is a sentence that says what to send instead. */
function parse(text: string, what: string, advice: string): unknown {
  const value = parseJson(text)
  if (value === undefined) throw badRequest(`${what} is not JSON. ${advice}`)
  return value
}

const fields: ReadonlySet<string> = new Set(['query', 'operationName', 'variables', 'extensions'])

// How clients name a document that a server might have stored.
const documentNames = ['documentId', 'id', 'doc_id'] as const

/** Whether an operation has no document but only the hash or id of one. */
export function onlyNamesDocument(operation: Readonly<Record<string, unknown>>): boolean {
  const { query, extensions } = operation
  if (query != null && query !== '') return false
  return (
    (isObject(extensions) && isObject(extensions['persistedQuery'])) ||
    documentNames.some((name) => typeof operation[name] === 'string' && operation[name] !== '')
  )
}

/** `advice` says how to send an operation. */
function checkedOperation(sent: unknown, advice: string): GraphQLParams {
  if (Array.isArray(sent))
    throw badRequest('The body is a list. Send one operation with each request: batching is not supported.')
  if (!isObject(sent)) throw badRequest(`The body is ${kindOf(sent)}, not an object. ${advice}`)
  const { query, operationName, variables, extensions } = sent
  if (operationName != null && typeof operationName !== 'string')
    throw badRequest(
      `operationName is ${kindOf(operationName)}: send the name of an operation, or leave it out.`,
    )
  for (const [name, value] of Object.entries({ variables, extensions }))
    if (value != null && !isObject(value))
      throw badRequest(
        `${name} is ${kindOf(value)}: send it as a JSON object${typeof value === 'string' ? ', and not as text' : ''}, or leave it out.`,
      )
  if (onlyNamesDocument(sent)) throw persistedQueryNotSupported()
  if (query == null) throw badRequest(`The request has no query${unknownOf(sent)}. ${advice}`)
  if (typeof query !== 'string')
    throw badRequest(`query is ${kindOf(query)}: send the document as a string. ${advice}`)
  const operation: GraphQLParams = { query }
  if (operationName != null && operationName !== '') operation.operationName = operationName
  if (isObject(variables)) operation.variables = variables
  return operation
}

/** For a request without a query: an unknown field that may be meant as the query. */
function unknownOf(sent: Readonly<Record<string, unknown>>): string {
  const unknown = Object.keys(sent).find((name) => !fields.has(name) && sent[name] != null)
  return unknown === undefined ? '' : `, and its field ${quoted(unknown)} is not known`
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/**
 * Parses JSON of a client; undefined if it is not JSON.
 *
 * @throws BAD_USER_INPUT (413) if it has too many values or levels
 */
export function parseJson(text: string): unknown {
  const excess = excessOfJson(text)
  if (excess !== undefined) throw badRequest(`${excess} Send less at a time, in several requests.`, 413)
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The limit that a JSON text exceeds, as a sentence. Does not check whether it is valid JSON. */
export function excessOfJson(text: string): string | undefined {
  let values = 1
  let level = 0
  for (let at = 0; at < text.length; at++)
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at)
        break
      case openList:
      case openObject:
        level += 1
        values += 1
        if (level > maxJsonLevels) return `The JSON has more than ${maxJsonLevels} levels.`
        break
      case closeList:
      case closeObject:
        level -= 1
        break
      case comma:
        values += 1
        if (values > maxJsonValues) return `The JSON has more than ${grouped(maxJsonValues)} values.`
    }
  return undefined
}

/** The index of the quote that ends the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at
    while (text.charCodeAt(before - 1) === backslash) before -= 1
    // A quote after an even number of backslashes is not escaped.
    if ((at - before) % 2 === 0) return at
  }
  return text.length
}
