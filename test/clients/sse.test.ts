import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generate, newFormat, newPool } from '../support/api.ts'
import { openBalancer } from '../support/balancer.ts'
import { Client } from '../support/client.ts'
import { watchPool } from '../support/frontend/plain.ts'
import { connectStreams } from '../support/frontend/sse.ts'
import { plainFrontend } from '../support/plain-frontend.ts'
import { keepsPromises } from '../support/promises.ts'
import { startService, type TestService } from '../support/service.ts'
import { Watched } from '../support/watched.ts'

describe('with the client of graphql-sse', () => {
  keepsPromises((url, key) => plainFrontend(connectStreams(url, key)))

  let service: TestService
  let client: Client

  beforeAll(async () => {
    service = await startService()
    client = new Client(service)
  })

  afterAll(async () => {
    await client[Symbol.asyncDispose]()
    await service.close()
  })

  test('a stream that no longer responds is replaced, and one without events is not', async () => {
    const [poolId, formatId] = [await newPool(client), await newFormat(client)]
    await using balancer = await openBalancer(service)
    // In tests, the server sends a ping three times a second.
    const patienceMs = 1_500
    const streams = connectStreams(`${balancer.url}/graphql`, service.key, patienceMs)
    const watched = new Watched()
    const leave = watchPool(streams, poolId, watched)
    await watched.until(({ states }) => states.length === 1)
    await generate(client, { poolId, formatId, quantity: 1 })
    await watched.until(({ applied }) => applied.length === 4)
    const { connections } = balancer
    for (let pings = 0; pings < 8; pings++) await balancer.hears(':\n\n')
    expect(balancer.connections).toBe(connections)
    balancer.silence()
    await generate(client, { poolId, formatId, quantity: 1 })
    await watched.until(({ applied }) => applied.length === 8)
    expect(balancer.connections).toBeGreaterThan(connections)
    expect(new Set(watched.applied.map((event) => event.cursor)).size).toBe(8)
    leave()
    await streams.dispose()
  })
})
