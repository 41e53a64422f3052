import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { isUnavailable } from '../database/errors.ts'
import type { Books } from '../domain/books.ts'
import { type Api, graphqlPath } from './api.ts'
import { awaitsContinue, discardRest, limitArrival } from './body.ts'
import { type Download, isDownloadPath } from './download.ts'
import { EventStreams } from './event-streams.ts'
import { type Graphiql, graphiqlAssetsPath, graphiqlPageHeaders } from './graphiql.ts'
import { isForm } from './multipart.ts'
import type { UploadRoute } from './upload-route.ts'

// At shutdown, how long a request under way may take.
const longestAnswerMs = 10_000

// How long a request may take to arrive: its headers, and all of it. One that brings a file may take longer, as long as
// more of it keeps coming.
const longestHeadersMs = 60_000
const longestArrivalMs = 300_000

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
  #ready = true
  #closing = false

  constructor(site: Site) {
    this.#site = site
    this.server = createServer({ headersTimeout: longestHeadersMs, requestTimeout: 0 })
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      response.once('finish', () => discardRest(request))
      if (this.#closing) response.shouldKeepAlive = false
      // A connection on which another request could still come is closed once it is idle.
      response.once('close', () => {
        if (this.#closing) setImmediate(() => this.server.closeIdleConnections())
      })
      this.#answer(request, response).catch((error: unknown) => {
        this.#site.log.error({ err: error }, 'a request failed')
        if (!response.headersSent) send(response, 500, 'The service failed to answer this.')
        else response.destroy()
      })
    }
    this.server.on('request', answer)
    // Whoever reads the body says when the client is to send it.
    this.server.on('checkContinue', answer)
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
    const impatient = setTimeout(() => this.server.closeAllConnections(), longestAnswerMs)
    await promise
    clearTimeout(impatient)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { api, graphiql, uploads } = this.#site
    const path = request.url?.split('?', 1)[0] ?? '/'
    if (this.#site.serveApi && uploads.serves(path)) return await uploads.answer(request, response)
    if (!isForm(request)) {
      limitArrival(request, longestArrivalMs)
      if (awaitsContinue(request)) response.writeContinue()
    }
    if (path === graphqlPath && this.#site.serveApi) {
      if (wantsPage(request)) send(response, 200, await this.#site.page(request), graphiqlPageHeaders)
      else await api(request, response, { onStream: (end) => this.#streams.add(response, end) })
    } else if (isDownloadPath(path) && this.#site.serveApi) await this.#site.download(request, response)
    else if (path === '/health') send(response, 200, 'ok\n')
    else if (path === '/ready') await this.#tellReadiness(response)
    else if (path === '/') send(response, 302, '', { Location: graphqlPath })
    else {
      const asset =
        this.#site.serveApi && path.startsWith(graphiqlAssetsPath) ? await graphiql.asset(path) : undefined
      if (asset === undefined) send(response, 404, `Nothing is here. The API is at ${graphqlPath}.\n`)
      else await asset.answer(request, response)
    }
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
