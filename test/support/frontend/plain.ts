import type { FormattedExecutionResult, SubscribePayload } from 'graphql-ws'
import { passes, pause, placeIsLost, resuming, type Subscribe } from '../../../src/console/live/resuming.ts'
import { type PoolEvents, type PoolState, poolEvents, poolState, type View } from './operations.ts'

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

  const begin = async (failures = 0): Promise<void> => {
    const reading = client.iterate({ query: poolState, variables: { poolId } }).next()
    const { data, errors } = await reading.then(
      ({ value }) => ({ data: value?.data as PoolState | undefined, errors: value?.errors as unknown }),
      (errors: unknown) => ({ data: undefined, errors }),
    )
    if (left) return
    if (passes(errors)) return pause(failures).then(() => begin(failures + 1))
    if (data?.pool == null) return view.fail(errors ?? 'There is no such pool.')
    view.show(data.pool)
    const error = (errors: unknown) => {
      leave()
      if (placeIsLost(errors)) void begin()
      else view.fail(errors)
    }
    leave = subscribe(
      { query: poolEvents, variables: { poolId, after: data.eventCursor } },
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
  void begin()

  return () => {
    left = true
    leave()
  }
}
