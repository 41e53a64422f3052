import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeId, uuidOf } from '../../src/graphql/ids.ts'
import { claim, done, finished, mutate, newPool, newStock } from '../support/api.ts'
import { openBooks } from '../support/books.ts'
import { Client } from '../support/client.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { streamed } from '../support/event-stream.ts'
import { type DatabaseProxy, openProxy } from '../support/proxy.ts'
import { startService, type TestService } from '../support/service.ts'
import { Socket } from '../support/socket.ts'

let database: TestDatabase
let proxy: DatabaseProxy
let service: TestService
let client: Client
/** All lines of its log. */
const logged: string[] = []

beforeAll(async () => {
  database = await testDatabase()
  proxy = await openProxy(database.url)
  const log = pino({}, { write: (line: string) => void logged.push(line) })
  service = await startService({ databaseUrl: proxy.url, log })
  client = new Client(service)
})

afterAll(async () => {
  await client[Symbol.asyncDispose]()
  await service.close()
  await proxy[Symbol.asyncDispose]()
  await database.close()
})

const status = async (path: string) => (await fetch(`${service.url}${path}`)).status

const unavailable = expect.objectContaining({
  extensions: { code: 'UNAVAILABLE', retryAfterMs: expect.any(Number), requestId: expect.any(String) },
})

async function back(): Promise<void> {
  proxy.mend()
  await expect.poll(() => status('/ready'), { timeout: 15_000 }).toBe(200)
}

describe('while the database is unavailable', () => {
  test('every operation is UNAVAILABLE and says when to try again, over HTTP, WebSocket and as a stream', async () => {
    const { poolId, taskId } = await newStock(client, 1)
    const operations = [
      '{ account { name } }',
      '{ pools { totalCount } }',
      '{ poolEvents { edges { cursor } } }',
      '{ eventCursor }',
      `{ node(id: "${poolId}") { id } }`,
      '{ code(code: "x") { id } }',
      `mutation { claimCodes(input: { poolId: "${poolId}" }) { __typename } }`,
      `mutation { createPool(input: { name: "${randomUUID()}" }) { __typename } }`,
      `mutation { cancelTask(input: { taskId: "${taskId}" }) { __typename } }`,
    ]
    const subscriptions = [
      'subscription { poolEvents { cursor } }',
      `subscription { poolUpdated(id: "${poolId}") { name } }`,
      `subscription { taskUpdated(id: "${taskId}") { status } }`,
    ]
    await using socket = await Socket.connect(service, client.authorization())
    proxy.breakDown()
    try {
      for (const operation of operations) {
        const { errors } = await client.send(operation)
        expect([operation, errors]).toEqual([operation, [unavailable]])
      }
      for (const [id, operation] of [...operations, ...subscriptions].entries()) {
        socket.subscribe(`${id}`, operation)
        const { type, payload } = await socket.next(`${id}`)
        const errors = type === 'error' ? payload : (payload as { errors: unknown }).errors
        expect([operation, errors]).toEqual([operation, [unavailable]])
      }
      for (const operation of subscriptions) {
        const [first] = await streamed(service, client, operation)
        expect([operation, first?.errors]).toEqual([operation, [unavailable]])
      }
    } finally {
      await back()
    }
    for (const operation of operations.slice(0, 5))
      expect((await client.send(operation)).errors).toBeUndefined()
  })

  test('no key can be checked, and the status of the answer says so', async () => {
    proxy.breakDown()
    try {
      const response = await fetch(`${service.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${randomUUID()}` },
        body: '{',
      })
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
      expect(await response.json()).toEqual({ errors: [unavailable] })
      // Without any key there is nothing to look up.
      expect((await new Client({ url: service.url }).send('{ account { name } }')).status).toBe(401)
    } finally {
      await back()
    }
  })

  test('the process is alive but not ready, and becomes ready again on its own', async () => {
    expect([await status('/health'), await status('/ready')]).toEqual([200, 200])
    proxy.breakDown()
    try {
      expect([await status('/health'), await status('/ready')]).toEqual([200, 503])
    } finally {
      await back()
    }
  })

  test('a claim that is repeated with its idempotencyKey claims nothing twice', async () => {
    const { poolId } = await newStock(client, 10)
    const input = { poolId, count: 3, idempotencyKey: randomUUID() }
    const cut = proxy.cutCommit('unanswered')
    const first = mutate<{ codes: { code: string }[] }>(client, 'claimCodes', input, 'codes { code }')
    await cut
    const { codes } = await first
    expect(codes).toHaveLength(3)
    const again = await mutate<{ codes: { code: string }[] }>(client, 'claimCodes', input, 'codes { code }')
    expect(again.codes).toEqual(codes)
    const { pool } = await client.ask<{ pool: object }>(
      'query ($id: ID!) { pool(id: $id) { claimedCount } }',
      { id: poolId },
    )
    expect(pool).toEqual({ claimedCount: '3' })
  })
})

describe('when the database is back', () => {
  test('subscriptions continue where they were, and miss nothing', async () => {
    const { poolId, formatId } = await newStock(client, 2)
    const events = client.subscribe<{ poolEvents: { __typename: string } }>(
      'subscription ($id: ID!, $after: String) { poolEvents(poolId: $id, after: $after) { __typename } }',
      { id: poolId, after: (await client.ask<{ eventCursor: string }>('{ eventCursor }')).eventCursor },
    )
    const watched = client.subscribe<{ poolUpdated: { availableCount: string } }>(
      'subscription ($id: ID!) { poolUpdated(id: $id) { availableCount } }',
      { id: poolId },
    )
    expect((await watched.next()).value?.data?.poolUpdated.availableCount).toBe('2')
    await claim(client, poolId, 2)
    expect((await events.next()).value?.data?.poolEvents.__typename).toBe('PoolEmptyEvent')
    proxy.breakDown()
    expect((await client.send('{ account { name } }')).errors).toEqual([unavailable])
    await back()
    const { task } = await done<{ task: { id: string } }>(
      client,
      'generateCodes',
      { poolId, formatId, quantity: 5 },
      'task { id }',
    )
    await finished(client, task.id)
    const told: (string | undefined)[] = []
    for (let i = 0; i < 4; i++) told.push((await events.next()).value?.data?.poolEvents.__typename)
    expect(told.filter((kind) => kind === 'PoolRefilledEvent')).toHaveLength(1)
    let available: string | undefined
    while (available !== '5') available = (await watched.next()).value?.data?.poolUpdated.availableCount
    await events.return?.()
    await watched.return?.()
  })

  test('events with nodes are each sent completely, and once', async () => {
    const { poolId } = await newStock(client, 5)
    const { eventCursor } = await client.ask<{ eventCursor: string }>('{ eventCursor }')
    await claim(client, poolId, 5)
    const events = client.subscribe<{ poolEvents: { cursor: string; pool: { availableCount: string } } }>(
      'subscription ($after: String) { poolEvents(after: $after) { cursor pool { availableCount } } }',
      { after: eventCursor },
    )
    expect((await events.next()).value?.data?.poolEvents.pool).toEqual({ availableCount: '0' })
    await using other = await openBooks({ databaseUrl: database.url })
    const account = await client.ask<{ account: { id: string } }>('{ account { id } }')
    const happen = () =>
      other.books.write(decodeId(account.account.id).id, async (tx) => {
        tx.record({ poolId: uuidOf('Pool', poolId), kind: 'POOL_LOW', payload: { available: '0' } })
      })
    // One after the other they are read, and the database goes away before the nodes of one have been.
    const told: unknown[] = []
    for (let round = 0; round < 10; round++) {
      await happen()
      const next = events.next()
      if (round % 2 === 0) {
        proxy.breakDown()
        await back()
      }
      const { value } = await next
      told.push(value?.errors ?? value?.data?.poolEvents.pool)
    }
    expect(told).toEqual(Array(10).fill({ availableCount: '0' }))
    await events.return?.()
  })

  test('tasks that were accepted before are executed', async () => {
    const poolId = await newPool(client)
    const { formatId } = await newStock(client, 1)
    const { task } = await done<{ task: { id: string } }>(
      client,
      'generateCodes',
      { poolId, formatId, quantity: 1_000 },
      'task { id }',
    )
    proxy.breakDown()
    await back()
    await finished(client, task.id)
    expect(await claim(client, poolId, 1_000)).toHaveLength(1_000)
  })
})

test('the log has all this in short lines, without secrets and without the properties of errors', () => {
  expect(logged.length).toBeGreaterThan(5)
  const fields = ['type', 'message', 'code', 'stack', 'cause', 'errors']
  const walk = (error: Record<string, unknown>): void => {
    expect(fields).toEqual(expect.arrayContaining(Object.keys(error)))
    if (error['cause'] !== undefined) walk(error['cause'] as Record<string, unknown>)
    for (const each of (error['errors'] as Record<string, unknown>[] | undefined) ?? []) walk(each)
  }
  const { username, password } = new URL(database.url)
  expect(password.length).toBeGreaterThan(3)
  const secret = [
    service.key,
    password,
    `${username}:`,
    'SELECT',
    'INSERT',
    'secretKey',
    'connectionParameters',
  ]
  for (const line of logged) {
    expect(line.length).toBeLessThan(16_000)
    for (const each of secret) expect(line).not.toContain(each)
    const { err } = JSON.parse(line)
    if (err !== undefined) walk(err)
  }
})
