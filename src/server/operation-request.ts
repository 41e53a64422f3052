import type { IncomingMessage, ServerResponse } from 'node:http'
import { type DocumentNode, type GraphQLError, getOperationAST, Kind } from 'graphql'
import type { GraphQLParams } from 'graphql-yoga'
import { problem } from '../graphql/problems.ts'
import { longestSilenceMs } from './body.ts'
import { isForm, readForm } from './multipart.ts'

/** How operations are read from HTTP requests (https://graphql.github.io/graphql-over-http/draft/), and what to send instead. */

export const maximumRequestBytes = 1_000_000

const asJson =
  'Send the operation as JSON, { "query": "…", "variables": { … } }, with the header Content-Type: application/json.'

/** What a request brings, before it has been read as an operation. */
export type RequestBody = { text: string; type: BodyType } | { form: GraphQLParams } | { search: string }

type BodyType = 'json' | 'document'

/** Throws unless operations can come by the method of a request. */
export function checkMethod({ method }: IncomingMessage): void {
  if (method !== 'GET' && method !== 'POST')
    throw malformed('Send an operation with POST, or a query with GET.', 405, { Allow: 'GET, POST, OPTIONS' })
}

/**
 * The body of a request, read to its end, or the search of its address; of a form all that comes before the file.
 * Rejects with a problem when it is none that an operation can be read from.
 */
export async function readRequestBody(
  request: IncomingMessage,
  response: ServerResponse,
): Promise<RequestBody> {
  const { method, headers, url = '' } = request
  if (method === 'GET') return { search: url.split(/\?(.*)/s)[1] ?? '' }
  if (isForm(request)) return { form: await readForm(request, response, longestSilenceMs) }
  const type = typeOf(headers['content-type'])
  if (!/^(|identity)$/i.test((headers['content-encoding'] ?? '').trim()))
    throw malformed('An operation cannot be sent packed: leave Content-Encoding out.', 415)
  return { text: decoded(await readWhole(request)), type }
}

/** The operation that a request brings. Throws a problem that says what to send when it brings none. */
export function readOperation(body: RequestBody): GraphQLParams {
  if ('form' in body) return checkedOperation(body.form)
  if ('search' in body) return checkedOperation(operationOfSearch(body.search))
  if (body.text.trim() === '') throw malformed(`The request has no body. ${asJson}`)
  return checkedOperation(body.type === 'document' ? { query: body.text } : parseJson(body.text, 'The body'))
}

/**
 * What clients that know persisted queries send first: the hash of a query alone. Told in the words in which they
 * expect it, they send the query itself. (https://www.apollographql.com/docs/apollo-server/performance/apq)
 */
export function persistedQueryNotSupported(): GraphQLError {
  return problem('PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported')
}

/** Throws unless it is clear which operation of a document is to be executed. */
export function checkOperationName(document: DocumentNode, operationName: string | null | undefined): void {
  if (getOperationAST(document, operationName) != null) return
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION)
  throw malformed(
    operations.length === 0
      ? 'The document has no operation: send a query, a mutation or a subscription.'
      : operationName == null
        ? `The document has ${operations.length} operations: say as operationName which of them to execute.`
        : `The document has no operation named ${quoted(operationName)}: send as operationName the name of one that it has.`,
    400,
    {},
    // Well-formed all the same, so that a client of application/json is answered with 200.
    { spec: true },
  )
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

async function readWhole(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maximumRequestBytes) throw tooLong()
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maximumRequestBytes) break
      chunks.push(chunk)
    }
  } catch {
    // Whatever it was that the connection broke with: there is nobody left to be told.
    throw malformed('The connection was lost before all of the request had arrived.')
  }
  if (size > maximumRequestBytes) throw tooLong()
  return Buffer.concat(chunks, size)
}

function tooLong(): GraphQLError {
  return malformed(
    `The request has more than ${maximumRequestBytes.toLocaleString('en')} bytes. Ask for less at once. Files are sent as a form, ` +
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
  for (const name of ['query', 'operationName', 'variables', 'extensions']) {
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
  try {
    return JSON.parse(text)
  } catch {
    throw malformed(`${what} is not JSON. ${asJson}`)
  }
}

const fields: ReadonlySet<string> = new Set(['query', 'operationName', 'variables', 'extensions'])

function checkedOperation(sent: unknown): GraphQLParams {
  if (Array.isArray(sent))
    throw malformed('The body is a list. Send one operation with each request: batching is not supported.')
  if (!isObject(sent)) throw malformed(`The body is ${kindOf(sent)} and no object. ${asJson}`)
  for (const [name, value] of Object.entries(sent))
    if (!fields.has(name) && value != null)
      throw malformed(`There is no field ${quoted(name)} in a request: there are ${[...fields].join(', ')}.`)
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
  if (query == null && isObject(extensions) && isObject(extensions['persistedQuery']))
    throw persistedQueryNotSupported()
  if (query == null) throw malformed(`The request has no query. ${asJson}`)
  if (typeof query !== 'string')
    throw malformed(`query is ${kindOf(query)}: send the document as a string. ${asJson}`)
  const operation: GraphQLParams = { query }
  if (operationName != null && operationName !== '') operation.operationName = operationName
  if (isObject(variables)) operation.variables = variables
  if (isObject(extensions)) operation.extensions = extensions
  return operation
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
function malformed(
  message: string,
  status = 400,
  headers: Record<string, string> = {},
  http: { spec?: boolean } = {},
): GraphQLError {
  return problem('BAD_USER_INPUT', message, { http: { status, headers, ...http } })
}
