import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import type { GraphQLParams } from 'graphql-yoga'
import { FileInterruptedError } from '../../domain/books/errors.ts'
import { topLevelError } from '../../graphql/errors/top-level.ts'
import { grouped } from '../../grouped.ts'
import { badRequest } from '../http/errors.ts'
import { maxSilenceMs, readBody } from '../http/request.ts'
import type { Arrival } from './arrivals.ts'
import { isObject, parseJson } from './json.ts'
import { isForm, readForm } from './multipart.ts'

// Reads operations from HTTP requests: https://graphql.github.io/graphql-over-http/draft/. A request that is none has the
// same status for every client, whatever it accepts.

export const maxRequestBytes = 1_000_000

const asJson =
  'Send the operation as JSON, { "query": "…", "variables": { … } }, with the header Content-Type: application/json.'

/** What a request brought, before it is parsed. */
export type RequestBody = { length: number } & (
  | { text: string; type: BodyType }
  | { form: GraphQLParams }
  | { search: string }
)

type BodyType = 'json' | 'document'

/** @throws (405) unless a request has a method that operations are sent with */
export function checkMethod({ method }: IncomingMessage): void {
  if (method !== 'GET' && method !== 'POST')
    throw badRequest('Send an operation with POST, or a query with GET.', 405, {
      Allow: 'GET, POST, OPTIONS',
    })
}

/**
 * Reads the body of a request, or the query of its address. Of a form it reads what precedes the file. Every chunk is counted
 * with `keep` before it is kept.
 *
 * @throws BAD_USER_INPUT for a body that cannot be an operation, and what `keep` throws
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
    throw badRequest('An operation cannot be compressed: leave Content-Encoding out.', 415)
  const text = decoded(await readWhole(request, response, keep))
  return { text, type, length: text.length }
}

/** @throws BAD_USER_INPUT that says what to send, if the body is not an operation */
export function readOperation(body: RequestBody): GraphQLParams {
  if ('form' in body) return checkedOperation(body.form)
  if ('search' in body) return checkedOperation(operationOfSearch(body.search))
  if (body.text.trim() === '') throw badRequest(`The request has no body. ${asJson}`)
  return checkedOperation(body.type === 'document' ? { query: body.text } : parse(body.text, 'The body'))
}

/**
 * The error for an operation that is only named by hash or id. Clients of persisted queries recognise these words, and send
 * the query itself: https://www.apollographql.com/docs/apollo-server/performance/apq
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
    // The connection is lost, so nobody reads this.
    throw badRequest('The connection was lost before all of the request had arrived.')
  }
  if (size > maxRequestBytes) throw tooLong()
  return Buffer.concat(chunks, size)
}

function tooLong(): GraphQLError {
  return badRequest(
    `The request has more than ${grouped(maxRequestBytes)} bytes. Ask for less at once. Files are sent as a form, ` +
      'or to /pools/<pool id>/codes.',
    413,
  )
}

function decoded(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw badRequest('The body is not UTF-8. Send JSON in UTF-8.')
  }
}

function operationOfSearch(search: string): Record<string, unknown> {
  const parameters = new URLSearchParams(search)
  const operation: Record<string, unknown> = {}
  for (const name of documentNames) operation[name] = parameters.get(name)
  for (const name of fields) {
    const [value, ...more] = parameters.getAll(name)
    if (more.length > 0)
      throw badRequest(`The address has more than one ${name}. Send one operation with each request.`)
    if (value === undefined || value === '') continue
    const isJson = name === 'variables' || name === 'extensions'
    operation[name] = isJson ? parse(value, `The parameter ${name} of the address`) : value
  }
  return operation
}

function parse(text: string, what: string): unknown {
  const value = parseJson(text)
  if (value === undefined) throw badRequest(`${what} is not JSON. ${asJson}`)
  return value
}

const fields: ReadonlySet<string> = new Set(['query', 'operationName', 'variables', 'extensions'])

// How clients name a document that the server might know.
const documentNames = ['documentId', 'id', 'doc_id'] as const

/** Whether an operation has no document, only the hash or id of one. */
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
    throw badRequest('The body is a list. Send one operation with each request: batching is not supported.')
  if (!isObject(sent)) throw badRequest(`The body is ${kindOf(sent)}, not an object. ${asJson}`)
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
  if (query == null) throw badRequest(`The request has no query${unknownOf(sent)}. ${asJson}`)
  if (typeof query !== 'string')
    throw badRequest(`query is ${kindOf(query)}: send the document as a string. ${asJson}`)
  const operation: GraphQLParams = { query }
  if (operationName != null && operationName !== '') operation.operationName = operationName
  if (isObject(variables)) operation.variables = variables
  if (isObject(extensions)) operation.extensions = extensions
  return operation
}

/** For a request without a query: a field that may have been meant to be it. */
function unknownOf(sent: Readonly<Record<string, unknown>>): string {
  const unknown = Object.keys(sent).find((name) => !fields.has(name) && sent[name] != null)
  return unknown === undefined ? '' : `, and its field ${quoted(unknown)} is not known`
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
