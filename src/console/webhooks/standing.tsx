import { Badge, Group, Text } from '@mantine/core'
import { Sentence } from '../parts/sentence.tsx'
import { Moment } from '../parts/time.tsx'
import { text } from '../text.ts'
import type { WebhookInList } from './webhooks.ts'

const colors: Record<WebhookInList['status'], string> = { ACTIVE: 'green', FAILING: 'red', DISABLED: 'gray' }

type Standing = Pick<WebhookInList, 'status' | 'failingSince' | 'disabledAt'>

/** Whether the messages of a webhook arrive, and since when they do not. */
export function StandingOf({ of: { status, failingSince, disabledAt } }: { of: Standing }) {
  const since = status === 'DISABLED' ? disabledAt : status === 'FAILING' ? failingSince : null
  return (
    <Group gap={6}>
      <Badge autoContrast color={colors[status]} miw="max-content" tt="none" variant="dot">
        {text.webhooks.statuses[status]}
      </Badge>
      {since !== null && (
        <Text c="dimmed" size="sm">
          <Sentence of={text.webhooks.since} parts={{ time: <Moment at={since} /> }} />
        </Text>
      )}
    </Group>
  )
}
