import type { ServerResponse } from 'node:http'

/** Responses that are event streams, which end only with their clients or when they are cut. */
export class EventStreams {
  readonly #streams = new Set<ServerResponse>()
  #isCut = false

  /** Keeps a stream until its client has gone. Then it calls `end`, also for a client that had gone before. */
  add(response: ServerResponse, end: () => void): void {
    if (response.closed || response.destroyed) {
      end()
      return
    }
    this.#streams.add(response)
    response.once('close', () => {
      this.#streams.delete(response)
      end()
    })
    if (this.#isCut) response.destroy()
  }

  /** Cuts all streams, also later ones, so that their clients reconnect elsewhere and resume. */
  cutAll(): void {
    this.#isCut = true
    for (const response of this.#streams) response.destroy()
  }
}
