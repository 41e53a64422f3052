import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { ExecutionArgs, GraphQLError, GraphQLSchema } from 'graphql'
import {
  CloseCode,
  handleProtocols,
  makeServer,
  type Context as SocketContext,
  type SubscribePayload,
} from 'graphql-ws'
import type { Logger } from 'pino'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Credentials } from '../graphql/context.ts'
import { publicError, topLevelError, wireError } from '../graphql/errors/top-level.ts'
import type { Subscriber } from '../graphql/subscriber.ts'
import { grouped } from '../grouped.ts'
import { type Api, graphqlPath } from './api.ts'
import type { Authentication } from './authentication.ts'
import { excessOfJson } from './json.ts'
import { maxRequestBytes, onlyNamesDocument, persistedQueryNotSupported } from './operation-request.ts'
import { refuseConnection } from './refusal.ts'
import { ClientSocket } from './socket.ts'
import { hostProblem, isWebSocket, targetOf } from './target.ts'

const maxOperationsPerSocket = 1_000
// What stays as long as an operation, or as its socket.
const maxIdLength = 255
const maxConnectionParamsLength = 20_000
const beatEveryMs = 12_000

// At shutdown, how long an operation under way may take, and how long a client may take to hear that it should go elsewhere.
const maxAnswerMs = 10_000
const maxGoodbyeMs = 5_000

// RFC 6455, 7.4.1: the server goes down, or the page is left.
const goingAway = 1001

type Socket = SocketContext<Record<string, unknown>, ClientSocket>

/** An operation that was let in, and how to run it. */
interface Operation extends ExecutionArgs {
  rootValue: {
    socket: ClientSocket
    /** Runs something for it when it is the turn of its key, unless nobody waits for it any more by then. */
    inTurn: <T>(work: () => Promise<T> | T) => Promise<T | undefined>
    execute: (args: ExecutionArgs) => unknown
    messageLength: number
    /** What it is answered with instead, because of its variables. */
    errors: GraphQLError[] | undefined
  }
}

/** What is known of an operation when it has just come. */
interface Arrival {
  id: string
  /** How long its message was, in characters. */
  length: number
  /** Whether its socket has too many operations already. */
  crowded: boolean
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
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxRequestBytes, handleProtocols })
  const clients = new Set<ClientSocket>()
  const longAnswers = new LongAnswers()
  const protocol = makeServer<Record<string, unknown>, ClientSocket>({
    execute: (args) => run(args, (operation, { execute }) => execute(operation)),
    // Straight, and not by way of the API's plugins, which would each stand between an event and its subscribers.
    subscribe: (args) => run(args, (operation) => subscriber.subscribe(operation)),
    // A client's operations wait here already: what it asks for and gives up at once costs as much.
    onSubscribe: (socket, id, payload) => {
      // Before anything is waited for: later, those that came after this one would count as well.
      const arrival = {
        id,
        length: socket.extra.messageLength,
        crowded: Object.keys(socket.subscriptions).length > maxOperationsPerSocket,
      }
      return socket.extra.inTurn(() => admit(socket, payload, arrival), arrival.length)
    },
    onConnect: ({ extra }) => {
      if (extra.messageLength > maxConnectionParamsLength)
        extra.goAway(CloseCode.BadRequest, 'The connectionParams are too long: send { authorization } alone')
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
    const wrongHost = hostProblem(request)
    if (wrongHost !== undefined) return refuseConnection(socket, { status: 400, message: wrongHost })
    if (targetOf(request).path !== graphqlPath)
      return refuseConnection(socket, {
        status: 404,
        message: `No WebSocket is served here. The API is at ${graphqlPath}.`,
      })
    // Before Node.js 24.9 all upgrades come here.
    if (!isWebSocket(request.headers.upgrade))
      return refuseConnection(socket, { status: 400, message: 'Upgrade to websocket, or not at all.' })
    sockets.handleUpgrade(request, socket, head, (client) => serve(client, socket))
  }
  server.on('upgrade', onUpgrade)
  sockets.on('wsClientError', (error, socket) =>
    refuseConnection(socket, {
      status: 400,
      message: `The WebSocket cannot be opened as it was asked for (RFC 6455). ${error.message}.`,
      headers: { 'Sec-WebSocket-Version': '13' },
    }),
  )

  /** Speaks the protocol with one client. */
  function serve(socket: WebSocket, connection: Duplex): void {
    const client = new ClientSocket(socket, connection)
    clients.add(client)
    socket.on('error', (error) => log.info({ err: error }, 'a client broke the WebSocket protocol'))
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (message) => {
          const sent = longAnswers.putInto(message)
          if (client.keyId !== undefined && message.includes('"payload"'))
            api.scheduler.weigh(client.keyId, sent.length)
          return client.send(sent)
        },
        close: (code, reason) => socket.close(code, reason),
        onMessage: (answer) =>
          socket.on('message', (message) => {
            // Nobody would be answered any more.
            if (socket.readyState !== socket.OPEN) return
            const text = String(message)
            const excess = excessOfJson(text)
            if (excess !== undefined) return socket.close(CloseCode.BadRequest, excess)
            client.messageLength = text.length
            answer(readMessage(text)).catch((error: unknown) => {
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
    { id, length, crowded }: Arrival,
  ): Promise<Operation | GraphQLError[]> {
    try {
      const { extra: client } = socket
      const credentials = await authentication.authenticate(authorizationOf(socket))
      if (crowded)
        throw topLevelError(
          'BAD_USER_INPUT',
          `This socket has ${grouped(maxOperationsPerSocket)} operations already. Complete some of them, or open another socket.`,
        )
      if (id.length > maxIdLength)
        throw topLevelError(
          'BAD_USER_INPUT',
          `The id of the operation has ${grouped(id.length)} characters. At most ${maxIdLength} are possible.`,
        )
      client.keyId = credentials.keyId
      const isWanted = () => client.isOpen && id in socket.subscriptions
      const inTurn: Operation['rootValue']['inTurn'] = (work) =>
        api.scheduler.run(credentials.keyId, work, { isWanted, bytes: length, isPatient: true })
      const prepared = await inTurn(() => prepare(credentials, payload, { client, length, isWanted }))
      // It is told to nobody.
      if (prepared === undefined) return [topLevelError('BAD_USER_INPUT', 'The client has left.')]
      if ('refused' in prepared) return prepared.refused
      const { args, errors, execute } = prepared
      return { ...args, rootValue: { socket: client, inTurn, execute, errors, messageLength: length } }
    } catch (error) {
      return [publicError(error, log)]
    }
  }

  /** Reads an operation, and what it is to be executed with. */
  async function prepare(
    credentials: Credentials,
    payload: SubscribePayload,
    { client, length, isWanted }: { client: ClientSocket; length: number; isWanted: () => boolean },
  ) {
    const { query, operationName: name, variables } = payload
    if (onlyNamesDocument({ ...payload })) throw persistedQueryNotSupported()
    const operationName = name === '' ? undefined : name
    const reading = await api.documents.read({ query, operationName, variables })
    if ('errors' in reading) return { refused: reading.errors }
    const { schema, contextFactory, execute } = api.getEnveloped({
      credentials,
      params: payload,
      isWanted,
      requestLength: length,
      inTurnOfLong: <T>(run: () => Promise<T>) => client.inTurnOfLong(run),
    })
    const args: ExecutionArgs = {
      schema: schema as GraphQLSchema,
      document: reading.document,
      operationName,
      variableValues: variables,
      contextValue: await contextFactory(),
    }
    return { args, errors: reading.variableErrors, execute: execute as (args: ExecutionArgs) => unknown }
  }

  return {
    async close() {
      server.off('upgrade', onUpgrade)
      clearInterval(beat)
      const settled = Promise.all([...clients].map((client) => client.settle()))
      await Promise.race([settled, delay(maxAnswerMs, undefined, { ref: false })])
      const gone = Promise.all([...sockets.clients].map(goneOf))
      for (const client of clients) client.goAway(goingAway, 'Going away')
      const impatient = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate()
      }, maxGoodbyeMs)
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

/** What would be a header over HTTP: its name may be written in any case. */
function authorizationOf(socket: Socket): string | undefined {
  for (const [name, value] of Object.entries(socket.connectionParams ?? {}))
    if (name.toLowerCase() === 'authorization' && typeof value === 'string') return value
  return undefined
}

async function run(
  args: ExecutionArgs,
  how: (operation: ExecutionArgs, by: Operation['rootValue']) => unknown,
) {
  const { rootValue, ...operation } = args as Operation
  const { socket, inTurn, errors, messageLength } = rootValue
  const answer = () => (errors === undefined ? how(operation, rootValue) : { errors })
  const result = await socket.inTurn(() => inTurn(answer), messageLength)
  // For a client that has left it is nothing.
  return (result ?? { data: null }) as never
}

/**
 * A message as it came; but the hash or the name of a document alone, which the protocol has no place for, as an
 * operation without a query, so that it can be answered.
 */
function readMessage(text: string): string {
  const hasQuery = /"query"\s*:\s*"/.test(text) && !text.includes('"persistedQuery"')
  if (hasQuery || !text.includes('"subscribe"')) return text
  try {
    const message = JSON.parse(text)
    const payload = message?.payload
    if (payload?.query != null || !onlyNamesDocument(payload ?? {})) return text
    return JSON.stringify({ ...message, payload: { ...payload, query: '' } })
  } catch {
    return text
  }
}
