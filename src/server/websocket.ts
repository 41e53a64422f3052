import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
} from 'graphql'
import {
  CloseCode,
  handleProtocols,
  makeServer,
  type Context as SocketContext,
  type SubscribePayload,
} from 'graphql-ws'
import type { Logger } from 'pino'
import { type WebSocket, WebSocketServer } from 'ws'
import { parseFailure, problem, publicError, wireError } from '../graphql/problems.ts'
import type { Subscriber } from '../graphql/subscribe.ts'
import { type Api, graphqlPath, maximumRequestBytes } from './api.ts'
import type { Authentication } from './authentication.ts'
import { ClientSocket } from './socket.ts'

const mostOperationsPerSocket = 1_000
const beatEveryMs = 12_000

// At shutdown, how long an operation under way may take, and how long a client may take to hear that it should go elsewhere.
const longestAnswerMs = 10_000
const longestGoodbyeMs = 5_000

// RFC 6455, 7.4.1: the server goes down, or the page is left.
const goingAway = 1001

type Socket = SocketContext<Record<string, unknown>, ClientSocket>

/** An operation that was let in, and how to run it. */
interface Operation extends ExecutionArgs {
  rootValue: { socket: ClientSocket; execute: (args: ExecutionArgs) => unknown }
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
  const longAnswers = new LongAnswers()
  const protocol = makeServer<Record<string, unknown>, ClientSocket>({
    execute: (args) => run(args, (operation, { execute }) => execute(operation)),
    // Straight, and not by way of the API's plugins, which would each stand between an event and its subscribers.
    subscribe: (args) => run(args, (operation) => subscriber.subscribe(operation)),
    // A client's operations wait for their turns already here: what it asks for and gives up at once costs as much.
    onSubscribe: (socket, _id, payload) => {
      // Counted before anything is waited for: later, those that came after this one would count as well.
      const crowded = Object.keys(socket.subscriptions).length > mostOperationsPerSocket
      return socket.extra.inTurn(() => admit(socket, payload, crowded))
    },
    onNext: (_socket, _id, _payload, _args, { errors, data = null }) => {
      const written = api.answers.dataOf(data)
      // Written into the message in one go, a long answer would hold everybody up.
      const isLong = written !== undefined && written.length > 1
      if (errors === undefined && !isLong) return undefined
      return {
        ...(errors && { errors: errors.map((error) => wireError(publicError(error, log))) }),
        data: isLong ? longAnswers.standIn(written) : data,
      }
    },
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
        send: (message) => client.send(longAnswers.putInto(message)),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (answer) =>
          socket.on('message', (message) => {
            // Nobody would be answered any more.
            if (socket.readyState !== socket.OPEN) return
            answer(String(message)).catch((error: unknown) => {
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
    crowded: boolean,
  ): Promise<Operation | GraphQLError[]> {
    try {
      const credentials = await authentication.authenticate(authorizationOf(socket))
      if (crowded)
        throw problem(
          'BAD_USER_INPUT',
          `This socket has ${mostOperationsPerSocket} operations already. Complete some of them, or open another socket.`,
        )
      const { schema, parse, validate, contextFactory, execute } = api.getEnveloped({
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
        rootValue: { socket: socket.extra, execute },
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

/** Answers that are long, and what stands for them in messages until these are sent. */
class LongAnswers {
  readonly #answers = new Map<string, readonly Buffer<ArrayBuffer>[]>()

  /** What no client can guess, and so nothing else in a message can be. */
  standIn(pieces: readonly Buffer<ArrayBuffer>[]): Record<string, unknown> {
    const standIn = { long: randomUUID() }
    this.#answers.set(JSON.stringify(standIn), pieces)
    return standIn
  }

  /** A message that is about to be sent, with the answer that it is to bring. */
  putInto(message: string): string | Buffer {
    if (this.#answers.size === 0) return message
    for (const [text, pieces] of this.#answers) {
      const place = message.indexOf(text)
      if (place === -1) continue
      this.#answers.delete(text)
      const rest = place + text.length
      return Buffer.concat([
        Buffer.from(message.slice(0, place)),
        ...pieces,
        Buffer.from(message.slice(rest)),
      ])
    }
    return message
  }
}

/** What graphql-ws says of a message that only servers send. */
function isUnexpected(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Unexpected message of type')
}

function goneOf(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
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

function run(args: ExecutionArgs, how: (operation: ExecutionArgs, by: Operation['rootValue']) => unknown) {
  const { rootValue, ...operation } = args as Operation
  return rootValue.socket.inTurn(() => how(operation, rootValue) as never)
}
