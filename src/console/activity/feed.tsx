import {
  Alert,
  Box,
  Button,
  Group,
  Paper,
  Skeleton,
  Stack,
  Switch,
  Text,
  Title,
  VisuallyHidden,
} from '@mantine/core'
import { useEffect, useState } from 'react'
import { Link } from 'react-router'
import { useClient } from 'urql'
import { useObserved } from '../api/observable.ts'
import { weekday } from '../intl.ts'
import { Empty } from '../parts/empty.tsx'
import { text } from '../text.ts'
import { ActivityFeed } from './activity-feed.ts'
import { EventLine } from './event-line.tsx'
import { EventSentence } from './event-sentence.tsx'
import classes from './feed.module.css'
import { everyStep, type FeedLine, folded } from './lines.ts'

const words = text.activity.feed

/**
 * What has happened to a pool, or to all pools without `poolId`, newest first. What happens is added as it happens. A task
 * is a single line, unless every step is asked for.
 */
export function Feed({ poolId }: { poolId?: string }) {
  const client = useClient()
  const [feed] = useState(() => new ActivityFeed(client, poolId))
  useEffect(() => {
    feed.start()
    return () => feed.stop()
  }, [feed])
  const { events, fresh, hasMore, isLoadingMore, problem, ended } = useObserved(feed.state)
  const ofPool = poolId !== undefined
  const [showsSteps, setShowsSteps] = useState(false)
  const linesOf = showsSteps ? everyStep : folded
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Title order={2} size="h4">
          {words.title}
        </Title>
        <Switch
          checked={showsSteps}
          label={words.everyStep}
          onChange={(event) => setShowsSteps(event.currentTarget.checked)}
        />
      </Group>
      <Announcement lines={linesOf(fresh)} ofPool={ofPool} />
      <Problem of={events === undefined ? ended : ended && `${ended} ${words.ended}`} />
      {events === undefined && ended === undefined && <Skeleton height={200} />}
      {events?.length === 0 && <NothingYet ofPool={ofPool} />}
      {events !== undefined && <Days lines={linesOf(events)} ofPool={ofPool} />}
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

function Days({ lines, ofPool }: { lines: readonly FeedLine[]; ofPool: boolean }) {
  return [...Map.groupBy(lines, ({ event }) => weekday(event.at))].map(([day, lines]) => (
    <Box aria-label={day} component="section" key={day}>
      <Title c="dimmed" mb="xs" order={3} size="h6">
        {day}
      </Title>
      <Paper className={classes.lines} component="ol" withBorder>
        {lines.map(({ key, ...line }) => (
          <EventLine key={key} ofPool={ofPool} {...line} />
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

/** Tells screen readers of new events: of a single line all, of several how many. */
function Announcement({ lines, ofPool }: { lines: readonly FeedLine[]; ofPool: boolean }) {
  const [first] = lines
  return (
    <VisuallyHidden aria-live="polite" role="status">
      {lines.length === 1 && first !== undefined ? (
        <EventSentence
          added={first.added}
          event={first.event}
          isCourse={first.isCourse}
          isPlain
          ofPool={ofPool}
        />
      ) : (
        lines.length > 1 && words.fresh(BigInt(lines.length))
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
