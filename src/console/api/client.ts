import { schema, withoutId } from 'virtual:schema'
import { cacheExchange, type UpdateResolver } from '@urql/exchange-graphcache'
import { relayPagination } from '@urql/exchange-graphcache/extras'
import type { Sink, Client as Socket } from 'graphql-ws'
import { Client, fetchExchange, mapExchange, subscriptionExchange } from 'urql'
import { resuming } from '../live/resuming.ts'
import { setClock } from './clock.ts'
import { forwardOnly } from './forward-only.ts'
import type { OpenQueries } from './open-queries.ts'
import { nameUnknownTypes } from './unknown-types.ts'

// Not claims and codes, which are shown a page at a time: they change all the time and have no end. Nor the pools: their
// screen reads its pages again as pools are created, and then they begin elsewhere.
const listsOfQuery = ['formats', 'tasks', 'redemptions']
const listsOfPool = ['tasks', 'redemptions']

/** Forgets the later pages of a list when its first one is read anew: they may not go on where that ends. */
const dropLaterPages: UpdateResolver = (_result, args, cache, { parentKey, fieldName }) => {
  if (args['after'] != null || args['before'] != null) return
  for (const page of cache.inspectFields(parentKey))
    if (page.fieldName === fieldName && page.arguments?.['after'] != null)
      cache.invalidate(parentKey, fieldName, page.arguments)
}

/**
 * The client of the API. Objects are kept by their ids, so that whatever brings news of a pool or a task (a query, a
 * mutation's answer, a subscription) changes it on all of the page. Pages of a list are joined as they arrive.
 *
 * @param onSessionEnd called when the service does not accept the session any more
 */
export function createApiClient(
  socket: Socket,
  { queries, onSessionEnd }: { queries: OpenQueries; onSessionEnd: () => void },
): Client {
  const subscribe = resuming(socket.subscribe)
  return new Client({
    url: '/graphql',
    preferGetMethod: false,
    async fetch(address, request) {
      const answer = await fetch(address, request)
      setClock(answer)
      return answer
    },
    exchanges: [
      queries.exchange,
      cacheExchange({
        schema,
        keys: Object.fromEntries(withoutId.map((name) => [name, () => null])),
        resolvers: {
          Query: Object.fromEntries(listsOfQuery.map((name) => [name, relayPagination()])),
          Pool: Object.fromEntries(listsOfPool.map((name) => [name, relayPagination()])),
        },
        updates: {
          Query: Object.fromEntries(listsOfQuery.map((name) => [name, dropLaterPages])),
          Pool: Object.fromEntries(listsOfPool.map((name) => [name, dropLaterPages])),
          // Lists that something may now be missing from are read again.
          Mutation: {
            createPool: (_result, _args, cache) => cache.invalidate('Query', 'pools'),
            createFormat: (_result, _args, cache) => cache.invalidate('Query', 'formats'),
            deleteWebhook: (_result, { input }, cache) =>
              cache.invalidate({ __typename: 'Webhook', id: (input as { webhookId: string }).webhookId }),
          },
        },
      }),
      mapExchange({
        onResult: ({ data }) => nameUnknownTypes(data),
        onError({ graphQLErrors }) {
          if (graphQLErrors.some(({ extensions }) => extensions['code'] === 'UNAUTHENTICATED')) onSessionEnd()
        },
      }),
      forwardOnly,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({ unsubscribe: subscribe({ query, variables }, sink as Sink) }),
        }),
      }),
    ],
  })
}
