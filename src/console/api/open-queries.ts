import { type Client, type Exchange, mapExchange, type Operation, type OperationResult } from 'urql'

/** The queries whose answers are on the screen. */
export class OpenQueries {
  readonly #open = new Map<number, { operation: Operation; data?: unknown }>()

  /** Notes which queries are in use, and what they have brought. It comes first in the client's exchanges. */
  readonly exchange: Exchange = mapExchange({
    onOperation: (operation) => {
      const { key, kind } = operation
      if (kind === 'query') this.#open.set(key, { ...this.#open.get(key), operation })
      else if (kind === 'teardown') this.#open.delete(key)
    },
    onResult: (result) => this.#withLastData(result),
  })

  /**
   * An answer without data gets those of the one before: what is on the screen, and what somebody is typing there, stays although
   * it cannot be read again. The error says that they are not new.
   */
  #withLastData(result: OperationResult): OperationResult {
    const open = this.#open.get(result.operation.key)
    // Without data, an answer has null where a field has failed, and nothing where the request has.
    const data = result.data ?? (result.error === undefined ? undefined : open?.data)
    if (open !== undefined) open.data = data
    return { ...result, data }
  }

  /** Sends all of them again. What is on the screen stays until the new answers are there. */
  reread(client: Client): void {
    for (const { operation } of [...this.#open.values()]) {
      const { key, query, variables } = operation
      client.reexecuteOperation(
        client.createRequestOperation(
          'query',
          { key, query, variables },
          { requestPolicy: 'cache-and-network' },
        ),
      )
    }
  }
}
