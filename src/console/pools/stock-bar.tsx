import { Progress } from '@mantine/core'
import { percent, shareOf } from '../intl.ts'
import { text } from '../text.ts'

const colors = { READY: 'indigo', LOW: 'yellow.6', EMPTY: 'red' }

/** How much of all that a pool has had to hand out is still available. */
export function StockBar({
  of: { availableCount, claimedCount, status, archivedAt },
}: {
  of: {
    availableCount: string
    claimedCount: string
    status: 'READY' | 'LOW' | 'EMPTY'
    archivedAt: string | null
  }
}) {
  const share = shareOf(availableCount, BigInt(availableCount) + BigInt(claimedCount))
  const isArchived = archivedAt !== null
  const label = (isArchived ? text.pools.stockArchived : text.pools.stock)(percent(share))
  return (
    <Progress.Root size="sm" title={label}>
      <Progress.Section
        aria-label={label}
        color={isArchived ? 'gray.5' : colors[status]}
        value={share * 100}
      />
    </Progress.Root>
  )
}
