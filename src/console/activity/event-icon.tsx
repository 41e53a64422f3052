import { ThemeIcon } from '@mantine/core'
import {
  AlertIcon,
  ArchiveIcon,
  CheckCircleIcon,
  CircleSlashIcon,
  ClockIcon,
  DotFillIcon,
  HistoryIcon,
  InboxIcon,
  PencilIcon,
  PlayIcon,
  PlusIcon,
  StopIcon,
  UndoIcon,
  WebhookIcon,
  XCircleIcon,
} from '@primer/octicons-react'
import type { EventFacts, WebhookEvent } from './event-facts.ts'

type StatusEvent = Extract<EventFacts, { __typename: 'TaskStatusChangedEvent' }>
type Look = readonly [color: 'gray' | 'indigo' | 'teal' | 'orange' | 'red', icon: typeof ClockIcon]

const looksOfStatuses: Record<StatusEvent['status'], Look> = {
  AWAITING_EXECUTION: ['gray', ClockIcon],
  RUNNING: ['gray', PlayIcon],
  COMPLETED: ['teal', CheckCircleIcon],
  CANCELLED: ['gray', StopIcon],
  FAILED: ['red', XCircleIcon],
  UNDONE: ['orange', UndoIcon],
}

const looksOfReasons: Record<WebhookEvent['reason'], Look> = {
  FAILED: ['red', WebhookIcon],
  GONE: ['red', WebhookIcon],
  REQUESTED: ['gray', WebhookIcon],
}

const looks: Record<Exclude<EventFacts, StatusEvent | WebhookEvent>['__typename'], Look> = {
  PoolCreatedEvent: ['indigo', PlusIcon],
  PoolChangedEvent: ['indigo', PencilIcon],
  PoolRefilledEvent: ['teal', InboxIcon],
  PoolRefillFailedEvent: ['red', AlertIcon],
  PoolLowEvent: ['orange', AlertIcon],
  PoolEmptyEvent: ['red', AlertIcon],
  CodesWithdrawnEvent: ['orange', ArchiveIcon],
  CodesRestoredEvent: ['teal', HistoryIcon],
  CodesVoidedEvent: ['orange', CircleSlashIcon],
  CodesUnvoidedEvent: ['teal', HistoryIcon],
}

/** What kind of event it is, at a glance. The sentence beside it says the same. */
export function EventIcon({ event }: { event: EventFacts }) {
  // A service that is newer than the page may have types that are not listed.
  const [color, Icon] = lookOf(event) ?? ['gray', DotFillIcon]
  return (
    <ThemeIcon aria-hidden="true" color={color} radius="xl" size="md" variant="light">
      <Icon />
    </ThemeIcon>
  )
}

function lookOf(event: EventFacts): Look | undefined {
  switch (event.__typename) {
    case 'TaskStatusChangedEvent':
      return looksOfStatuses[event.status]
    case 'WebhookDisabledEvent':
      return looksOfReasons[event.reason]
    default:
      return looks[event.__typename]
  }
}
