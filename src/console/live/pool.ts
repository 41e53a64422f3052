import { useSubscription } from 'urql'
import { graphql } from '../api/graphql.ts'
import { PoolCounts } from './events.tsx'

const PoolSubscription = graphql(
  `
    subscription LivePool($id: ID!) {
      poolUpdated(id: $id) {
        ...PoolCounts
      }
    }
  `,
  [PoolCounts],
)

/** Keeps the counts of a pool up to date wherever they are shown, at most once a second. */
export function useLivePool(id: string, { pause = false } = {}): void {
  useSubscription({ query: PoolSubscription, variables: { id }, pause })
}
