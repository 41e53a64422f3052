import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type EventDraft, encodeCursor, type LoggedEvent } from '../../../src/domain/books/event-log.ts'
import {
  eventMessage,
  type Message,
  messageTypes,
  missedMessage,
  testMessage,
} from '../../../src/domain/webhook/message.ts'

const uuid = (end: number) => `01a21582-5b00-7000-8000-${String(end).padStart(12, '0')}`
const [log, poolId, keyId, taskId, formatId, webhookId] = [1, 2, 3, 4, 5, 6].map(uuid) as [
  string,
  string,
  string,
  string,
  string,
  string,
]
const at = new Date('2026-11-26T09:30:00.000Z')

function logged(draft: EventDraft, sequence: bigint): LoggedEvent {
  return { ...draft, actorId: keyId, sequence, cursor: encodeCursor({ log, sequence }), at }
}

const change = { count: '1000', reason: 'The list was published.', taskId: null }

/** An event of each kind. */
const events: LoggedEvent[] = (
  [
    { kind: 'POOL_CREATED', poolId, payload: { name: 'Spring sale' } },
    {
      kind: 'POOL_CHANGED',
      poolId,
      payload: { changed: ['NAME', 'TERMS'], name: 'Spring sale 2027', archivedAt: null },
    },
    {
      kind: 'TASK_STATUS_CHANGED',
      poolId,
      payload: {
        taskId,
        status: 'FAILED',
        generated: '0',
        added: '0',
        startedAt: '2026-11-26T09:29:58.000Z',
        finishedAt: '2026-11-26T09:30:00.000Z',
        failureCode: 'UNREADABLE_FILE',
        failureMessage: 'The file begins with "Zorgbon" and "SPRING-7W4QH".',
      },
    },
    { kind: 'POOL_REFILLED', poolId, payload: { taskId, added: '10000' } },
    {
      kind: 'POOL_REFILL_FAILED',
      poolId,
      payload: { code: 'FORMAT_EXHAUSTED', message: 'The format has no codes left.', formatId },
    },
    { kind: 'POOL_LOW', poolId, payload: { available: '500' } },
    { kind: 'POOL_EMPTY', poolId, payload: {} },
    { kind: 'CODES_WITHDRAWN', poolId, payload: change },
    { kind: 'CODES_RESTORED', poolId, payload: { ...change, reason: null } },
    { kind: 'CODES_VOIDED', poolId, payload: { ...change, taskId } },
    { kind: 'CODES_UNVOIDED', poolId, payload: { ...change, reason: null, taskId } },
    {
      kind: 'WEBHOOK_DISABLED',
      poolId: null,
      payload: {
        webhookId,
        reason: 'GONE',
        message: 'The receiver has answered with 410: it wants no more events. Give the webhook another URL.',
      },
    },
  ] satisfies EventDraft[]
).map((draft, i) => logged(draft, BigInt(i + 1)))

describe('a message', () => {
  test('is in the documentation as it is sent, for every kind of event and all others', async () => {
    const text = await readFile(join(import.meta.dirname, '../../../docs/webhooks.md'), 'utf8')
    const shown = [...text.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, block = '']): unknown =>
      JSON.parse(block),
    )
    const sent: Message[] = [
      ...events.map(eventMessage),
      missedMessage({ log, sequence: 12n }, 'EXPIRED', at),
      testMessage(webhookId, at),
    ]
    expect(new Set(events.map((event) => event.kind))).toEqual(new Set(Object.keys(messageTypes)))
    expect(shown).toEqual(sent.map((message): unknown => JSON.parse(message.body)))
  })

  test('quotes no rows of a file, as receivers have no scopes', () => {
    expect(JSON.stringify(events.map(({ payload }) => payload))).toContain('SPRING-7W4QH')
    expect(JSON.stringify(events.map(eventMessage))).not.toContain('SPRING-7W4QH')
  })

  test('has the cursor of its event as its id, at every attempt', () => {
    for (const event of events) {
      expect(eventMessage(event)).toEqual(eventMessage(event))
      expect(eventMessage(event).id).toBe(event.cursor)
    }
  })

  test('has an id that the signature can contain: without a full stop', () => {
    const ids = [...events.map(eventMessage), missedMessage({ log, sequence: 1n }, 'RESTORED', at)].map(
      (message) => message.id,
    )
    for (const id of [...ids, testMessage(webhookId, at).id]) expect(id).toMatch(/^[\w-]+$/)
  })
})
