import { type Client, type Exchange, mapExchange, type Operation } from 'urql'

/** The queries whose answers are on the screen. */
export class OpenQueries {
  readonly #open = new Map<number, Operation>()

  /** Notes which queries are in use. It comes first in the client's exchanges. */
  readonly exchange: Exchange = mapExchange({
    onOperation: (operation) => {
      if (operation.kind === 'query') this.#open.set(operation.key, operation)
      else if (operation.kind === 'teardown') this.#open.delete(operation.key)
    },
  })

  /** Sends all of them again. What is on the screen stays until the new answers are there. */
  reread(client: Client): void {
    for (const { key, query, variables } of [...this.#open.values()])
      client.reexecuteOperation(
        client.createRequestOperation(
          'query',
          { key, query, variables },
          { requestPolicy: 'cache-and-network' },
        ),
      )
  }
}
