import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { FileTooLargeError, InvalidInputError } from '../domain/books/errors.ts'
import type { UploadInput, Uploads } from '../domain/upload/receive.ts'
import { topLevelError } from '../graphql/errors/top-level.ts'
import { encodeId, inputId } from '../graphql/ids.ts'
import type { Authentication } from './authentication.ts'
import { maxSilenceMs, readBody } from './body.ts'
import { answerPreflight, anyOrigin } from './cross-origin.ts'
import { refuse } from './refusal.ts'

const methods = 'POST, OPTIONS'

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
    this.#silenceMs = parts.silenceMs ?? maxSilenceMs
  }

  /** Whether a request is for this route: by its path, which is all of the address before the question mark. */
  serves(path: string): boolean {
    return poolOf(path) !== undefined
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'OPTIONS') return answerPreflight(response, methods)
    try {
      const taskId = await this.#receive(request, response)
      const task = { id: encodeId('Task', taskId), status: 'AWAITING_EXECUTION' }
      response
        .writeHead(202, { ...anyOrigin, 'Content-Type': 'application/json; charset=utf-8' })
        .end(JSON.stringify({ task }))
    } catch (error) {
      refuse(response, error, this.#log)
    }
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<string> {
    const { accountId, scopes } = await this.#authentication.authenticate(request.headers.authorization)
    if (!scopes.includes('MANAGE'))
      throw topLevelError('FORBIDDEN', 'This API key lacks a scope that uploading codes needs: MANAGE.')
    if (request.method !== 'POST')
      throw topLevelError('BAD_USER_INPUT', 'POST the file here: its bytes are the body of the request.', {
        http: { status: 405, headers: { Allow: methods } },
      })
    const input = readAddress(request.url ?? '')
    checkHeaders(request, this.#uploads.maxBytes)
    const body = readBody(request, response, this.#silenceMs)
    return (await this.#uploads.receive(accountId, input, body)).taskId
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
  return {
    poolId: inputId('Pool', decoded(poolOf(path) ?? ''), 'poolId'),
    column: parameters.get('column'),
    header: readBoolean(parameters, 'header'),
    dryRun: readBoolean(parameters, 'dryRun') ?? false,
    caseSensitive: readBoolean(parameters, 'caseSensitive') ?? false,
    idempotencyKey: parameters.get('idempotencyKey'),
  }
}

const known: ReadonlySet<string> = new Set(['column', 'header', 'dryRun', 'caseSensitive', 'idempotencyKey'])

function readBoolean(parameters: ReadonlyMap<string, string>, name: string): boolean | undefined {
  const value = parameters.get(name)
  if (value === undefined) return undefined
  if (value !== 'true' && value !== 'false') throw invalid(name, 'It must be true or false.')
  return value === 'true'
}

/** What the headers say of the file, before any of it has come. */
function checkHeaders({ headers }: IncomingMessage, maxBytes: number): void {
  if (/^multipart\//i.test(headers['content-type'] ?? ''))
    throw topLevelError(
      'BAD_USER_INPUT',
      'A form cannot be uploaded here: send the bytes of the file as the body (curl -T codes.csv), or send the form ' +
        'to /graphql with the mutation uploadCodes.',
      { http: { status: 415 } },
    )
  // A file that says of itself that it is packed need not say it here as well.
  if (!/^(|identity|gzip|x-gzip)$/i.test((headers['content-encoding'] ?? '').trim()))
    throw topLevelError('BAD_USER_INPUT', 'Files can be packed with gzip, and with nothing else.', {
      http: { status: 415 },
    })
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw new FileTooLargeError(maxBytes)
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
