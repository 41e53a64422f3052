import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { sendNodeResponse } from '@whatwg-node/server'
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
} from 'graphql'
import { createYoga, isAsyncIterable, type Plugin, type YogaServerInstance } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Scheduler } from '../async/scheduler.ts'
import type { Turns } from '../domain/turns.ts'
import { Admission } from '../graphql/admission.ts'
import { Answers } from '../graphql/answers.ts'
import { type Context, type Credentials, createContext, type Services } from '../graphql/context.ts'
import { Documents, type OperationText } from '../graphql/documents.ts'
import { readEventCursor } from '../graphql/event.ts'
import { Room } from '../graphql/pacing.ts'
import { problem, publicError } from '../graphql/problems.ts'
import type { Subscriber } from '../graphql/subscribe.ts'
import type { Authentication } from './authentication.ts'
import { anyOrigin } from './cross-origin.ts'
import { checkMethod, readOperation, readRequestBody } from './operation-request.ts'

export const graphqlPath = '/graphql'

// What large answers may take of memory together while they are worked out. A value takes some two hundred bytes, its
// name and its text not counted. All others are small.
const maxAtOnceBytes = 100_000_000
const bytesOfValue = 200
const smallAnswerBytes = 1_000_000

// In characters: reading, validating and weighing a shorter document takes a few milliseconds together.
const maxShortDocument = 5_000

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
  /** The document of the operation, once it has been read. */
  document?: DocumentNode
  /** How long the operation was, in characters. */
  requestLength?: number
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
  /** The answers of its operations as they were written, for whoever sends them. */
  answers: Answers
  /** Reads the text of operations, whatever they came over. */
  documents: Documents
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
  const documents = new Documents(schema)
  const answers = new Answers(services.turns)
  const yoga = createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: graphqlPath,
    context: (initial) => operationContext(services, initial, initial.params.query),
    plugins: [
      authenticateFirst(authentication),
      readRequests(scheduler),
      readDocuments(documents),
      // Around the reading of documents, too.
      takeTurns(scheduler),
      executeWithin(new Admission(), answers, services.turns),
      sendWritten(answers),
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
    // It keeps documents by their number, whatever their size.
    parserAndValidationCache: false,
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
    answers,
    documents,
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
  { credentials, requestLength = 0 }: ServerContext,
  query: string | null | undefined,
): Promise<Context> {
  if (credentials === undefined) throw new Error('An operation was let in without credentials.')
  const context = createContext(services, credentials, requestLength)
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

/** Operations are parsed and validated here, and nowhere else: see Documents. */
function readDocuments(documents: Documents): Plugin<ServerContext, ServerContext> {
  return {
    onParams({ paramsHandler, setParamsHandler, context }) {
      setParamsHandler(async (operation) => {
        // Without what is not used, which would stay as long as a subscription does.
        const { extensions: _extensions, ...params } = operation.params
        const reading = await documents.read(params as OperationText)
        if ('errors' in reading) return { errors: reading.errors }
        if (reading.variableErrors !== undefined) return { errors: reading.variableErrors }
        Object.assign(context, { document: reading.document, requestLength: reading.length })
        return await paramsHandler({ ...operation, params })
      })
    },
    onParse({ context: { document }, setParsedDocument }) {
      if (document === undefined) throw new Error('An operation was let in without its document.')
      setParsedDocument(document)
    },
    onValidate({ setResult }) {
      setResult([])
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
