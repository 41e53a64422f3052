import { Alert, Button, Group, Paper, Spoiler, Stack, Text } from '@mantine/core'
import { ArchiveIcon } from '@primer/octicons-react'
import { Suspense } from 'react'
import { Outlet, useParams } from 'react-router'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { PoolCounts, useEvents } from '../live/events.tsx'
import { useLivePool } from '../live/pool.ts'
import { Loaded } from '../parts/loaded.tsx'
import { NothingHere } from '../parts/nothing-here.tsx'
import { Page } from '../parts/page.tsx'
import { Moment } from '../parts/time.tsx'
import { useMay } from '../shell/viewer.tsx'
import { useRefillNews } from '../tasks/refill-news.ts'
import { text } from '../text.ts'
import { useArchiving } from './archiving.tsx'
import { type PoolOfPage, PoolOfPageContext } from './pool-of-page.ts'
import { PoolStatus } from './pool-status.tsx'
import { Sections } from './sections.tsx'
import { Stat } from './stat.tsx'
import { StockBar } from './stock-bar.tsx'

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

/** A pool's page: its name and counts, live, and its sections. */
export function PoolLayout() {
  const { poolId = '' } = useParams()
  const result = useQuery({ query: PoolQuery, variables: { id: poolId } })
  const [, read] = result
  useEvents((news) => {
    if (news === 'missed' || news.__typename !== 'PoolChangedEvent' || news.pool.id !== poolId) return
    read({ requestPolicy: 'network-only' })
  })
  return (
    <Loaded of={result}>
      {({ pool }) => (pool === null ? <NothingHere /> : <PoolPage key={pool.id} pool={pool} />)}
    </Loaded>
  )
}

function PoolPage({ pool }: { pool: PoolOfPage }) {
  useLivePool(pool.id)
  useRefillNews(pool.id)
  return (
    <PoolOfPageContext value={pool}>
      <Page
        // An archived pool says so below.
        {...(pool.archivedAt === null && { actions: <PoolStatus of={pool} /> })}
        lead={pool.description !== null && <Description of={pool.description} />}
        title={pool.name}
      >
        {pool.archivedAt !== null && <Archived pool={pool} at={pool.archivedAt} />}
        <Counts of={pool} />
        <Sections of={pool} />
        <Suspense>
          <Outlet />
        </Suspense>
      </Page>
    </PoolOfPageContext>
  )
}

/** Long ones are cut, so that the counts and the sections are in view. */
function Description({ of: description }: { of: string }) {
  return (
    <Spoiler hideLabel={text.common.less} maxHeight={78} showLabel={text.common.more}>
      <span style={{ whiteSpace: 'pre-line' }}>{description}</span>
    </Spoiler>
  )
}

function Counts({ of: pool }: { of: PoolOfPage }) {
  return (
    <Paper p="md" withBorder>
      <Stack gap="sm">
        <Group component="dl" gap="xl" m={0}>
          <Stat
            name="available"
            value={pool.availableCount}
            {...(pool.archivedAt !== null && { hint: text.pools.countHints.archived })}
          />
          <Stat name="claimed" value={pool.claimedCount} />
          <Stat name="redeemed" value={pool.redeemedCount} />
          {pool.voidedCount !== '0' && <Stat name="voided" value={pool.voidedCount} />}
          {pool.withdrawnCount !== '0' && <Stat name="withdrawn" value={pool.withdrawnCount} />}
        </Group>
        <StockBar of={pool} />
      </Stack>
    </Paper>
  )
}

function Archived({ pool, at }: { pool: PoolOfPage; at: string }) {
  const mayManage = useMay('MANAGE')
  const askToUnarchive = useArchiving(pool)
  return (
    <Alert color="gray" icon={<ArchiveIcon />} title={text.pools.archived} variant="light">
      <Text mb="sm" size="sm">
        {text.pools.archivedHint} {text.pools.archivedSince} <Moment at={at} />.
      </Text>
      {mayManage && (
        <Button onClick={askToUnarchive} size="xs" variant="default">
          {text.pools.unarchiveAction}
        </Button>
      )}
    </Alert>
  )
}
