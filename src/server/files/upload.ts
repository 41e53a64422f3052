import type { IncomingMessage } from 'node:http'
import { FileTooLargeError, InvalidInputError } from '../../domain/books/errors.ts'
import type { UploadInput, Uploads } from '../../domain/upload/receive.ts'
import { requireScope } from '../../graphql/field-rules.ts'
import { encodeId, inputId } from '../../graphql/ids.ts'
import { Parameters } from '../../routes.ts'
import type { Authentication } from '../authentication.ts'
import { anyOrigin } from '../http/cross-origin.ts'
import { badRequest } from '../http/errors.ts'
import { maxSilenceMs, readBody } from '../http/request.ts'
import type { Route, Target } from '../http/server.ts'

const methods = 'POST, OPTIONS'

/**
 * `POST /pools/<pool id>/codes`: the mutation uploadCodes with the bytes of the file as the body. A request that can be
 * refused without its file is refused before any of the file is requested.
 */
export function uploadRoute(parts: {
  uploads: Uploads
  authentication: Authentication
  /** How long a client may send nothing. */
  silenceMs?: number
}): Route {
  const { uploads, authentication, silenceMs = maxSilenceMs } = parts
  return {
    methods,
    readsBody: true,
    async answer(request, response, target) {
      const credentials = await authentication.authenticateRequest(request)
      target.record.keyId = credentials.keyId
      requireScope(credentials, 'MANAGE', 'uploading codes')
      if (request.method !== 'POST')
        throw badRequest('POST the file here: its bytes are the body of the request.', 405, {
          Allow: methods,
        })
      const input = readInput(target)
      checkHeaders(request, uploads.maxBytes)
      const body = readBody(request, response, silenceMs)
      const { taskId } = await uploads.receive(credentials, input, body)
      const task = { id: encodeId('Task', taskId), status: 'AWAITING_EXECUTION' }
      response
        .writeHead(202, { ...anyOrigin, 'Content-Type': 'application/json; charset=utf-8' })
        .end(JSON.stringify({ task }))
    },
  }
}

const parameters = ['column', 'header', 'dryRun', 'caseSensitive', 'idempotencyKey']

function readInput({ id, search }: Target): UploadInput {
  const given = new Parameters(
    search,
    parameters,
    (name, message) => new InvalidInputError([{ path: [name], message }]),
  )
  return {
    poolId: inputId('Pool', id, 'the pool id in the address', ['poolId']),
    column: given.text('column'),
    header: given.flag('header'),
    dryRun: given.flag('dryRun') ?? false,
    caseSensitive: given.flag('caseSensitive') ?? false,
    idempotencyKey: given.text('idempotencyKey'),
  }
}

/** Refuses a request whose headers already show that its body is not a file for this route. */
function checkHeaders({ headers }: IncomingMessage, maxBytes: number): void {
  if (/^multipart\//i.test(headers['content-type'] ?? ''))
    throw badRequest(
      'A form cannot be uploaded here: send the bytes of the file as the body (curl -T codes.csv), or send the form ' +
        'to /graphql with the mutation uploadCodes.',
      415,
    )
  // Files in gzip are recognised by their content, whether or not this header says so.
  if (!/^(|identity|gzip|x-gzip)$/i.test((headers['content-encoding'] ?? '').trim()))
    throw badRequest('A file can be compressed with gzip only.', 415)
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw new FileTooLargeError(maxBytes)
}
