import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ExecutionArgs, type ExecutionResult, GraphQLError, type GraphQLSchema, parse } from 'graphql'
import { createYoga, isAsyncIterable, type Plugin, type YogaServerInstance } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Turns } from '../domain/turns.ts'
import { Admission } from '../graphql/admission.ts'
import { Answers } from '../graphql/answers.ts'
import { type Context, type Credentials, createContext, type Services } from '../graphql/context.ts'
import { readEventCursor } from '../graphql/event.ts'
import { Room } from '../graphql/pacing.ts'
import { problem, publicError } from '../graphql/problems.ts'
import type { Subscriber } from '../graphql/subscribe.ts'
import type { Authentication } from './authentication.ts'
import { longestSilenceMs } from './body.ts'
import { isForm, readForm } from './multipart.ts'

export const graphqlPath = '/graphql'
export const maximumRequestBytes = 1_000_000

// What large answers may take of memory together while they are worked out. A value takes some two hundred bytes, its
// name and its text not counted. All others are small.
const maxAtOnceBytes = 100_000_000
const bytesOfValue = 200
const smallAnswerBytes = 1_000_000

// In characters: reading, validating and weighing a shorter document takes a few milliseconds together.
const maxShortDocument = 5_000

// Reading a document of this size takes a few milliseconds; validating one of a megabyte took a second.
const maximumTokens = 10_000

/** What comes with every operation, over HTTP and over WebSocket. */
export interface ServerContext {
  /** Whose it is. */
  credentials?: Credentials
  /**
   * Called when an HTTP request is going to be answered with a stream, which may never end by itself: how to end it.
   */
  onStream?: (end: () => void) => void
  /** What Yoga adds to what comes over HTTP. */
  req?: IncomingMessage
  res?: ServerResponse
}

export type Api = YogaServerInstance<ServerContext, Context> & {
  /** The answers of its operations as they were written, for whoever sends them. */
  answers: Answers
}

/** The GraphQL API: how operations are let in, executed and answered, whatever they came over. */
export function createApi(parts: {
  schema: GraphQLSchema
  services: Services
  authentication: Authentication
  subscriber: Subscriber
  log: Logger
}): Api {
  const { schema, services, authentication, subscriber, log } = parts
  const answers = new Answers(services.turns)
  const yoga = createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: graphqlPath,
    context: ({ credentials, params }) => operationContext(services, credentials, params.query),
    plugins: [
      authenticateFirst(authentication),
      readBodies(),
      refuseUnreadable(),
      limitDocuments(),
      executeWithin(new Admission(), answers, services.turns),
      sendWritten(answers),
      subscribeWith(subscriber),
      noteStreams(),
    ],
    maskedErrors: { maskError: (error) => publicError(error, log), errorMessage: '' },
    // A form with a file may be longer than anything else: see readBodies.
    maxRequestBodySize: false,
    cors: {
      origin: '*',
      methods: ['GET', 'POST', 'OPTIONS'],
      allowedHeaders: ['authorization', 'content-type'],
      // The key is a header that the page itself must set: no cookie is read.
      credentials: false,
    },
    graphiql: false,
    landingPage: false,
    // Yoga's own way holds the whole file in memory.
    multipart: false,
    logging: false,
  })
  return Object.assign(yoga, { answers })
}

async function operationContext(
  services: Services,
  credentials: Credentials | undefined,
  query: string | null | undefined,
): Promise<Context> {
  if (credentials === undefined) throw new Error('An operation was let in without credentials.')
  const context = createContext(services, credentials)
  // Before anything else of the operation is read: that is what the cursor promises.
  if (query?.includes('eventCursor')) context.eventCursor = await readEventCursor(context)
  return context
}

/** Without a valid key nothing is parsed, so that no error tells anything. */
function authenticateFirst(authentication: Authentication): Plugin<object, ServerContext> {
  return {
    async onRequestParse({ request, serverContext }) {
      serverContext.credentials = await authentication.authenticate(request.headers.get('authorization'))
    },
  }
}

/**
 * Forms are read as they come, since they bring files; all other bodies are read to their end first, and may not be
 * longer than `maximumRequestBytes`.
 */
function readBodies(): Plugin<object, ServerContext> {
  return {
    onRequestParse({ requestParser, setRequestParser, serverContext: { req, res }, fetchAPI }) {
      if (req === undefined || res === undefined || req.method !== 'POST') return
      if (isForm(req)) setRequestParser(() => readForm(req, res, longestSilenceMs))
      else if (requestParser !== undefined)
        setRequestParser(async ({ url, method, headers }) => {
          const body = await readWhole(req)
          return await requestParser(new fetchAPI.Request(url, { method, headers, body }))
        })
    },
  }
}

async function readWhole(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  if (Number(request.headers['content-length'] ?? 0) > maximumRequestBytes) throw tooLong()
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maximumRequestBytes) throw tooLong()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

function tooLong() {
  return problem(
    'BAD_USER_INPUT',
    `The request has more than ${maximumRequestBytes.toLocaleString('en')} bytes. Ask for less at once. Files are sent as a form, ` +
      'or to /pools/<pool id>/codes.',
    { http: { status: 413 } },
  )
}

/** A body, or variables in an address, that cannot be read are the client's to put right. */
function refuseUnreadable(): Plugin<object, ServerContext> {
  return {
    onRequestParse({ request, requestParser, setRequestParser }) {
      if (requestParser === undefined) {
        if (request.method !== 'POST') return
        throw problem(
          'BAD_USER_INPUT',
          'Send the operation as JSON, { "query": …, "variables": … }, with the header Content-Type: application/json.',
          { http: { status: 415 } },
        )
      }
      setRequestParser(async (unread) => {
        try {
          return await requestParser(unread)
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error
          throw problem('BAD_USER_INPUT', 'The variables or the extensions are not JSON.', {
            http: { status: 400 },
          })
        }
      })
    },
  }
}

/** Documents that are so long, or nested so deeply, that reading them would keep everybody else waiting. */
function limitDocuments(): Plugin<object, ServerContext> {
  return {
    onParse({ setParseFn }) {
      setParseFn((source, options) => {
        try {
          return parse(source, { ...options, maxTokens: maximumTokens })
        } catch (error) {
          // The parser calls itself for each level.
          if (error instanceof RangeError) throw new GraphQLError('The document is nested too deeply.')
          throw error
        }
      })
    },
  }
}

/**
 * What asks for too much, and a mutation whose answer would have errors, are refused before anything is executed. Of
 * others, large ones wait until there is room for them: so many answers at once as there is memory for.
 */
function executeWithin(admission: Admission, answers: Answers, turns: Turns): Plugin {
  const room = new Room(maxAtOnceBytes)
  return {
    async onExecute({ args, executeFn, setExecuteFn, setResultAndStopExecution }) {
      // A long document has been read and validated in this turn already.
      if ((args.document.loc?.end ?? 0) > maxShortDocument) await turns.next()
      const weight = admission.weigh(args)
      if (weight instanceof GraphQLError) return setResultAndStopExecution({ errors: [weight] })
      const execute = async (operation: ExecutionArgs) => {
        const result: ExecutionResult = await executeFn(operation)
        return await answers.written(result)
      }
      const needed = Math.max(weight.bytes, weight.values * bytesOfValue)
      setExecuteFn(
        needed < smallAnswerBytes ? execute : (operation) => room.run(needed, () => execute(operation)),
      )
    },
  }
}

/** Answers are sent as they were written when they were worked out. */
function sendWritten(answers: Answers): Plugin {
  const bodies = new WeakMap<Request, Buffer<ArrayBuffer>[]>()
  return {
    onResultProcess({ request, result, setResult }) {
      if (isAsyncIterable(result) || Array.isArray(result)) return
      const isPart = /text\/event-stream|multipart/i.test(request.headers.get('accept') ?? '')
      // Yoga leaves it to a result how it is written, once it has taken out what is not for clients.
      const stringify = (told: ExecutionResult) => {
        const pieces = answers.json(told)
        if (isPart) return Buffer.concat(pieces).toString()
        bodies.set(request, pieces)
        return ''
      }
      setResult({ ...result, stringify })
    },
    // A string of the whole body would be made twice, and then encoded in one go.
    onResponse({ request, response, setResponse, fetchAPI }) {
      const pieces = bodies.get(request)
      if (pieces === undefined) return
      const { status, statusText, headers } = response
      setResponse(new fetchAPI.Response(Buffer.concat(pieces), { status, statusText, headers }))
    },
  }
}

function subscribeWith(subscriber: Subscriber): Plugin {
  return {
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn((args) => subscriber.subscribe(args))
    },
  }
}

/** Streams are made known to the server; a client that does not read them is told what to do. */
function noteStreams(): Plugin<object, ServerContext> {
  return {
    async onResultProcess({ result, resultProcessor, setResultProcessor, serverContext }) {
      if (Array.isArray(result) || !(Symbol.asyncIterator in result)) return
      if (resultProcessor !== undefined) {
        const stream = result[Symbol.asyncIterator]()
        return serverContext.onStream?.(() => void stream.return?.())
      }
      await result[Symbol.asyncIterator]().return?.()
      const error = problem(
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
