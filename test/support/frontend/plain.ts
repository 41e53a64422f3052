import type { FormattedExecutionResult, SubscribePayload } from 'graphql-ws'
import { type PoolEvents, type PoolState, poolEvents, poolState, type View } from './operations.ts'
import { placeIsLost, resuming, type Subscribe } from './resuming.ts'

/** graphql-ws's own client, or graphql-sse's. */
export interface PlainClient {
  subscribe: Subscribe
  iterate(payload: SubscribePayload): AsyncIterator<FormattedExecutionResult>
  dispose(): void | Promise<void>
}

/** Shows a pool and what happens to it, until the function that is returned is called. */
export function watchPool(client: PlainClient, poolId: string, view: View): () => void {
  const subscribe = resuming(client.subscribe)
  let left = false
  let leave = () => {}

  const begin = async () => {
    const answer = await client.iterate({ query: poolState, variables: { poolId } }).next()
    if (left) return
    const state = answer.value?.data as PoolState | undefined
    if (state?.pool == null) return view.fail(answer.value?.errors ?? 'There is no such pool.')
    view.show(state.pool)
    const error = (errors: unknown) => {
      leave()
      if (placeIsLost(errors)) begin().catch(view.fail)
      else view.fail(errors)
    }
    leave = subscribe(
      { query: poolEvents, variables: { poolId, after: state.eventCursor } },
      {
        next({ data, errors }) {
          if (errors) error(errors)
          else view.apply((data as unknown as PoolEvents).poolEvents)
        },
        error,
        complete: () => error('It ended.'),
      },
    )
  }
  begin().catch(view.fail)

  return () => {
    left = true
    leave()
  }
}
