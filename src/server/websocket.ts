import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { type ExecutionArgs, type GraphQLError, type GraphQLSchema, getOperationAST } from 'graphql'
import {
  CloseCode,
  handleProtocols,
  makeServer,
  type Context as SocketContext,
  type SubscribePayload,
} from 'graphql-ws'
import type { Logger } from 'pino'
import { type WebSocket, WebSocketServer } from 'ws'
import { problem, publicError, wireError } from '../graphql/problems.ts'
import type { Subscriber } from '../graphql/subscribe.ts'
import { type Api, graphqlPath, maximumRequestBytes } from './api.ts'
import type { Authentication } from './authentication.ts'
import { excessOfJson } from './json.ts'
import { ClientSocket } from './socket.ts'

const mostOperationsPerSocket = 1_000
// What stays as long as an operation, or as its socket.
const maxIdLength = 255
const maxConnectionParamsLength = 20_000
const beatEveryMs = 12_000

// At shutdown, how long an operation under way may take, and how long a client may take to hear that it should go elsewhere.
const longestAnswerMs = 10_000
const longestGoodbyeMs = 5_000

// RFC 6455, 7.4.1: the server goes down, or the page is left.
const goingAway = 1001

type Socket = SocketContext<Record<string, unknown>, ClientSocket>

/** An operation that was let in, and how to run it. */
interface Operation extends ExecutionArgs {
  rootValue: {
    socket: ClientSocket
    execute: (args: ExecutionArgs) => unknown
    messageLength: number
    /** What it is answered with instead, because of its variables. */
    errors: GraphQLError[] | undefined
  }
}

/**
 * Serves the API over WebSocket, by the protocol of graphql-ws, on the HTTP server's own port and path. Every
 * operation answers for itself: one that is malformed or not permitted ends with its errors, and the socket's
 * others go on. `close` answers the operations under way, tells clients to go elsewhere (1001), and resolves when they
 * have gone.
 */
export function serveWebSocket(parts: {
  server: Server
  api: Api
  authentication: Authentication
  subscriber: Subscriber
  log: Logger
}): { close: () => Promise<void> } {
  const { server, api, authentication, subscriber, log } = parts
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maximumRequestBytes, handleProtocols })
  const clients = new Set<ClientSocket>()
  const protocol = makeServer<Record<string, unknown>, ClientSocket>({
    execute: (args) => run(args, (operation, { execute }) => execute(operation)),
    // Straight, and not by way of the API's plugins, which would each stand between an event and its subscribers.
    subscribe: (args) => run(args, (operation) => subscriber.subscribe(operation)),
    // A client's operations wait for their turns already here: what it asks for and gives up at once costs as much.
    onSubscribe: (socket, id, payload) => {
      // Before anything is waited for: later, those that came after this one would count as well.
      const message = {
        idLength: id.length,
        length: socket.extra.messageLength,
        crowded: Object.keys(socket.subscriptions).length > mostOperationsPerSocket,
      }
      return socket.extra.inTurn(() => admit(socket, payload, message), message.length)
    },
    onConnect: ({ extra }) => {
      if (extra.messageLength > maxConnectionParamsLength)
        extra.goAway(CloseCode.BadRequest, 'The connectionParams are too long: send { authorization } alone')
    },
    onNext: (_socket, _id, _payload, _args, { errors, data = null }) =>
      errors === undefined
        ? undefined
        : { errors: errors.map((error) => wireError(publicError(error, log))), data },
    onError: (_socket, _id, _payload, errors) => errors.map((error) => wireError(publicError(error, log))),
  })
  const beat = setInterval(() => {
    for (const client of clients) client.beat()
  }, beatEveryMs)
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // The HTTP server has let go of the socket: an error that nobody listens for would end the process.
    socket.once('error', () => socket.destroy())
    // Not parsed as a URL, which anything that a stranger sends need not be.
    if (request.url?.split('?', 1)[0] !== graphqlPath) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, (client) => serve(client, socket))
  }
  server.on('upgrade', onUpgrade)

  /** Speaks the protocol with one client. */
  function serve(socket: WebSocket, connection: Duplex): void {
    const client = new ClientSocket(socket, connection)
    clients.add(client)
    socket.on('error', (error) => log.info({ err: error }, 'a client broke the WebSocket protocol'))
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (message) => client.send(message),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (answer) =>
          socket.on('message', (message) => {
            // Nobody would be answered any more.
            if (socket.readyState !== socket.OPEN) return
            const text = String(message)
            const excess = excessOfJson(text)
            if (excess !== undefined) return socket.close(CloseCode.BadRequest, excess)
            client.messageLength = text.length
            answer(text).catch((error: unknown) => {
              if (isUnexpected(error)) return socket.close(CloseCode.BadRequest, 'Unexpected message')
              log.error({ err: error }, 'a message could not be answered')
              socket.close(CloseCode.InternalServerError, 'Internal server error')
            })
          }),
      },
      client,
    )
    socket.once('close', (code, reason) => {
      clients.delete(client)
      closed(code, String(reason)).catch((error: unknown) => {
        log.error({ err: error }, 'the subscriptions of a client that left could not be ended')
      })
    })
  }

  /** The operation to run, or why it is not. */
  async function admit(
    socket: Socket,
    payload: SubscribePayload,
    { idLength, length, crowded }: { idLength: number; length: number; crowded: boolean },
  ): Promise<Operation | GraphQLError[]> {
    try {
      const credentials = await authentication.authenticate(authorizationOf(socket))
      if (crowded)
        throw problem(
          'BAD_USER_INPUT',
          `This socket has ${mostOperationsPerSocket} operations already. Complete some of them, or open another socket.`,
        )
      if (idLength > maxIdLength)
        throw problem(
          'BAD_USER_INPUT',
          `The id of the operation has ${idLength.toLocaleString('en')} characters. At most ${maxIdLength} are possible.`,
        )
      const reading = await api.documents.read(payload)
      if ('errors' in reading) return reading.errors
      const { document, variableErrors: errors } = reading
      const { schema, contextFactory, execute } = api.getEnveloped({
        credentials,
        params: payload,
        requestLength: length,
      })
      if (getOperationAST(document, payload.operationName) == null)
        throw problem('BAD_USER_INPUT', 'Could not determine what operation to execute.')
      return {
        schema: schema as GraphQLSchema,
        document,
        operationName: payload.operationName,
        variableValues: payload.variables,
        contextValue: await contextFactory(),
        rootValue: { socket: socket.extra, execute, errors, messageLength: length },
      }
    } catch (error) {
      return [publicError(error, log)]
    }
  }

  return {
    async close() {
      server.off('upgrade', onUpgrade)
      clearInterval(beat)
      const settled = Promise.all([...clients].map((client) => client.settle()))
      await Promise.race([settled, delay(longestAnswerMs, undefined, { ref: false })])
      const gone = Promise.all([...sockets.clients].map(goneOf))
      for (const client of clients) client.goAway(goingAway, 'Going away')
      const impatient = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate()
      }, longestGoodbyeMs)
      await gone
      clearTimeout(impatient)
    },
  }
}

/** What graphql-ws says of a message that only servers send. */
function isUnexpected(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Unexpected message of type')
}

function goneOf(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** What would be a header over HTTP: its name may be written in any case. */
function authorizationOf(socket: Socket): string | undefined {
  for (const [name, value] of Object.entries(socket.connectionParams ?? {}))
    if (name.toLowerCase() === 'authorization' && typeof value === 'string') return value
  return undefined
}

function run(args: ExecutionArgs, how: (operation: ExecutionArgs, by: Operation['rootValue']) => unknown) {
  const { rootValue, ...operation } = args as Operation
  const { socket, errors, messageLength } = rootValue
  const answer = () => (errors === undefined ? how(operation, rootValue) : { errors }) as never
  return socket.inTurn(answer, messageLength)
}
