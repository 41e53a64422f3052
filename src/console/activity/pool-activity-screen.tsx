import { Stack } from '@mantine/core'
import { useSearchParams } from 'react-router'
import { useQuery } from 'urql'
import { currentTime, dayMs } from '../api/clock.ts'
import { graphql } from '../api/graphql.ts'
import { Loaded } from '../parts/loaded.tsx'
import { usePoolOfPage } from '../pools/pool-of-page.ts'
import { Feed } from './feed.tsx'
import { type Period, periods } from './period.ts'
import { PoolActivity } from './pool-activity.tsx'

const AgeQuery = graphql(`
  query AgeOfPool($id: ID!) {
    pool(id: $id) {
      id
      createdAt
    }
  }
`)

/** A pool's Activity section: how its stock is doing, and what has happened to it. */
export default function PoolActivityScreen() {
  const pool = usePoolOfPage()
  const age = useQuery({ query: AgeQuery, variables: { id: pool.id } })
  const [search, setSearch] = useSearchParams()
  const chosen = periods.find((period) => period === search.get('period'))
  const choosePeriod = (period: Period) => setSearch({ period }, { replace: true })
  return (
    <Stack gap="xl">
      <Loaded of={age}>
        {({ pool: read }) => {
          const period = chosen ?? usualPeriodOf(read?.createdAt)
          return (
            <PoolActivity
              choosePeriod={choosePeriod}
              key={`${pool.id} ${period}`}
              period={period}
              pool={pool}
            />
          )
        }}
      </Loaded>
      <Feed key={pool.id} poolId={pool.id} />
    </Stack>
  )
}

/** All of a young pool happened in its last hours. */
function usualPeriodOf(createdAt: string | undefined): Period {
  return createdAt !== undefined && Date.parse(createdAt) > currentTime() - dayMs ? 'hours' : 'days'
}
