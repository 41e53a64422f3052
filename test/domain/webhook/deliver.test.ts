import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { acquireLease } from '../../../src/domain/webhook/deliver.ts'
import { updateWebhook, type WebhookChanges } from '../../../src/domain/webhook/manage.ts'
import { newPlace, newPool, useBooks } from '../../support/books.ts'
import { newWebhook, outgoingClient, webhookNow } from '../../support/webhooks.ts'

const all = useBooks()

const unchanged: Omit<WebhookChanges, 'webhookId'> = {
  url: undefined,
  kinds: undefined,
  poolId: undefined,
  enabled: undefined,
  skipToNow: false,
}

describe('the lease of a webhook', () => {
  test('is not to be had with what was read before a request has changed the webhook', async () => {
    const place = await newPlace(all)
    const { books, accountId } = place
    const { webhookId } = await newWebhook(place, 'http://127.0.0.1:9/first')
    const poolId = await newPool(place)
    const acquire = async (webhook: Awaited<ReturnType<typeof webhookNow>>) => {
      const now = new Date()
      return await acquireLease(books, webhook, { id: randomUUID(), now }, now)
    }
    for (const change of [
      { url: 'http://127.0.0.1:9/second' },
      { kinds: ['POOL_EMPTY'] as const },
      { poolId },
    ]) {
      const before = await webhookNow(place, webhookId)
      const parts = { books, outgoing: outgoingClient() }
      await updateWebhook(parts, accountId, { ...unchanged, webhookId, ...change })
      expect(await acquire(before)).toBe(false)
      expect(await acquire(await webhookNow(place, webhookId))).toBe(true)
    }
  })
})
