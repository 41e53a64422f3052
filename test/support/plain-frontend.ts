import { resuming } from '../../src/console/live/resuming.ts'
import { type PlainClient, watchPool } from './frontend/plain.ts'
import type { Frontend } from './promises.ts'

/** A frontend with graphql-ws's own client, or with graphql-sse's. */
export function plainFrontend(client: PlainClient): Frontend {
  const subscribe = resuming(client.subscribe)
  return {
    watchPool: (poolId, view) => watchPool(client, poolId, view),
    async ask<Data>(query: string, variables: Record<string, unknown>) {
      const { value } = await client.iterate({ query, variables }).next()
      if (value?.data == null) throw new Error('The operation was refused.', { cause: value?.errors })
      return value.data as Data
    },
    subscribe: (query, variables, results) =>
      subscribe(
        { query, variables },
        {
          next({ data, errors }) {
            if (errors) results.error(errors)
            else results.next(data as never)
          },
          error: (reason) => results.error(reason),
          complete: () => results.complete(),
        },
      ),
    close: () => client.dispose(),
  }
}
