import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { sendNodeResponse } from '@whatwg-node/server'
import type { GraphQLSchema } from 'graphql'
import { createYoga, type YogaServerInstance } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Scheduler } from '../../async/scheduler.ts'
import { type Context, createContext, type Services } from '../../graphql/context.ts'
import { readEventCursor } from '../../graphql/event.ts'
import { Admission } from '../../graphql/limits/admission.ts'
import { Answers } from '../../graphql/limits/answers.ts'
import { Documents } from '../../graphql/limits/documents.ts'
import type { Subscriber } from '../../graphql/subscriber.ts'
import { graphqlPath } from '../../routes.ts'
import type { Authentication } from '../authentication.ts'
import { graphiqlPageHeaders } from '../graphiql/graphiql.ts'
import { anyOrigin } from '../http/cross-origin.ts'
import { limitArrival, opensPage } from '../http/request.ts'
import { type Route, send, type Target } from '../http/server.ts'
import { isForm } from './operation-request.ts'
import {
  authenticateFirst,
  executeWithin,
  noteStreams,
  readDocuments,
  readRequests,
  type ServerContext,
  sendWritten,
  shareByKey,
  showErrors,
  subscribeWith,
  traceOperations,
} from './plugins.ts'

/** The GraphQL API, independent of the transport. */
export interface Api {
  /** Answers an HTTP request. */
  answer(
    request: IncomingMessage,
    response: ServerResponse,
    target: Pick<Target, 'search' | 'onStream' | 'record'>,
  ): Promise<void>
  /** Executes operations of another transport. */
  getEnveloped: YogaServerInstance<ServerContext, Context>['getEnveloped']
  /** The serialised answers. */
  answers: Answers
  /** Parses and validates operations. */
  documents: Documents
  /** Shares the event loop among the keys of all transports. */
  scheduler: Scheduler
}

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
  const answers = new Answers(services.pacer)
  const yoga = createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: graphqlPath,
    context: (initial) => operationContext(services, initial, initial.params.query),
    plugins: [
      authenticateFirst(authentication),
      readRequests(scheduler),
      readDocuments(documents),
      showErrors(log),
      // Before shareByKey, which needs the length of the answer.
      sendWritten(answers),
      // After readDocuments, around which it wraps itself.
      shareByKey(scheduler),
      executeWithin(new Admission(), answers, services.pacer),
      subscribeWith(subscriber),
      noteStreams(log),
      traceOperations(),
    ],
    // See showErrors: Yoga would not say which request an error is of.
    maskedErrors: false,
    // readRequestBody limits bodies. Files in forms may be longer.
    maxRequestBodySize: false,
    // See http/cross-origin.ts. Yoga would echo the origin of the request.
    cors: false,
    graphiql: false,
    landingPage: false,
    // Yoga would read the whole file into memory.
    multipart: false,
    // Its limit is a number of documents of any size.
    parserAndValidationCache: false,
    logging: false,
  })
  return {
    async answer(request, response, { search, onStream, record }) {
      const { method = 'GET', headers } = request
      // A fixed origin, because the Host header may be anything.
      const address = `http://localhost${graphqlPath}${search}`
      const webRequest = new yoga.fetchAPI.Request(address, { method, headers: acceptable(headers) })
      const isWanted = () => !response.destroyed && !request.socket.destroyed
      const context = { req: request, res: response, record, onStream, isWanted }
      const answer = await yoga.handleRequest(webRequest, context)
      record.answered('http')
      for (const [name, value] of Object.entries(anyOrigin)) response.setHeader(name, value)
      await sendNodeResponse(answer, response, request, true)
    },
    getEnveloped: yoga.getEnveloped,
    answers,
    documents,
    scheduler,
  }
}

/** The route of the API. Browsers get `page`, which may contain a key for those who may see it. */
export function graphqlRoute(api: Api, page: (request: IncomingMessage) => Promise<string>): Route {
  return {
    methods: 'GET, POST, OPTIONS',
    readsBody: true,
    async answer(request, response, { search, onStream, record }) {
      if (opensPage(request) && !search.includes('query='))
        return send(response, 200, await page(request), graphiqlPageHeaders)
      // A form may contain a file, which may take any time as long as it keeps arriving.
      if (!isForm(request)) limitArrival(request)
      await api.answer(request, response, { search, onStream, record })
    },
  }
}

// The media types that Yoga can answer with.
const answerable: ReadonlySet<string> = new Set([
  '*/*',
  'application/*',
  'application/json',
  'application/graphql-response+json',
  'text/*',
  'text/event-stream',
  'multipart/*',
  'multipart/mixed',
])

/**
 * The headers with an Accept header that Yoga can satisfy. Otherwise it finds out only after execution, and sends no answer.
 */
function acceptable(headers: IncomingHttpHeaders): Record<string, string> {
  const { accept } = headers
  const known = accept === undefined || accept.split(',').some(isAnswerable)
  return (known ? headers : { ...headers, accept: 'application/json' }) as Record<string, string>
}

/** Whether Yoga accepts a media range. */
function isAnswerable(range: string): boolean {
  const [type = '', ...parameters] = range.replaceAll(/\s/g, '').toLowerCase().split(';')
  const charset = parameters.find((parameter) => parameter.includes('charset='))
  return answerable.has(type) && (charset === undefined || charset === 'charset=utf-8')
}

async function operationContext(
  services: Services,
  { credentials, record, requestLength = 0 }: ServerContext,
  query: string | null | undefined,
): Promise<Context> {
  if (credentials === undefined) throw new Error('An operation was admitted without credentials.')
  const context = createContext(services, credentials, { requestLength, record })
  // Read before anything else of the operation, as the cursor promises.
  if (query?.includes('eventCursor')) context.eventCursor = await readEventCursor(context)
  return context
}
