import { Anchor, Flex, Group, Text } from '@mantine/core'
import { memo } from 'react'
import { Link } from 'react-router'
import { clock, exactMoment } from '../intl.ts'
import { text } from '../text.ts'
import type { EventFacts } from './event-facts.ts'
import { EventIcon } from './event-icon.tsx'
import { EventSentence } from './event-sentence.tsx'
import type { FeedLine } from './lines.ts'

/** A line in the list of events: what kind, what, which task, and when. */
export const EventLine = memo(function EventLine({
  event,
  isCourse,
  added,
  ofPool,
}: Omit<FeedLine, 'key'> & { ofPool: boolean }) {
  const task = taskOf(event)
  return (
    <Group component="li" gap="sm" px="md" py="xs" wrap="nowrap">
      <EventIcon event={event} />
      <Flex
        columnGap="md"
        direction={{ base: 'column', sm: 'row' }}
        flex={1}
        justify="space-between"
        miw={0}
        rowGap={2}
      >
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          <EventSentence added={added} event={event} isCourse={isCourse} ofPool={ofPool} />
        </Text>
        <Group flex="none" gap="md" wrap="nowrap">
          {task !== null && (
            <Anchor component={Link} size="sm" to={`/tasks/${task.id}`}>
              {text.activity.feed.task}
            </Anchor>
          )}
          <Text c="dimmed" component="time" dateTime={event.at} size="sm" title={exactMoment(event.at)}>
            {clock(event.at)}
          </Text>
        </Group>
      </Flex>
    </Group>
  )
})

function taskOf(event: EventFacts): { id: string } | null {
  if ('task' in event) return event.task
  return 'chosenTask' in event ? event.chosenTask : null
}
