import { Anchor, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { list } from '../intl.ts'
import { Sentence } from '../parts/sentence.tsx'
import { text } from '../text.ts'
import type { EventFacts, TaskFacts, WebhookEvent } from './event-facts.ts'
import type { FeedLine } from './lines.ts'

const words = text.activity.events

interface SentenceProps extends Omit<FeedLine, 'key'> {
  ofPool: boolean
  isPlain?: boolean
}

/**
 * An event in words, or the course of a task: who did what to which pool.
 *
 * @param ofPool whether the page is about this pool, so that it is not named
 * @param isPlain whether it has no links
 */
export function EventSentence({ event, isCourse, added, ofPool, isPlain = false }: SentenceProps) {
  const Named = isPlain ? Name : NamedLink
  const { template, parts = {} } = (isCourse && courseInWords(event, added, Named)) || inWords(event, Named)
  const pool = 'pool' in event && <Named to={`/pools/${event.pool.id}/activity`}>{event.pool.name}</Named>
  const all = {
    who: event.actor === null ? words.service : <Who name={event.actor.name} />,
    pool: ofPool ? words.thisPool : pool,
    Pool: ofPool ? words.ThisPool : pool,
    ...parts,
  }
  return <Sentence of={template} parts={all} />
}

interface InWords {
  template: string
  parts?: Record<string, ReactNode>
}

type EventOfTask = Pick<Extract<EventFacts, { __typename: 'TaskStatusChangedEvent' }>, 'task' | 'actor'>

type Named = (props: { to: string; children: string }) => ReactNode

function inWords(event: EventFacts, Named: Named): InWords {
  switch (event.__typename) {
    case 'PoolCreatedEvent':
      return {
        template: event.name === event.pool.name ? words.created : words.createdAs,
        parts: { name: <Name>{event.name}</Name> },
      }
    case 'PoolChangedEvent':
      return changedInWords(event)
    case 'TaskStatusChangedEvent':
      return {
        template: words[workOf(event.task)][event.status],
        parts: taskParts(event, Named),
      }
    case 'PoolRefilledEvent':
      return {
        template: words.added[workOf(event.task)],
        parts: { count: <CodeCount of={event.addedCount} /> },
      }
    case 'PoolRefillFailedEvent':
      return { template: words.refillFailed, parts: { failure: event.failure.message } }
    case 'PoolLowEvent':
      return { template: words.low, parts: { count: <CodeCount of={event.availableCount} /> } }
    case 'PoolEmptyEvent':
      return { template: words.empty }
    case 'CodesWithdrawnEvent':
      return codesInWords(words.withdrawn, event)
    case 'CodesRestoredEvent':
      return codesInWords(words.restored, event)
    case 'CodesVoidedEvent':
      return codesInWords(words.voided, event)
    case 'CodesUnvoidedEvent':
      return codesInWords(words.unvoided, event)
    case 'WebhookDisabledEvent':
      return disabledInWords(event, Named)
    default:
      // A type that the schema of this page does not have: the service is newer. Known types without a sentence do not compile.
      event satisfies never
      return { template: words.unknown }
  }
}

/** A task that has completed, in one sentence. Undefined where its last step says it all. */
function courseInWords(event: EventFacts, added: string | undefined, Named: Named): InWords | undefined {
  const isOver =
    event.__typename === 'PoolRefilledEvent' ||
    (event.__typename === 'TaskStatusChangedEvent' && event.status === 'COMPLETED')
  if (!isOver) return undefined
  const work = workOf(event.task)
  if (work !== 'dryRun' && added === undefined) return undefined
  return {
    template: words.done[work],
    parts: { ...taskParts(event, Named), count: added !== undefined && <CodeCount of={added} /> },
  }
}

function changedInWords({
  changed,
  name,
  archivedAt,
}: Extract<EventFacts, { __typename: 'PoolChangedEvent' }>): InWords {
  if (changed.length === 1 && changed[0] === 'ARCHIVED')
    return { template: archivedAt === null ? words.unarchived : words.archived }
  const changes = list(changed.map((what) => words.changes[what](name)))
  return { template: words.changed, parts: { changes: <Name>{changes}</Name> } }
}

function codesInWords(
  template: string,
  { count, reason }: { count: string; reason: string | null },
): InWords {
  return {
    template: reason === null ? template : template + words.reason,
    parts: { count: <CodeCount of={count} />, reason: <Name>{reason}</Name> },
  }
}

function disabledInWords({ reason, webhook }: WebhookEvent, Named: Named): InWords {
  if (webhook === null) return { template: words.deletedWebhookDisabled[reason] }
  return {
    template: words.webhookDisabled[reason],
    parts: { webhook: <Named to={`/webhooks/${webhook.id}`}>{webhook.host}</Named> },
  }
}

/** What a task does, in the words of a person. */
function workOf({ kind, trigger, upload }: TaskFacts): 'generation' | 'refill' | 'upload' | 'dryRun' {
  if (kind === 'GENERATION') return trigger === 'MANUAL' ? 'generation' : 'refill'
  return upload?.dryRun === true ? 'dryRun' : 'upload'
}

function taskParts({ task, actor }: EventOfTask, Named: Named): Record<string, ReactNode> {
  const { quantity, format, failure } = task
  return {
    quantity: <CodeCount of={quantity ?? '0'} />,
    format: format !== null && <Named to={`/formats/${format.id}`}>{format.name}</Named>,
    failure: failure?.message,
    cause: actor !== null && (
      <>
        {words.cause}
        <Who name={actor.name} />
      </>
    ),
  }
}

function NamedLink({ to, children }: { to: string; children: string }) {
  return (
    <Anchor component={Link} inherit to={to} underline="always">
      <Name>{children}</Name>
    </Anchor>
  )
}

/** What somebody has written. It may run from right to left, which stops at its end. */
function Name({ children }: { children: ReactNode }) {
  return <bdi>{children}</bdi>
}

function Who({ name }: { name: string }) {
  return (
    <Text component="bdi" fw={600} inherit>
      {name}
    </Text>
  )
}

function CodeCount({ of: value }: { of: string }) {
  return (
    <Text component="span" fw={600} inherit>
      {text.common.codes(value)}
    </Text>
  )
}
