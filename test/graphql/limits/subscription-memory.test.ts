import { GraphQLError, parse } from 'graphql'
import { expect, test } from 'vitest'
import { SubscriptionMemory } from '../../../src/graphql/limits/subscription-memory.ts'

const text = 'subscription { poolEvents { cursor } }'

/** Opens as many subscriptions as there is memory for. `release` ends each of them. */
function fill(memory: SubscriptionMemory, keyId: string, of: { text?: string; requestLength?: number } = {}) {
  const release: (() => void)[] = []
  const document = parse(of.text ?? text)
  for (;;) {
    const acquired = memory.acquire(keyId, document, of.requestLength ?? 300)
    if (acquired instanceof GraphQLError) return { release, refusal: acquired }
    release.push(acquired)
  }
}

test('subscriptions are admitted up to a share of the memory, and others once some have ended', () => {
  const memory = new SubscriptionMemory(512_000_000)
  const first = fill(memory, 'first')
  expect(first.release.length).toBeGreaterThan(4_000)
  expect(memory.bytes).toBeLessThanOrEqual(512_000_000 * 0.375)
  expect(first.refusal).toMatchObject({
    message: expect.stringContaining('Complete some'),
    extensions: { code: 'BAD_USER_INPUT' },
  })
  // One key leaves memory for others.
  const second = fill(memory, 'second')
  expect(second.release.length).toBeGreaterThan(1_000)
  expect(memory.bytes).toBeLessThanOrEqual(256_000_000)
  for (const release of first.release) release()
  expect(fill(memory, 'first').release.length).toBe(first.release.length)
  for (const release of second.release) release()
})

test('long requests and long documents count by their length', () => {
  const admitted = (of: Parameters<typeof fill>[2]) =>
    fill(new SubscriptionMemory(512_000_000), 'key', of).release.length
  expect(admitted({ requestLength: 1_000_000 })).toBeLessThan(10)
  const long = `subscription { poolEvents { ${'cursor '.repeat(9_000)} } }`
  const memory = new SubscriptionMemory(512_000_000)
  const alike = fill(memory, 'key', { text: long })
  // The same document is in memory once.
  expect(alike.release.length).toBeGreaterThan(4_000)
  for (const release of alike.release) release()
  expect(memory.bytes).toBe(0)
})
