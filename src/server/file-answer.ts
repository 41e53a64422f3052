import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { constants, createGzip } from 'node:zlib'
import type { Logger } from 'pino'
import { isUnavailable } from '../database/errors.ts'
import { RejectedRowsForgottenError } from '../domain/books/errors.ts'
import { SnapshotChangedError } from '../domain/code/line-reader.ts'
import { acceptedCoding } from './content-coding.ts'

/** What a request is answered with. */
export interface FileAnswer {
  status: 200 | 206
  headers: Record<string, string>
  /** Whether it can be sent packed. Ranges are of the bytes as they are. */
  gzip: boolean
  pieces: AsyncGenerator<Buffer>
}

/** Resolves when the file was sent, or when that came to an end; rejects only before the answer has begun. */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  file: FileAnswer,
  log: Logger,
): Promise<void> {
  const gzip = file.gzip && acceptedCoding(request, ['gzip', 'identity']) === 'gzip'
  const headers = { ...file.headers }
  if (gzip) {
    headers['Content-Encoding'] = 'gzip'
    // Packed it is other bytes, which ranges cannot be taken of.
    if (headers['ETag'] !== undefined) headers['ETag'] = `W/${headers['ETag']}`
  }
  headers['Accept-Ranges'] = headers['ETag'] === undefined || gzip ? 'none' : 'bytes'
  if (request.method === 'HEAD') {
    response.writeHead(file.status, headers).end()
    return
  }
  // What fails before there is anything to send can still be told.
  const pieces = await begun(file.pieces)
  response.writeHead(file.status, headers)
  // By the file alone: how a connection breaks, the database's and the client's do alike.
  let failure: { error: unknown } | undefined
  const watched = (async function* () {
    try {
      yield* pieces
    } catch (error) {
      failure = { error }
      throw error
    }
  })()
  try {
    if (gzip) await pipeline(watched, createGzip({ level: constants.Z_BEST_SPEED }), response)
    else await pipeline(watched, response)
  } catch {
    // The answer was cut off: its end is missing, and the client sees that, if it has not left itself.
    if (failure !== undefined) tellOf(failure.error, log)
  }
}

function tellOf(error: unknown, log: Logger): void {
  if (error instanceof SnapshotChangedError || error instanceof RejectedRowsForgottenError)
    log.info({ err: error }, 'a download was cut off')
  else if (isUnavailable(error)) log.warn({ err: error }, 'a download was cut off')
  else log.error({ err: error }, 'a download failed')
}

/** The same pieces, of which the first two are there: the header, and the first that had to be read. */
async function begun(pieces: AsyncGenerator<Buffer>): Promise<AsyncGenerator<Buffer>> {
  const first = await pieces.next()
  const second = first.done === true ? first : await pieces.next()
  return (async function* () {
    for (const { done, value } of [first, second]) if (done !== true) yield value
    yield* pieces
  })()
}

/** How a browser is told to save a file, and under which name. RFC 6266, RFC 8187. */
export function attachment(name: string, plain: string): string {
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}
