import { Client, type CombinedError, fetchExchange, subscriptionExchange } from '@urql/core'
import { type CacheExchangeOpts, cacheExchange } from '@urql/exchange-graphcache'
import type { Sink } from 'graphql-ws'
import { passes, pause, placeIsLost, resuming } from '../../../src/console/live/resuming.ts'
import { connectSocket } from '../../../src/console/live/socket.ts'
import { type PoolEvents, type PoolState, poolEvents, poolState, type View } from './operations.ts'

export function connectUrql(url: string, key: string, cache: CacheExchangeOpts): Client {
  const subscribe = resuming(connectSocket(url, { key }).subscribe)
  return new Client({
    url,
    preferGetMethod: false,
    fetchOptions: { headers: { authorization: `Bearer ${key}` } },
    exchanges: [
      cacheExchange(cache),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: subscribe({ query, variables }, sink as Sink),
          }),
        }),
      }),
    ],
  })
}

/** Shows a pool and what happens to it, until the function that is returned is called. */
export function watchPool(client: Client, poolId: string, view: View): () => void {
  let left = false
  let leave = () => {}

  const begin = async (failures = 0): Promise<void> => {
    const state = await client.query<PoolState>(poolState, { poolId }, { requestPolicy: 'network-only' })
    if (left) return
    if (passes(state.error?.graphQLErrors)) return pause(failures).then(() => begin(failures + 1))
    if (state.data?.pool == null) return view.fail(state.error ?? 'There is no such pool.')
    view.show(state.data.pool)
    const events = client.subscription<PoolEvents>(poolEvents, { poolId, after: state.data.eventCursor })
    leave = events.subscribe(({ data, error }) => {
      // Looked at first: with an error comes the data of the last event once more.
      if (error) failed(error)
      else if (data) view.apply(data.poolEvents)
    }).unsubscribe
  }
  const failed = (error: CombinedError) => {
    leave()
    if (placeIsLost(error.graphQLErrors)) void begin()
    else view.fail(error)
  }
  void begin()

  return () => {
    left = true
    leave()
  }
}
