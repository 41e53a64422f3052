import { once } from 'node:events'
import { WebSocket } from 'ws'

/** A message of graphql-ws's protocol. https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md */
export interface Message {
  type: string
  id?: string
  payload?: unknown
}

/** A WebSocket to the API, message by message. */
export class Socket implements AsyncDisposable {
  readonly socket: WebSocket
  /** How the connection ended. */
  readonly closed: Promise<{ code: number; reason: string }>
  /** All messages so far, including those that `next` has returned. */
  readonly received: Message[] = []
  readonly #arrived: Message[] = []
  #wake = () => {}
  #over = false

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data) => {
      const message: Message = JSON.parse(String(data))
      this.received.push(message)
      this.#arrived.push(message)
      this.#wake()
    })
    const { promise, resolve } = Promise.withResolvers<{ code: number; reason: string }>()
    this.closed = promise
    socket.on('close', (code, reason) => {
      this.#over = true
      this.#wake()
      resolve({ code, reason: String(reason) })
    })
  }

  /** Opens a connection without sending anything. Rejects when the server refuses it. */
  static async open(
    service: { url: string },
    {
      path = '/graphql',
      protocols = ['graphql-transport-ws'],
      headers = {},
    }: { path?: string; protocols?: string[]; headers?: Record<string, string> } = {},
  ): Promise<Socket> {
    const socket = new WebSocket(`${service.url.replace(/^http/, 'ws')}${path}`, protocols, { headers })
    const opened = new Socket(socket)
    await once(socket, 'open')
    return opened
  }

  /** Opens a connection with these connectionParams and headers. Resolves when it is acknowledged. */
  static async connect(
    service: { url: string },
    params?: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<Socket> {
    const socket = await Socket.open(service, headers && { headers })
    socket.send({ type: 'connection_init', ...(params === undefined ? {} : { payload: params }) })
    const { type } = await socket.next()
    if (type !== 'connection_ack') throw new Error(`The server answered ${type}.`)
    return socket
  }

  send(message: Message): void {
    this.socket.send(JSON.stringify(message))
  }

  subscribe(id: string, query: string, variables: Record<string, unknown> = {}): void {
    this.send({ id, type: 'subscribe', payload: { query, variables } })
  }

  /** The next message, or the next one of an operation. */
  async next(id?: string): Promise<Message> {
    for (;;) {
      const index = this.#arrived.findIndex((message) => id === undefined || message.id === id)
      const [message] = index === -1 ? [] : this.#arrived.splice(index, 1)
      if (message !== undefined) return message
      if (this.#over) throw new Error('The connection ended.')
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
  }

  /** All messages of an operation until it ends. */
  async all(id: string): Promise<Message[]> {
    const messages: Message[] = []
    for (;;) {
      const message = await this.next(id)
      messages.push(message)
      if (message.type !== 'next') return messages
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return
    this.socket.close()
    await this.closed
  }
}
