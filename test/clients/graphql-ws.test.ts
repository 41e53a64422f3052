import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { connectSocket } from '../../src/console/live/socket.ts'
import { uuidOf } from '../../src/graphql/ids.ts'
import { generate, newFormat, newPool } from '../support/api.ts'
import { openBalancer } from '../support/balancer.ts'
import { watchPool } from '../support/frontend/plain.ts'
import { plainFrontend } from '../support/plain-frontend.ts'
import { keepsPromises } from '../support/promises.ts'
import { startService, useClient, useService } from '../support/service.ts'
import { Watched } from '../support/watched.ts'

describe('with the client of graphql-ws', () => {
  keepsPromises((url, key) => plainFrontend(connectSocket(url, { key })))

  const service = useService()
  const client = useClient(service)

  test('a connection that no longer responds is replaced', async () => {
    const [poolId, formatId] = [await newPool(client), await newFormat(client)]
    await using balancer = await openBalancer(service)
    const socket = connectSocket(`${balancer.url}/graphql`, { key: service.key, patienceMs: 500 })
    const watched = new Watched()
    const leave = watchPool(socket, poolId, watched)
    await watched.until(({ states }) => states.length === 1)
    await generate(client, { poolId, formatId, quantity: 1 })
    await watched.until(({ applied }) => applied.length === 4)
    const closed = new Promise((resolve) => socket.on('closed', resolve))
    balancer.silence()
    await generate(client, { poolId, formatId, quantity: 1 })
    expect(await closed).toMatchObject({ code: 4499 })
    await watched.until(({ applied }) => applied.length === 8)
    expect(new Set(watched.applied.map((event) => event.cursor)).size).toBe(8)
    leave()
  })

  test('reconnects elsewhere when the service stops (1001)', async () => {
    const stopping = await startService({ databaseUrl: service.databaseUrl })
    const [poolId, formatId] = [await newPool(client), await newFormat(client)]
    await using balancer = await openBalancer(stopping)
    const socket = connectSocket(`${balancer.url}/graphql`, { key: service.key })
    const watched = new Watched()
    const leave = watchPool(socket, poolId, watched)
    await watched.until(({ states }) => states.length === 1)
    const closed = new Promise((resolve) => socket.on('closed', resolve))
    balancer.leadTo(service)
    await stopping.close()
    expect(await closed).toMatchObject({ code: 1001 })
    await generate(client, { poolId, formatId, quantity: 1 })
    await watched.until(({ applied }) => applied.length === 4)
    leave()
  })

  test('an event that the service could not send at first is not skipped', async () => {
    const poolId = await newPool(client)
    await using balancer = await openBalancer(service)
    const socket = connectSocket(`${balancer.url}/graphql`, { key: service.key })
    const watched = new Watched()
    const leave = watchPool(socket, poolId, watched)
    await watched.until(({ states }) => states.length === 1)
    await using database = await connectTo(service.databaseUrl)
    const told = balancer.hears('UNAVAILABLE')
    // The event log can be read, but not the pool of an event.
    await database.client.query('BEGIN')
    await database.client.query('LOCK TABLE pool IN ACCESS EXCLUSIVE MODE')
    await using other = await connectTo(service.databaseUrl)
    for (const kind of ['POOL_LOW', 'POOL_EMPTY'])
      await other.client.query(
        `WITH log AS (
           UPDATE event_log SET last = last + 1 RETURNING account_id, last
         )
         INSERT INTO event (account_id, sequence, pool_id, kind, payload, at)
         SELECT account_id, last, $1, $2, '{"available": "0"}', now() FROM log`,
        [uuidOf('Pool', poolId), kind],
      )
    await told
    await database.client.query('ROLLBACK')
    await watched.until(({ applied }) => applied.length === 2)
    expect(watched.applied.map((event) => event.__typename)).toEqual(['PoolLowEvent', 'PoolEmptyEvent'])
    leave()
  })
})

async function connectTo(connectionString: string) {
  const client = new pg.Client({ connectionString })
  await client.connect()
  return { client, [Symbol.asyncDispose]: () => client.end() }
}
