import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { isUnavailable } from '../database/errors.ts'
import type { Books } from '../domain/books/books.ts'
import { topLevelError } from '../graphql/errors/top-level.ts'
import { grouped } from '../grouped.ts'
import { type Api, graphqlPath } from './api.ts'
import { awaitsContinue, discardRest, limitArrival } from './body.ts'
import { answerPreflight } from './cross-origin.ts'
import { type Download, isDownloadPath } from './download.ts'
import { EventStreams } from './event-streams.ts'
import { type Graphiql, graphiqlAssetsPath, graphiqlPageHeaders } from './graphiql.ts'
import { isForm } from './multipart.ts'
import { refuse, refuseConnection } from './refusal.ts'
import { hostProblem, isWebSocket, targetOf } from './target.ts'
import { UnreadAnswers } from './unread-answers.ts'
import type { UploadRoute } from './upload-route.ts'

// At shutdown, how long a request under way may take.
const maxAnswerMs = 10_000

// How long a request may take to arrive: its headers, and all of it. One that brings a file may take longer, as long as
// more of it keeps coming.
const maxHeadersMs = 60_000
const maxArrivalMs = 300_000

const maxHeaderBytes = 16_384

const getMethods = 'GET, HEAD, OPTIONS'

/** What the HTTP server serves beside the API. */
export interface Site {
  api: Api
  download: Download
  uploads: UploadRoute
  graphiql: Graphiql
  books: Books
  log: Logger
  /** Whether this process serves the API, or only tells how it is. */
  serveApi: boolean
  /** The page of GraphiQL for a request, which may hold a key for whoever may see it. */
  page(request: IncomingMessage): Promise<string>
}

/** Answers requests; over HTTP alone: WebSockets are served beside it. */
export class HttpServer {
  readonly server: Server
  readonly #site: Site
  readonly #streams = new EventStreams()
  readonly #unread = new UnreadAnswers()
  /** Of each connection, the answer to the request that has come last. */
  readonly #latest = new WeakMap<Duplex, ServerResponse>()
  #ready = true
  #closing = false

  constructor(site: Site) {
    this.#site = site
    this.server = createServer({
      headersTimeout: maxHeadersMs,
      requestTimeout: 0,
      maxHeaderSize: maxHeaderBytes,
      // Refused below, in the form that all is refused in.
      requireHostHeader: false,
      // Whoever offers to speak another protocol is answered in this one.
      shouldUpgradeCallback: ({ headers }) => isWebSocket(headers.upgrade),
    })
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      response.once('finish', () => discardRest(request))
      this.#latest.set(request.socket, response)
      if (this.#closing) response.shouldKeepAlive = false
      // A connection on which another request could still come is closed once it is idle.
      response.once('close', () => {
        if (this.#closing) setImmediate(() => this.server.closeIdleConnections())
      })
      this.#answer(request, response).catch((error: unknown) => refuse(response, error, this.#site.log))
    }
    this.server.on('request', answer)
    // Whoever reads the body says when the client is to send it.
    this.server.on('checkContinue', answer)
    this.server.on('checkExpectation', (request, response) => {
      response.once('finish', () => discardRest(request))
      refuse(response, badRequest('The only expectation that is met is 100-continue.', 417), this.#site.log)
    })
    this.server.on('connect', (_request, connection) => {
      connection.once('error', () => connection.destroy())
      refuseConnection(connection, {
        status: 405,
        message: 'This is no proxy.',
        headers: { Allow: getMethods },
      })
    })
    this.server.on('clientError', (error, connection) => this.#refuseUnreadable(error, connection))
  }

  /** Answers what is no request that can be read, unless an answer to an earlier one is on its way. */
  #refuseUnreadable(error: NodeJS.ErrnoException, connection: Duplex): void {
    const latest = this.#latest.get(connection)
    const hasBegun =
      latest !== undefined && !latest.writableFinished && (latest.headersSent || latest.socket === null)
    if (!connection.writable || error.code === 'ECONNRESET' || hasBegun) connection.destroy(error)
    else refuseConnection(connection, unreadable(error.code))
  }

  /** Resolves with the port once it listens; rejects with the system's error when it cannot. */
  async listen(port: number, host: string): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.server.once('error', reject)
    this.server.listen(port, host, resolve)
    await promise
    this.server.off('error', reject)
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('The server listens nowhere.')
    return address.port
  }

  /** From here on /ready says no, so that load balancers send nobody else. */
  retire(): void {
    this.#ready = false
  }

  /**
   * Accepts no more connections and resolves when the requests under way have been answered. Event streams would
   * never end: they are cut, so that their clients go elsewhere and resume; and so is, after a while, all else.
   */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#closing = true
    this.server.close(() => resolve())
    this.server.closeIdleConnections()
    this.#streams.cutAll()
    const impatient = setTimeout(() => this.server.closeAllConnections(), maxAnswerMs)
    await promise
    clearTimeout(impatient)
    this.#unread.close()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { api, uploads, serveApi } = this.#site
    const wrongHost = hostProblem(request)
    if (wrongHost !== undefined) throw badRequest(wrongHost, 400)
    const { path, search } = targetOf(request)
    // From here on it is what most clients send, also where it was a whole address.
    request.url = `${path}${search}`
    if (serveApi && uploads.serves(path)) return await uploads.answer(request, response)
    if (!isForm(request)) {
      limitArrival(request, maxArrivalMs)
      // Over there, whoever reads the body says when the client is to send it.
      if (awaitsContinue(request) && path !== graphqlPath) response.writeContinue()
    }
    if (path === graphqlPath && serveApi) {
      if (request.method === 'OPTIONS') answerPreflight(response, 'GET, POST, OPTIONS')
      else if (wantsPage(request)) send(response, 200, await this.#site.page(request), graphiqlPageHeaders)
      else {
        this.#unread.add(response)
        await api.answer(request, response, (end) => this.#streams.add(response, end))
      }
    } else if (isDownloadPath(path) && serveApi) await this.#site.download(request, response)
    else await this.#answerBeside(path, request, response)
  }

  /** What is there beside the API, and needs no key. */
  async #answerBeside(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { graphiql, serveApi } = this.#site
    const asset = serveApi && path.startsWith(graphiqlAssetsPath) ? await graphiql.asset(path) : undefined
    if (asset === undefined && path !== '/health' && path !== '/ready' && path !== '/')
      throw topLevelError('NOT_FOUND', `Nothing is here. The API is at ${graphqlPath}.`, {
        http: { status: 404 },
      })
    if (request.method === 'OPTIONS') return answerPreflight(response, getMethods)
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw badRequest(`This can only be read. The API is at ${graphqlPath}.`, 405, { Allow: getMethods })
    if (asset !== undefined) await asset.answer(request, response)
    else if (path === '/health') send(response, 200, 'ok\n')
    else if (path === '/ready') await this.#tellReadiness(response)
    else send(response, 302, '', { Location: graphqlPath })
  }

  async #tellReadiness(response: ServerResponse): Promise<void> {
    if (!this.#ready) return send(response, 503, 'shutting down\n')
    try {
      await this.#site.books.rows({ text: 'SELECT 1' })
      send(response, 200, 'ready\n')
    } catch (error) {
      if (!isUnavailable(error)) throw error
      send(response, 503, 'the database is out of reach\n')
    }
  }
}

function badRequest(message: string, status: number, headers: Record<string, string> = {}) {
  return topLevelError('BAD_USER_INPUT', message, { http: { status, headers } })
}

/** What is said of bytes that are no request, by the error that reading them ended with. */
function unreadable(code: string | undefined): { status: number; message: string } {
  if (code === 'HPE_HEADER_OVERFLOW')
    return {
      status: 431,
      message: `The address and the headers have more than ${grouped(maxHeaderBytes)} bytes. Send a long query with POST.`,
    }
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return { status: 413, message: 'The chunks of the body have too long extensions. Leave them out.' }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { status: 408, message: 'The request did not come in time. Send it again.' }
  return { status: 400, message: 'This cannot be read as a request of HTTP/1.1.' }
}

/** Whether it is a browser that shows pages, and not a client of the API. */
function wantsPage(request: IncomingMessage): boolean {
  const { accept } = request.headers
  return (
    request.method === 'GET' && accept?.includes('text/html') === true && !request.url?.includes('query=')
  )
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = { 'Content-Type': 'text/plain; charset=utf-8' },
): void {
  response.writeHead(status, headers).end(body)
}
