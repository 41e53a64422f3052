import { Group, Text, Tooltip } from '@mantine/core'
import { SyncIcon } from '@primer/octicons-react'
import { decimal } from '../intl.ts'
import { outlookOf } from '../parts/outlook.ts'
import { Distance } from '../parts/time.tsx'
import { text } from '../text.ts'
import type { PoolInList } from './pool-in-list.ts'

/** When a pool runs out of codes if they go on being claimed as they are, and whether it refills itself. */
export function RunsOut({ of: pool }: { of: PoolInList }) {
  const { autoGenerate, quantity } = pool.replenishment
  return (
    <div>
      <When pool={pool} />
      {autoGenerate && pool.archivedAt === null && (
        <Tooltip label={text.pools.refillsHint(quantity ?? '0')}>
          <Group c="dimmed" fz="xs" gap={4} w="fit-content" wrap="nowrap">
            <SyncIcon size={12} />
            {text.pools.refills}
          </Group>
        </Tooltip>
      )}
    </div>
  )
}

function When({ pool }: { pool: PoolInList }) {
  const { status, archivedAt, forecast } = pool
  if (archivedAt !== null) return <Text size="sm">–</Text>
  if (status === 'EMPTY') return <Text size="sm">{text.pools.ranOut}</Text>
  const outlook = outlookOf(pool)
  const hint = text.pools.outlookHints[outlook.kind](decimal(forecast.claimsPerDay))
  if (outlook.kind === 'dated')
    return (
      <Tooltip label={hint}>
        <Text size="sm">
          <Distance at={outlook.at} />
        </Text>
      </Tooltip>
    )
  return (
    <Text c="dimmed" size="sm" title={hint}>
      {text.pools.outlook[outlook.kind]}
    </Text>
  )
}
