import { Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { graphql } from '../api/graphql.ts'
import { Refusal, useSubmit } from '../api/submit.ts'
import { PoolCounts } from '../live/events.tsx'
import { ask } from '../parts/confirm.tsx'
import { text } from '../text.ts'

const ArchivePool = graphql(
  `
    mutation ArchivePool($input: ArchivePoolInput!) {
      archivePool(input: $input) {
        __typename
        ... on ArchivePoolPayload {
          pool {
            ...PoolCounts
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [PoolCounts, Refusal],
)

const UnarchivePool = graphql(
  `
    mutation UnarchivePool($input: UnarchivePoolInput!) {
      unarchivePool(input: $input) {
        __typename
        ... on UnarchivePoolPayload {
          pool {
            ...PoolCounts
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [PoolCounts, Refusal],
)

interface Archivable {
  id: string
  name: string
  archivedAt: string | null
  availableCount: string
  claimedCount: string
}

/** Asks whether to archive a pool, or to unarchive it if it is archived. */
export function useArchiving(pool: Archivable): () => void {
  const [archive] = useSubmit(ArchivePool)
  const [unarchive] = useSubmit(UnarchivePool)
  const input = { poolId: pool.id }
  if (pool.archivedAt !== null)
    return () =>
      ask({
        title: text.pools.unarchiveTitle(pool.name),
        children: text.pools.unarchiveText(pool.availableCount),
        action: text.pools.unarchiveAction,
        act: async () => (await unarchive({ input })).problems,
      })
  return () =>
    ask({
      title: text.pools.archiveTitle(pool.name),
      children: (
        <Stack gap="xs">
          <Text size="sm">{text.pools.archiveText(pool.availableCount)}</Text>
          <Text size="sm">{text.pools.archiveKept(pool.claimedCount)}</Text>
        </Stack>
      ),
      action: text.pools.archiveAction,
      isDestructive: true,
      act: async () => {
        const { problems } = await archive({ input })
        if (problems === undefined) notifications.show({ message: text.pools.wasArchived(pool.name) })
        return problems
      },
    })
}
