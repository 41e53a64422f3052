import type { ServerResponse } from 'node:http'

/** Answers that are event streams, which may never end by themselves. They end with their clients. */
export class EventStreams {
  readonly #streams = new Set<ServerResponse>()
  #cut = false

  /** Keeps a stream until its client is gone; `end` is called then, also for one that has left before it began. */
  add(response: ServerResponse, end: () => void): void {
    if (response.closed || response.destroyed) {
      end()
      return
    }
    this.#streams.add(response)
    response.once('close', () => {
      this.#streams.delete(response)
      // Lets go of what the answer tells of.
      end()
    })
    if (this.#cut) response.destroy()
  }

  /** Cuts all streams, and every later one, so that their clients go elsewhere and resume. */
  cutAll(): void {
    this.#cut = true
    for (const response of this.#streams) response.destroy()
  }
}
