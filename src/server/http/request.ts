import type { IncomingMessage, ServerResponse } from 'node:http'
import Negotiator from 'negotiator'
import { FileInterruptedError } from '../../domain/books/errors.ts'
import { grouped } from '../../grouped.ts'

/** How long a client may pause while it sends a file or an operation. */
export const maxSilenceMs = 60_000

// A client that sends less than this in that time is treated as silent: others are waiting for its place.
const minBytes = 16_384

// How long all other bodies may take.
const maxArrivalMs = 300_000

// How long the rest of a body is read after the answer. A client that is still sending takes a connection closed
// immediately for a failure.
const maxDiscardMs = 5_000

/**
 * Splits the target of a request, a path or an absolute URL (RFC 9112, 3.2), before the question mark. It is split as text,
 * because it may not be a valid URL.
 */
export function targetOf({ url = '/' }: IncomingMessage): { path: string; search: string } {
  const [, authority, rest = ''] = /^https?:\/\/([^/?]*)(.*)$/is.exec(url) ?? []
  const [, path = '', search = ''] =
    /^([^?]*)(.*)$/s.exec(authority !== undefined && isHost(authority) ? rest : url) ?? []
  return { path: path === '' ? '/' : path, search }
}

/** What is wrong with the Host header of a request, if anything (RFC 9112, 3.2). It is not used otherwise. */
export function hostError({ rawHeaders, headers, httpVersion }: IncomingMessage): string | undefined {
  const count = rawHeaders.filter(
    (name, i) => i % 2 === 0 && name.length === 4 && /^host$/i.test(name),
  ).length
  if (count > 1) return 'The request has more than one Host header. Send one.'
  const { host } = headers
  if (host === undefined)
    return httpVersion === '1.0' ? undefined : 'The request has no Host header. Send one.'
  return isHost(host)
    ? undefined
    : 'The Host header is not a host name or address. Send the one that the service is reached at.'
}

/** Whether a text can be a host name or address, with or without a port. */
function isHost(text: string): boolean {
  return text.length <= 300 && /^(\[[\da-f:.]{2,}\]|[\w.-]+)(:\d{1,5})?$/i.test(text)
}

/** Whether a browser opens an address, rather than a program that reads it. */
export function opensPage({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && headers.accept?.includes('text/html') === true
}

/** Whether an Upgrade header asks for a WebSocket. */
export function isWebSocket(upgrade: string | undefined): boolean {
  return upgrade?.toLowerCase() === 'websocket'
}

/** Content codings of RFC 9110, 8.4.1; "identity" is no compression. */
export type ContentCoding = 'br' | 'gzip' | 'identity'

/**
 * The coding that Accept-Encoding prefers, the first of several with the same weight; undefined if it accepts none. Without
 * the header it is "identity". RFC 9110, 12.5.3.
 */
export function acceptedCoding(
  request: IncomingMessage,
  codings: readonly ContentCoding[],
): ContentCoding | undefined {
  const accepted = new Negotiator(request).encoding(codings, { preferred: codings })
  return codings.find((coding) => coding === accepted)
}

/**
 * The bytes of a request's body, with back-pressure. 100 (Continue) is sent when the first chunk is read (RFC 9110, 10.1.1).
 * Rejects with a FileInterruptedError if the connection is lost. Cuts the connection if the client sends almost nothing for
 * `silenceMs` while bytes are wanted.
 */
export async function* readBody(
  request: IncomingMessage,
  response: ServerResponse,
  silenceMs: number,
): AsyncGenerator<Buffer, void> {
  if (awaitsContinue(request)) response.writeContinue()
  // If the reader stops early, the connection stays open for the answer.
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
      // Only time spent waiting for the client counts.
      leftMs -= performance.now() - asked
      if (received >= minBytes) {
        received = 0
        leftMs = silenceMs
      }
      yield value
    }
  } catch (error) {
    throw interrupted(error)
  } finally {
    await chunks.return?.()
  }
}

/**
 * Receives all bytes of a request's body as they arrive, without back-pressure: see `readBody`, whose rules apply, and
 * `limitArrival`. Rejects with what `receive` throws, and then receives no more.
 */
export async function receiveBody(
  request: IncomingMessage,
  response: ServerResponse,
  { silenceMs, receive }: { silenceMs: number; receive: (chunk: Buffer) => void },
): Promise<void> {
  if (request.destroyed) throw interrupted(request.errored)
  if (awaitsContinue(request)) response.writeContinue()
  // Most bodies are short, and have arrived with the head of their request: they need no timers and no listeners.
  const { readableLength, headers } = request
  if (readableLength > 0 && readableLength === Number(headers['content-length'])) {
    receive(request.read())
    // Otherwise 'end' is never emitted.
    request.resume()
    return
  }
  limitArrival(request)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let received = 0
  const silence = setTimeout(() => request.destroy(silenceError(received, silenceMs)), silenceMs)
  const onData = (chunk: Buffer) => {
    received += chunk.length
    if (received >= minBytes) {
      received = 0
      silence.refresh()
    }
    try {
      receive(chunk)
    } catch (error) {
      reject(error)
    }
  }
  const onError = (error: unknown) => reject(interrupted(error))
  const onClose = () => {
    if (!request.readableEnded) reject(interrupted(undefined))
  }
  request.on('data', onData).on('end', resolve).on('error', onError).on('close', onClose)
  try {
    await promise
  } finally {
    clearTimeout(silence)
    request.off('data', onData).off('end', resolve).off('error', onError).off('close', onClose)
    if (!request.readableEnded) request.pause()
  }
}

function interrupted(cause: unknown): FileInterruptedError {
  if (cause instanceof FileInterruptedError) return cause
  return new FileInterruptedError('The connection was lost before all of the file had arrived.', cause)
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

/** Discards what the client still sends after the answer, and cuts the connection if that takes too long. */
export function discardRest(request: IncomingMessage): void {
  if (request.complete) return
  cutAfter(request, maxDiscardMs)
  // With a listener: otherwise the flow ends when a reader that stops later takes its own listener away.
  request.on('data', () => {}).resume()
}

/** Cuts the connection of a request whose body has not arrived completely after five minutes. */
export function limitArrival(request: IncomingMessage): void {
  const { headers } = request
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined)
    cutAfter(request, maxArrivalMs)
}

function cutAfter(request: IncomingMessage, ms: number): void {
  const late = setTimeout(() => {
    // Otherwise the connection may have gone on to another request.
    if (!request.complete) request.destroy()
  }, ms)
  const arrived = () => clearTimeout(late)
  request.once('end', arrived)
  request.once('close', arrived)
}
