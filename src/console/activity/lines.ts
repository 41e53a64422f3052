import type { EventFacts } from './event-facts.ts'

/** A line of the feed. */
export interface FeedLine {
  key: string
  event: EventFacts
  /** Whether it tells the whole course of a task, by the last step of it that happened. */
  isCourse: boolean
  /** How many codes were added in this course, as far as its events have been read. */
  added: string | undefined
}

/** A line for each event. */
export function everyStep(events: readonly EventFacts[]): FeedLine[] {
  return events.map((event) => ({ key: event.cursor, event, isCourse: false, added: undefined }))
}

/** A line for each event, but only one for the course of a task, where its last step is. Both are newest first. */
export function folded(events: readonly EventFacts[]): FeedLine[] {
  const lines = new Map<string, FeedLine>()
  for (const event of events) {
    const task = taskOfCourse(event)
    const key = task ?? event.cursor
    const line = lines.get(key) ?? { key, event, isCourse: task !== undefined, added: undefined }
    lines.set(key, withStep(line, event))
  }
  return [...lines.values()]
}

/** The task whose course an event is a step of: from its creation to its end. Undoing it later is another thing. */
function taskOfCourse(event: EventFacts): string | undefined {
  if (event.__typename === 'PoolRefilledEvent') return event.task.id
  return event.__typename === 'TaskStatusChangedEvent' && event.status !== 'UNDONE'
    ? event.task.id
    : undefined
}

/** That codes were added is no step of its own where the task's status is known. */
function withStep(line: FeedLine, earlier: EventFacts): FeedLine {
  if (earlier.__typename === 'PoolRefilledEvent') return { ...line, added: earlier.addedCount }
  return line.event.__typename === 'PoolRefilledEvent' ? { ...line, event: earlier } : line
}
