import { useDidUpdate, useInterval, useThrottledCallback } from '@mantine/hooks'
import { useMemo, useState } from 'react'
import { useClient, useQuery } from 'urql'
import { currentTime } from '../api/clock.ts'
import { type FragmentOf, graphql } from '../api/graphql.ts'
import { timeZone } from '../intl.ts'
import { PoolCounts, useEvents } from '../live/events.tsx'
import { useLivePool } from '../live/pool.ts'

const PoolToday = graphql(
  `
    fragment PoolToday on Pool {
      ...PoolCounts
      activity(from: $noon, to: $noon, step: DAY, timeZone: $timeZone) {
        from
        claimedCount
        redeemedCount
        addedCount
      }
    }
  `,
  [PoolCounts],
)

export type PoolToday = FragmentOf<typeof PoolToday>

const TodayQuery = graphql(
  `
    query Today($noon: DateTime!, $timeZone: String!) {
      pools(first: 100, archived: null) {
        totalCount
        edges {
          node {
            ...PoolToday
          }
        }
      }
    }
  `,
  [PoolToday],
)

const PoolTodayQuery = graphql(
  `
    query PoolToday($id: ID!, $noon: DateTime!, $timeZone: String!) {
      pool(id: $id) {
        ...PoolToday
      }
    }
  `,
  [PoolToday],
)

/** Today in the browser's time zone, by a moment that is on this day whatever its clocks do. */
export interface Today {
  [name: string]: string
  noon: string
  timeZone: string
}

/** The newest pools of the account, at most a hundred, with what happened to them today. */
export function useToday() {
  const [noon, setNoon] = useState(noonOfToday)
  useInterval(() => setNoon(noonOfToday()), 5_000, { autoInvoke: true })
  const today = useMemo<Today>(() => ({ noon, timeZone }), [noon])
  const result = useQuery({ query: TodayQuery, variables: today, requestPolicy: 'cache-and-network' })
  const [, again] = result
  const readSoon = useThrottledCallback(() => again({ requestPolicy: 'network-only' }), refreshMs)
  useEvents((news) => {
    if (news !== 'missed' && news.__typename === 'PoolCreatedEvent') readSoon()
  })
  return { result, today }
}

/** How often a pool is read again while its codes are claimed. */
const refreshMs = 2_000

/** Keeps what happened to a pool today up to date. */
export function FollowToday({ pool, today }: { pool: PoolToday; today: Today }) {
  useLivePool(pool.id)
  const client = useClient()
  const read = useThrottledCallback((_counts: string) => {
    const variables = { id: pool.id, ...today }
    void client.query(PoolTodayQuery, variables, { requestPolicy: 'network-only' }).toPromise()
  }, refreshMs)
  const counts = [pool.availableCount, pool.claimedCount, pool.redeemedCount].join()
  useDidUpdate(() => read(counts), [counts])
  return null
}

function noonOfToday(): string {
  const now = new Date(currentTime())
  return new Date(now.getFullYear(), now.getMonth(), now.getDate(), 12).toISOString()
}
