import { GraphQLError, parse } from 'graphql'
import { expect, test } from 'vitest'
import { SubscriptionMemory } from '../../../src/graphql/limits/subscription-memory.ts'

const text = 'subscription { poolEvents { cursor } }'

/** Lets in as many subscriptions as it can: how to end each. */
function fill(room: SubscriptionMemory, keyId: string, of: { text?: string; requestLength?: number } = {}) {
  const leave: (() => void)[] = []
  const document = parse(of.text ?? text)
  for (;;) {
    const entered = room.enter({ keyId, document, requestLength: of.requestLength ?? 300 })
    if (entered instanceof GraphQLError) return { leave, refusal: entered }
    leave.push(entered)
  }
}

test('subscriptions are let in up to a share of the memory, and others once some have ended', () => {
  const room = new SubscriptionMemory(512_000_000)
  const first = fill(room, 'first')
  expect(first.leave.length).toBeGreaterThan(4_000)
  expect(room.bytes).toBeLessThanOrEqual(512_000_000 * 0.375)
  expect(first.refusal).toMatchObject({
    message: expect.stringContaining('Complete some'),
    extensions: { code: 'BAD_USER_INPUT' },
  })
  // One key leaves room for others.
  const second = fill(room, 'second')
  expect(second.leave.length).toBeGreaterThan(1_000)
  expect(room.bytes).toBeLessThanOrEqual(256_000_000)
  for (const leave of first.leave) leave()
  expect(fill(room, 'first').leave.length).toBe(first.leave.length)
  for (const leave of second.leave) leave()
})

test('long requests and long documents count by their length', () => {
  const few = (of: Parameters<typeof fill>[2]) =>
    fill(new SubscriptionMemory(512_000_000), 'key', of).leave.length
  expect(few({ requestLength: 1_000_000 })).toBeLessThan(10)
  const long = `subscription { poolEvents { ${'cursor '.repeat(9_000)} } }`
  const room = new SubscriptionMemory(512_000_000)
  const alike = fill(room, 'key', { text: long })
  // The same document is in memory once.
  expect(alike.leave.length).toBeGreaterThan(4_000)
  for (const leave of alike.leave) leave()
  expect(room.bytes).toBe(0)
})
