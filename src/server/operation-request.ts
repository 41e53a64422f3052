import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import type { GraphQLParams } from 'graphql-yoga'
import { FileInterruptedError } from '../domain/books/errors.ts'
import { topLevelError } from '../graphql/errors/top-level.ts'
import { grouped } from '../grouped.ts'
import type { Arrival } from './arrivals.ts'
import { maxSilenceMs, readBody } from './body.ts'
import { checkJson } from './json.ts'
import { isForm, readForm } from './multipart.ts'

/** How operations are read from HTTP requests (https://graphql.github.io/graphql-over-http/draft/), and what to send instead. */

export const maxRequestBytes = 1_000_000

const asJson =
  'Send the operation as JSON, { "query": "…", "variables": { … } }, with the header Content-Type: application/json.'

/** What a request brings, before it has been read as an operation. */
export type RequestBody = { length: number } & (
  | { text: string; type: BodyType }
  | { form: GraphQLParams }
  | { search: string }
)

type BodyType = 'json' | 'document'

/** Throws unless operations can come by the method of a request. */
export function checkMethod({ method }: IncomingMessage): void {
  if (method !== 'GET' && method !== 'POST')
    throw malformed('Send an operation with POST, or a query with GET.', 405, { Allow: 'GET, POST, OPTIONS' })
}

/**
 * The body of a request, read to its end, or the search of its address; of a form all that comes before the file; with
 * how long it is. Rejects with a top-level error when it is none that an operation can be read from, and with what `keep` throws
 * before more is kept than may be.
 */
export async function readRequestBody(
  request: IncomingMessage,
  response: ServerResponse,
  keep: Arrival['keep'],
): Promise<RequestBody> {
  const { method, headers, url = '' } = request
  if (method === 'GET') {
    const search = url.split(/\?(.*)/s)[1] ?? ''
    return { search, length: search.length }
  }
  if (isForm(request)) {
    const { operation, length } = await readForm(request, response, { silenceMs: maxSilenceMs, keep })
    return { form: operation, length }
  }
  const type = typeOf(headers['content-type'])
  if (!/^(|identity)$/i.test((headers['content-encoding'] ?? '').trim()))
    throw malformed('An operation cannot be sent packed: leave Content-Encoding out.', 415)
  const text = decoded(await readWhole(request, response, keep))
  return { text, type, length: text.length }
}

/** The operation that a request brings. Throws a problem that says what to send when it brings none. */
export function readOperation(body: RequestBody): GraphQLParams {
  if ('form' in body) return checkedOperation(body.form)
  if ('search' in body) return checkedOperation(operationOfSearch(body.search))
  if (body.text.trim() === '') throw malformed(`The request has no body. ${asJson}`)
  return checkedOperation(body.type === 'document' ? { query: body.text } : parseJson(body.text, 'The body'))
}

/**
 * What clients that know persisted queries are told, which send the hash or the name of a query alone. In the words in
 * which they expect it: then they send the query itself. (https://www.apollographql.com/docs/apollo-server/performance/apq)
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
    throw malformed(`The charset of the body is ${quoted(charset)}. Send it in UTF-8.`, 415)
  const name = type.trim()
  if (name === 'application/json' || name === 'application/graphql+json') return 'json'
  if (name === 'application/graphql') return 'document'
  const given =
    name === '' ? 'The request says nothing of its content type.' : `The content type is ${quoted(name)}.`
  // What curl says of the data of -d, and browsers of forms.
  const hint =
    name === 'application/x-www-form-urlencoded' ? " With curl: -H 'Content-Type: application/json'." : ''
  throw malformed(`${given} ${asJson}${hint}`, 415)
}

async function readWhole(
  request: IncomingMessage,
  response: ServerResponse,
  keep: Arrival['keep'],
): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxRequestBytes) throw tooLong()
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of readBody(request, response, maxSilenceMs)) {
      size += chunk.length
      if (size > maxRequestBytes) break
      keep(chunk.length)
      chunks.push(chunk)
    }
  } catch (error) {
    if (!(error instanceof FileInterruptedError)) throw error
    // Whatever it was that the connection broke with: there is nobody left to be told.
    throw malformed('The connection was lost before all of the request had arrived.')
  }
  if (size > maxRequestBytes) throw tooLong()
  return Buffer.concat(chunks, size)
}

function tooLong(): GraphQLError {
  return malformed(
    `The request has more than ${grouped(maxRequestBytes)} bytes. Ask for less at once. Files are sent as a form, ` +
      'or to /pools/<pool id>/codes.',
    413,
  )
}

function decoded(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw malformed('The body is not UTF-8. Send JSON in UTF-8.')
  }
}

function operationOfSearch(search: string): Record<string, unknown> {
  const parameters = new URLSearchParams(search)
  const operation: Record<string, unknown> = {}
  for (const name of documentNames) operation[name] = parameters.get(name)
  for (const name of fields) {
    const [value, ...more] = parameters.getAll(name)
    if (more.length > 0)
      throw malformed(`The address has more than one ${name}. Send one operation with each request.`)
    if (value === undefined || value === '') continue
    const isJson = name === 'variables' || name === 'extensions'
    operation[name] = isJson ? parseJson(value, `The parameter ${name} of the address`) : value
  }
  return operation
}

function parseJson(text: string, what: string): unknown {
  checkJson(text)
  try {
    return JSON.parse(text)
  } catch {
    throw malformed(`${what} is not JSON. ${asJson}`)
  }
}

const fields: ReadonlySet<string> = new Set(['query', 'operationName', 'variables', 'extensions'])

// Under which clients name a document that a server could know, in place of its text or beside it.
const documentNames = ['documentId', 'id', 'doc_id'] as const

/** Whether an operation has no document, and only says by which hash or name a server could know it. */
export function onlyNamesDocument(operation: Readonly<Record<string, unknown>>): boolean {
  const { query, extensions } = operation
  if (query != null && query !== '') return false
  return (
    (isObject(extensions) && isObject(extensions['persistedQuery'])) ||
    documentNames.some((name) => typeof operation[name] === 'string' && operation[name] !== '')
  )
}

function checkedOperation(sent: unknown): GraphQLParams {
  if (Array.isArray(sent))
    throw malformed('The body is a list. Send one operation with each request: batching is not supported.')
  if (!isObject(sent)) throw malformed(`The body is ${kindOf(sent)} and no object. ${asJson}`)
  const { query, operationName, variables, extensions } = sent
  if (operationName != null && typeof operationName !== 'string')
    throw malformed(
      `operationName is ${kindOf(operationName)}: send the name of an operation, or leave it out.`,
    )
  for (const [name, value] of Object.entries({ variables, extensions }))
    if (value != null && !isObject(value))
      throw malformed(
        `${name} is ${kindOf(value)}: send it as a JSON object${typeof value === 'string' ? ', and not as text' : ''}, or leave it out.`,
      )
  if (onlyNamesDocument(sent)) throw persistedQueryNotSupported()
  if (query == null) throw malformed(`The request has no query${unknownOf(sent)}. ${asJson}`)
  if (typeof query !== 'string')
    throw malformed(`query is ${kindOf(query)}: send the document as a string. ${asJson}`)
  const operation: GraphQLParams = { query }
  if (operationName != null && operationName !== '') operation.operationName = operationName
  if (isObject(variables)) operation.variables = variables
  if (isObject(extensions)) operation.extensions = extensions
  return operation
}

/** What a request without a query has instead, for which it may have been meant. */
function unknownOf(sent: Readonly<Record<string, unknown>>): string {
  const unknown = Object.keys(sent).find((name) => !fields.has(name) && sent[name] != null)
  return unknown === undefined ? '' : `, and its field ${quoted(unknown)} means nothing`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}

/** A request that is no operation: the same status for every client, whatever it accepts. */
function malformed(message: string, status = 400, headers: Record<string, string> = {}): GraphQLError {
  return topLevelError('BAD_USER_INPUT', message, { http: { status, headers } })
}
