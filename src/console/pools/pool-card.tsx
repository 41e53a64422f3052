import { Group, Paper, Stack, Text } from '@mantine/core'
import { useInViewport } from '@mantine/hooks'
import { memo } from 'react'
import { Link } from 'react-router'
import { useLivePool } from '../live/pool.ts'
import { Count } from '../parts/count.tsx'
import { text } from '../text.ts'
import type { LastDays } from './days.ts'
import { type PoolInList, useFreshTrend } from './pool-in-list.ts'
import { PoolMenu } from './pool-menu.tsx'
import { PoolStatus } from './pool-status.tsx'
import classes from './pools.module.css'
import { RunsOut } from './runs-out.tsx'
import { StockBar } from './stock-bar.tsx'
import { Trend } from './trend.tsx'

/** A pool as a card, for narrow screens. Live while it can be seen. Another page of the list leaves it as it is. */
export const PoolCard = memo(function PoolCard({ pool, days }: { pool: PoolInList; days: LastDays }) {
  const { ref, inViewport } = useInViewport<HTMLLIElement>()
  useLivePool(pool.id, { pause: !inViewport })
  useFreshTrend(pool, days)
  const { available, claimed } = text.pools.counts
  return (
    <Paper className={classes.leads} component="li" p="md" ref={ref} withBorder>
      <Stack gap="sm">
        <Group align="flex-start" justify="space-between" wrap="nowrap">
          <div>
            <Link className={classes.link} to={`/pools/${pool.id}`}>
              {pool.name}
            </Link>
            {pool.description !== null && (
              <Text c="dimmed" className={classes.description} lineClamp={2} size="sm">
                {pool.description}
              </Text>
            )}
          </div>
          <Group gap="xs" style={{ flexShrink: 0 }} wrap="nowrap">
            <PoolStatus of={pool} />
            <PoolMenu of={pool} />
          </Group>
        </Group>
        <Group align="flex-end" justify="space-between">
          <NamedCount label={available}>
            <Count of={pool.availableCount} />
          </NamedCount>
          <NamedCount label={claimed}>
            <Count of={pool.claimedCount} />
          </NamedCount>
          <Trend of={pool} />
        </Group>
        <StockBar of={pool} />
        <Group gap={6}>
          {pool.status !== 'EMPTY' && (
            <Text c="dimmed" size="sm">
              {text.pools.columns.runsOut}
            </Text>
          )}
          <RunsOut of={pool} />
        </Group>
      </Stack>
    </Paper>
  )
})

/** A count below its name, small enough for a card. */
function NamedCount({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div>
      <Text c="dimmed" size="xs">
        {label}
      </Text>
      <Text fw={600}>{children}</Text>
    </div>
  )
}
