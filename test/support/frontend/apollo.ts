import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { OperationTypeNode } from 'graphql'
import { passes, pause, placeIsLost, resuming } from '../../../src/console/live/resuming.ts'
import { connectSocket } from '../../../src/console/live/socket.ts'
import { type PoolEvents, type PoolState, poolEvents, poolState, type View } from './operations.ts'

export function connectApollo(
  url: string,
  key: string,
  possibleTypes: Record<string, string[]>,
): ApolloClient {
  const socket = connectSocket(url, { key })
  return new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink({ ...socket, subscribe: resuming(socket.subscribe) }),
      new HttpLink({ uri: url, headers: { authorization: `Bearer ${key}` } }),
    ),
    cache: new InMemoryCache({
      possibleTypes,
      typePolicies: {
        // It has no id, so it is stored in its pool. Fields from different queries are merged.
        Replenishment: { merge: true },
        // A new event replaces the last one. Without this, Apollo warns about it.
        Subscription: { fields: { poolEvents: { merge: false } } },
      },
    }),
  })
}

/** Shows a pool and what happens to it, until the function that is returned is called. */
export function watchPool(client: ApolloClient, poolId: string, view: View): () => void {
  let left = false
  let leave = () => {}

  const begin = async (failures = 0): Promise<void> => {
    const { data, error } = await client.query<PoolState>({
      query: gql(poolState),
      variables: { poolId },
      fetchPolicy: 'network-only',
      errorPolicy: 'all',
    })
    if (left) return
    if (CombinedGraphQLErrors.is(error) && passes(error.errors))
      return pause(failures).then(() => begin(failures + 1))
    if (data?.pool == null) return view.fail(error ?? 'There is no such pool.')
    view.show(data.pool)
    const variables = { poolId, after: data.eventCursor }
    const events = client.subscribe<PoolEvents>({ query: gql(poolEvents), variables })
    const subscription = events.subscribe(({ data, error }) => {
      if (error) failed(error)
      else if (data) view.apply(data.poolEvents)
    })
    leave = () => subscription.unsubscribe()
  }
  const failed = (error: unknown) => {
    leave()
    if (CombinedGraphQLErrors.is(error) && placeIsLost(error.errors)) void begin()
    else view.fail(error)
  }
  void begin()

  return () => {
    left = true
    leave()
  }
}
