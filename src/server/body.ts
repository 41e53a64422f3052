import type { IncomingMessage, ServerResponse } from 'node:http'
import { FileInterruptedError } from '../domain/books/errors.ts'
import { grouped } from '../grouped.ts'

/** How long a client may be silent while it sends a file, or an operation. */
export const maxSilenceMs = 60_000

// Whoever sends less than this in that time holds a place that others wait for, over a line that no file is sent over.
const leastBytes = 16_384

// What a client goes on sending after it was answered is not worth more time; but while it sends, it does not see a
// connection that was closed at once as the answer that it is.
const maxFarewellMs = 5_000

/**
 * The bytes of a request's body, as they come and no faster than they are taken. They are asked for when the first one
 * is: a client that waits to be told to continue (RFC 9110, 10.1.1) sends nothing before. Rejects with a
 * FileInterruptedError when the client disappears, or sends nothing for `silenceMs` while it should, or so little that
 * it comes to the same: then the connection is cut.
 */
export async function* readBody(
  request: IncomingMessage,
  response: ServerResponse,
  silenceMs: number,
): AsyncGenerator<Buffer, void> {
  if (awaitsContinue(request)) response.writeContinue()
  // Whoever stops reading early has an answer for the client, for which the connection is still needed.
  const chunks: AsyncIterator<Buffer> = request.iterator({ destroyOnReturn: false })
  let came = 0
  let leftMs = silenceMs
  try {
    for (;;) {
      const asked = performance.now()
      const silence = setTimeout(() => request.destroy(silenceError(came, silenceMs)), leftMs)
      const { done, value } = await chunks.next().finally(() => clearTimeout(silence))
      if (done === true) return
      came += value.length
      // How long it takes to put away what has come is not the client's doing.
      leftMs -= performance.now() - asked
      if (came >= leastBytes) {
        came = 0
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

function silenceError(came: number, silenceMs: number): FileInterruptedError {
  const seconds = silenceMs / 1_000
  return new FileInterruptedError(
    came === 0
      ? `Nothing of the file came for ${seconds} seconds.`
      : `No more than ${grouped(came)} bytes of the file came in ${seconds} seconds.`,
  )
}

export function awaitsContinue({ headers }: IncomingMessage): boolean {
  return headers.expect?.toLowerCase() === '100-continue'
}

/** Throws away what a client still sends after it was answered, for a while, and then cuts the connection. */
export function discardRest(request: IncomingMessage): void {
  if (request.complete) return
  cutAfter(request, maxFarewellMs)
  request.resume()
}

/** Cuts the connection of a request whose body has not arrived whole after `ms`. */
export function limitArrival(request: IncomingMessage, ms: number): void {
  const { headers } = request
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined)
    cutAfter(request, ms)
}

function cutAfter(request: IncomingMessage, ms: number): void {
  const late = setTimeout(() => request.destroy(), ms)
  const arrived = () => clearTimeout(late)
  request.once('end', arrived)
  request.once('close', arrived)
}
