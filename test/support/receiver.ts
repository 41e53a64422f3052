import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

const certificates = join(import.meta.dirname, 'tls')

/** The authority of receivers with encryption. */
export const authority = () => readFile(join(certificates, 'authority.pem'), 'utf8')

export interface Received {
  path: string
  headers: http.IncomingHttpHeaders
  body: string
}

/** What a receiver does with a request that has arrived. */
export type Answering = (response: http.ServerResponse, request: Received) => unknown

/** A server that webhooks are sent to, on a port of its own. It answers with 200 unless it is told otherwise. */
export class Receiver implements AsyncDisposable {
  readonly url: string
  readonly received: Received[] = []
  connections = 0
  /** How it answers from now on. */
  answering: Answering = (response) => response.end('ok')
  readonly #server: http.Server
  #arrived = Promise.withResolvers<void>()

  private constructor(server: http.Server, url: string) {
    this.#server = server
    this.url = url
    server.on('connection', () => {
      this.connections += 1
    })
    server.on('request', (request, response) => void this.#receive(request, response))
  }

  /** `port`: of a receiver that was closed, to replace it. */
  static async open({ tls = false, port = 0 } = {}): Promise<Receiver> {
    const server = tls
      ? https.createServer({
          key: await readFile(join(certificates, 'server-key.pem')),
          cert: await readFile(join(certificates, 'server.pem')),
        })
      : http.createServer()
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address() as AddressInfo
    return new Receiver(
      server,
      tls ? `https://localhost:${address.port}` : `http://127.0.0.1:${address.port}`,
    )
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  /** Answers every request from now on with a status. */
  answerWith(status: number, headers: http.OutgoingHttpHeaders = {}): void {
    this.answering = (response) => response.writeHead(status, headers).end()
  }

  /** Resolves when it has received this many requests in all. */
  async receives(count: number): Promise<void> {
    while (this.received.length < count) await this.#arrived.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #receive(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const received = {
      path: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    }
    this.received.push(received)
    // Whoever waits for the request may look at it at once.
    this.#arrived.resolve()
    this.#arrived = Promise.withResolvers()
    this.answering(response, received)
  }
}
