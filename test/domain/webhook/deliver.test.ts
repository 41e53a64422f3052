import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { DatabaseUnavailableError } from '../../../src/database/errors.ts'
import {
  acquireLease,
  findPending,
  findSending,
  passOver,
  readDue,
} from '../../../src/domain/webhook/deliver.ts'
import { updateWebhook, type WebhookChanges } from '../../../src/domain/webhook/manage.ts'
import { readSecrets } from '../../../src/domain/webhook/secrets.ts'
import { newPlace, newPool, useBooks } from '../../support/books.ts'
import { onlyOnOneServer } from '../../support/database.ts'
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

describe('a node that has fallen silent', () => {
  onlyOnOneServer('a lock stands for the silence')

  test('is given up by each statement before its locks time out', async () => {
    const place = await newPlace(all)
    const { books, accountId } = place
    const { webhookId } = await newWebhook(place, 'http://127.0.0.1:9/')
    const webhook = await webhookNow(place, webhookId)
    const now = new Date()
    const courier = { id: randomUUID(), now }
    const holder = await books.connections.connect()
    try {
      await holder.query('BEGIN')
      await holder.query('LOCK TABLE webhook, webhook_secret')
      const outcomes = await Promise.allSettled([
        findPending(books, [accountId], courier),
        findSending(books, [accountId]),
        readDue(books, { accountId, webhookId }, courier),
        passOver(books, webhook, courier, 1n),
        acquireLease(books, webhook, courier, now),
        readSecrets(books, webhook, now),
      ])
      for (const outcome of outcomes)
        expect(outcome).toMatchObject({ reason: expect.any(DatabaseUnavailableError) })
    } finally {
      await holder.query('ROLLBACK')
      holder.release()
    }
  })
})
