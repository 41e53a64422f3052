import { connect, type Socket } from 'node:net'

/** A GraphQL operation, and the API key to send with it. */
export interface Operation {
  key: string
  query: string
  variables: Record<string, unknown>
}

/** The result of sending requests for a while. */
export interface Measurement {
  /** Requests answered within that time, per second. */
  rate: number
  /** All requests that were answered, including those after it. */
  answered: number
  /** How long each of them took, in milliseconds. */
  latencies: number[]
}

/** The bytes of a POST of an operation on a persistent connection. */
export function requestOf({ key, query, variables }: Operation): Buffer {
  const body = JSON.stringify({ query, variables })
  return Buffer.from(
    'POST /graphql HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n' +
      `Authorization: Bearer ${key}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** Where requests are sent, and how many at a time. */
export interface Load {
  /** The addresses of the servers, over which the connections are spread evenly. */
  urls: readonly string[]
  connections: number
  milliseconds: number
}

/**
 * Sends the requests that `next` returns, on each connection one after the other, each as soon as the one before is
 * answered; then waits for those in flight. Requests are prepared bytes, and no more of an answer is parsed than necessary,
 * so that this does not limit the server that is measured. Rejects when an answer does not have the status 200 and a body
 * that begins with `expected`.
 */
export async function measure(load: Load, next: () => Buffer, expected: string): Promise<Measurement> {
  const { urls, milliseconds } = load
  const connections = await Promise.all(
    Array.from({ length: load.connections }, (_, i) => Connection.open(urls[i % urls.length] as string)),
  )
  const latencies: number[] = []
  let inTime = 0
  const end = performance.now() + milliseconds
  await Promise.all(
    connections.map(async (connection) => {
      for (let sent = performance.now(); sent < end; ) {
        await connection.exchange(next(), expected)
        const answered = performance.now()
        latencies.push(answered - sent)
        if (answered < end) inTime += 1
        sent = answered
      }
      connection.close()
    }),
  )
  return { rate: (inTime / milliseconds) * 1_000, answered: latencies.length, latencies }
}

const endOfHead = '\r\n\r\n'

/** A connection with at most one request in flight. */
class Connection {
  readonly #socket: Socket
  /** What has arrived of an answer whose length is not known yet. */
  #head = ''
  /** How many bytes of the answer are still missing; undefined until its head has arrived. */
  #missing: number | undefined
  #expected = ''
  #answered: PromiseWithResolvers<void> | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay()
    socket.on('data', (bytes) => this.#read(bytes))
    socket.on('error', (error) => this.#answered?.reject(error))
    socket.on('close', () => this.#answered?.reject(new Error('The server closed the connection.')))
  }

  static async open(url: string): Promise<Connection> {
    const { hostname, port } = new URL(url)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const socket = connect(Number(port), hostname, resolve)
    socket.once('error', reject)
    await promise
    socket.off('error', reject)
    return new Connection(socket)
  }

  exchange(request: Buffer, expected: string): Promise<void> {
    this.#head = ''
    this.#missing = undefined
    this.#expected = expected
    this.#answered = Promise.withResolvers()
    this.#socket.write(request)
    return this.#answered.promise
  }

  close(): void {
    this.#answered = undefined
    this.#socket.destroy()
  }

  #read(bytes: Buffer): void {
    if (this.#missing !== undefined) this.#missing -= bytes.length
    else {
      this.#head += bytes.toString('latin1')
      this.#missing = this.#readHead()
    }
    if (this.#missing === 0) this.#answered?.resolve()
  }

  /** How many bytes of the answer are missing, once its head has arrived. */
  #readHead(): number | undefined {
    const body = this.#head.indexOf(endOfHead) + endOfHead.length
    if (body < endOfHead.length) return undefined
    const length = /^content-length: (\d+)\r/im.exec(this.#head)?.[1]
    const missing = length === undefined ? 0 : Number(length) - (this.#head.length - body)
    if (missing > 0 && this.#head.length < body + this.#expected.length) return undefined
    if (!this.#head.startsWith('HTTP/1.1 200 ') || !this.#head.startsWith(this.#expected, body))
      this.#answered?.reject(new Error(`The server gave another answer: ${this.#head.slice(0, 2_000)}`))
    return missing
  }
}
