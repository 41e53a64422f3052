import { Affix, Alert, Button, Loader, Paper, Text } from '@mantine/core'
import { useContext } from 'react'
import { type Observable, useObserved } from '../api/observable.ts'
import { useService } from '../api/service.tsx'
import { LiveEventsContext } from '../live/events.tsx'
import { text } from '../text.ts'
import { useMay } from './viewer.tsx'

/**
 * Says that the connection is lost, over the content so that nothing moves under a finger. Screen readers are told, also when
 * it is back.
 */
export function ConnectionLost() {
  const { connection } = useService()
  const isLost = useObserved(connection) === 'lost'
  return (
    <Affix bottom={16} left={16} right={16} role="status" style={{ pointerEvents: 'none' }}>
      {isLost && (
        <Paper
          maw="max-content"
          mx="auto"
          p="sm"
          shadow="lg"
          style={{ display: 'flex', gap: 12, alignItems: 'center' }}
          withBorder
        >
          <Loader aria-hidden="true" color="orange" size="xs" />
          <Text size="sm">{text.shell.connectionLost}</Text>
        </Paper>
      )}
    </Affix>
  )
}

/** Says that changes are no longer shown as they happen, and why. */
export function EventsEnded() {
  const events = useContext(LiveEventsContext)
  const mayRead = useMay('READ')
  return events === undefined || !mayRead ? null : <Ended failure={events.failure} />
}

function Ended({ failure }: { failure: Observable<string | undefined> }) {
  const message = useObserved(failure)
  if (message === undefined) return null
  return (
    <Alert color="orange" mb="lg" role="alert" title={text.shell.eventsEnded} variant="light">
      <Text mb="sm" size="sm">
        {message}
      </Text>
      <Button onClick={() => location.reload()} size="xs" variant="default">
        {text.shell.reload}
      </Button>
    </Alert>
  )
}
