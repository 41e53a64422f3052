import { randomUUID } from 'node:crypto'
import { encodeId } from '../../global-id.ts'
import { type EventCursor, type EventKind, encodeCursor, type LoggedEvent } from '../books/event-log.ts'
import { messageWithoutRows } from '../books/task-failure.ts'

/** What is sent to a receiver, the same at every attempt. Documented in docs/webhooks.md. */
export interface Message {
  /** The header webhook-id: the cursor of the event. That of another message begins with what it is. */
  id: string
  type: string
  body: string
}

/** The message for an event. */
export function eventMessage(event: LoggedEvent): Message {
  return message(event.cursor, messageTypes[event.kind], event.at, {
    cursor: event.cursor,
    ...(event.poolId === null ? {} : { poolId: encodeId('Pool', event.poolId) }),
    actorId: event.actorId === undefined ? null : encodeId('ApiKey', event.actorId),
    ...contentOf(event),
  })
}

/** The message that tells a receiver that events before `place` will not come, and that it should read the state. */
export function missedMessage(place: EventCursor, reason: 'RESTORED' | 'EXPIRED', at: Date): Message {
  const cursor = encodeCursor(place)
  return message(`missed-${cursor}`, 'events.missed', at, { cursor, reason })
}

/** The message of a test delivery. */
export function testMessage(webhookId: string, at: Date): Message {
  return message(`test-${randomUUID()}`, 'webhook.test', at, { webhookId: encodeId('Webhook', webhookId) })
}

/** The types of messages for events, by their kind. */
export const messageTypes: Record<EventKind, string> = {
  POOL_CREATED: 'pool.created',
  POOL_CHANGED: 'pool.changed',
  TASK_STATUS_CHANGED: 'task.status_changed',
  POOL_REFILLED: 'pool.refilled',
  POOL_REFILL_FAILED: 'pool.refill_failed',
  POOL_LOW: 'pool.low',
  POOL_EMPTY: 'pool.empty',
  CODES_WITHDRAWN: 'codes.withdrawn',
  CODES_RESTORED: 'codes.restored',
  CODES_VOIDED: 'codes.voided',
  CODES_UNVOIDED: 'codes.unvoided',
  WEBHOOK_DISABLED: 'webhook.disabled',
}

function message(id: string, type: string, at: Date, data: object): Message {
  return { id, type, body: JSON.stringify({ type, timestamp: at.toISOString(), data }) }
}

/** What an event says, named as in the API. */
function contentOf({ kind, payload }: LoggedEvent): object {
  switch (kind) {
    case 'POOL_CREATED':
      return { name: payload.name }
    case 'POOL_CHANGED':
      return { changed: payload.changed, name: payload.name, archivedAt: payload.archivedAt ?? null }
    case 'TASK_STATUS_CHANGED': {
      const { failureCode: code, failureMessage: text } = payload
      return {
        taskId: encodeId('Task', payload.taskId),
        status: payload.status,
        generatedCount: payload.generated,
        addedCount: payload.added,
        startedAt: payload.startedAt,
        finishedAt: payload.finishedAt,
        // Receivers have no scopes, and rows of the file may be codes that anybody could use.
        failure: code === null ? null : { code, message: messageWithoutRows({ code, message: text ?? '' }) },
      }
    }
    case 'POOL_REFILLED':
      return { taskId: encodeId('Task', payload.taskId), addedCount: payload.added }
    case 'POOL_REFILL_FAILED': {
      const { code, message: text, formatId } = payload
      return { failure: { code, message: text, formatId: formatId && encodeId('Format', formatId) } }
    }
    case 'POOL_LOW':
      return { availableCount: payload.available }
    case 'POOL_EMPTY':
      return {}
    case 'CODES_WITHDRAWN':
    case 'CODES_RESTORED':
    case 'CODES_VOIDED':
    case 'CODES_UNVOIDED':
      return {
        count: payload.count,
        reason: payload.reason,
        taskId: payload.taskId && encodeId('Task', payload.taskId),
      }
    case 'WEBHOOK_DISABLED':
      return {
        webhookId: encodeId('Webhook', payload.webhookId),
        reason: payload.reason,
        message: payload.message,
      }
  }
}
