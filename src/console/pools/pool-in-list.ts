import { useThrottledCallback } from '@mantine/hooks'
import { useEffect, useRef } from 'react'
import { useClient } from 'urql'
import { type FragmentOf, graphql } from '../api/graphql.ts'
import { PoolCounts } from '../live/events.tsx'
import type { LastDays } from './days.ts'

/** What changes with every claim, but not with every event. */
export const PoolTrend = graphql(`
  fragment PoolTrend on Pool {
    id
    forecast {
      runsOutAt
      claimsPerDay
    }
    activity(from: $from, to: $to, step: DAY, timeZone: $timeZone) {
      from
      claimedCount
    }
  }
`)

export const PoolInList = graphql(
  `
    fragment PoolInList on Pool {
      description
      createdAt
      replenishment {
        autoGenerate
        quantity
      }
      ...PoolCounts
      ...PoolTrend
    }
  `,
  [PoolCounts, PoolTrend],
)

export type PoolInList = FragmentOf<typeof PoolInList>

const PoolTrendQuery = graphql(
  `
    query PoolTrend($id: ID!, $from: DateTime!, $to: DateTime!, $timeZone: String!) {
      pool(id: $id) {
        ...PoolTrend
      }
    }
  `,
  [PoolTrend],
)

const trendEveryMs = 5_000

/** Keeps the trend of a pool up to date as its counts change. */
export function useFreshTrend({ id, claimedCount, availableCount }: PoolInList, days: LastDays): void {
  const client = useClient()
  const counts = `${claimedCount} ${availableCount}`
  const known = useRef(counts)
  const read = useThrottledCallback(() => {
    void client.query(PoolTrendQuery, { id, ...days }, { requestPolicy: 'network-only' }).toPromise()
  }, trendEveryMs)
  useEffect(() => {
    if (known.current === counts) return
    known.current = counts
    read()
  }, [counts, read])
}
