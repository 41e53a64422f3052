import { Progress } from '@mantine/core'
import { percent, shareOf } from '../intl.ts'
import { text } from '../text.ts'

const colors = { READY: 'indigo', LOW: 'yellow.6', EMPTY: 'red' }

/** How much of all that a pool has had to hand out is still available. */
export function StockBar({
  of: { availableCount, claimedCount, status },
}: {
  of: { availableCount: string; claimedCount: string; status: 'READY' | 'LOW' | 'EMPTY' }
}) {
  const share = shareOf(availableCount, BigInt(availableCount) + BigInt(claimedCount))
  const label = text.pools.stock(percent(share))
  return (
    <Progress.Root size="sm" title={label}>
      <Progress.Section aria-label={label} color={colors[status]} value={share * 100} />
    </Progress.Root>
  )
}
