import { createClient, type Client as SocketClient } from 'graphql-ws'
import { WebSocket } from 'ws'

/** The answer to an operation. Each test says what type its data has. */
export interface Answer<Data> {
  status: number
  data: Data
  errors?: {
    message: string
    path?: (string | number)[]
    extensions: { code: string; [name: string]: unknown }
  }[]
}

/** A client of the API over HTTP and WebSocket, with a key or without one. */
export class Client implements AsyncDisposable {
  readonly #url: string
  readonly #key: string | undefined
  #sockets: SocketClient | undefined

  constructor(service: { url: string; key?: string | undefined }) {
    this.#url = `${service.url}/graphql`
    this.#key = service.key
  }

  /** Sends an operation over HTTP, and resolves to its answer, with errors or without. */
  async send<Data = Record<string, never>>(
    query: string,
    variables: Record<string, unknown> = {},
  ): Promise<Answer<Data>> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...this.authorization() },
      body: JSON.stringify({ query, variables }),
    })
    return { status: response.status, ...((await response.json()) as Omit<Answer<Data>, 'status'>) }
  }

  /** Sends an operation over HTTP, and resolves to its data. Rejects when there are errors. */
  async ask<Data>(query: string, variables: Record<string, unknown> = {}): Promise<Data> {
    const { data, errors } = await this.send<Data>(query, variables)
    if (errors !== undefined) throw new Error(errors.map((error) => error.message).join('\n'))
    return data
  }

  /** The results of an operation over WebSocket; ends when the operation completes. */
  subscribe<Data>(query: string, variables: Record<string, unknown> = {}) {
    this.#sockets ??= createClient({
      url: this.#url.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: this.authorization(),
      retryAttempts: 0,
    })
    return this.#sockets.iterate<Data>({ query, variables })
  }

  authorization(): Record<string, string> {
    return this.#key === undefined ? {} : { authorization: `Bearer ${this.#key}` }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sockets?.dispose()
  }
}
