import { Readable } from 'node:stream'
import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql'
import { isAsyncIterable, type Plugin, processRegularResult } from 'graphql-yoga'
import type { Pacer } from '../async/pacer.ts'
import { Room } from '../async/room.ts'
import type { Context } from '../graphql/context.ts'
import { topLevelError } from '../graphql/errors/top-level.ts'
import type { Admission } from '../graphql/limits/admission.ts'
import type { Answers } from '../graphql/limits/answers.ts'
import { answerLimits } from '../graphql/limits/limits.ts'
import type { Subscriber } from '../graphql/subscriber.ts'
import type { ServerContext } from './server-context.ts'

/** How an operation is executed, and its answer sent. */

// What large answers may take of memory together while they are worked out. A value takes some two hundred bytes, its
// name and its text not counted. All others are small.
const maxAtOnceBytes = 100_000_000
const bytesOfValue = 200
const smallAnswerBytes = 1_000_000

// A longer answer is sent in pieces, one after the other as the client takes them: so it shows whether it does.
const maxPieceBytes = 64_000

// In characters: reading, validating and weighing a shorter document takes a few milliseconds together.
const maxShortDocument = 5_000

/**
 * What asks for too much, and a mutation whose answer would have errors, are refused before anything is executed. Of
 * others, large ones wait until there is room for them: so many answers at once as there is memory for. Keys take turns at
 * that, and what waits for a client that has left is not executed.
 */
export function executeWithin(
  admission: Admission,
  answers: Answers,
  pacer: Pacer,
): Plugin<Context & ServerContext, ServerContext> {
  const room = new Room(maxAtOnceBytes)
  return {
    async onExecute({ args, executeFn, setExecuteFn, setResultAndStopExecution }) {
      // A long document has been read and validated in this turn already.
      if ((args.document.loc?.end ?? 0) > maxShortDocument) await pacer.yield()
      const weight = admission.weigh(args)
      if (weight instanceof GraphQLError) return setResultAndStopExecution({ errors: [weight] })
      const { keyId, isWanted = always, inTurnOfLong = atOnce } = args.contextValue
      // Waiting for the client first: meanwhile others have the room. For a client that has left it is nothing.
      const whenThereIsRoom = async (bytes: number, work: () => Promise<ExecutionResult>) =>
        (await inTurnOfLong(() => room.run(keyId, { needed: bytes, isWanted }, work))) ?? { data: null }
      const needed = Math.max(weight.bytes, weight.values * bytesOfValue)
      setExecuteFn(async (operation: ExecutionArgs) => {
        if (needed >= smallAnswerBytes)
          return await whenThereIsRoom(needed, async () => answers.written(await executeFn(operation)))
        const result: ExecutionResult = await executeFn(operation)
        const written = await answers.writtenWithin(smallAnswerBytes, result)
        // Some turn out longer than was expected, as with very long recipients.
        return written ?? (await whenThereIsRoom(answerLimits.bytes, () => answers.written(result)))
      })
    },
  }
}

function always(): boolean {
  return true
}

function atOnce<T>(run: () => Promise<T>): Promise<T> {
  return run()
}

/** Answers are sent as they were written when they were worked out. */
export function sendWritten(answers: Answers): Plugin {
  const bodies = new WeakMap<Request, Buffer<ArrayBuffer>[]>()
  const inParts = new WeakSet<Request>()
  return {
    onResultProcess({ request, result, resultProcessor, setResult }) {
      if (isAsyncIterable(result) || Array.isArray(result)) return
      // Yoga has chosen a media type by now. In any other than JSON, the answer is only a part of the body.
      const isBody = resultProcessor === processRegularResult
      if (!isBody) inParts.add(request)
      // Yoga leaves it to a result how it is written, once it has taken out what is not for clients.
      const stringify = (told: ExecutionResult) => {
        const pieces = answers.json(told)
        if (!isBody) return Buffer.concat(pieces).toString()
        bodies.set(request, pieces)
        return ''
      }
      setResult({ ...result, stringify })
    },
    onResponse({ request, response, setResponse, fetchAPI }) {
      const { status, statusText } = response
      const headers = new fetchAPI.Headers(response.headers)
      // It takes streams of Node.js as well, which its type does not say.
      const send = (body: Readable | Buffer) =>
        setResponse(new fetchAPI.Response(body as BodyInit, { status, statusText, headers }))
      // A string of the whole body would be made twice, and then encoded in one go.
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

export function subscribeWith(subscriber: Subscriber): Plugin {
  return {
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn((args) => subscriber.subscribe(args))
    },
  }
}

/** Streams are made known to the server; a client that does not read them is told what to do. */
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
