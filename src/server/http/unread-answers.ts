import type { ServerResponse } from 'node:http'

const beatEveryMs = 15_000

/**
 * Responses that are being sent. A client that has read nothing between two beats, although something was waiting for it, is
 * taken for gone: its connection is cut, so that its answer does not stay in memory.
 */
export class UnreadAnswers {
  /** Bytes sent by the last beat, if more was waiting then. */
  readonly #sent = new Map<ServerResponse, number | undefined>()
  readonly #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => this.beat(), beatEveryMs)
  }

  /** Watches a response until it is complete or its client has gone. */
  add(response: ServerResponse): void {
    if (response.closed || response.destroyed) return
    this.#sent.set(response, undefined)
    response.once('close', () => this.#sent.delete(response))
  }

  /** To be called every few seconds. */
  beat(): void {
    for (const [response, before] of this.#sent) {
      const { socket, writableLength: waiting } = response
      // Without a socket it waits for the response before it on the connection.
      const sent = waiting === 0 || socket === null ? undefined : socket.bytesWritten - waiting
      if (sent !== undefined && sent === before) response.destroy()
      this.#sent.set(response, sent)
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
