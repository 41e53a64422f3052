import { Badge, Group, Text } from '@mantine/core'
import { Sentence } from '../parts/sentence.tsx'
import { Moment } from '../parts/time.tsx'
import { text } from '../text.ts'
import type { WebhookInList } from './webhooks.ts'

const colors: Record<WebhookInList['status'], string> = { ACTIVE: 'green', FAILING: 'red', DISABLED: 'gray' }

type Standing = Pick<WebhookInList, 'status' | 'failingSince' | 'disabledAt' | 'disabledReason'>

/** Whether the messages of a webhook arrive, and since when they do not. */
export function StandingOf({ of: webhook }: { of: Standing }) {
  const { status, failingSince, disabledAt } = webhook
  const isGivenUp = wasGivenUp(webhook)
  const since = status === 'DISABLED' ? disabledAt : status === 'FAILING' ? failingSince : null
  return (
    <Group gap={6}>
      <Badge
        autoContrast
        color={isGivenUp ? 'red' : colors[status]}
        miw="max-content"
        tt="none"
        variant="dot"
      >
        {isGivenUp ? text.webhooks.givenUp : text.webhooks.statuses[status]}
      </Badge>
      {since !== null && (
        <Text c="dimmed" size="sm">
          <Sentence of={text.webhooks.since} parts={{ time: <Moment at={since} /> }} />
        </Text>
      )}
    </Group>
  )
}

/** Whether the service has disabled a webhook because of its receiver, and nobody on purpose. */
export function wasGivenUp({ status, disabledReason }: Pick<Standing, 'status' | 'disabledReason'>): boolean {
  return status === 'DISABLED' && disabledReason !== 'REQUESTED'
}
