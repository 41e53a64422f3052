import { Sparkline } from '../parts/sparkline.tsx'
import { text } from '../text.ts'
import type { PoolInList } from './pool-in-list.ts'

/** The claims of the last 30 days. */
export function Trend({ of: { activity } }: { of: Pick<PoolInList, 'activity'> }) {
  const claims = activity.map(({ claimedCount }) => BigInt(claimedCount))
  const sum = claims.reduce((sum, count) => sum + count, 0n)
  return <Sparkline label={text.pools.trend(String(sum))} values={claims.map(Number)} />
}
