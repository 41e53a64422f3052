import { Badge } from '@mantine/core'
import { text } from '../text.ts'

const colors = { READY: 'green', LOW: 'yellow', EMPTY: 'red', ARCHIVED: 'gray' }

/** The stock level of a pool, or that it is archived. */
export function PoolStatus({
  of: { status, archivedAt },
}: {
  of: { status: 'READY' | 'LOW' | 'EMPTY'; archivedAt: string | null }
}) {
  const shown = archivedAt === null ? status : 'ARCHIVED'
  return (
    <Badge
      // In the colour of the background it could not be read by everyone.
      c="var(--mantine-color-text)"
      color={colors[shown]}
      miw="max-content"
      title={text.pools.statusHint[shown]}
      tt="none"
      variant="light"
    >
      {text.pools.status[shown]}
    </Badge>
  )
}
