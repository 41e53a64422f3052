import { describe, expect, test } from 'vitest'
import { claim, done, newFormat, newPool, newStock } from '../../support/api.ts'
import { Client } from '../../support/client.ts'
import { openStream, streamed } from '../../support/event-stream.ts'
import { useClient, useService } from '../../support/service.ts'

const service = useService()
const client = useClient(service)

describe('server-sent events', () => {
  test('report the progress of a task, and end when it has finished', async () => {
    const [poolId, formatId] = [await newPool(client), await newFormat(client)]
    const { task } = await done<{ task: { id: string } }>(
      client,
      'generateCodes',
      { poolId, formatId, quantity: 1_000_000_000 },
      'task { id }',
    )
    const told = await streamed<{ taskUpdated: { status: string; addedCount: string } }>(
      service,
      client,
      'subscription ($id: ID!) { taskUpdated(id: $id) { status addedCount } }',
      { id: task.id },
    )
    expect(told.at(-1)?.data).toEqual({ taskUpdated: { status: 'COMPLETED', addedCount: '1000000000' } })
    const statuses = told.map((result) => result.data?.taskUpdated.status)
    expect(['AWAITING_EXECUTION', 'RUNNING', 'COMPLETED'].slice(-statuses.length)).toEqual(statuses)
  })

  test('of a task that has already finished report it once, and end', async () => {
    const { taskId } = await newStock(client, 1)
    const told = await streamed(
      service,
      client,
      'subscription ($id: ID!) { taskUpdated(id: $id) { status } }',
      { id: taskId },
    )
    expect(told).toEqual([{ data: { taskUpdated: { status: 'COMPLETED' } } }])
  })

  test('report a pool as it is, and then each change', async () => {
    const { poolId } = await newStock(client, 2)
    const query = 'subscription ($id: ID!) { poolUpdated(id: $id) { availableCount status } }'
    const stream = await openStream(service, client, query, { id: poolId })
    expect(stream.headers.get('content-type')).toBe('text/event-stream')
    expect(stream.headers.get('cache-control')).toContain('no-cache')
    const updates = stream[Symbol.asyncIterator]()
    expect((await updates.next()).value).toEqual({
      data: { poolUpdated: { availableCount: '2', status: 'READY' } },
    })
    await claim(client, poolId, 2)
    expect((await updates.next()).value).toEqual({
      data: { poolUpdated: { availableCount: '0', status: 'EMPTY' } },
    })
    await updates.return?.()
  })

  test('also answer queries and mutations', async () => {
    expect(await streamed(service, client, '{ account { name } }')).toEqual([
      { data: { account: { name: 'First account' } } },
    ])
    const made = await streamed(
      service,
      client,
      'mutation { createPool(input: { name: "streamed" }) { __typename } }',
    )
    expect(made).toEqual([{ data: { createPool: { __typename: 'CreatePoolPayload' } } }])
  })

  test('without a key are refused by their status, so that an EventSource stops trying', async () => {
    const stream = await openStream(
      service,
      new Client({ url: service.url }),
      'subscription { poolEvents { cursor } }',
    )
    expect(stream.status).toBe(401)
    const { value } = await stream[Symbol.asyncIterator]().next()
    expect(value?.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED')
    // Extensions for the HTTP response are not in the body.
    expect(Object.keys(value?.errors?.[0]?.extensions ?? {})).toEqual(['code', 'requestId'])
  })

  test('can be requested by GET', async () => {
    const { taskId } = await newStock(client, 1)
    const query = encodeURIComponent('subscription ($id: ID!) { taskUpdated(id: $id) { status } }')
    const variables = encodeURIComponent(JSON.stringify({ id: taskId }))
    const response = await fetch(`${service.url}/graphql?query=${query}&variables=${variables}`, {
      headers: { accept: 'text/event-stream', ...client.authorization() },
    })
    expect(await response.text()).toContain('data: {"data":{"taskUpdated":{"status":"COMPLETED"}}}')
  })
})
