import { connect, type Socket } from 'node:net'

/** What a request is made of: a GraphQL operation, with the key to send along. */
export interface Operation {
  key: string
  query: string
  variables: Record<string, unknown>
}

/** What came of sending requests for a while. */
export interface Measurement {
  /** Requests answered in that time, per second. */
  rate: number
  /** All that were answered, also after it. */
  answered: number
  /** How long each of them took, in milliseconds. */
  latencies: number[]
}

/** The bytes of a POST of an operation on a connection that is kept. */
export function requestOf({ key, query, variables }: Operation): Buffer {
  const body = JSON.stringify({ query, variables })
  return Buffer.from(
    'POST /graphql HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n' +
      `Authorization: Bearer ${key}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** Where the load goes, and how much of it. */
export interface Load {
  /** The servers' addresses: the connections go to them in turns. */
  urls: readonly string[]
  connections: number
  milliseconds: number
}

/**
 * Sends what `next` gives, over each connection one request after the other, as soon as the one before is answered;
 * then waits for what is under way. It writes bytes that were made before and reads no more of an answer than it must,
 * so that the server is what is measured, and not this. Rejects when an answer is not a status of 200 whose body begins
 * with `expected`.
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

/** One connection, with one request under way at most. */
class Connection {
  readonly #socket: Socket
  /** What has come of an answer whose length is not known yet. */
  #head = ''
  /** How many bytes of the answer are still to come; nothing as long as its head has not come. */
  #missing: number | undefined
  #expected = ''
  #answered: PromiseWithResolvers<void> | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay()
    socket.on('data', (bytes) => this.#read(bytes))
    socket.on('error', (error) => this.#answered?.reject(error))
    socket.on('close', () => this.#answered?.reject(new Error('The server has closed the connection.')))
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

  /** How much is missing of the answer, if so much of it has come that this can be told. */
  #readHead(): number | undefined {
    const body = this.#head.indexOf(endOfHead) + endOfHead.length
    if (body < endOfHead.length) return undefined
    const length = /^content-length: (\d+)\r/im.exec(this.#head)?.[1]
    const missing = length === undefined ? 0 : Number(length) - (this.#head.length - body)
    if (missing > 0 && this.#head.length < body + this.#expected.length) return undefined
    if (!this.#head.startsWith('HTTP/1.1 200 ') || !this.#head.startsWith(this.#expected, body))
      this.#answered?.reject(new Error(`The server answered otherwise: ${this.#head.slice(0, 2_000)}`))
    return missing
  }
}
