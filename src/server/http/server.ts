import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { isUnavailable } from '../../database/errors.ts'
import type { NodeAway } from '../../database/reach.ts'
import type { Books } from '../../domain/books/books.ts'
import { grouped } from '../../grouped.ts'
import { graphqlPath, matchRoute, type RouteName } from '../../routes.ts'
import { RequestRecord, requestIdHeader, requestIdOf } from '../../telemetry/request-record.ts'
import { answerPreflight } from './cross-origin.ts'
import { answerError, badRequest, notFound, refuseConnection } from './errors.ts'
import {
  awaitsContinue,
  discardRest,
  hostError,
  isWebSocket,
  limitArrival,
  opensPage,
  targetOf,
} from './request.ts'

/** At shutdown, how long operations in flight may take. */
export const maxDrainMs = 10_000

const maxHeadersMs = 60_000
const maxHeaderBytes = 16_384

const beatEveryMs = 15_000
const maxStillBeatsOfOperation = 1
// Five minutes. A connection tells only in large steps how much its client has read, of more than a megabyte on Linux: to a slow
// one, a step can take a minute.
const maxStillBeatsOfFile = 20

// Longer than most load balancers keep an idle connection: if the service closed it first, a request that is on its way
// would be lost.
const defaultKeepAliveMs = 75_000
// One that is idle takes some 17 KB.
const defaultMaxKept = 4_000

// As Node.js names it.
const requestIdName = requestIdHeader.toLowerCase()

// Load balancers ask for the first two all the time. The others are files that are in memory.
const untraced: ReadonlySet<RouteName> = new Set(['health', 'ready', 'schema', 'consoleFile', 'graphiqlFile'])

const readMethods = 'GET, HEAD, OPTIONS'

/** What a route gets besides the request. */
export interface Target {
  /** The part of the path that matched `:id` or `*`. */
  id: string
  /** The query string: empty, or from the question mark on. */
  search: string
  /**
   * Reports that the response is an event stream, which would delay a shutdown. `end` is called when the client has left,
   * or immediately if it already has.
   */
  onStream: (end: () => void) => void
  record: RequestRecord
}

/** Answers the requests to one path. The server answers OPTIONS, and the errors that `answer` rejects with. */
export interface Route {
  /** For the Allow header: "GET, HEAD, OPTIONS". */
  methods: string
  /** Whether it reads the body itself: sends 100 (Continue) and limits how long the body may take. */
  readsBody?: boolean
  /** Whether there is something at the path. Without it, the route answers every path that it matches. */
  exists?(id: string): Promise<boolean>
  answer(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> | void
}

export type Routes = Partial<Record<RouteName, Route>> & {
  /** Answers a browser that opens an address at which nothing is. Without it, it gets the error that programs get. */
  nothing?: Route
}

/** The HTTP server of a process. WebSockets share its port. */
export class HttpServer {
  readonly server: Server
  readonly #books: Books
  readonly #log: Logger
  readonly #routes: Routes
  /** Event streams, which end only when their clients leave or a shutdown cuts them. */
  readonly #streams = new Set<ServerResponse>()
  readonly #unread = new UnreadAnswers()
  /** Connections that stay open after their answers. */
  readonly #kept = new Set<Duplex>()
  readonly #maxKept: number
  readonly #open = new Set<Socket>()
  /** The response to the latest request of each connection. */
  readonly #latest = new WeakMap<Duplex, ServerResponse>()
  #ready = true
  #closing = false

  /**
   * `routes` are served besides /health and /ready. A connection stays open for `keepAliveMs` after an answer; when
   * `maxKept` do, the answers on others say that they close.
   */
  constructor(parts: { books: Books; log: Logger; routes: Routes; keepAliveMs?: number; maxKept?: number }) {
    const { books, log, routes, keepAliveMs = defaultKeepAliveMs, maxKept = defaultMaxKept } = parts
    this.#books = books
    this.#log = log
    this.#maxKept = maxKept
    this.#routes = {
      health: readOnly((_request, response) => respond(response, 200, 'ok\n')),
      ready: readOnly((_request, response) => this.#answerReady(response)),
      ...routes,
    }
    this.server = createServer({
      keepAliveTimeout: keepAliveMs,
      // From the first byte of a request, or from the connection on if there is none.
      headersTimeout: maxHeadersMs,
      // Bodies have their own limits: see request.ts.
      requestTimeout: 0,
      maxHeaderSize: maxHeaderBytes,
      // Checked in #answer, so that the error has the usual form.
      requireHostHeader: false,
      // A client that offers another protocol is answered in HTTP/1.1.
      shouldUpgradeCallback: ({ headers }) => isWebSocket(headers.upgrade),
    })
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      this.#latest.set(request.socket, response)
      const record = this.#begin(request, response)
      if (!this.#mayKeep(request.socket)) response.shouldKeepAlive = false
      this.#answer(request, response, record).catch((error: unknown) =>
        answerError(response, error, this.#log, record),
      )
    }
    this.server.on('connection', (connection) => {
      this.#open.add(connection)
      connection.once('close', () => this.#open.delete(connection))
    })
    this.server.on('request', answer)
    // 100 (Continue) is sent when the body is wanted.
    this.server.on('checkContinue', answer)
    this.server.on('checkExpectation', (request, response) => {
      const record = this.#begin(request, response)
      answerError(
        response,
        badRequest('The only supported expectation is 100-continue.', 417),
        this.#log,
        record,
      )
    })
    this.server.on('connect', (_request, connection) => {
      connection.once('error', () => connection.destroy())
      refuseConnection(connection, {
        status: 405,
        message: 'This is not a proxy.',
        headers: { Allow: readMethods },
      })
    })
    this.server.on('clientError', (error, connection) => this.#refuseUnreadable(error, connection))
  }

  /** Whether a connection may stay open after its answer. */
  #mayKeep(connection: Duplex): boolean {
    if (this.#closing) return false
    if (this.#kept.has(connection)) return true
    if (this.#kept.size >= this.#maxKept) return false
    this.#kept.add(connection)
    connection.once('close', () => this.#kept.delete(connection))
    return true
  }

  /** Answers bytes that are not a request, unless a response is being sent on the connection. */
  #refuseUnreadable(error: NodeJS.ErrnoException, connection: Duplex): void {
    const latest = this.#latest.get(connection)
    const hasBegun =
      latest !== undefined && !latest.writableFinished && (latest.headersSent || latest.socket === null)
    if (!connection.writable || error.code === 'ECONNRESET' || hasBegun) connection.destroy(error)
    else refuseConnection(connection, unreadable(error.code))
  }

  /** From now on /ready answers 503, so that load balancers send no more requests. */
  retire(): void {
    this.#ready = false
  }

  /**
   * Stops accepting connections, and resolves when the requests in flight have been answered. Cuts event streams
   * immediately, so that their clients reconnect elsewhere and resume, and everything else after `maxDrainMs`.
   */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#closing = true
    this.server.close(() => resolve())
    this.server.closeIdleConnections()
    // Node.js does not count them as idle. Browsers open connections for later, and keep them for minutes.
    for (const connection of this.#open) if (connection.bytesRead === 0) connection.destroy()
    for (const response of this.#streams) response.destroy()
    const timeout = setTimeout(() => this.server.closeAllConnections(), maxDrainMs)
    await promise
    clearTimeout(timeout)
    this.#unread.close()
  }

  /** Gives a request its id, which is in the headers of its answer, and notes when it has ended. */
  #begin(request: IncomingMessage, response: ServerResponse): RequestRecord {
    const record = new RequestRecord(requestIdOf(request.headers[requestIdName]))
    response.setHeader(requestIdHeader, record.id)
    response.once('close', () => this.#end(request, response, record))
    return record
  }

  #end(request: IncomingMessage, response: ServerResponse, record: RequestRecord): void {
    const isWhole = response.writableFinished
    if (isWhole) discardRest(request)
    // A keep-alive connection that becomes idle during shutdown would hold it up.
    if (this.#closing) setImmediate(() => this.server.closeIdleConnections())
    const status = response.headersSent ? response.statusCode : 0
    record.requestEnded(this.#log, { method: request.method, status, isWhole })
  }

  async #answer(request: IncomingMessage, response: ServerResponse, record: RequestRecord): Promise<void> {
    const wrongHost = hostError(request)
    if (wrongHost !== undefined) throw badRequest(wrongHost)
    const { path, search } = targetOf(request)
    // Routes see the same for a path and an absolute URL.
    request.url = `${path}${search}`
    const match = matchRoute(path)
    this.#unread.add(response, match?.name === 'graphql' ? maxStillBeatsOfOperation : maxStillBeatsOfFile)
    const route = match && this.#routes[match.name]
    if (route !== undefined) record.route = match?.name
    if (!route?.readsBody) {
      limitArrival(request)
      if (awaitsContinue(request)) response.writeContinue()
    }
    if (match === undefined || route === undefined) {
      const page = opensPage(request) ? this.#routes.nothing : undefined
      if (page === undefined) throw this.#nothing()
      return await page.answer(request, response, { id: '', search, onStream: () => {}, record })
    }
    if (route.exists !== undefined && !(await route.exists(match.id))) throw this.#nothing()
    if (request.method === 'OPTIONS') return answerPreflight(response, route.methods)
    const onStream = (end: () => void) => {
      record.becomesStream()
      this.#addStream(response, end)
    }
    const answer = () => route.answer(request, response, { id: match.id, search, onStream, record })
    if (untraced.has(match.name)) await answer()
    else {
      const attributes = { 'http.request.method': request.method, 'promo_codes.route': match.name }
      await record.inSpan(`${request.method} ${match.name}`, request.headers, attributes, answer)
    }
  }

  #addStream(response: ServerResponse, end: () => void): void {
    if (hasEnded(response)) {
      end()
      return
    }
    this.#streams.add(response)
    response.once('close', () => {
      this.#streams.delete(response)
      end()
    })
    if (this.#closing) response.destroy()
  }

  #nothing() {
    return notFound(
      this.#routes.graphql === undefined
        ? `Nothing is here. This process has the role worker: others serve the API, at ${graphqlPath}.`
        : `Nothing is here. The API is at ${graphqlPath}.`,
    )
  }

  async #answerReady(response: ServerResponse): Promise<void> {
    if (!this.#ready) return respond(response, 503, 'shutting down\n')
    try {
      await this.#books.rows({ text: 'SELECT 1' })
      this.#books.reach.tryNodes()
      // Ready all the same: otherwise one node would end the service for the accounts of all others.
      const away = this.#books.reach.nodesAway().map(describeAway)
      respond(response, 200, ['ready', ...away, ''].join('\n'))
    } catch (error) {
      if (!isUnavailable(error)) throw error
      respond(response, 503, 'the database is unavailable\n')
    }
  }
}

function describeAway({ node, accounts, since }: NodeAway): string {
  return `the node ${node} of the database is away since ${since.toISOString()}: ${accounts === undefined ? 'its' : grouped(accounts)} accounts are not served`
}

interface UnreadAnswer {
  /** Bytes sent by the last beat, if more was waiting then. */
  sent: number | undefined
  /** For how many beats it has been the same. */
  stillBeats: number
  readonly maxStillBeats: number
}

/**
 * Cuts the connection of a client that reads nothing for a number of beats although something is waiting for it, so that the
 * answer does not stay in memory. A browser in which somebody pauses a download reads nothing either, but for as long as that
 * would keep what it reads of the database, and can resume it or begin again.
 */
export class UnreadAnswers {
  readonly #answers = new Map<ServerResponse, UnreadAnswer>()
  readonly #timer = setInterval(() => this.beat(), beatEveryMs)

  /** Watches a response until it is complete or its client has left. */
  add(response: ServerResponse, maxStillBeats: number): void {
    if (hasEnded(response)) return
    this.#answers.set(response, { sent: undefined, stillBeats: 0, maxStillBeats })
    response.once('close', () => this.#answers.delete(response))
  }

  /** To be called every few seconds. */
  beat(): void {
    for (const [response, answer] of this.#answers) {
      const { socket, writableLength: waiting } = response
      // Without a socket it waits for the previous response on the connection.
      const sent = waiting === 0 || socket === null ? undefined : socket.bytesWritten - waiting
      answer.stillBeats = sent !== undefined && sent === answer.sent ? answer.stillBeats + 1 : 0
      answer.sent = sent
      if (answer.stillBeats === answer.maxStillBeats) response.destroy()
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

function hasEnded(response: ServerResponse): boolean {
  return response.closed || response.destroyed
}

/** A route without authentication that only allows GET and HEAD. */
export function readOnly(answer: Route['answer']): Route {
  return {
    methods: readMethods,
    answer: (request, response, target) => {
      if (request.method !== 'GET' && request.method !== 'HEAD')
        throw badRequest(`This can only be read. The API is at ${graphqlPath}.`, 405, { Allow: readMethods })
      return answer(request, response, target)
    },
  }
}

/** The answer to bytes that are not a request, by the code of the parser's error. */
function unreadable(code: string | undefined): { status: number; message: string } {
  if (code === 'HPE_HEADER_OVERFLOW')
    return {
      status: 431,
      message: `The address and the headers have more than ${grouped(maxHeaderBytes)} bytes. Send a long query with POST.`,
    }
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return { status: 413, message: 'The chunk extensions of the body are too long. Leave them out.' }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { status: 408, message: 'The request did not arrive in time. Send it again.' }
  return { status: 400, message: 'This is not a valid HTTP/1.1 request.' }
}

/** Sends a whole answer, by default plain text. */
export function respond(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = { 'Content-Type': 'text/plain; charset=utf-8' },
): void {
  response.writeHead(status, headers).end(body)
}
