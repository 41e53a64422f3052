import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
} from 'graphql'
import type { Context as SocketContext, SubscribePayload } from 'graphql-ws'
import { type Extra, useServer } from 'graphql-ws/use/ws'
import type { Logger } from 'pino'
import { WebSocketServer } from 'ws'
import { parseFailure, problem, publicError, wireError } from '../graphql/problems.ts'
import { type Api, graphqlPath, maximumRequestBytes } from './api.ts'
import type { Authentication } from './authentication.ts'

const mostOperationsPerSocket = 1_000

type Socket = SocketContext<Record<string, unknown>, Extra>

/** An operation that was let in, and how to run it. */
interface Operation extends ExecutionArgs {
  rootValue: { execute: (args: ExecutionArgs) => unknown; subscribe: (args: ExecutionArgs) => unknown }
}

/**
 * Serves the API over WebSocket, by the protocol of graphql-ws, on the HTTP server's own port and path. Every
 * operation answers for itself: one that is malformed or not permitted ends with its errors, and the socket's
 * others go on. `close` tells clients to go elsewhere (1001) and resolves when they have gone.
 */
export function serveWebSocket(parts: {
  server: Server
  api: Api
  authentication: Authentication
  log: Logger
}): { close: () => Promise<void> } {
  const { server, api, authentication, log } = parts
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maximumRequestBytes })
  const serving = useServer<Record<string, unknown>, Partial<Extra>>(
    {
      isProd: true,
      execute: (args) => run(args, 'execute'),
      subscribe: (args) => run(args, 'subscribe'),
      onSubscribe: (socket, _id, payload) => admit(socket as Socket, payload),
      onNext: (_socket, _id, _payload, _args, { errors, data = null }) =>
        errors === undefined ? undefined : { errors: errors.map(wireError), data },
      onError: (_socket, _id, _payload, errors) => errors.map((error) => wireError(publicError(error, log))),
    },
    sockets,
  )
  sockets.on('connection', (client) => {
    // In place of graphql-ws's own listener, which prints whatever a stranger sends, with a stack, to standard error.
    client.removeAllListeners('error')
    client.on('error', (error) => log.info({ err: error }, 'a client broke the WebSocket protocol'))
  })
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // The HTTP server has let go of the socket: an error that nobody listens for would end the process.
    socket.once('error', () => socket.destroy())
    // Not parsed as a URL, which anything that a stranger sends need not be.
    if (request.url?.split('?', 1)[0] !== graphqlPath) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request))
  }
  server.on('upgrade', onUpgrade)

  /** The operation to run, or why it is not. */
  async function admit(socket: Socket, payload: SubscribePayload): Promise<Operation | GraphQLError[]> {
    // Counted before anything is waited for: later, those that came after this one would count as well.
    const crowded = Object.keys(socket.subscriptions).length > mostOperationsPerSocket
    try {
      const credentials = await authentication.authenticate(authorizationOf(socket))
      if (crowded)
        throw problem(
          'BAD_USER_INPUT',
          `This socket has ${mostOperationsPerSocket} operations already. Complete some of them, or open another socket.`,
        )
      const { schema, parse, validate, contextFactory, execute, subscribe } = api.getEnveloped({
        credentials,
        params: payload,
      })
      const document = parseDocument(parse, payload.query)
      const errors: readonly GraphQLError[] = validate(schema, document)
      if (errors.length > 0) return errors.map((error) => publicError(error, log))
      if (getOperationAST(document, payload.operationName) == null)
        throw problem('BAD_USER_INPUT', 'Could not determine what operation to execute.')
      return {
        schema: schema as GraphQLSchema,
        document,
        operationName: payload.operationName,
        variableValues: payload.variables,
        contextValue: await contextFactory(),
        rootValue: { execute, subscribe },
      }
    } catch (error) {
      return [publicError(error, log)]
    }
  }

  return {
    async close() {
      server.off('upgrade', onUpgrade)
      await serving.dispose()
    },
  }
}

function parseDocument(parse: (query: string) => DocumentNode, query: string): DocumentNode {
  try {
    return parse(query)
  } catch (error) {
    throw error instanceof GraphQLError ? parseFailure(error) : error
  }
}

/** What would be a header over HTTP: its name may be written in any case. */
function authorizationOf(socket: Socket): string | undefined {
  for (const [name, value] of Object.entries(socket.connectionParams ?? {}))
    if (name.toLowerCase() === 'authorization' && typeof value === 'string') return value
  return undefined
}

function run(args: ExecutionArgs, how: 'execute' | 'subscribe') {
  const { rootValue, ...operation } = args as Operation
  return rootValue[how](operation) as never
}
