import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { ExecutionArgs, GraphQLError } from 'graphql'
import {
  CloseCode,
  handleProtocols,
  MessageType,
  makeServer,
  type Context as SocketContext,
  type SubscribePayload,
} from 'graphql-ws'
import type { Logger } from 'pino'
import { type WebSocket, WebSocketServer } from 'ws'
import { publicError, topLevelError, wireError } from '../../graphql/errors/top-level.ts'
import type { Sender } from '../../graphql/operations.ts'
import { grouped } from '../../grouped.ts'
import { graphqlPath } from '../../routes.ts'
import { facts } from '../../telemetry/facts.ts'
import { RequestRecord, requestIdHeader, requestIdOf } from '../../telemetry/request-record.ts'
import type { Api } from '../api/api.ts'
import {
  excessOfJson,
  isObject,
  maxRequestBytes,
  onlyNamesDocument,
  persistedQueryNotSupported,
} from '../api/operation-request.ts'
import type { Authentication } from '../authentication.ts'
import { refuseConnection } from '../http/errors.ts'
import { hostError, isWebSocket, targetOf } from '../http/request.ts'
import { maxDrainMs } from '../http/server.ts'
import type { SentSession } from '../session-cookie.ts'
import { ClientSocket } from './client-socket.ts'
import { ResultSender } from './result-sender.ts'

// The protocol of graphql-ws, with our own adapter to `ws`. The one of graphql-ws has no back-pressure, does not tell busy
// clients from dead ones by its pings, and closes the socket if a single operation is invalid.

const maxOperationsPerSocket = 1_000
// Kept until an operation or its socket ends, in characters.
const maxIdLength = 255
const maxConnectionParamsLength = 20_000
const beatEveryMs = 12_000

// At shutdown, how long clients may take to close their sockets.
const maxGoodbyeMs = 5_000

// RFC 6455, 7.4.1: a server shuts down, or a browser leaves the page.
const goingAway = 1001

type Socket = SocketContext<Record<string, unknown>, ClientSocket>

/** What is known of an operation when its message arrives. */
interface Arrival {
  id: string
  /** The length of its message, in characters. */
  length: number
  isTooMany: boolean
  record: RequestRecord
}

/** An admitted operation: `onSubscribe` returns it, and graphql-ws passes it to `execute` or `subscribe`. */
interface AdmittedOperation extends ExecutionArgs {
  /** Runs the operation when its turn has come and its key's share allows it. Called once, and not kept. */
  answer: (() => Promise<ResultSender>) | undefined
}

/**
 * Serves the API over WebSocket, on the HTTP server's port and path. An operation that is malformed or not permitted ends
 * with its own errors and does not affect others on the same socket. `close` drains: it answers the operations in flight,
 * closes the sockets with 1001, so that clients reconnect elsewhere, and resolves when they are closed.
 */
export function serveWebSocket(parts: {
  server: Server
  api: Api
  authentication: Authentication
  log: Logger
}): { close: () => Promise<void> } {
  const { server, api, authentication, log } = parts
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxRequestBytes, handleProtocols })
  const clients = new Set<ClientSocket>()
  const senderParts = { answers: api.operations.answers, scheduler: api.scheduler, log }
  const records = new WeakMap<SubscribePayload, RequestRecord>()
  const protocol = makeServer<Record<string, unknown>, ClientSocket>({
    execute: run,
    subscribe: run,
    onSubscribe: (socket, id, payload) => {
      const record = new RequestRecord()
      records.set(payload, record)
      // Counted now, not when this operation runs: later ones do not count.
      const arrival = {
        id,
        length: socket.extra.messageLength,
        isTooMany: Object.keys(socket.subscriptions).length > maxOperationsPerSocket,
        record,
      }
      // Enqueued even if the client cancels the operation immediately, which costs as much.
      return record.inSpan('operation', {}, { 'promo_codes.transport': 'websocket' }, () =>
        socket.extra.enqueue(() => admit(socket, payload, arrival), arrival.length),
      )
    },
    onConnect: ({ extra }) => {
      if (extra.messageLength > maxConnectionParamsLength)
        extra.close(CloseCode.BadRequest, 'The connectionParams are too long: send { authorization } alone')
    },
    onComplete: (_socket, _id, payload) => records.get(payload)?.operationEnded(log),
    onError: (_socket, _id, payload, errors) =>
      errors.map((error) => wireError(publicError(error, log, records.get(payload)))),
  })
  const beat = setInterval(() => {
    for (const client of clients) client.beat()
  }, beatEveryMs)
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // The HTTP server no longer handles errors of the socket, and an unhandled one would end the process.
    socket.once('error', () => socket.destroy())
    const wrongHost = hostError(request)
    if (wrongHost !== undefined) return refuseConnection(socket, { status: 400, message: wrongHost })
    if (targetOf(request).path !== graphqlPath)
      return refuseConnection(socket, {
        status: 404,
        message: `No WebSocket is served here. The API is at ${graphqlPath}.`,
      })
    // Before Node.js 24.9, upgrades to every protocol arrive here.
    if (!isWebSocket(request.headers.upgrade))
      return refuseConnection(socket, {
        status: 400,
        message: 'The only protocol to upgrade to is websocket.',
      })
    // Now: the request is not kept as long as the socket.
    const session = authentication.cookie.sent(request)
    sockets.handleUpgrade(request, socket, head, (client) => serve(client, socket, session))
  }
  server.on('upgrade', onUpgrade)
  sockets.on('headers', (headers, { headers: sent }) =>
    headers.push(`${requestIdHeader}: ${requestIdOf(sent['x-request-id'])}`),
  )
  sockets.on('wsClientError', (error, socket) =>
    refuseConnection(socket, {
      status: 400,
      message: `The WebSocket handshake is not valid (RFC 6455). ${error.message}.`,
      headers: { 'Sec-WebSocket-Version': '13' },
    }),
  )

  function serve(socket: WebSocket, connection: Duplex, session: SentSession | undefined): void {
    const client = new ClientSocket(socket, connection)
    client.session = session
    clients.add(client)
    facts.sockets.tell({ change: 1 })
    socket.on('error', (error) => log.info({ err: error }, 'a client violated the WebSocket protocol'))
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (message) => client.send(message),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (answer) =>
          socket.on('message', (message) => {
            if (socket.readyState !== socket.OPEN) return
            const text = String(message)
            const excess = excessOfJson(text)
            if (excess !== undefined) return socket.close(CloseCode.BadRequest, excess)
            const read = readMessage(text)
            if (read === undefined) return socket.close(CloseCode.BadRequest, 'Unexpected message')
            client.messageLength = text.length
            answer(read).catch((error: unknown) => {
              log.error({ err: error }, 'a WebSocket message could not be answered')
              socket.close(CloseCode.InternalServerError, 'Internal server error')
            })
          }),
      },
      client,
    )
    socket.once('close', (code, reason) => {
      clients.delete(client)
      facts.sockets.tell({ change: -1 })
      closed(code, String(reason)).catch((error: unknown) => {
        log.error({ err: error }, 'the subscriptions of a closed WebSocket could not be ended')
      })
    })
  }

  /** The admitted operation, or the errors to answer. `length`: of its message, in characters. */
  async function admit(
    socket: Socket,
    payload: SubscribePayload,
    { id, length, isTooMany, record }: Arrival,
  ): Promise<AdmittedOperation | GraphQLError[]> {
    const refused = (errors: readonly unknown[]) => {
      const shown = errors.map((error) => publicError(error, log, record))
      record.answered('websocket')
      record.operationEnded(log)
      return shown
    }
    try {
      const { extra: client } = socket
      const credentials = await authentication.authenticate(authorizationOf(socket), client.session)
      if (isTooMany)
        throw topLevelError(
          'BAD_USER_INPUT',
          `This socket has ${grouped(maxOperationsPerSocket)} operations already. Complete some of them, or open another socket.`,
        )
      if (id.length > maxIdLength)
        throw topLevelError(
          'BAD_USER_INPUT',
          `The id of the operation has ${grouped(id.length)} characters. At most ${maxIdLength} are allowed.`,
        )
      client.keyId = credentials.keyId
      record.keyId = credentials.keyId
      const isWanted = () => client.isOpen && id in socket.subscriptions
      const schedule = <T>(work: () => Promise<T>) =>
        api.scheduler.run(credentials.keyId, work, { isWanted, bytes: length, isPatient: true })
      const prepared = await schedule(() => prepare(payload, { credentials, record, requestLength: length }))
      // The client has disconnected, so this is not sent.
      if (prepared === undefined) return refused([topLevelError('BAD_USER_INPUT', 'The client has left.')])
      if ('refused' in prepared) return refused(prepared.refused)
      const enqueueLong = <T>(run: () => Promise<T>) => client.enqueueLong(run)
      const run = () => api.operations.run(prepared, { isWanted, enqueueLong, readsAhead: true })
      const answer = async () => {
        // Not sent if the client has left.
        const result = (await client.enqueue(() => schedule(run), length)) ?? { data: null }
        return new ResultSender(senderParts, { id, client, record }, result)
      }
      return {
        schema: api.operations.schema,
        document: prepared.document,
        operationName: operationNameOf(payload),
        answer: () => record.inSameSpan(answer),
      }
    } catch (error) {
      return refused([error])
    }
  }

  async function prepare(payload: SubscribePayload, sender: Sender) {
    if (onlyNamesDocument({ ...payload })) throw persistedQueryNotSupported()
    const { query, variables } = payload
    return await api.operations.prepare({ query, operationName: operationNameOf(payload), variables }, sender)
  }

  return {
    async close() {
      server.off('upgrade', onUpgrade)
      clearInterval(beat)
      const drained = Promise.all([...clients].map((client) => client.drain()))
      await Promise.race([drained, delay(maxDrainMs, undefined, { ref: false })])
      const closed = Promise.all(
        [...sockets.clients].map((socket) => new Promise((resolve) => socket.once('close', resolve))),
      )
      for (const client of clients) client.close(goingAway, 'Going away')
      const timeout = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate()
      }, maxGoodbyeMs)
      await closed
      clearTimeout(timeout)
    },
  }
}

/** Case-insensitive, like the HTTP header that it replaces. What is no text is empty, so that no session is used instead. */
function authorizationOf(socket: Socket): string | undefined {
  for (const [name, value] of Object.entries(socket.connectionParams ?? {}))
    if (name.toLowerCase() === 'authorization' && value != null) return typeof value === 'string' ? value : ''
  return undefined
}

function operationNameOf({ operationName }: SubscribePayload): string | undefined {
  return operationName == null || operationName === '' ? undefined : operationName
}

async function run(args: ExecutionArgs): Promise<ResultSender> {
  const operation = args as AdmittedOperation
  const { answer } = operation
  if (answer === undefined) throw new Error('An operation was run twice.')
  // graphql-ws keeps the operation, and with it whatever it refers to, for as long as a subscription is open.
  operation.answer = undefined
  return await answer()
}

const serverMessages: ReadonlySet<unknown> = new Set([
  MessageType.ConnectionAck,
  MessageType.Next,
  MessageType.Error,
])

/** Whether a message needs no `readMessage`. Does not parse it, as graphql-ws will: an escape may hide anything. */
function isUsual(text: string): boolean {
  if (/"(?:connection_ack|next|error|persistedQuery|documentId|doc_id)"|\\u/.test(text)) return false
  return /"query"\s*:\s*"/.test(text) || !text.includes('"subscribe"')
}

/**
 * A message for graphql-ws; undefined for a type that only servers send, for which graphql-ws throws an unspecific error. An
 * operation that is only named by hash or id gets an empty query, because the protocol requires one.
 */
function readMessage(text: string): string | undefined {
  if (isUsual(text)) return text
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    return text
  }
  if (!isObject(message)) return text
  if (serverMessages.has(message['type'])) return undefined
  const { payload } = message
  if (message['type'] !== MessageType.Subscribe || !isObject(payload) || payload['query'] != null) return text
  return onlyNamesDocument(payload)
    ? JSON.stringify({ ...message, payload: { ...payload, query: '' } })
    : text
}
