import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { claim, done, generate, newFormat, newPool, newStock } from './api.ts'
import { openBalancer } from './balancer.ts'
import { Client } from './client.ts'
import { runSql, testDatabase } from './database.ts'
import type { View } from './frontend/operations.ts'
import { openProxy } from './proxy.ts'
import { startService, useClient, useService } from './service.ts'
import { Watched } from './watched.ts'

/** The results of a subscription. */
export interface Results<Data> {
  next(data: Data): void
  error(reason: unknown): void
  complete(): void
}

/** A client library, used as docs/frontends.md says. */
export interface Frontend {
  watchPool(poolId: string, view: View): () => void
  /** Sends an operation that has one answer, and resolves to its data. */
  ask<Data>(document: string, variables: Record<string, unknown>): Promise<Data>
  subscribe<Data>(document: string, variables: Record<string, unknown>, results: Results<Data>): () => void
  /** Closes its connections. */
  close(): void | Promise<void>
}

export type Connect = (url: string, key: string) => Frontend

/** The codes of the errors that a frontend received, wherever its library has put them. */
export function codesIn(reason: unknown): unknown[] {
  if (Array.isArray(reason)) return reason.map((error) => error?.extensions?.code)
  if (typeof reason !== 'object' || reason === null) return []
  return codesIn('graphQLErrors' in reason ? reason.graphQLErrors : 'errors' in reason ? reason.errors : [])
}

const taskStatus = 'subscription ($id: ID!) { taskUpdated(id: $id) { id status addedCount } }'
const poolCounts =
  'subscription ($id: ID!) { poolUpdated(id: $id) { id availableCount claimedCount status } }'

const forgettingEvents = `
  WITH log AS (UPDATE event_log SET floor = last RETURNING *)
  DELETE FROM event USING log WHERE event.account_id = log.account_id AND sequence <= log.floor`

/** Tests of what holds with every client library. */
export function keepsPromises(connect: Connect): void {
  const service = useService()
  const client = useClient(service)

  /** A frontend that is connected to the service through a balancer. */
  async function connectThrough(to: { url: string; key?: string } = service) {
    const stack = new AsyncDisposableStack()
    const balancer = stack.use(await openBalancer(to))
    const frontend = connect(`${balancer.url}/graphql`, to.key ?? service.key)
    stack.defer(() => frontend.close())
    const watch = (poolId: string): Watched => {
      const watched = new Watched()
      stack.defer(frontend.watchPool(poolId, watched))
      return watched
    }
    return { balancer, frontend, watch, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  }

  /** The cursors of all events of a pool after its creation, oldest first. */
  async function history(poolId: string, from: Client = client): Promise<string[]> {
    const { poolEvents } = await from.ask<{
      poolEvents: { edges: { cursor: string; node: { __typename: string } }[] }
    }>('query ($id: ID!) { poolEvents(poolId: $id, last: 100) { edges { cursor node { __typename } } } }', {
      id: poolId,
    })
    const later = poolEvents.edges.filter(({ node }) => node.__typename !== 'PoolCreatedEvent')
    return later.map((edge) => edge.cursor).reverse()
  }

  const cursors = (watched: Watched) => watched.applied.map((event) => event.cursor)

  describe('a pool that is watched', () => {
    test('gets every event once, in order, however often the connection is cut', async () => {
      const [poolId, formatId] = [await newPool(client), await newFormat(client)]
      await using through = await connectThrough()
      const watched = through.watch(poolId)
      await watched.until(({ states }) => states.length === 1)
      // A batch has four events: the connection is cut after the first of them, or of those that were missed before.
      for (let cuts = 0; cuts < 5; cuts++) {
        const seen = watched.applied.length
        const generated = generate(client, { poolId, formatId, quantity: 1 })
        await watched.until(({ applied }) => applied.length > seen)
        expect(through.balancer.cut()).toBeGreaterThan(0)
        await generated
      }
      // Its events come over the last connection: whoever leaves before there is one is told that it was given up.
      await generate(client, { poolId, formatId, quantity: 1 })
      const all = await history(poolId)
      expect(all).toHaveLength(6 * 4)
      await watched.until(({ applied }) => applied.length >= all.length)
      expect(cursors(watched)).toEqual(all)
      expect(watched.states).toHaveLength(1)
    })

    test('gets its new name with an event of a type that the frontend does not know', async () => {
      const poolId = await newPool(client)
      await using through = await connectThrough()
      const watched = through.watch(poolId)
      await watched.until(({ states }) => states.length === 1)
      const name = randomUUID()
      await done(client, 'renamePool', { poolId, name }, 'pool { id }')
      await watched.until(({ applied }) => applied.length === 1)
      expect(watched.applied).toMatchObject([{ __typename: 'PoolChangedEvent', pool: { id: poolId, name } }])
    })

    test('gets what happened while nobody could reach the service', async () => {
      const [poolId, formatId] = [await newPool(client), await newFormat(client)]
      await using through = await connectThrough()
      const watched = through.watch(poolId)
      await watched.until(({ states }) => states.length === 1)
      await generate(client, { poolId, formatId, quantity: 1 })
      await watched.until(({ applied }) => applied.length === 4)
      through.balancer.breakDown()
      const { connections } = through.balancer
      await generate(client, { poolId, formatId, quantity: 1 })
      // The frontend has tried to reconnect.
      await expect.poll(() => through.balancer.connections).toBeGreaterThan(connections)
      through.balancer.mend()
      await watched.until(({ applied }) => applied.length === 8)
      await generate(client, { poolId, formatId, quantity: 1 })
      await watched.until(({ applied }) => applied.length >= 12)
      expect(cursors(watched)).toEqual(await history(poolId))
    })

    test('continues at another service when its own is stopped', async () => {
      const first = await startService({ databaseUrl: service.databaseUrl })
      const [poolId, formatId] = [await newPool(client), await newFormat(client)]
      await using through = await connectThrough({ url: first.url, key: service.key })
      const watched = through.watch(poolId)
      await watched.until(({ states }) => states.length === 1)
      let isClosed = false
      const load = (async () => {
        // No more than `history` reads.
        for (let i = 0; i < 20 && !isClosed; i++) await generate(client, { poolId, formatId, quantity: 1 })
      })()
      try {
        await watched.until(({ applied }) => applied.length > 0)
        through.balancer.leadTo(service)
        await first.close()
      } finally {
        isClosed = true
        await load
      }
      const caughtUp = await history(poolId)
      await watched.until(({ applied }) => applied.length >= caughtUp.length)
      await generate(client, { poolId, formatId, quantity: 1 })
      const all = await history(poolId)
      await watched.until(({ applied }) => applied.length >= all.length)
      expect(cursors(watched)).toEqual(all)
      expect(watched.states).toHaveLength(1)
    })

    test('continues when the database is available again', async () => {
      await using database = await testDatabase()
      await using proxy = await openProxy(database.url)
      await using own = await startService({ databaseUrl: proxy.url })
      await using there = new Client(own)
      const [poolId, formatId] = [await newPool(there), await newFormat(there)]
      await using through = await connectThrough(own)
      const watched = through.watch(poolId)
      await watched.until(({ states }) => states.length === 1)
      await generate(there, { poolId, formatId, quantity: 1 })
      await watched.until(({ applied }) => applied.length === 4)
      const told = through.balancer.hears('UNAVAILABLE')
      proxy.breakDown()
      through.balancer.cut()
      await told
      proxy.mend()
      await expect.poll(async () => (await fetch(`${own.url}/ready`)).status, { timeout: 15_000 }).toBe(200)
      await generate(there, { poolId, formatId, quantity: 1 })
      await watched.until(({ applied }) => applied.length >= 8)
      expect(cursors(watched)).toEqual(await history(poolId, there))
      expect(watched.states).toHaveLength(1)
    })

    test('is read again as soon as possible, when the database becomes unavailable at that moment', async () => {
      await using database = await testDatabase()
      await using proxy = await openProxy(database.url)
      await using own = await startService({ databaseUrl: proxy.url })
      await using there = new Client(own)
      const { poolId, formatId } = await newStock(there, 1)
      await using through = await connectThrough(own)
      const watched = through.watch(poolId)
      await watched.until(({ states }) => states.length === 1)
      through.balancer.breakDown()
      await generate(there, { poolId, formatId, quantity: 2 })
      await runSql(database.url, forgettingEvents)
      const lost = through.balancer.hears('CURSOR_EXPIRED')
      const refused = through.balancer.hears('UNAVAILABLE')
      through.balancer.mend()
      await lost
      proxy.breakDown()
      await refused
      proxy.mend()
      await watched.until(({ states }) => states.length === 2)
      expect(watched.states[1]).toMatchObject({ before: 0, pool: { id: poolId, availableCount: '3' } })
    })

    test.each([
      ['CURSOR_EXPIRED', forgettingEvents],
      ['CURSOR_INVALID', 'UPDATE event_log SET log = gen_random_uuid()'],
    ])('is read again, and continues from there, on %s', async (_code, sql) => {
      const { poolId, formatId } = await newStock(client, 1)
      await using through = await connectThrough()
      const watched = through.watch(poolId)
      await watched.until(({ states }) => states.length === 1)
      expect(watched.states[0]?.pool).toMatchObject({ id: poolId, availableCount: '1', status: 'READY' })
      await generate(client, { poolId, formatId, quantity: 2 })
      await watched.until(({ applied }) => applied.length === 4)
      through.balancer.breakDown()
      await generate(client, { poolId, formatId, quantity: 3 })
      await runSql(service.databaseUrl, sql)
      through.balancer.mend()
      await watched.until(({ states }) => states.length === 2)
      expect(watched.states[1]).toMatchObject({ before: 4, pool: { id: poolId, availableCount: '6' } })
      await generate(client, { poolId, formatId, quantity: 4 })
      await watched.until(({ applied }) => applied.length >= 8)
      expect(cursors(watched).slice(4)).toEqual((await history(poolId)).slice(-4))
    })

    test('is reported as missing if it does not exist, and not asked for again', async () => {
      await using through = await connectThrough()
      const watched = through.watch('UG9vbDpub25l')
      await expect(watched.until(() => false)).rejects.toThrow('gave up')
      expect(watched.states).toEqual([])
    })

    test('is reported as UNAUTHENTICATED with an invalid key, and not asked for again', async () => {
      await using through = await connectThrough({ url: service.url, key: 'x'.repeat(40) })
      const told = Promise.withResolvers<unknown>()
      through.frontend.subscribe(
        poolCounts,
        { id: await newPool(client) },
        { next: told.resolve, error: told.resolve, complete: () => told.resolve('completed') },
      )
      expect(codesIn(await told.promise)).toEqual(['UNAUTHENTICATED'])
    })
  })

  test('taskUpdated sends the task until it ends, even if the connection is cut', async () => {
    await using api = await startService({ role: 'api' })
    await using there = new Client(api)
    const [poolId, formatId] = [await newPool(there), await newFormat(there)]
    const { task } = await done<{ task: { id: string } }>(
      there,
      'generateCodes',
      { poolId, formatId, quantity: 5 },
      'task { id }',
    )
    await using through = await connectThrough(api)
    const told: { status: string; addedCount: string }[] = []
    const ended = Promise.withResolvers<void>()
    const waits = Promise.withResolvers<void>()
    through.frontend.subscribe<{ taskUpdated: { status: string; addedCount: string } }>(
      taskStatus,
      { id: task.id },
      {
        next: ({ taskUpdated }) => {
          told.push(taskUpdated)
          waits.resolve()
        },
        error: ended.reject,
        complete: ended.resolve,
      },
    )
    await waits.promise
    expect(through.balancer.cut()).toBeGreaterThan(0)
    await using _worker = await startService({ databaseUrl: api.databaseUrl, role: 'worker' })
    await ended.promise
    const order = ['AWAITING_EXECUTION', 'RUNNING', 'COMPLETED']
    const stages = told.map(({ status }) => order.indexOf(status))
    expect(stages[0]).toBe(0)
    expect(stages).toEqual(stages.toSorted((a, b) => a - b))
    expect(told.at(-1)).toMatchObject({ status: 'COMPLETED', addedCount: '5' })
  })

  test('poolUpdated sends the pool and its changes, even if the connection is cut', async () => {
    const { poolId } = await newStock(client, 3)
    await using through = await connectThrough()
    const told: { availableCount: string; status: string }[] = []
    let failure: unknown
    through.frontend.subscribe<{ poolUpdated: { availableCount: string; status: string } }>(
      poolCounts,
      { id: poolId },
      {
        next: ({ poolUpdated }) => told.push(poolUpdated),
        error: (reason) => {
          failure = reason
        },
        complete: () => {},
      },
    )
    const last = () => told.at(-1)
    await expect.poll(last, { timeout: 10_000 }).toMatchObject({ availableCount: '3', status: 'READY' })
    await claim(client, poolId, 1)
    await expect.poll(last, { timeout: 10_000 }).toMatchObject({ availableCount: '2' })
    expect(through.balancer.cut()).toBeGreaterThan(0)
    await claim(client, poolId, 2)
    await expect.poll(last, { timeout: 10_000 }).toMatchObject({ availableCount: '0', status: 'EMPTY' })
    expect(failure).toBeUndefined()
  })

  test('a mutation is answered with its payload or a typed error', async () => {
    const { poolId } = await newStock(client, 2)
    await using through = await connectThrough()
    const claiming = `mutation ($input: ClaimCodesInput!) {
      claimCodes(input: $input) {
        __typename
        ... on ClaimCodesPayload { pool { id availableCount } }
        ... on UserError { message code path }
        ... on NotEnoughCodesError { available }
      }
    }`
    const ask = (count: number) =>
      through.frontend.ask<{ claimCodes: unknown }>(claiming, { input: { poolId, count } })
    expect((await ask(3)).claimCodes).toEqual({
      __typename: 'NotEnoughCodesError',
      message: expect.any(String),
      code: 'NOT_ENOUGH_CODES',
      path: ['count'],
      available: '2',
    })
    expect((await ask(1)).claimCodes).toMatchObject({
      __typename: 'ClaimCodesPayload',
      pool: { id: poolId, availableCount: '1' },
    })
  })

  test('counts are strings from end to end, whatever their size', async () => {
    const quantity = '9007199254740993'
    const poolId = await newPool(client)
    const formatId = await newFormat(client, { body: { length: 20 } })
    await using through = await connectThrough()
    const watched = through.watch(poolId)
    await watched.until(({ states }) => states.length === 1)
    await through.frontend.ask(
      'mutation ($input: GenerateCodesInput!) { generateCodes(input: $input) { __typename ... on UserError { message } } }',
      { input: { poolId, formatId, quantity } },
    )
    await watched.until(({ applied }) => applied.length === 4)
    expect(watched.applied.at(-1)).toMatchObject({
      __typename: 'PoolRefilledEvent',
      addedCount: quantity,
      pool: { availableCount: quantity },
    })
  })
}
