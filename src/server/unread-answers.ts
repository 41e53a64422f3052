import type { ServerResponse } from 'node:http'

const beatEveryMs = 15_000

/**
 * Answers that are on their way to their clients. A client that has taken nothing of what waits for it from one beat to
 * the next is gone, or as good as gone: its connection is cut, so that nothing is kept for it any longer.
 */
export class UnreadAnswers {
  /** How much had been passed on to the client at the last beat while more was waiting; nothing if none was. */
  readonly #passedOn = new Map<ServerResponse, number | undefined>()
  readonly #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => this.beat(), beatEveryMs)
  }

  /** Watches over an answer until it has been taken, or its client is gone. */
  add(response: ServerResponse): void {
    if (response.closed || response.destroyed) return
    this.#passedOn.set(response, undefined)
    response.once('close', () => this.#passedOn.delete(response))
  }

  /** To be called every few seconds. */
  beat(): void {
    for (const [response, before] of this.#passedOn) {
      const { socket, writableLength: waiting } = response
      // Without a socket, it waits for the answer before it on its connection.
      const passedOn = waiting === 0 || socket === null ? undefined : socket.bytesWritten - waiting
      if (passedOn !== undefined && passedOn === before) response.destroy()
      this.#passedOn.set(response, passedOn)
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
