import { randomUUID } from 'node:crypto'
import { Webhook as Verifier } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { uuidOf } from '../../src/graphql/ids.ts'
import { Networks } from '../../src/outgoing/networks.ts'
import { done, mutate, newPool, newWebhook, stranger, withScopes } from '../support/api.ts'
import type { Client } from '../support/client.ts'
import { runSql } from '../support/database.ts'
import { Receiver } from '../support/receiver.ts'
import { useClient, useService } from '../support/service.ts'
import { verified } from '../support/webhooks.ts'

const service = useService({ webhookAllowedNetworks: Networks.parse('127.0.0.1') })
const client = useClient(service)

/** Where nothing listens. */
const nowhere = 'http://127.0.0.1:1/'

interface Webhook {
  id: string
  url: string
  host: string
  kinds: string[]
  pool: { id: string } | null
  status: string
  failingSince: string | null
  nextAttemptAt: string | null
  disabledAt: string | null
  disabledReason: string | null
  eventsBehind: string
  behindSince: string | null
  overlapUntil: string | null
  createdAt: string
  createdBy: { id: string } | null
}

const webhookFields = `id url host kinds pool { id } status failingSince nextAttemptAt disabledAt disabledReason
  eventsBehind behindSince overlapUntil createdAt createdBy { id }`

async function read(id: string, from: Client = client): Promise<Webhook> {
  const { webhook } = await from.ask<{ webhook: Webhook }>(
    `query ($id: ID!) { webhook(id: $id) { ${webhookFields} } }`,
    { id },
  )
  return webhook
}

async function listed(from: Client): Promise<string[]> {
  const { account } = await from.ask<{ account: { webhooks: { id: string }[] } }>(
    '{ account { webhooks { id } } }',
  )
  return account.webhooks.map((webhook) => webhook.id)
}

/** The first event after the cursor that tells of a webhook that was disabled. */
async function disabled(from: Client, after: string) {
  const events = from.subscribe<{ webhookDisabled: Record<string, unknown> }>(
    `subscription ($after: String) {
      webhookDisabled(after: $after) { cursor at reason message actor { id } webhook { id status disabledReason } }
    }`,
    { after },
  )
  for await (const { data } of events) return data?.webhookDisabled
  throw new Error('The subscription ended.')
}

async function eventCursor(from: Client): Promise<string> {
  return (await from.ask<{ eventCursor: string }>('{ eventCursor }')).eventCursor
}

describe('a new webhook', () => {
  test('is shown with all that was given, and its secret this once', async () => {
    await using mine = await stranger(service)
    const poolId = await newPool(mine)
    const { secret, webhook } = await done<{ secret: string; webhook: Webhook }>(
      mine,
      'createWebhook',
      { url: 'http://127.0.0.1:1/a?b=c', kinds: ['POOL_LOW', 'POOL_EMPTY', 'POOL_LOW'], poolId },
      `secret webhook { ${webhookFields} }`,
    )
    expect(Buffer.from(secret.replace(/^whsec_/, ''), 'base64')).toHaveLength(32)
    expect(() => new Verifier(secret)).not.toThrow()
    const { apiKey } = await mine.ask<{ apiKey: { id: string } }>('{ apiKey { id } }')
    expect(webhook).toEqual({
      id: expect.any(String),
      url: 'http://127.0.0.1:1/a?b=c',
      host: '127.0.0.1:1',
      kinds: ['POOL_LOW', 'POOL_EMPTY'],
      pool: { id: poolId },
      status: 'ACTIVE',
      failingSince: null,
      nextAttemptAt: null,
      disabledAt: null,
      disabledReason: null,
      eventsBehind: '0',
      behindSince: null,
      overlapUntil: null,
      createdAt: expect.any(String),
      createdBy: apiKey,
    })
    expect(await read(webhook.id, mine)).toEqual(webhook)
    expect(await listed(mine)).toEqual([webhook.id])
  })

  test('sends what happens from then on, or after a cursor', async () => {
    await using mine = await stranger(service)
    await using receiver = await Receiver.open()
    const before = await eventCursor(mine)
    const first = await newPool(mine)
    const { secret } = await done<{ secret: string }>(
      mine,
      'createWebhook',
      { url: `${receiver.url}/all`, after: before },
      'secret',
    )
    await newWebhook(mine, { url: `${receiver.url}/new` })
    const second = await newPool(mine)
    await receiver.receives(3)
    const to = (path: string) => receiver.received.filter((each) => each.path === path)
    const pools = to('/all').map((request) => {
      const { type, data } = verified(request, secret)
      return [type, data['poolId']]
    })
    expect(pools).toEqual([
      ['pool.created', first],
      ['pool.created', second],
    ])
    expect(to('/new').map(({ body }) => JSON.parse(body).data.poolId)).toEqual([second])
  })

  test.each([
    ['private', 'https://10.0.0.1/'],
    ['loopback', 'https://127.0.0.2/'],
    ['loopback in IPv6', 'https://[::1]/'],
    ['link-local, where clouds have their secrets', 'https://169.254.169.254/latest/meta-data/'],
    ['link-local in IPv6', 'https://[fe80::1]/'],
    ['unique local', 'https://[fd00::1]/'],
    ['mapped from IPv4', 'https://[::ffff:10.0.0.1]/'],
    ['behind a translator', 'https://[64:ff9b::10.0.0.1]/'],
    ['shared by a provider', 'https://100.64.0.1/'],
    ['none in particular', 'https://0.0.0.0/'],
    ['written as a number', 'https://2130706434/'],
    ['written in octal', 'https://0177.0.0.2/'],
    ['written short', 'https://127.2/'],
    ['of a name that does not exist', 'https://receiver.invalid/'],
    ['public, but without encryption', 'http://192.0.43.8/'],
  ])('cannot lead to an address that is %s', async (_what, url) => {
    const result = await mutate(client, 'createWebhook', { url })
    expect(result).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT', path: ['url'] })
    expect(result.message).toMatch(/WEBHOOK_ALLOWED_NETWORKS/)
  })

  test.each([
    ['nothing', '', /not a URL/],
    ['no scheme', 'example.com/hook', /not a URL/],
    ['no host', 'https://', /not a URL/],
    ['another scheme', 'ftp://example.com/', /Only https/],
    ['a scheme with data', 'data:text/plain,x', /Only https/],
    ['a user', 'https://user@example.com/', /user name/],
    ['a password', 'https://:secret@example.com/', /password/],
    ['a fragment', 'https://example.com/#top', /fragment/],
    ['an empty fragment', 'https://example.com/#', /fragment/],
    ['a line break', 'https://exam\nple.com/', /spaces or control/],
    ['spaces around it', ' https://example.com/ ', /spaces or control/],
    ['a port that is none', 'https://example.com:99999/', /not a URL/],
    ['too much', `https://example.com/${'a'.repeat(2_000)}`, /2,020 characters/],
    ['too much when it is encoded', `https://example.com/${'é'.repeat(400)}`, /2,420 characters/],
  ])('cannot have %s as its URL', async (_what, url, message) => {
    const result = await mutate(client, 'createWebhook', { url })
    expect(result).toMatchObject({ __typename: 'InvalidInputError', path: ['url'] })
    expect(result.message).toMatch(message)
    expect(result.message).not.toContain('secret@')
  })

  test.each(['', 'x', Buffer.from(`${randomUUID()}:0`).toString('base64url')])(
    'cannot begin after %j, which is no cursor of the account',
    async (after) => {
      expect(await mutate(client, 'createWebhook', { url: nowhere, after })).toMatchObject({
        __typename: 'InvalidInputError',
        path: ['after'],
      })
    },
  )

  test('is refused when there are a hundred, until one is deleted', async () => {
    await using mine = await stranger(service)
    const first = await newWebhook(mine)
    await runSql(
      service.databaseUrl,
      `INSERT INTO webhook (account_id, id, url, kinds, log, sequence, created_at)
       SELECT account_id, gen_random_uuid(), url, kinds, log, sequence, created_at
       FROM webhook, generate_series(1, 97) WHERE id = '${uuidOf('Webhook', first)}'`,
    )
    // The last two places, for three who come at the same time.
    const last = await Promise.all([1, 2, 3].map(() => mutate(mine, 'createWebhook', { url: nowhere })))
    expect(last.map((each) => each.__typename).sort()).toEqual([
      'CreateWebhookPayload',
      'CreateWebhookPayload',
      'InvalidInputError',
    ])
    expect(await listed(mine)).toHaveLength(100)
    await done(mine, 'deleteWebhook', { webhookId: first }, 'webhookId')
    await newWebhook(mine)
  })
})

describe('a webhook', () => {
  test('is changed only as far as something is given', async () => {
    await using mine = await stranger(service)
    const poolId = await newPool(mine)
    const id = await newWebhook(mine, { kinds: ['POOL_LOW'], poolId })
    const before = await read(id, mine)
    const change = async (input: object) =>
      (
        await done<{ webhook: Webhook }>(
          mine,
          'updateWebhook',
          { webhookId: id, ...input },
          `webhook { ${webhookFields} }`,
        )
      ).webhook
    expect(await change({})).toEqual(before)
    expect(await change({ url: 'http://127.0.0.1:2/' })).toEqual({
      ...before,
      url: 'http://127.0.0.1:2/',
      host: '127.0.0.1:2',
    })
    expect(await change({ kinds: [] })).toMatchObject({ kinds: [], pool: { id: poolId } })
    expect(await change({ poolId: null })).toMatchObject({
      kinds: [],
      pool: null,
      url: 'http://127.0.0.1:2/',
    })
  })

  test.each([
    ['url', null],
    ['kinds', null],
    ['enabled', null],
    ['url', 'https://10.0.0.1/'],
  ])('is not changed by %s: %j', async (name, value) => {
    const id = await newWebhook(client)
    const before = await read(id)
    const result = await mutate(client, 'updateWebhook', {
      webhookId: id,
      kinds: ['POOL_LOW'],
      [name]: value,
    })
    expect(result).toMatchObject({ __typename: 'InvalidInputError', path: [name] })
    expect(await read(id)).toEqual(before)
  })

  test('that is disabled keeps its place, says how far it is behind, and goes on from there, or from now', async () => {
    await using mine = await stranger(service)
    await using receiver = await Receiver.open()
    const [id, other] = [
      await newWebhook(mine, { url: `${receiver.url}/there`, kinds: ['POOL_CREATED'] }),
      await newWebhook(mine, { url: `${receiver.url}/now`, kinds: ['POOL_CREATED'] }),
    ]
    for (const webhookId of [id, other])
      await done(mine, 'updateWebhook', { webhookId, enabled: false }, 'webhook { status }')
    const missed = await newPool(mine)
    const [event] = (
      await mine.ask<{ poolEvents: { edges: { node: { at: string } }[] } }>(
        '{ poolEvents(first: 1) { edges { node { at } } } }',
      )
    ).poolEvents.edges
    // The new pool, and both webhooks that were disabled.
    const behind = await read(id, mine)
    expect(behind).toMatchObject({
      status: 'DISABLED',
      eventsBehind: '3',
      disabledReason: 'REQUESTED',
      disabledAt: expect.any(String),
    })
    expect(behind.behindSince !== null && event !== undefined && behind.behindSince <= event.node.at).toBe(
      true,
    )
    await done(mine, 'updateWebhook', { webhookId: id, enabled: true }, 'webhook { id }')
    await done(mine, 'updateWebhook', { webhookId: other, enabled: true, skipToNow: true }, 'webhook { id }')
    const later = await newPool(mine)
    await receiver.receives(3)
    const to = (path: string) =>
      receiver.received.filter((each) => each.path === path).map(({ body }) => JSON.parse(body).data.poolId)
    expect(to('/there')).toEqual([missed, later])
    expect(to('/now')).toEqual([later])
    expect(await read(id, mine)).toMatchObject({ disabledReason: null, disabledAt: null })
  })

  test('tells subscribers and other webhooks that it was disabled, once', async () => {
    await using mine = await stranger(service)
    await using receiver = await Receiver.open()
    const after = await eventCursor(mine)
    const { secret } = await done<{ secret: string }>(
      mine,
      'createWebhook',
      { url: receiver.url, kinds: ['WEBHOOK_DISABLED'] },
      'secret',
    )
    const webhookId = await newWebhook(mine)
    for (const _ of [1, 2]) await done(mine, 'updateWebhook', { webhookId, enabled: false }, 'webhook { id }')
    const { apiKey } = await mine.ask<{ apiKey: { id: string } }>('{ apiKey { id } }')
    const event = await disabled(mine, after)
    expect(event).toEqual({
      cursor: expect.any(String),
      at: expect.any(String),
      reason: 'REQUESTED',
      message: expect.stringContaining('updateWebhook'),
      actor: apiKey,
      webhook: { id: webhookId, status: 'DISABLED', disabledReason: 'REQUESTED' },
    })
    await receiver.receives(1)
    const [request] = receiver.received
    expect(request && verified(request, secret)).toEqual({
      id: event?.['cursor'],
      type: 'webhook.disabled',
      timestamp: event?.['at'],
      data: {
        cursor: event?.['cursor'],
        actorId: apiKey.id,
        webhookId,
        reason: 'REQUESTED',
        message: event?.['message'],
      },
    })
    // It is in no history and no subscription of pools, and its cursor is one of theirs.
    const pools = mine.subscribe<{ poolEvents: { pool: { id: string } } }>(
      'subscription ($after: String) { poolEvents(after: $after) { pool { id } } }',
      { after },
    )
    const poolId = await newPool(mine)
    for await (const { data } of pools) {
      expect(data?.poolEvents.pool.id).toBe(poolId)
      break
    }
    const { poolEvents } = await mine.ask<{ poolEvents: { edges: { node: { pool: { id: string } } }[] } }>(
      '{ poolEvents { edges { node { pool { id } } } } }',
    )
    expect(poolEvents.edges.map((edge) => edge.node.pool.id)).toEqual([poolId])
    expect(receiver.received).toHaveLength(1)
  })

  test('shows its URL and its deliveries only with ADMIN, and everything else with READ', async () => {
    await using mine = await stranger(service)
    const id = await newWebhook(mine)
    await using reader = await withScopes(service, mine, ['READ'])
    const fields = webhookFields.replace('url ', '')
    const { node } = await reader.ask<{ node: object }>(
      `query ($id: ID!) { node(id: $id) { ... on Webhook { ${fields} } } }`,
      { id },
    )
    const { url, ...shown } = await read(id, mine)
    expect(url).toBe(nowhere)
    expect(node).toEqual(shown)
    for (const secret of ['url', 'deliveries { edges { cursor } }']) {
      const { errors } = await reader.send(`query ($id: ID!) { webhook(id: $id) { ${secret} } }`, { id })
      expect(errors?.map((error) => error.extensions.code)).toEqual(['FORBIDDEN'])
    }
  })

  test('that was deleted is gone', async () => {
    const webhookId = await newWebhook(client)
    expect(await done(client, 'deleteWebhook', { webhookId }, 'webhookId')).toMatchObject({ webhookId })
    expect(await read(webhookId)).toBeNull()
    for (const mutation of ['deleteWebhook', 'updateWebhook', 'rotateWebhookSecret', 'sendTestDelivery'])
      expect(await mutate(client, mutation, { webhookId })).toMatchObject({
        __typename: 'NotFoundError',
        path: ['webhookId'],
      })
  })
})

describe('a test delivery', () => {
  const outcome = `delivery { messageId type attempt at durationMs succeeded status answer error } webhook {
    status deliveries(first: 1) { edges { node { messageId type } } }
  }`

  test('shows what the receiver answered, also of a webhook that is disabled, and changes nothing', async () => {
    await using receiver = await Receiver.open()
    const { secret, webhook } = await done<{ secret: string; webhook: { id: string } }>(
      client,
      'createWebhook',
      { url: receiver.url },
      'secret webhook { id }',
    )
    await done(client, 'updateWebhook', { webhookId: webhook.id, enabled: false }, 'webhook { id }')
    const { delivery, webhook: after } = await done<{ delivery: { messageId: string }; webhook: object }>(
      client,
      'sendTestDelivery',
      { webhookId: webhook.id },
      outcome,
    )
    expect(delivery).toEqual({
      messageId: expect.stringMatching(/^test-/),
      type: 'webhook.test',
      attempt: 1,
      at: expect.any(String),
      durationMs: expect.any(Number),
      succeeded: true,
      status: 200,
      answer: 'ok',
      error: null,
    })
    const { messageId, type } = delivery as { messageId: string; type: string }
    expect(after).toEqual({ status: 'DISABLED', deliveries: { edges: [{ node: { messageId, type } }] } })
    const [request] = receiver.received
    expect(request?.headers['webhook-id']).toBe(messageId)
    expect(request && verified(request, secret)).toMatchObject({
      type: 'webhook.test',
      data: { webhookId: webhook.id },
    })
  })

  test('that fails says why', async () => {
    await using receiver = await Receiver.open()
    receiver.answerWith(500)
    const refused = await newWebhook(client, { url: receiver.url })
    expect(await done(client, 'sendTestDelivery', { webhookId: refused }, outcome)).toMatchObject({
      delivery: { succeeded: false, status: 500, error: 'The receiver answered with 500.' },
      webhook: { status: 'ACTIVE' },
    })
    const unreachable = await newWebhook(client)
    expect(await done(client, 'sendTestDelivery', { webhookId: unreachable }, outcome)).toMatchObject({
      delivery: { succeeded: false, status: null, answer: null, error: expect.stringContaining('refused') },
    })
  })

  test('can be had ten times a minute', async () => {
    await using mine = await stranger(service)
    const webhookId = await newWebhook(mine)
    const send = () =>
      mine.send(`mutation ($id: ID!) { sendTestDelivery(input: { webhookId: $id }) { __typename } }`, {
        id: webhookId,
      })
    const answers = await Promise.all(Array.from({ length: 11 }, send))
    const refused = answers.flatMap(({ errors }) => errors ?? [])
    expect(refused.map((error) => error.extensions.code)).toEqual(['RATE_LIMITED'])
    expect(refused[0]?.extensions['retryAfterMs']).toBeGreaterThan(50_000)
    // Of another account, nobody minds.
    const other = await newWebhook(client)
    await done(client, 'sendTestDelivery', { webhookId: other }, 'delivery { succeeded }')
  })
})

describe('the last deliveries', () => {
  test('are listed in pages, newest first', async () => {
    await using receiver = await Receiver.open()
    const webhookId = await newWebhook(client, { url: receiver.url })
    await done(client, 'updateWebhook', { webhookId, enabled: false }, 'webhook { id }')
    const sent: string[] = []
    for (let i = 0; i < 3; i++) {
      const { delivery } = await done<{ delivery: { messageId: string } }>(
        client,
        'sendTestDelivery',
        { webhookId },
        'delivery { messageId }',
      )
      sent.unshift(delivery.messageId)
    }
    const page = async (args: string) => {
      const { webhook } = await client.ask<{
        webhook: {
          deliveries: {
            edges: { node: { messageId: string } }[]
            pageInfo: { hasNextPage: boolean; endCursor: string }
          }
        }
      }>(
        `query ($id: ID!) { webhook(id: $id) {
          deliveries${args} { edges { node { messageId } } pageInfo { hasNextPage endCursor } }
        } }`,
        { id: webhookId },
      )
      const { edges, pageInfo } = webhook.deliveries
      return { ids: edges.map((edge) => edge.node.messageId), ...pageInfo }
    }
    const first = await page('(first: 2)')
    expect(first).toMatchObject({ ids: sent.slice(0, 2), hasNextPage: true })
    expect(await page(`(first: 2, after: "${first.endCursor}")`)).toMatchObject({
      ids: sent.slice(2),
      hasNextPage: false,
    })
  })
})
