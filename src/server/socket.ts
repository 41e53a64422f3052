import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

// What may wait to be read by a client before nothing more is done for it.
const maxUnreadBytes = 1_000_000

// Steps of one client's operations that are taken at the same time, and that wait for that.
const maxAtOnce = 16
const maxWaiting = 32

// Characters of the messages that these came with. Once there are as many, nothing more is read.
const maxHeldLength = 1_000_000

/**
 * One client's WebSocket, which takes as much from the client as it takes from us: while answers wait to be read, or
 * operations to be carried out, nothing more is read from it. So a client costs a bounded amount of memory, whatever it
 * asks for and however slowly it reads.
 */
export class ClientSocket {
  readonly #socket: WebSocket
  readonly #connection: Duplex
  #gathering = false
  #running = 0
  #waiting: (() => void)[] = []
  #heldLength = 0
  #isLongRunning = false
  #longWaiting: (() => void)[] = []
  #settling = false
  #onTurn = () => {}
  /** The key that its operations come with, once one has. */
  keyId: string | undefined
  /** How long the message is that is being taken up, in characters. */
  messageLength = 0
  /** Whether the client has been heard of, or has read something, since the last `beat`. */
  #heard = true

  /** `connection` is what the socket was made from. */
  constructor(socket: WebSocket, connection: Duplex) {
    this.#socket = socket
    this.#connection = connection
    socket.on('pong', () => {
      this.#heard = true
    })
    socket.on('close', () => this.#goOn())
  }

  /** Whether there is still somebody at the other end. */
  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  /** Resolves when the message has been passed on to the system, or can no longer be: then its socket is closed. */
  async send(message: string | Buffer): Promise<void> {
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN) return
    // Only what had to wait for the client tells that it reads: all else the system takes, whoever is at the other end.
    const waits = !this.#gathering && socket.bufferedAmount > 0
    this.#gather()
    await new Promise<void>((resolve) => {
      socket.send(message, { binary: false }, () => {
        if (waits) this.#heard = true
        this.#goOn()
        resolve()
      })
      this.#adjust()
    })
  }

  /** Lets what is sent in one turn of the event loop go out together: a call of the system for each costs the most. */
  #gather(): void {
    if (this.#gathering) return
    this.#gathering = true
    this.#connection.cork()
    setImmediate(() => {
      this.#gathering = false
      this.#connection.uncork()
    })
  }

  /**
   * Does something for an operation as soon as it is its turn among those of this client. Until then and while it is done,
   * it holds a message of this many characters.
   */
  async inTurn<T>(run: () => Promise<T> | T, messageLength = 0): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#heldLength += messageLength
    this.#waiting.push(resolve)
    this.#goOn()
    await promise
    try {
      return await run()
    } finally {
      // In another turn of the event loop: by then its answer has been sent, and counts as unread.
      setImmediate(() => {
        this.#running -= 1
        this.#heldLength -= messageLength
        this.#goOn()
        this.#onTurn()
      })
    }
  }

  /**
   * Does something within an operation that a long answer may come of: one such at a time, and not before the client has
   * read most of the last. Resolves to nothing if by then the client has left.
   */
  async inTurnOfLong<T>(run: () => Promise<T>): Promise<T | undefined> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#longWaiting.push(resolve)
    this.#goOn()
    await promise
    try {
      return this.isOpen ? await run() : undefined
    } finally {
      // As above: by then the answer counts as unread.
      setImmediate(() => {
        this.#isLongRunning = false
        this.#goOn()
      })
    }
  }

  /** To be called every few seconds: ends the connection of a client that has not been heard of since the last time. */
  beat(): void {
    const socket = this.#socket
    const isOurTurn = socket.isPaused && socket.bufferedAmount === 0
    if (!this.#heard && !isOurTurn) socket.terminate()
    else if (socket.readyState === socket.OPEN) socket.ping()
    this.#heard = false
  }

  /** Takes nothing more from the client, and resolves when what it has asked for has been done and sent. */
  async settle(): Promise<void> {
    this.#settling = true
    this.#adjust()
    while (this.#running > 0 || this.#waiting.length > 0)
      await new Promise<void>((resolve) => {
        this.#onTurn = resolve
      })
  }

  /** Tells the client to go, and hears it say the same. */
  goAway(code: number, reason: string): void {
    this.#socket.close(code, reason)
    this.#socket.resume()
  }

  #mayRun(): boolean {
    return !this.isOpen || (this.#running < maxAtOnce && this.#socket.bufferedAmount <= maxUnreadBytes)
  }

  #mayRunLong(): boolean {
    return !this.#isLongRunning && (!this.isOpen || this.#socket.bufferedAmount <= maxUnreadBytes)
  }

  #goOn(): void {
    while (this.#waiting.length > 0 && this.#mayRun()) {
      this.#running += 1
      this.#waiting.shift()?.()
    }
    if (this.#longWaiting.length > 0 && this.#mayRunLong()) {
      this.#isLongRunning = true
      this.#longWaiting.shift()?.()
    }
    this.#adjust()
  }

  #adjust(): void {
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN) return
    const isFull =
      this.#settling ||
      socket.bufferedAmount > maxUnreadBytes ||
      this.#waiting.length >= maxWaiting ||
      this.#heldLength >= maxHeldLength
    if (isFull && !socket.isPaused) socket.pause()
    if (!isFull && socket.isPaused) socket.resume()
  }
}
