import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Lifecycle } from '../../src/lifecycle.ts'
import { Networks } from '../../src/outgoing/networks.ts'
import { done, newPool } from '../support/api.ts'
import { receiveWebhook } from '../support/frontend/webhook-receiver.ts'
import { useClient, useService } from '../support/service.ts'

/** The code that docs/webhooks.md shows. */

const service = useService({ webhookAllowedNetworks: Networks.parse('127.0.0.1') })
const client = useClient(service)
let lifecycle: Lifecycle

beforeEach(() => {
  lifecycle = new Lifecycle()
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
})

afterEach(async () => {
  vi.restoreAllMocks()
  await lifecycle.close()
})

/** A new webhook that leads to a receiver, and the receiver's URL. */
async function receiver(handle: (id: string, message: unknown) => Promise<void>) {
  const { secret, webhook } = await done<{ secret: string; webhook: { id: string } }>(
    client,
    'createWebhook',
    { url: 'http://127.0.0.1:1/' },
    'secret webhook { id }',
  )
  const server = await lifecycle.open(
    'receiver',
    () => receiveWebhook(secret, handle).listen(0, '127.0.0.1'),
    (opened) => {
      opened.closeAllConnections()
      opened.close()
    },
  )
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  await done(client, 'updateWebhook', { webhookId: webhook.id, url }, 'webhook { id }')
  return { url, webhookId: webhook.id }
}

test('the receiver of the documentation gets what happens', async () => {
  const arrived = Promise.withResolvers<{ id: string; message: unknown }>()
  await receiver(async (id, message) => arrived.resolve({ id, message }))
  const poolId = await newPool(client)
  const { id, message } = await arrived.promise
  expect(message).toMatchObject({ type: 'pool.created', data: { poolId, cursor: id } })
})

test('it refuses what the service has not sent', async () => {
  const handle = vi.fn(async () => undefined)
  const { url } = await receiver(handle)
  const forged = {
    'webhook-id': 'x',
    'webhook-timestamp': String(Math.floor(Date.now() / 1_000)),
    'webhook-signature': 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  }
  for (const headers of [forged, {}])
    expect((await fetch(url, { method: 'POST', headers, body: '{}' })).status).toBe(401)
  expect(handle).not.toHaveBeenCalled()
})

test('it answers so that a message that could not be handled comes again', async () => {
  const { webhookId } = await receiver(async () => {
    throw new Error('The disk is full.')
  })
  const { delivery } = await done<{ delivery: object }>(
    client,
    'sendTestDelivery',
    { webhookId },
    'delivery { status succeeded }',
  )
  expect(delivery).toEqual({ status: 500, succeeded: false })
})
