import { Grid } from '@mantine/core'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { useEvents } from '../live/events.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { NothingHere } from '../parts/nothing-here.tsx'
import { useTabTitle } from '../parts/page.tsx'
import { type PoolOfPage, usePoolOfPage } from '../pools/pool-of-page.ts'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { RecentTasks } from './recent-tasks.tsx'
import { SavedSettings, type Settings } from './settings.ts'
import { SettingsForm } from './settings-form.tsx'
import { SettingsSummary } from './settings-summary.tsx'

const SettingsQuery = graphql(
  `
    query PromoCodesOfPool($id: ID!) {
      pool(id: $id) {
        ...SavedSettings
      }
    }
  `,
  [SavedSettings],
)

/** The Promo Codes section of a pool: how it is filled. The guide leads through it. */
export function PromoCodesScreen() {
  const pool = usePoolOfPage()
  useTabTitle(`${pool.name} – ${text.pools.sections['promo-codes']}`)
  const [result, again] = useQuery({
    query: SettingsQuery,
    variables: { id: pool.id },
    requestPolicy: 'cache-and-network',
  })
  useEvents((news) => {
    const concerns = news === 'missed' || (news.__typename === 'PoolChangedEvent' && news.pool.id === pool.id)
    if (concerns) again({ requestPolicy: 'network-only' })
  })
  return (
    <Grid gap="xl">
      <Grid.Col span={{ base: 12, lg: 7 }}>
        <Loaded of={[result, again]}>
          {({ pool: saved }) =>
            saved === null ? (
              <NothingHere />
            ) : (
              <PromoCodesSection key={pool.id} pool={pool} saved={saved.replenishment} />
            )
          }
        </Loaded>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 5 }}>
        <RecentTasks poolId={pool.id} />
      </Grid.Col>
    </Grid>
  )
}

function PromoCodesSection({ pool, saved }: { pool: PoolOfPage; saved: Settings }) {
  const mayManage = useMay('MANAGE')
  if (pool.archivedAt === null && mayManage) return <SettingsForm pool={pool} saved={saved} />
  return <SettingsSummary settings={saved} />
}
