import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { beginWait } from '../../telemetry/spans.ts'
import type { SentSession } from '../session-cookie.ts'

// Unread bytes, above which nothing more is done for the client.
const maxUnreadBytes = 1_000_000

// Unread bytes, up to which the next message need not wait. Those of a subscription then share a system call.
const maxUnreadAtOnce = 16_000

// Steps of a client's operations that run at a time, and that wait.
const maxRunning = 16
const maxWaiting = 32

// Characters of the messages of these steps, from which on nothing more is read from the client.
const maxHeldLength = 1_000_000

const textFrame = { binary: false }

/**
 * A client's WebSocket, with back-pressure in both directions: while answers wait to be read or operations wait to run,
 * nothing more is read from the client. This limits the memory for a client, whatever it asks for and however slowly it
 * reads. Not a Semaphore: steps also wait for the socket's buffer, and what waits decides whether the client is read.
 */
export class ClientSocket {
  readonly #socket: WebSocket
  readonly #connection: Duplex
  #isCorked = false
  #running = 0
  #waiting: (() => void)[] = []
  #heldLength = 0
  #isLongRunning = false
  #longWaiting: (() => void)[] = []
  #isDraining = false
  #onStepEnd = () => {}
  /** The API key of its operations, once one has been admitted. */
  keyId: string | undefined
  /** What its handshake says of a session. */
  session: SentSession | undefined
  /** The length of the current message, in characters. */
  messageLength = 0
  /** Whether the client has answered a ping or read something since the last `beat`. */
  #isAlive = true

  /** `connection` is the one that was upgraded to the WebSocket. */
  constructor(socket: WebSocket, connection: Duplex) {
    this.#socket = socket
    this.#connection = connection
    socket.on('pong', () => {
      this.#isAlive = true
    })
    socket.on('close', () => this.#startNext())
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  /**
   * Sends a message, unless the socket is closed. If much is unread by then, resolves when the message has been passed to the
   * system, or the socket is closed.
   */
  send(message: string | Buffer): Promise<void> | undefined {
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN) return undefined
    // If a message had to wait and is sent, the client reads. The system accepts other messages even if it does not.
    const waits = !this.#isCorked && socket.bufferedAmount > 0
    this.#cork()
    if (!waits && socket.bufferedAmount + message.length <= maxUnreadAtOnce) {
      socket.send(message, textFrame)
      return undefined
    }
    return new Promise<void>((resolve) => {
      socket.send(message, textFrame, () => {
        if (waits) this.#isAlive = true
        this.#startNext()
        resolve()
      })
      this.#pauseOrResume()
    })
  }

  /** Sends the messages of one event loop iteration in one system call, which is the most expensive part. */
  #cork(): void {
    if (this.#isCorked) return
    this.#isCorked = true
    this.#connection.cork()
    setImmediate(() => {
      this.#isCorked = false
      this.#connection.uncork()
    })
  }

  /** Runs a step of an operation, in order of arrival. `messageLength` characters count as held until it has ended. */
  async enqueue<T>(run: () => Promise<T> | T, messageLength = 0): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#heldLength += messageLength
    this.#waiting.push(resolve)
    this.#startNext()
    const endWait = beginWait('wait for other operations of the socket')
    await promise
    endWait()
    try {
      return await run()
    } finally {
      // In the next iteration the answer has been sent, and counts as unread.
      setImmediate(() => {
        this.#running -= 1
        this.#heldLength -= messageLength
        this.#startNext()
        this.#onStepEnd()
      })
    }
  }

  /**
   * Runs the part of a step that may produce a long answer: one at a time, after the client has read most of the previous one.
   * Resolves to undefined if the client has left by then.
   */
  async enqueueLong<T>(run: () => Promise<T>): Promise<T | undefined> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#longWaiting.push(resolve)
    this.#startNext()
    const endWait = beginWait('wait for the client to read')
    await promise
    endWait()
    try {
      return this.isOpen ? await run() : undefined
    } finally {
      setImmediate(() => {
        this.#isLongRunning = false
        this.#startNext()
      })
    }
  }

  /** To be called every few seconds. Terminates the connection if the client has not responded since the last call. */
  beat(): void {
    const socket = this.#socket
    // While nothing is read from the client, its pong is not seen.
    const cannotTell = socket.isPaused && socket.bufferedAmount === 0
    if (!this.#isAlive && !cannotTell) socket.terminate()
    else if (socket.readyState === socket.OPEN) socket.ping()
    this.#isAlive = false
  }

  /** Stops reading from the client, and resolves when the steps in flight have been answered. */
  async drain(): Promise<void> {
    this.#isDraining = true
    this.#pauseOrResume()
    while (this.#running > 0 || this.#waiting.length > 0)
      await new Promise<void>((resolve) => {
        this.#onStepEnd = resolve
      })
  }

  /** Closes the socket, and resumes reading for the client's close frame. */
  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
    this.#socket.resume()
  }

  #mayRun(): boolean {
    return !this.isOpen || (this.#running < maxRunning && this.#socket.bufferedAmount <= maxUnreadBytes)
  }

  #mayRunLong(): boolean {
    return !this.#isLongRunning && (!this.isOpen || this.#socket.bufferedAmount <= maxUnreadBytes)
  }

  #startNext(): void {
    while (this.#waiting.length > 0 && this.#mayRun()) {
      this.#running += 1
      this.#waiting.shift()?.()
    }
    if (this.#longWaiting.length > 0 && this.#mayRunLong()) {
      this.#isLongRunning = true
      this.#longWaiting.shift()?.()
    }
    this.#pauseOrResume()
  }

  #pauseOrResume(): void {
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN) return
    const isFull =
      this.#isDraining ||
      socket.bufferedAmount > maxUnreadBytes ||
      this.#waiting.length >= maxWaiting ||
      this.#heldLength >= maxHeldLength
    if (isFull && !socket.isPaused) socket.pause()
    if (!isFull && socket.isPaused) socket.resume()
  }
}
