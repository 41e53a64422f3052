import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { FileTooLargeError, InvalidInputError, UserError, type UserErrorCode } from '../domain/errors.ts'
import type { UploadInput, Uploads } from '../domain/upload.ts'
import { encodeId, uuidOf } from '../graphql/ids.ts'
import { problem, publicError, wireError } from '../graphql/problems.ts'
import type { Authentication } from './authentication.ts'
import { longestSilenceMs, readBody } from './body.ts'

const statuses: Readonly<Partial<Record<UserErrorCode, number>>> = {
  NOT_FOUND: 404,
  IDEMPOTENCY_CONFLICT: 409,
}

/**
 * `POST /pools/<pool id>/codes`: the mutation uploadCodes for files of any size, whose bytes are the body. Authorised
 * like the API, and refused, if it is, before a byte of the file has been asked for.
 */
export class UploadRoute {
  readonly #uploads: Uploads
  readonly #authentication: Authentication
  readonly #log: Logger
  readonly #silenceMs: number

  /** A client that sends nothing for `silenceMs` is cut off. */
  constructor(parts: {
    uploads: Uploads
    authentication: Authentication
    log: Logger
    silenceMs?: number
  }) {
    this.#uploads = parts.uploads
    this.#authentication = parts.authentication
    this.#log = parts.log
    this.#silenceMs = parts.silenceMs ?? longestSilenceMs
  }

  /** Whether a request is for this route: by its path, which is all of the address before the question mark. */
  serves(path: string): boolean {
    return poolOf(path) !== undefined
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { ...crossOrigin, 'Access-Control-Max-Age': '86400' }).end()
      return
    }
    try {
      const taskId = await this.#receive(request, response)
      const task = { id: encodeId('Task', taskId), status: 'AWAITING_EXECUTION' }
      sendJson(response, 202, { task })
    } catch (error) {
      this.#refuse(response, error)
    }
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<string> {
    const { accountId, scopes } = await this.#authentication.authenticate(request.headers.authorization)
    if (!scopes.includes('MANAGE'))
      throw problem('FORBIDDEN', 'This API key lacks a scope that uploading codes needs: MANAGE.', {
        http: { status: 403 },
      })
    if (request.method !== 'POST')
      throw problem('BAD_USER_INPUT', 'POST the file here: its bytes are the body of the request.', {
        http: { status: 405, headers: { Allow: 'POST, OPTIONS' } },
      })
    const input = readAddress(request.url ?? '')
    checkHeaders(request, this.#uploads.maximumBytes)
    return await this.#uploads.receive(accountId, input, readBody(request, response, this.#silenceMs))
  }

  #refuse(response: ServerResponse, error: unknown): void {
    if (error instanceof UserError) {
      const { message, code, path } = error
      const issues = error instanceof InvalidInputError ? { issues: error.issues } : {}
      const status = error instanceof FileTooLargeError ? 413 : (statuses[code] ?? 400)
      sendJson(response, status, { errors: [{ message, extensions: { code, path, ...issues } }] })
      return
    }
    const told = publicError(error, this.#log)
    const { status = 500, headers } = told.extensions.http ?? {}
    sendJson(response, status, { errors: [wireError(told)] }, headers)
  }
}

function poolOf(path: string): string | undefined {
  return /^\/pools\/([^/]+)\/codes$/.exec(path)?.[1]
}

/** What the address says. A parameter that means nothing here is refused: a dry run with a typo would be none. */
function readAddress(address: string): UploadInput {
  const [path = '', search = ''] = splitOnce(address, '?')
  const given = new URLSearchParams(search)
  const parameters = new Map<string, string>()
  for (const [name, value] of given) {
    if (!known.has(name))
      throw invalid(name, `There is no parameter of this name. Possible are ${[...known].join(', ')}.`)
    if (parameters.has(name)) throw invalid(name, 'It is given more than once.')
    parameters.set(name, value)
  }
  const dryRun = parameters.get('dryRun') ?? 'false'
  if (dryRun !== 'true' && dryRun !== 'false') throw invalid('dryRun', 'It must be true or false.')
  return {
    poolId: uuidOf('Pool', decoded(poolOf(path) ?? '')),
    column: parameters.get('column'),
    dryRun: dryRun === 'true',
    idempotencyKey: parameters.get('idempotencyKey'),
  }
}

const known: ReadonlySet<string> = new Set(['column', 'dryRun', 'idempotencyKey'])

/** What the headers say of the file, before any of it has come. */
function checkHeaders({ headers }: IncomingMessage, maximumBytes: number): void {
  if (/^multipart\//i.test(headers['content-type'] ?? ''))
    throw problem(
      'BAD_USER_INPUT',
      'A form cannot be uploaded here: send the bytes of the file as the body (curl -T codes.csv), or send the form ' +
        'to /graphql with the mutation uploadCodes.',
      { http: { status: 415 } },
    )
  // A file that says of itself that it is packed need not say it here as well.
  if (!/^(|identity|gzip|x-gzip)$/i.test((headers['content-encoding'] ?? '').trim()))
    throw problem('BAD_USER_INPUT', 'Files can be packed with gzip, and with nothing else.', {
      http: { status: 415 },
    })
  if (Number(headers['content-length'] ?? 0) > maximumBytes) throw new FileTooLargeError(maximumBytes)
}

function invalid(name: string, message: string): InvalidInputError {
  return new InvalidInputError([{ path: [name], message }])
}

function splitOnce(text: string, separator: string): [string, string] {
  const place = text.indexOf(separator)
  return place === -1 ? [text, ''] : [text.slice(0, place), text.slice(place + 1)]
}

/** What an id in an address stands for; nothing that is an id when it is not written as addresses are. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

// As the API's: the key is a header that the page itself must set.
const crossOrigin = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'POST, OPTIONS',
  'Access-Control-Allow-Headers': 'authorization, content-type, content-encoding',
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', ...crossOrigin, ...headers })
    .end(JSON.stringify(body))
}
