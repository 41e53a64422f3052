import { Readable } from 'node:stream'
import type { ExecutionResult } from 'graphql'
import { getSSEProcessor, isAsyncIterable, type Plugin, processRegularResult } from 'graphql-yoga'
import type { Logger } from 'pino'
import { publicError, topLevelError } from '../../graphql/errors/top-level.ts'
import { type Answers, bytesOf, joined, type Piece } from '../../graphql/limits/answers.ts'
import type { Subscribed } from '../../graphql/subscriber.ts'
import type { RequestRecord } from '../../telemetry/request-record.ts'
import { inPieces, maxPieceBytes } from '../http/pieces.ts'
import { acceptsStream } from './accept.ts'
import type { ApiRequest, ArrivedOperation, Requests } from './requests.ts'

// What Yoga does with a request, in this order.

/** What Yoga knows of a request besides its own view of it. */
export interface ServerContext extends ApiRequest {
  /** Once it has arrived. */
  arrived?: ArrivedOperation
  /** Once it has run. */
  result?: Subscribed
}

/** Reads and runs operations in place of Yoga, unless that has been done. */
export function runOperations(requests: Requests): Plugin<object, ServerContext> {
  return {
    async onRequestParse({ setRequestParser, serverContext }) {
      serverContext.arrived ??= await requests.arrive(serverContext)
      const { params } = serverContext.arrived
      setRequestParser(() => params)
    },
    onParams({ setParamsHandler, context }) {
      // Yoga does not pass its type on.
      const serverContext = context as ServerContext
      setParamsHandler(async () => {
        const { arrived } = serverContext
        if (arrived === undefined) throw new Error('An operation was run before it had arrived.')
        return serverContext.result ?? (await requests.run(arrived, serverContext))
      })
    },
    onResponse({ response, serverContext: { arrived } }) {
      const length = response.headers.get('content-length')
      if (arrived !== undefined && length !== null) requests.weigh(arrived, Number(length))
    },
  }
}

/** Shows errors to the client as `publicError` does. Before what needs the status and the headers of an answer. */
export function showErrors(log: Logger): Plugin<object, ServerContext> {
  return {
    onResultProcess({ result, setResult, serverContext: { record } }) {
      if (Array.isArray(result)) return
      setResult(
        isAsyncIterable(result)
          ? streamWithPublicErrors(result, log, record)
          : withPublicErrors(result, log, record),
      )
    },
  }
}

/** The result with errors that clients may see. */
export function withPublicErrors(
  result: ExecutionResult,
  log: Logger,
  record: RequestRecord,
): ExecutionResult {
  if (result.errors === undefined) return result
  return { ...result, errors: result.errors.map((error) => publicError(error, log, record)) }
}

/** The same for each result of a stream. An error that ends the stream is its last result. `return` ends it immediately. */
function streamWithPublicErrors(
  stream: AsyncIterable<ExecutionResult>,
  log: Logger,
  record: RequestRecord,
): AsyncIterableIterator<ExecutionResult> {
  const source = stream[Symbol.asyncIterator]()
  let hasFailed = false
  return {
    async next() {
      if (hasFailed) return { done: true, value: undefined }
      try {
        const { done, value } = await source.next()
        return done === true ? { done, value } : { done: false, value: withPublicErrors(value, log, record) }
      } catch (error) {
        hasFailed = true
        return { done: false, value: { errors: [publicError(error, log, record)] } }
      }
    },
    async return(value) {
      return (await source.return?.(value)) ?? { done: true, value }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** The body of an answer of this length in bytes. A single string of a long one would be copied and encoded in one go. */
export function bodyOf(pieces: readonly Piece[], length: number): BodyInit {
  return length > maxPieceBytes ? streamOf(pieces) : joined(pieces)
}

/** The type does not say that a body may also be a stream of Node.js. */
function streamOf(pieces: Iterable<Piece> | AsyncIterable<Uint8Array>): BodyInit {
  return Readable.from(pieces) as unknown as BodyInit
}

/** Sends answers as they were serialised when they were executed. */
export function sendWritten(answers: Answers): Plugin {
  const bodies = new WeakMap<Request, Piece[]>()
  const inParts = new WeakSet<Request>()
  return {
    onResultProcess({ request, result, resultProcessor, setResult }) {
      if (isAsyncIterable(result) || Array.isArray(result)) return
      // Yoga has chosen a media type by now. In all but JSON, the answer is only a part of the body.
      const isBody = resultProcessor === processRegularResult
      if (!isBody) inParts.add(request)
      // Yoga calls it after it has removed what is not for clients.
      const stringify = (result: ExecutionResult) => {
        const pieces = answers.json(result)
        if (!isBody) return pieces.join('')
        bodies.set(request, pieces)
        return ''
      }
      setResult({ ...result, stringify })
    },
    onResponse({ request, response, setResponse, fetchAPI }) {
      const { status, statusText } = response
      // For event streams, Yoga would keep a connection open that the client or the HTTP server wants to be closed.
      response.headers.delete('connection')
      const headers = new fetchAPI.Headers(response.headers)
      const send = (body: BodyInit) =>
        setResponse(new fetchAPI.Response(body, { status, statusText, headers }))
      const pieces = bodies.get(request)
      if (pieces !== undefined) {
        const length = bytesOf(pieces)
        headers.set('content-length', String(length))
        send(bodyOf(pieces, length))
      } else if (inParts.has(request) && response.body !== null) send(streamOf(inPieces(response.body)))
    },
  }
}

/**
 * Answers subscriptions as event streams, and reports them to the server. Clients that do not accept them get an error that
 * says what to do.
 */
export function sendStreams(log: Logger): Plugin<object, ServerContext> {
  const processStream = getSSEProcessor()
  return {
    async onResultProcess({ request, result, setResultProcessor, serverContext }) {
      if (!isAsyncIterable(result)) return
      const stream = result[Symbol.asyncIterator]()
      if (acceptsStream(request.headers.get('accept') ?? '*/*')) {
        setResultProcessor(processStream, 'text/event-stream')
        serverContext.onStream(() => void stream.return?.())
        return
      }
      await stream.return?.()
      const error = topLevelError(
        'BAD_USER_INPUT',
        'A subscription is answered as a stream: send the header Accept: text/event-stream, or use a WebSocket.',
      )
      setResultProcessor(
        (_result, { Response }) =>
          Response.json({ errors: [publicError(error, log, serverContext.record)] }, { status: 406 }),
        'application/json',
      )
    },
  }
}
