import type { IncomingMessage, ServerResponse } from 'node:http'
import { FileInterruptedError } from '../../domain/books/errors.ts'
import { grouped } from '../../grouped.ts'

/** How long a client may send nothing of a file or an operation. */
export const maxSilenceMs = 60_000

// A client that sends less than this in that time is treated as silent: it would hold a place that others wait for.
const minBytes = 16_384

// How long all other bodies may take.
const maxArrivalMs = 300_000

// How long the rest of a body is read after the answer. A connection closed at once looks like a failure to a client that is
// still sending.
const maxDiscardMs = 5_000

/**
 * The bytes of a request's body, with back-pressure. 100 (Continue) is sent when the first chunk is read (RFC 9110, 10.1.1).
 * Rejects with a FileInterruptedError when the connection is lost, and cuts it when the client sends nothing, or next to
 * nothing, for `silenceMs` while bytes are wanted.
 */
export async function* readBody(
  request: IncomingMessage,
  response: ServerResponse,
  silenceMs: number,
): AsyncGenerator<Buffer, void> {
  if (awaitsContinue(request)) response.writeContinue()
  // The connection is kept when the reader stops early: it has an answer to send.
  const chunks: AsyncIterator<Buffer> = request.iterator({ destroyOnReturn: false })
  let received = 0
  let leftMs = silenceMs
  try {
    for (;;) {
      const asked = performance.now()
      const silence = setTimeout(() => request.destroy(silenceError(received, silenceMs)), leftMs)
      const { done, value } = await chunks.next().finally(() => clearTimeout(silence))
      if (done === true) return
      received += value.length
      // Only the time in which the client was waited for counts.
      leftMs -= performance.now() - asked
      if (received >= minBytes) {
        received = 0
        leftMs = silenceMs
      }
      yield value
    }
  } catch (error) {
    if (error instanceof FileInterruptedError) throw error
    throw new FileInterruptedError('The connection was lost before all of the file had arrived.', error)
  } finally {
    await chunks.return?.()
  }
}

function silenceError(received: number, silenceMs: number): FileInterruptedError {
  const seconds = silenceMs / 1_000
  return new FileInterruptedError(
    received === 0
      ? `Nothing of the file arrived for ${seconds} seconds.`
      : `Only ${grouped(received)} bytes of the file arrived in ${seconds} seconds.`,
  )
}

export function awaitsContinue({ headers }: IncomingMessage): boolean {
  return headers.expect?.toLowerCase() === '100-continue'
}

/** Discards what a client still sends after it was answered, and cuts the connection if that takes too long. */
export function discardRest(request: IncomingMessage): void {
  if (request.complete) return
  cutAfter(request, maxDiscardMs)
  request.resume()
}

/** Cuts the connection of a request whose body has not arrived completely after five minutes. */
export function limitArrival(request: IncomingMessage): void {
  const { headers } = request
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined)
    cutAfter(request, maxArrivalMs)
}

function cutAfter(request: IncomingMessage, ms: number): void {
  const late = setTimeout(() => request.destroy(), ms)
  const arrived = () => clearTimeout(late)
  request.once('end', arrived)
  request.once('close', arrived)
}
