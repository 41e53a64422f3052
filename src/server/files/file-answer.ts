import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { constants, createGzip } from 'node:zlib'
import type { Logger } from 'pino'
import { isUnavailable } from '../../database/errors.ts'
import { RejectedRowsForgottenError } from '../../domain/books/errors.ts'
import { SnapshotChangedError } from '../../domain/usage/line-reader.ts'
import { inPieces } from '../http/pieces.ts'
import { acceptedCoding } from '../http/request.ts'

/** The answer to a request for a file. */
export interface FileAnswer {
  status: 200 | 206
  headers: Record<string, string>
  /** Whether it may be compressed. Ranges may not, because they count uncompressed bytes. */
  gzip: boolean
  pieces: AsyncGenerator<Buffer>
}

/** Resolves when the file has been sent or cut off. Rejects only before anything has been sent. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: FileAnswer,
  log: Logger,
): Promise<void> {
  const gzip = file.gzip && acceptedCoding(request, ['gzip', 'identity']) === 'gzip'
  const headers = { ...file.headers }
  if (gzip) {
    headers['Content-Encoding'] = 'gzip'
    // The compressed bytes may differ each time, so they have no ranges.
    if (headers['ETag'] !== undefined) headers['ETag'] = `W/${headers['ETag']}`
  }
  headers['Accept-Ranges'] = headers['ETag'] === undefined || gzip ? 'none' : 'bytes'
  if (request.method === 'HEAD') {
    response.writeHead(file.status, headers).end()
    return
  }
  // An error before the first bytes can still be answered.
  const pieces = await begun(file.pieces)
  response.writeHead(file.status, headers)
  // Only failures of the file itself: the client's connection breaks with the same errors as the database's.
  let failure: { error: unknown } | undefined
  const watched = (async function* () {
    try {
      yield* inPieces(pieces)
    } catch (error) {
      failure = { error }
      throw error
    }
  })()
  try {
    if (gzip) await pipeline(watched, createGzip({ level: constants.Z_BEST_SPEED }), response)
    else await pipeline(watched, response)
  } catch {
    // If the client has not left, it sees that the answer is incomplete.
    if (failure !== undefined) logFailure(failure.error, log)
  }
}

function logFailure(error: unknown, log: Logger): void {
  if (error instanceof SnapshotChangedError || error instanceof RejectedRowsForgottenError)
    log.info({ err: error }, 'a download was cut off')
  else if (isUnavailable(error)) log.warn({ err: error }, 'a download was cut off')
  else log.error({ err: error }, 'a download failed')
}

/** The same pieces, after reading the first two: the header, and the first from the database. Reads no others ahead. */
async function begun(pieces: AsyncGenerator<Buffer>): Promise<AsyncGenerator<Buffer>> {
  const first = await pieces.next()
  const second = first.done === true ? first : await pieces.next()
  return (async function* () {
    for (const { done, value } of [first, second]) if (done !== true) yield value
    yield* pieces
  })()
}
