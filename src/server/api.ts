import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { sendNodeResponse } from '@whatwg-node/server'
import type { GraphQLSchema } from 'graphql'
import { createYoga, type YogaServerInstance } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Scheduler } from '../async/scheduler.ts'
import { type Context, createContext, type Services } from '../graphql/context.ts'
import { publicError } from '../graphql/errors/top-level.ts'
import { readEventCursor } from '../graphql/event.ts'
import { Admission } from '../graphql/limits/admission.ts'
import { Answers } from '../graphql/limits/answers.ts'
import { Documents } from '../graphql/limits/documents.ts'
import type { Subscriber } from '../graphql/subscriber.ts'
import { executeWithin, noteStreams, sendWritten, subscribeWith } from './answer-plugins.ts'
import type { Authentication } from './authentication.ts'
import { anyOrigin } from './cross-origin.ts'
import { authenticateFirst, isGone, readDocuments, readRequests, takeTurns } from './request-plugins.ts'
import type { ServerContext } from './server-context.ts'

export const graphqlPath = '/graphql'

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

/** Puts together how operations are let in, take their turn, are executed and answered. */
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
      // Before how long an answer is counts for the share of its key.
      sendWritten(answers),
      // Around the reading of documents, too.
      takeTurns(scheduler),
      executeWithin(new Admission(), answers, services.pacer),
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
      const isWanted = () => !isGone(response)
      const answer = await yoga.handleRequest(asked, { req: request, res: response, onStream, isWanted })
      for (const [name, value] of Object.entries(anyOrigin)) response.setHeader(name, value)
      await sendNodeResponse(answer, response, request, true)
    },
    getEnveloped: yoga.getEnveloped,
    answers,
    documents,
    scheduler,
  }
}

// What Yoga knows a media type of, to answer with.
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

/** Headers that accept an answer, whatever they accept: what has been executed must not stay unanswered. */
function acceptable(headers: IncomingHttpHeaders): Record<string, string> {
  const { accept } = headers
  const known = accept === undefined || accept.split(',').some(isAnswerable)
  return (known ? headers : { ...headers, accept: 'application/json' }) as Record<string, string>
}

/** Whether Yoga takes a media range for one that it can answer with, in the way in which it reads it. */
function isAnswerable(range: string): boolean {
  const [type = '', ...parameters] = range.replaceAll(/\s/g, '').toLowerCase().split(';')
  const charset = parameters.find((parameter) => parameter.includes('charset='))
  return answerable.has(type) && (charset === undefined || charset === 'charset=utf-8')
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
