import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { type DocumentNode, type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql'
import { isAsyncIterable, type Plugin, processRegularResult } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Pacer } from '../../async/pacer.ts'
import { Room } from '../../async/room.ts'
import { type Scheduler, TooMuchWaitingError } from '../../async/scheduler.ts'
import type { Context, Credentials } from '../../graphql/context.ts'
import { publicError, topLevelError } from '../../graphql/errors/top-level.ts'
import type { Admission } from '../../graphql/limits/admission.ts'
import type { Answers } from '../../graphql/limits/answers.ts'
import type { Documents, OperationText } from '../../graphql/limits/documents.ts'
import { answerLimits } from '../../graphql/limits/limits.ts'
import type { Subscriber } from '../../graphql/subscriber.ts'
import type { RequestRecord } from '../../telemetry/request-record.ts'
import { beginWait, inSpan } from '../../telemetry/spans.ts'
import type { Authentication } from '../authentication.ts'
import { readForm } from './multipart.ts'
import { checkMethod, isForm, readOperation, readRequestBody } from './operation-request.ts'

// What happens to a request, in this order.

/** What comes with every operation, over HTTP and over WebSocket. */
export interface ServerContext {
  record: RequestRecord
  credentials?: Credentials
  /** The length of the request's body in characters, which approximates its bytes. */
  bytes?: number
  /** See `Target` of http/server.ts. */
  onStream?: (end: () => void) => void
  /** Whether the client still waits for the answer. */
  isWanted: () => boolean
  /**
   * Runs an operation that may have a long answer once the client has read the answers before it. Resolves to undefined if
   * the client has left by then. If it is not given, such operations run immediately.
   */
  enqueueLong?: <T>(run: () => Promise<T>) => Promise<T | undefined>
  /** The parsed document, once there is one. */
  document?: DocumentNode
  /** The length of the operation, in characters. */
  requestLength?: number
  /** Set by Yoga, over HTTP. */
  req?: IncomingMessage
  res?: ServerResponse
}

/** Authenticates before anything is parsed, so that no error reveals anything to a client without a valid key. */
export function authenticateFirst(authentication: Authentication): Plugin<object, ServerContext> {
  return {
    async onRequestParse({ serverContext }) {
      const { req } = serverContext
      if (req === undefined) throw new Error('An HTTP request arrived without its message.')
      serverContext.credentials = await authentication.authenticateRequest(req)
      serverContext.record.keyId = serverContext.credentials.keyId
    },
  }
}

// Requests of this length are parsed within their key's share.
const minHeavyBytes = 64_000

/** Reads requests of all media types, as operation-request.ts and multipart.ts do. */
export function readRequests(scheduler: Scheduler): Plugin<object, ServerContext> {
  const arrivingBodies = new ArrivingBodies()
  return {
    onRequestParse({ setRequestParser, serverContext }) {
      const { req, res, credentials, isWanted } = serverContext
      if (req === undefined || res === undefined || credentials === undefined) return
      checkMethod(req)
      setRequestParser(async () => {
        const arrival = arrivingBodies.begin(credentials.keyId)
        const read = isForm(req) ? readForm : readRequestBody
        const endWait = beginWait('wait for the body')
        const body = await read(req, res, arrival.keep).finally(arrival.end)
        endWait()
        const bytes = body.length
        serverContext.bytes = bytes
        if (bytes < minHeavyBytes) return readOperation(body)
        // If the client has left, the answer to this empty operation is not read.
        return (await scheduler.run(credentials.keyId, () => readOperation(body), { bytes, isWanted })) ?? {}
      })
    },
  }
}

/** Starts operations when their key's share allows it. */
export function shareByKey(scheduler: Scheduler): Plugin<object, ServerContext> {
  return {
    onParams({ paramsHandler, setParamsHandler, context }) {
      const { credentials, isWanted, bytes = 0 } = context as ServerContext
      if (credentials === undefined) return
      setParamsHandler(async (operation) => {
        const run = () => paramsHandler(operation)
        return (await scheduler.run(credentials.keyId, run, { bytes, isWanted })) ?? { data: null }
      })
    },
    onResponse({ response, serverContext }) {
      const length = response.headers.get('content-length')
      const keyId = serverContext.credentials?.keyId
      if (keyId !== undefined && length !== null) scheduler.weigh(keyId, Number(length))
    },
  }
}

/** Gives each operation a span, from when its request has been read. Last: it contains what the others do. */
export function traceOperations(): Plugin<object, ServerContext> {
  return {
    onParams({ paramsHandler, setParamsHandler }) {
      setParamsHandler((operation) => inSpan('operation', {}, async () => await paramsHandler(operation)))
    },
  }
}

/** Parses and validates operations in place of Yoga: see Documents. */
export function readDocuments(documents: Documents): Plugin<ServerContext, ServerContext> {
  return {
    onParams({ paramsHandler, setParamsHandler, context }) {
      setParamsHandler(async (operation) => {
        // Extensions are not used, but would be kept until a subscription ends.
        const { extensions: _extensions, ...params } = operation.params
        const reading = await documents.read(params as OperationText)
        if ('errors' in reading) return { errors: reading.errors }
        // Yoga does not pass its type on.
        const { record } = context as ServerContext
        record.operation = reading.names
        if (reading.variableErrors !== undefined) return { errors: reading.variableErrors }
        Object.assign(context, { document: reading.document, requestLength: reading.length })
        return await paramsHandler({ ...operation, params })
      })
    },
    onParse({ context: { document }, setParsedDocument }) {
      if (document === undefined) throw new Error('An operation was admitted without its document.')
      setParsedDocument(document)
    },
    onValidate({ setResult }) {
      setResult([])
    },
  }
}

// Per key, of bodies that have not arrived completely.
const maxArrivingBytes = 32_000_000

/** Limits the memory for bodies that have not arrived completely, for each key over all its connections. */
export class ArrivingBodies {
  readonly #bytes = new Map<string, number>()

  /**
   * Begins to count a body. `keep` counts bytes before they are kept, and throws a TooMuchWaitingError if the key has too
   * many already. `end` must be called when the body has arrived or failed, and removes it from the count.
   */
  begin(key: string): { keep(bytes: number): void; end(): void } {
    let kept = 0
    let hasEnded = false
    return {
      keep: (bytes) => {
        if (hasEnded) return
        if (this.#of(key) + bytes > maxArrivingBytes) throw new TooMuchWaitingError()
        kept += bytes
        this.#bytes.set(key, this.#of(key) + bytes)
      },
      end: () => {
        if (hasEnded) return
        hasEnded = true
        const left = this.#of(key) - kept
        if (left > 0) this.#bytes.set(key, left)
        else this.#bytes.delete(key)
      },
    }
  }

  #of(key: string): number {
    return this.#bytes.get(key) ?? 0
  }
}

// Memory for all large answers in flight. A value takes some two hundred bytes besides its name and text.
const maxInFlightBytes = 100_000_000
const bytesOfValue = 200
const smallAnswerBytes = 1_000_000

// Longer answers are sent in pieces, with back-pressure, so that a client that does not read is noticed.
const maxPieceBytes = 64_000

// In characters. It takes a few milliseconds to parse, validate and weigh such a document.
const maxShortDocument = 5_000

/**
 * Refuses operations that ask for too much, and mutations whose answer would have errors, before they are executed.
 * Operations with large answers wait for memory, which keys share fairly; if their client has left by then, they are not
 * executed.
 */
export function executeWithin(
  admission: Admission,
  answers: Answers,
  pacer: Pacer,
): Plugin<Context & ServerContext, ServerContext> {
  const room = new Room(maxInFlightBytes)
  return {
    async onExecute({ args, executeFn, setExecuteFn, setResultAndStopExecution }) {
      // A long document has been parsed and validated in this event loop iteration.
      if ((args.document.loc?.end ?? 0) > maxShortDocument) await pacer.yield()
      const weight = admission.weigh(args)
      if (weight instanceof GraphQLError) return setResultAndStopExecution({ errors: [weight] })
      const { keyId, isWanted, enqueueLong = <T>(run: () => Promise<T>) => run() } = args.contextValue
      // The client first: others can use the memory while it reads. If it has left, the null is not sent.
      const whenThereIsRoom = async (bytes: number, work: () => Promise<ExecutionResult>) =>
        (await enqueueLong(() => room.run(keyId, { needed: bytes, isWanted }, work))) ?? { data: null }
      const needed = Math.max(weight.bytes, weight.values * bytesOfValue)
      setExecuteFn(async (operation: ExecutionArgs) => {
        if (needed >= smallAnswerBytes)
          return await whenThereIsRoom(needed, async () => answers.written(await executeFn(operation)))
        const result: ExecutionResult = await executeFn(operation)
        const written = await answers.writtenWithin(smallAnswerBytes, result)
        // Some are longer than estimated, for example with very long recipients.
        return written ?? (await whenThereIsRoom(answerLimits.bytes, () => answers.written(result)))
      })
    },
  }
}

/** Shows errors to the client as `publicError` does. Before what needs the status and the headers of an answer. */
export function showErrors(log: Logger): Plugin<object, ServerContext> {
  return {
    onResultProcess({ result, setResult, serverContext: { record } }) {
      if (Array.isArray(result)) return
      const shown = <Result extends Pick<ExecutionResult, 'errors'>>(each: Result): Result =>
        each.errors === undefined
          ? each
          : { ...each, errors: each.errors.map((error) => publicError(error, log, record)) }
      setResult(isAsyncIterable(result) ? mapped(result, shown) : shown(result))
    },
  }
}

/** The results of a stream, each replaced by `change`. `return` ends the stream immediately. */
function mapped<T>(stream: AsyncIterable<T>, change: (result: T) => T): AsyncIterableIterator<T> {
  const source = stream[Symbol.asyncIterator]()
  return {
    async next() {
      const { done, value } = await source.next()
      return done === true ? { done, value } : { done: false, value: change(value) }
    },
    async return(value) {
      return (await source.return?.(value)) ?? { done: true, value }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** Sends answers as `executeWithin` has serialised them, so that they are serialised only once. */
export function sendWritten(answers: Answers): Plugin {
  const bodies = new WeakMap<Request, Buffer<ArrayBuffer>[]>()
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
        if (!isBody) return Buffer.concat(pieces).toString()
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
      // The type does not say that a body may also be a stream of Node.js.
      const send = (body: Readable | Buffer) =>
        setResponse(new fetchAPI.Response(body as BodyInit, { status, statusText, headers }))
      // A single string of the whole body would be copied and encoded in one go.
      const pieces = bodies.get(request)
      if (pieces !== undefined) {
        const length = pieces.reduce((bytes, piece) => bytes + piece.length, 0)
        headers.set('content-length', String(length))
        send(length > maxPieceBytes ? Readable.from(pieces) : Buffer.concat(pieces))
      } else if (inParts.has(request) && response.body !== null) send(Readable.from(inPieces(response.body)))
    },
  }
}

async function* inPieces(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for await (const part of parts)
    for (let from = 0; from < part.length; from += maxPieceBytes)
      yield part.subarray(from, from + maxPieceBytes)
}

/** Subscribes in the same way as over WebSocket. */
export function subscribeWith(subscriber: Subscriber): Plugin {
  return {
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn((args) => subscriber.subscribe(args))
    },
  }
}

/** Reports streams to the server. Answers clients that do not accept streams with an error that says what to do. */
export function noteStreams(log: Logger): Plugin<object, ServerContext> {
  return {
    async onResultProcess({ result, resultProcessor, setResultProcessor, serverContext }) {
      if (Array.isArray(result) || !(Symbol.asyncIterator in result)) return
      if (resultProcessor !== undefined) {
        const stream = result[Symbol.asyncIterator]()
        return serverContext.onStream?.(() => void stream.return?.())
      }
      await result[Symbol.asyncIterator]().return?.()
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
