import { Stack, Table, Text } from '@mantine/core'
import { useInViewport } from '@mantine/hooks'
import { memo } from 'react'
import { Link } from 'react-router'
import { useLivePool } from '../live/pool.ts'
import { Count } from '../parts/count.tsx'
import type { LastDays } from './days.ts'
import { type PoolInList, useFreshTrend } from './pool-in-list.ts'
import { PoolMenu } from './pool-menu.tsx'
import { PoolStatus } from './pool-status.tsx'
import classes from './pools.module.css'
import { RunsOut } from './runs-out.tsx'
import { StockBar } from './stock-bar.tsx'
import { Trend } from './trend.tsx'

/** A pool as a row of the table, live while it can be seen. Another page of the list leaves it as it is. */
export const PoolRow = memo(function PoolRow({ pool, days }: { pool: PoolInList; days: LastDays }) {
  const { ref, inViewport } = useInViewport<HTMLTableRowElement>()
  useLivePool(pool.id, { pause: !inViewport })
  useFreshTrend(pool, days)
  return (
    <Table.Tr className={classes.leads} ref={ref}>
      <Table.Td>
        <Link className={classes.link} to={`/pools/${pool.id}`}>
          {pool.name}
        </Link>
        {pool.description !== null && (
          <Text c="dimmed" className={classes.description} lineClamp={1} size="sm">
            {pool.description}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <PoolStatus of={pool} />
      </Table.Td>
      <Table.Td ta="right">
        <Stack gap={6}>
          <Count of={pool.availableCount} />
          <StockBar of={pool} />
        </Stack>
      </Table.Td>
      <Table.Td ta="right">
        <Count of={pool.claimedCount} />
      </Table.Td>
      <Table.Td>
        <Trend of={pool} />
      </Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        <RunsOut of={pool} />
      </Table.Td>
      <Table.Td>
        <PoolMenu of={pool} />
      </Table.Td>
    </Table.Tr>
  )
})
