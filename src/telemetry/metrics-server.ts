import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { listen } from '../listen.ts'
import type { Metrics } from './metrics.ts'

export const metricsPath = '/metrics'

// A monitoring system has one connection, or a few.
const maxConnections = 50
const maxHeadersMs = 10_000
const maxRequestMs = 30_000

/** Serves the metrics on a port of their own, which only the monitoring system should reach: they need no key. */
export class MetricsServer {
  readonly #server: Server
  readonly #metrics: Metrics
  readonly #log: Logger

  constructor(metrics: Metrics, log: Logger) {
    this.#metrics = metrics
    this.#log = log
    this.#server = createServer({ headersTimeout: maxHeadersMs, requestTimeout: maxRequestMs })
    this.#server.maxConnections = maxConnections
    this.#server.on('request', (request, response) => {
      // A body is not read.
      request.resume()
      this.#answer(request, response).catch((error: unknown) => {
        this.#log.error({ err: error }, 'could not write the metrics')
        response.writeHead(500).end()
      })
    })
  }

  /** Resolves to the port. Rejects with the system's error if it cannot listen. */
  async listen(port: number, host: string): Promise<number> {
    return await listen(this.#server, { port, host })
  }

  /** Cuts all connections. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  async #answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, text: string, headers: Record<string, string> = {}) =>
      response
        .writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers })
        .end(method === 'HEAD' ? undefined : text)
    if (url.split('?')[0] !== metricsPath) return void send(404, `The metrics are at ${metricsPath}.\n`)
    if (method !== 'GET' && method !== 'HEAD')
      return void send(405, 'The metrics can only be read.\n', { Allow: 'GET, HEAD' })
    send(200, await this.#metrics.text(), { 'Content-Type': this.#metrics.contentType })
  }
}
