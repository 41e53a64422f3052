import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendNodeResponse } from '@whatwg-node/server'
import type { ExecutionResult, GraphQLSchema } from 'graphql'
import { createYoga, isAsyncIterable, processRegularResult } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Scheduler } from '../../async/scheduler.ts'
import type { Services } from '../../graphql/context.ts'
import { publicError } from '../../graphql/errors/top-level.ts'
import { bytesOf, type Piece } from '../../graphql/limits/answers.ts'
import { Operations } from '../../graphql/operations.ts'
import type { Subscribed, Subscriber } from '../../graphql/subscriber.ts'
import { graphqlPath } from '../../routes.ts'
import type { Authentication } from '../authentication.ts'
import { graphiqlPageHeaders } from '../graphiql/graphiql.ts'
import { anyOrigin } from '../http/cross-origin.ts'
import { opensPage } from '../http/request.ts'
import { type Route, respond, type Target } from '../http/server.ts'
import { acceptable, type JsonType, jsonTypeOf } from './accept.ts'
import {
  bodyOf,
  runOperations,
  type ServerContext,
  sendStreams,
  sendWritten,
  showErrors,
  withPublicErrors,
} from './plugins.ts'
import { Requests } from './requests.ts'

/** The GraphQL API, independent of the transport. */
export interface Api {
  /** Answers an HTTP request. */
  answer(
    request: IncomingMessage,
    response: ServerResponse,
    target: Pick<Target, 'search' | 'onStream' | 'record'>,
  ): Promise<void>
  /** Reads and executes operations of every transport. */
  operations: Operations
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
  const operations = new Operations({ schema, services, subscriber })
  const { answers } = operations
  const requests = new Requests({ operations, authentication, scheduler })
  const yoga = createYoga<ServerContext>({
    schema,
    graphqlEndpoint: graphqlPath,
    plugins: [runOperations(requests), showErrors(log), sendWritten(answers), sendStreams(log)],
    // See showErrors: Yoga would not say which request an error is of.
    maskedErrors: false,
    // See http/cross-origin.ts. Yoga would echo the origin of the request.
    cors: false,
    graphiql: false,
    landingPage: false,
    logging: false,
  })

  /**
   * Answers a POST that gets JSON, as nearly all do, without Yoga's view of it. Resolves to false if its answer is a stream,
   * which is in the context then.
   */
  async function answerJson(context: ServerContext, type: JsonType): Promise<boolean> {
    const { response, record } = context
    const result = await resultOf(context)
    if (isAsyncIterable(result)) {
      context.result = result
      return false
    }
    const { status, headers, pieces } = jsonAnswer(result, type)
    record.answered('http')
    const length = bytesOf(pieces)
    if (context.arrived !== undefined) requests.weigh(context.arrived, length)
    if (response.destroyed) return true
    const all = { ...anyOrigin, ...headers, 'content-length': String(length) }
    const [only] = pieces
    if (pieces.length === 1) response.writeHead(status, all).end(only)
    else {
      const answer = new yoga.fetchAPI.Response(bodyOf(pieces, length), { status, headers: all })
      await sendNodeResponse(answer, response, context.request, true)
    }
    return true
  }

  /** The status, the headers and the pieces of the body with which Yoga answers JSON. */
  function jsonAnswer(result: ExecutionResult, type: JsonType) {
    if (result.errors === undefined) {
      const headers = { 'content-type': `${type}; charset=utf-8` }
      return { status: 200, headers, pieces: answers.json(result) }
    }
    let pieces: Piece[] = []
    const stringify = (shown: ExecutionResult) => {
      pieces = answers.json(shown)
      return ''
    }
    const { status, headers } = processRegularResult({ ...result, stringify }, yoga.fetchAPI, type)
    return { status, headers: Object.fromEntries(headers), pieces }
  }

  async function resultOf(context: ServerContext): Promise<Subscribed> {
    try {
      context.arrived = await requests.arrive(context)
      const result = await requests.run(context.arrived, context)
      return isAsyncIterable(result) ? result : withPublicErrors(result, log, context.record)
    } catch (error) {
      // Of any kind: what is not meant for clients is logged and masked.
      return { errors: [publicError(error, log, context.record)] }
    }
  }

  return {
    async answer(request, response, { search, onStream, record }) {
      const { method = 'GET', headers } = request
      const isWanted = () => !response.destroyed && !request.socket.destroyed
      const context: ServerContext = { request, response, record, onStream, isWanted }
      const type = method === 'POST' ? jsonTypeOf(headers.accept) : undefined
      if (type !== undefined && (await answerJson(context, type))) return
      // A fixed origin, because the Host header may be anything.
      const address = `http://localhost${graphqlPath}${search}`
      const webRequest = new yoga.fetchAPI.Request(address, { method, headers: acceptable(headers) })
      const answer = await yoga.handleRequest(webRequest, context)
      record.answered('http')
      for (const [name, value] of Object.entries(anyOrigin)) response.setHeader(name, value)
      await sendNodeResponse(answer, response, request, true)
    },
    operations,
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
        return respond(response, 200, await page(request), graphiqlPageHeaders)
      await api.answer(request, response, { search, onStream, record })
    },
  }
}
