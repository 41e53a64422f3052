import { Alert, Box, Button, Group, Paper, Skeleton, Stack, Text, Title, VisuallyHidden } from '@mantine/core'
import { useEffect, useState } from 'react'
import { Link } from 'react-router'
import { useClient } from 'urql'
import { useObserved } from '../api/observable.ts'
import { weekday } from '../intl.ts'
import { Empty } from '../parts/empty.tsx'
import { text } from '../text.ts'
import type { EventFacts } from './event-facts.ts'
import { EventFeed } from './event-feed.ts'
import { EventLine } from './event-line.tsx'
import { EventSentence } from './event-sentence.tsx'
import classes from './feed.module.css'

const words = text.activity.feed

/** What has happened to a pool, or to all pools without `poolId`, newest first. What happens is added as it happens. */
export function Feed({ poolId }: { poolId?: string }) {
  const client = useClient()
  const [feed] = useState(() => new EventFeed(client, poolId))
  useEffect(() => {
    feed.start()
    return () => feed.stop()
  }, [feed])
  const { events, fresh, hasMore, isLoadingMore, problem, ended } = useObserved(feed.state)
  const ofPool = poolId !== undefined
  return (
    <Stack gap="md">
      <Announcement events={fresh} ofPool={ofPool} />
      <Problem of={events === undefined ? ended : ended && `${ended} ${words.ended}`} />
      {events === undefined && ended === undefined && <Skeleton height={200} />}
      {events?.length === 0 && <NothingYet ofPool={ofPool} />}
      {events !== undefined && <Days events={events} ofPool={ofPool} />}
      <Problem of={problem} />
      {hasMore && (
        <Group>
          <Button loading={isLoadingMore} onClick={() => feed.more()} variant="default">
            {text.common.more}
          </Button>
        </Group>
      )}
    </Stack>
  )
}

function Days({ events, ofPool }: { events: readonly EventFacts[]; ofPool: boolean }) {
  return [...Map.groupBy(events, ({ at }) => weekday(at))].map(([day, events]) => (
    <Box aria-label={day} component="section" key={day}>
      <Title c="dimmed" mb="xs" order={ofPool ? 3 : 2} size="h6">
        {day}
      </Title>
      <Paper className={classes.lines} component="ol" withBorder>
        {events.map((event) => (
          <EventLine event={event} key={event.cursor} ofPool={ofPool} />
        ))}
      </Paper>
    </Box>
  ))
}

function NothingYet({ ofPool }: { ofPool: boolean }) {
  if (ofPool) return <Text c="dimmed">{words.empty}</Text>
  return (
    <Empty
      action={
        <Button component={Link} to="/">
          {text.common.toPools}
        </Button>
      }
      title={words.empty}
    >
      {words.emptyAccount}
    </Empty>
  )
}

/** Tells screen readers of new events: of a single one all, of several how many. */
function Announcement({ events, ofPool }: { events: readonly EventFacts[]; ofPool: boolean }) {
  const [first] = events
  return (
    <VisuallyHidden aria-live="polite" role="status">
      {events.length === 1 && first !== undefined ? (
        <EventSentence event={first} isPlain ofPool={ofPool} />
      ) : (
        events.length > 1 && words.fresh(BigInt(events.length))
      )}
    </VisuallyHidden>
  )
}

function Problem({ of: problem }: { of: string | undefined }) {
  if (problem === undefined) return null
  return (
    <Alert color="red" role="alert" variant="light">
      {problem}
    </Alert>
  )
}
