import { Readable } from 'node:stream'
import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql'
import { isAsyncIterable, type Plugin, processRegularResult } from 'graphql-yoga'
import type { Pacer } from '../../async/pacer.ts'
import { Room } from '../../async/room.ts'
import type { Context } from '../../graphql/context.ts'
import { topLevelError } from '../../graphql/errors/top-level.ts'
import type { Admission } from '../../graphql/limits/admission.ts'
import type { Answers } from '../../graphql/limits/answers.ts'
import { answerLimits } from '../../graphql/limits/limits.ts'
import type { Subscriber } from '../../graphql/subscriber.ts'
import type { ServerContext } from './server-context.ts'

// How operations are executed, and their answers sent.

// Memory for all large answers that are being worked out. A value takes some two hundred bytes beside its name and text.
const maxInFlightBytes = 100_000_000
const bytesOfValue = 200
const smallAnswerBytes = 1_000_000

// Longer answers are sent in pieces, with back-pressure, so that a client that does not read is noticed.
const maxPieceBytes = 64_000

// In characters. Parsing, validating and weighing a document of this length takes a few milliseconds.
const maxShortDocument = 5_000

/**
 * Refuses operations that ask for too much, and mutations whose answer would have errors, before anything of them is
 * executed. Large answers wait until there is memory for them, which keys share fairly; if their client has left by then,
 * they are not executed.
 */
export function executeWithin(
  admission: Admission,
  answers: Answers,
  pacer: Pacer,
): Plugin<Context & ServerContext, ServerContext> {
  const room = new Room(maxInFlightBytes)
  return {
    async onExecute({ args, executeFn, setExecuteFn, setResultAndStopExecution }) {
      // A long document has been parsed and validated in this iteration of the event loop.
      if ((args.document.loc?.end ?? 0) > maxShortDocument) await pacer.yield()
      const weight = admission.weigh(args)
      if (weight instanceof GraphQLError) return setResultAndStopExecution({ errors: [weight] })
      const { keyId, isWanted, enqueueLong = atOnce } = args.contextValue
      // First the client, then the memory, which others can use while it reads. If the client has left, nobody reads the null.
      const whenThereIsRoom = async (bytes: number, work: () => Promise<ExecutionResult>) =>
        (await enqueueLong(() => room.run(keyId, { needed: bytes, isWanted }, work))) ?? { data: null }
      const needed = Math.max(weight.bytes, weight.values * bytesOfValue)
      setExecuteFn(async (operation: ExecutionArgs) => {
        if (needed >= smallAnswerBytes)
          return await whenThereIsRoom(needed, async () => answers.written(await executeFn(operation)))
        const result: ExecutionResult = await executeFn(operation)
        const written = await answers.writtenWithin(smallAnswerBytes, result)
        // Some are longer than estimated, with very long recipients for example.
        return written ?? (await whenThereIsRoom(answerLimits.bytes, () => answers.written(result)))
      })
    },
  }
}

function atOnce<T>(run: () => Promise<T>): Promise<T> {
  return run()
}

/** Sends answers as they were serialised within their bounds, and does not serialise them again. */
export function sendWritten(answers: Answers): Plugin {
  const bodies = new WeakMap<Request, Buffer<ArrayBuffer>[]>()
  const inParts = new WeakSet<Request>()
  return {
    onResultProcess({ request, result, resultProcessor, setResult }) {
      if (isAsyncIterable(result) || Array.isArray(result)) return
      // By now Yoga has chosen a media type. In all but JSON, the answer is only a part of the body.
      const isBody = resultProcessor === processRegularResult
      if (!isBody) inParts.add(request)
      // Called by Yoga when it has removed what is not for clients.
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
      const headers = new fetchAPI.Headers(response.headers)
      // A body may also be a stream of Node.js, which the type does not say.
      const send = (body: Readable | Buffer) =>
        setResponse(new fetchAPI.Response(body as BodyInit, { status, statusText, headers }))
      // One string of the whole body would be copied and encoded in one go.
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

/** Subscribes as over WebSocket. */
export function subscribeWith(subscriber: Subscriber): Plugin {
  return {
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn((args) => subscriber.subscribe(args))
    },
  }
}

/** Reports streams to the server, and tells clients that cannot read them what to do. */
export function noteStreams(): Plugin<object, ServerContext> {
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
        (_result, { Response }) => Response.json({ errors: [error] }, { status: 406 }),
        'application/json',
      )
    },
  }
}
