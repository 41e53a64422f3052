import type { ServerResponse } from 'node:http'

const beatEveryMs = 15_000

interface Stream {
  /** Lets go of what the answer tells of. */
  end: () => void
  /** How much had been passed on to the client at the last beat while more was waiting; nothing if none was. */
  passedOn: number | undefined
}

/** Answers that are event streams, which may never end by themselves. They end with their clients. */
export class EventStreams {
  readonly #streams = new Map<ServerResponse, Stream>()
  readonly #timer: NodeJS.Timeout
  #cut = false

  constructor() {
    this.#timer = setInterval(() => this.#beat(), beatEveryMs)
  }

  /** Keeps a stream until its client is gone; `end` is called then, also for one that has left before it began. */
  add(response: ServerResponse, end: () => void): void {
    if (response.closed || response.destroyed) {
      end()
      return
    }
    this.#streams.set(response, { end, passedOn: undefined })
    response.once('close', () => {
      this.#streams.delete(response)
      end()
    })
    if (this.#cut) response.destroy()
  }

  /** Cuts all streams, and every later one, so that their clients go elsewhere and resume. */
  cutAll(): void {
    this.#cut = true
    clearInterval(this.#timer)
    for (const response of this.#streams.keys()) response.destroy()
  }

  /** A client that has taken nothing of what waits for it since the last beat is gone, or as good as gone. */
  #beat(): void {
    for (const [response, stream] of this.#streams) {
      const waiting = response.writableLength
      const passedOn = waiting === 0 ? undefined : (response.socket?.bytesWritten ?? 0) - waiting
      if (passedOn !== undefined && passedOn === stream.passedOn) response.destroy()
      stream.passedOn = passedOn
    }
  }
}
