import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { sendNodeResponse } from '@whatwg-node/server'
import { GraphQLError, type GraphQLSchema, parse } from 'graphql'
import { createYoga, type GraphQLParams, type Plugin, type YogaServerInstance } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Scheduler } from '../async/scheduler.ts'
import { type Context, type Credentials, createContext, type Services } from '../graphql/context.ts'
import { readEventCursor } from '../graphql/event.ts'
import { problem, publicError } from '../graphql/problems.ts'
import type { Subscriber } from '../graphql/subscribe.ts'
import type { Authentication } from './authentication.ts'
import { anyOrigin } from './cross-origin.ts'
import { checkMethod, checkOperationName, readOperation, readRequestBody } from './operation-request.ts'

export const graphqlPath = '/graphql'
// Reading a document of this size takes a few milliseconds; validating one of a megabyte took a second.
const maximumTokens = 10_000

/** What comes with every operation, over HTTP and over WebSocket. */
export interface ServerContext {
  /** Whose it is. */
  credentials?: Credentials
  /** How long its body was. */
  bytes?: number
  /**
   * Called when an HTTP request is going to be answered with a stream, which may never end by itself: how to end it.
   */
  onStream?: (end: () => void) => void
  /** What Yoga adds to what comes over HTTP. */
  req?: IncomingMessage
  res?: ServerResponse
}

/** The GraphQL API, whatever operations come over. */
export interface Api {
  /** Answers a request to `graphqlPath`. See `ServerContext.onStream`. */
  answer(
    request: IncomingMessage,
    response: ServerResponse,
    onStream: NonNullable<ServerContext['onStream']>,
  ): Promise<void>
  /** For operations that come over something else. */
  getEnveloped: YogaServerInstance<ServerContext, Context>['getEnveloped']
  /** Whose turn it is, whatever operations came over. */
  scheduler: Scheduler
}

/** Puts together how operations are let in, take their turns, are executed and answered. */
export function createApi(parts: {
  schema: GraphQLSchema
  services: Services
  authentication: Authentication
  subscriber: Subscriber
  log: Logger
}): Api {
  const { schema, services, authentication, subscriber, log } = parts
  const { scheduler } = services
  const yoga = createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: graphqlPath,
    context: ({ credentials, params }) => operationContext(services, credentials, params.query),
    plugins: [
      authenticateFirst(authentication),
      readRequests(scheduler),
      takeTurns(scheduler),
      nameOperations(),
      limitDocuments(),
      subscribeWith(subscriber),
      noteStreams(),
    ],
    maskedErrors: { maskError: (error) => publicError(error, log), errorMessage: '' },
    // A form with a file may be longer than anything else: see readRequestBody.
    maxRequestBodySize: false,
    // See cross-origin.ts: Yoga's own way answers with the origin of whoever asks.
    cors: false,
    graphiql: false,
    landingPage: false,
    // Yoga's own way holds the whole file in memory.
    multipart: false,
    logging: false,
  })
  return {
    async answer(request, response, onStream) {
      const { method = 'GET', headers, url = '' } = request
      // An address of our own: what the Host header says of it may be anything.
      const address = `http://localhost${graphqlPath}${/\?.*/s.exec(url)?.[0] ?? ''}`
      const asked = new yoga.fetchAPI.Request(address, { method, headers: acceptable(headers) })
      const answer = await yoga.handleRequest(asked, { req: request, res: response, onStream })
      for (const [name, value] of Object.entries(anyOrigin)) response.setHeader(name, value)
      await sendNodeResponse(answer, response, request, true)
    },
    getEnveloped: yoga.getEnveloped,
    scheduler,
  }
}

// Of these, Yoga knows one to answer with.
const answerable =
  /(^|[\s,])(application\/(json|graphql-response\+json|\*)|text\/(event-stream|\*)|multipart\/(mixed|\*)|\*\/\*)/i

/** Headers that accept an answer, whatever they accept: what has been executed must not stay unanswered. */
function acceptable(headers: IncomingHttpHeaders): Record<string, string> {
  const { accept } = headers
  const known = accept === undefined || (answerable.test(accept) && !/charset=(?!"?utf-8)/i.test(accept))
  return (known ? headers : { ...headers, accept: 'application/json' }) as Record<string, string>
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

// What takes long to read waits for its turn before that, and not only before it is executed.
const minHeavyBytes = 64_000

/** Requests are read here, all of them alike: see operation-request.ts. */
function readRequests(scheduler: Scheduler): Plugin<object, ServerContext> {
  return {
    onRequestParse({ setRequestParser, serverContext }) {
      const { req, res, credentials } = serverContext
      if (req === undefined || res === undefined || credentials === undefined) return
      checkMethod(req)
      setRequestParser(async () => {
        const body = await readRequestBody(req, res)
        const bytes = 'text' in body ? body.text.length : 0
        serverContext.bytes = bytes
        if (bytes < minHeavyBytes) return readOperation(body)
        const isWanted = () => !isGone(res)
        // Nobody is there to be told that an operation without a query is none.
        return (await scheduler.run(credentials.keyId, () => readOperation(body), { bytes, isWanted })) ?? {}
      })
    },
  }
}

/** Operations begin when it is the turn of their key. */
function takeTurns(scheduler: Scheduler): Plugin<object, ServerContext> {
  return {
    onParams({ paramsHandler, setParamsHandler, context }) {
      const { credentials, res, bytes = 0 } = context as ServerContext
      if (credentials === undefined || res === undefined) return
      const isWanted = () => !isGone(res)
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

/** Whether the client of an answer has left. */
function isGone(response: ServerResponse): boolean {
  return response.destroyed || response.req.socket.destroyed
}

/** Over HTTP; over WebSocket it is seen to there, as it has answers of its own. */
function nameOperations(): Plugin<{ request?: Request; params?: GraphQLParams }> {
  return {
    onParse() {
      return ({ result, context: { request, params } }) => {
        if (request !== undefined && result !== null && !(result instanceof Error))
          checkOperationName(result, params?.operationName)
      }
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
