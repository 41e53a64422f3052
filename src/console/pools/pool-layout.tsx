import { Tabs } from '@mantine/core'
import { Link, Outlet, useLocation, useParams } from 'react-router'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { PoolCounts } from '../live/events.tsx'
import { useLivePool } from '../live/pool.ts'
import { Loaded } from '../parts/loaded.tsx'
import { NothingHere } from '../parts/nothing-here.tsx'
import { Page } from '../parts/page.tsx'
import { text } from '../text.ts'
import { type PoolOfPage, PoolOfPageContext } from './pool-of-page.ts'

const PoolQuery = graphql(
  `
    query PoolOfPage($id: ID!) {
      pool(id: $id) {
        description
        externalId
        ...PoolCounts
      }
    }
  `,
  [PoolCounts],
)

const sections = ['promo-codes', 'tasks', 'all-codes', 'activity', 'settings'] as const

/** A pool's page: its name and counts, live, and its sections. */
export function PoolLayout() {
  const { poolId = '' } = useParams()
  const result = useQuery({ query: PoolQuery, variables: { id: poolId } })
  return (
    <Loaded of={result}>{({ pool }) => (pool === null ? <NothingHere /> : <Sections pool={pool} />)}</Loaded>
  )
}

function Sections({ pool }: { pool: PoolOfPage }) {
  const { pathname } = useLocation()
  useLivePool(pool.id)
  const here = sections.find((section) => pathname.endsWith(`/${section}`)) ?? null
  return (
    <PoolOfPageContext value={pool}>
      <Page title={pool.name}>
        <Tabs value={here}>
          <Tabs.List>
            {sections.map((section) => (
              <Tabs.Tab
                component={Link}
                key={section}
                value={section}
                {...{ to: `/pools/${pool.id}/${section}` }}
              >
                {text.pools.sections[section]}
              </Tabs.Tab>
            ))}
          </Tabs.List>
        </Tabs>
        <Outlet />
      </Page>
    </PoolOfPageContext>
  )
}
