import { randomUUID } from 'node:crypto'
import { isInterfaceType } from 'graphql'
import { describe, expect, test } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import {
  claim,
  done,
  finished,
  generate,
  mutate,
  newFormat,
  newPool,
  newStock,
  stranger,
  withScopes,
} from '../support/api.ts'
import { Client } from '../support/client.ts'
import { openStream } from '../support/event-stream.ts'
import { startService, useService } from '../support/service.ts'
import { postCodes } from '../support/upload-api.ts'

const service = useService()

interface PoolEvent {
  __typename: string
  cursor: string
  at: string
  pool: { id: string }
  status?: string
  task?: { id: string }
  addedCount?: string
  availableCount?: string
  name?: string
  changed?: string[]
  failure?: { code: string; message: string; format: { id: string } | null }
}

const eventFields = `
  __typename cursor at pool { id }
  ... on TaskStatusChangedEvent { status task { id } }
  ... on PoolRefilledEvent { addedCount task { id } }
  ... on PoolRefillFailedEvent { failure { code message format { id } } }
  ... on PoolLowEvent { availableCount }
  ... on PoolCreatedEvent { name }
  ... on PoolChangedEvent { changed name }`

const following = `subscription ($poolId: ID, $after: String) { poolEvents(poolId: $poolId, after: $after) { ${eventFields} } }`

/** The ways to follow events, each on a connection of its own that ends when its reader disconnects. */
const ways = {
  WebSocket: async function* (from: Client, variables: Record<string, unknown>) {
    const key = from.authorization()['authorization']?.slice('Bearer '.length)
    await using own = new Client({ url: service.url, key })
    for await (const { data, errors } of own.subscribe<{ poolEvents: PoolEvent }>(following, variables)) {
      if (data == null) throw new Error(errors?.[0]?.message)
      yield data.poolEvents
    }
  },
  'server-sent events': async function* (from: Client, variables: Record<string, unknown>) {
    for await (const { data, errors } of await openStream<{ poolEvents: PoolEvent }>(
      service,
      from,
      following,
      variables,
    )) {
      if (data == null) throw new Error(errors?.[0]?.message)
      yield data.poolEvents
    }
  },
}

const everyWay = Object.keys(ways) as (keyof typeof ways)[]

async function eventCursor(from: Client): Promise<string> {
  return (await from.ask<{ eventCursor: string }>('{ eventCursor }')).eventCursor
}

/** The history as far as it is kept, oldest first. */
async function history(from: Client, poolId?: string): Promise<PoolEvent[]> {
  const events: PoolEvent[] = []
  let after: string | null = null
  do {
    const {
      poolEvents,
    }: {
      poolEvents: { edges: { node: PoolEvent }[]; pageInfo: { hasNextPage: boolean; endCursor: string } }
    } = await from.ask(
      `query ($poolId: ID, $after: String) {
          poolEvents(poolId: $poolId, after: $after, first: 100) {
            edges { node { ${eventFields} } } pageInfo { hasNextPage endCursor }
          }
        }`,
      { poolId, after },
    )
    events.push(...poolEvents.edges.map((edge) => edge.node))
    after = poolEvents.pageInfo.hasNextPage ? poolEvents.pageInfo.endCursor : null
  } while (after !== null)
  return events.reverse()
}

/** Reads this many events, then disconnects. */
async function readNext(events: AsyncIterable<PoolEvent>, count: number): Promise<PoolEvent[]> {
  const read: PoolEvent[] = []
  for await (const event of events) {
    read.push(event)
    if (read.length === count) break
  }
  return read
}

describe.each(everyWay)('over %s', (way) => {
  test('the events from a new pool to an empty one arrive in order, the same as in the history', async () => {
    await using from = await stranger(service)
    const after = await eventCursor(from)
    const poolId = await newPool(from)
    const formatId = await newFormat(from, { body: { length: 1 }, characters: { set: 'DIGITS' } })
    const follower = readNext(ways[way](from, { poolId, after }), 15)
    const taskId = await generate(from, {
      poolId,
      formatId,
      quantity: 5,
      saveSettings: { autoGenerate: false, refillThreshold: 2 },
    })
    await claim(from, poolId, 3)
    await claim(from, poolId, 2)
    await done(
      from,
      'saveReplenishment',
      { poolId, method: 'GENERATE', formatId, quantity: 4, autoGenerate: true },
      'refill { id }',
    )
    await claim(from, poolId, 4)
    await claim(from, poolId, 1)
    const told = await follower
    expect(
      told.map((event) => [
        event.__typename,
        event.status ??
          event.addedCount ??
          event.availableCount ??
          event.failure?.code ??
          event.changed?.join(),
      ]),
    ).toEqual([
      ['PoolCreatedEvent', undefined],
      ['PoolChangedEvent', 'REPLENISHMENT'],
      ['TaskStatusChangedEvent', 'AWAITING_EXECUTION'],
      ['TaskStatusChangedEvent', 'RUNNING'],
      ['TaskStatusChangedEvent', 'COMPLETED'],
      ['PoolRefilledEvent', '5'],
      ['PoolLowEvent', '2'],
      ['PoolEmptyEvent', undefined],
      ['PoolChangedEvent', 'REPLENISHMENT'],
      // The refill that saving started, then the one that could give the last code alone.
      ['TaskStatusChangedEvent', 'COMPLETED'],
      ['PoolRefilledEvent', '4'],
      ['TaskStatusChangedEvent', 'COMPLETED'],
      ['PoolRefilledEvent', '1'],
      ['PoolRefillFailedEvent', 'FORMAT_EXHAUSTED'],
      ['PoolEmptyEvent', undefined],
    ])
    expect(new Set(told.map((event) => event.pool.id))).toEqual(new Set([poolId]))
    expect(told[2]?.task).toEqual({ id: taskId })
    const times = told.map((event) => Date.parse(event.at))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(await history(from, poolId)).toEqual(told)
    expect(await history(from)).toEqual(told)
  })

  test('a reader that reconnects with its last cursor during many changes gets every event once, in order', async () => {
    await using from = await stranger(service)
    let after = await eventCursor(from)
    const formatId = await newFormat(from)
    const pools = [await newPool(from), await newPool(from)]
    const tasks = 24
    const load = Promise.all(
      Array.from({ length: 4 }, async (_, worker) => {
        for (let i = 0; i < tasks / 4; i++) {
          const poolId = pools[worker % 2] ?? ''
          await generate(from, { poolId, formatId, quantity: 3 })
          await claim(from, poolId, 1)
        }
      }),
    )
    // Three changes of status and a refill for each task, behind the creation of the pools.
    const all = tasks * 4 + pools.length
    const told: PoolEvent[] = []
    for (let visit = 1; told.length < all; visit++) {
      const read = await readNext(ways[way](from, { after }), Math.min(visit, all - told.length))
      told.push(...read)
      after = read.at(-1)?.cursor ?? after
    }
    await load
    expect(told).toEqual(await history(from))
    expect(new Set(told.map((event) => event.cursor)).size).toBe(all)
    for (const poolId of pools) {
      const own = await readNext(ways[way](from, { poolId, after: told[1]?.cursor }), all / 2 - 1)
      expect(own).toEqual(
        told
          .slice(2)
          .filter((event) => event.pool.id === poolId)
          .slice(0, all / 2 - 1),
      )
    }
  })

  test('a reader without a cursor gets the events from then on', async () => {
    await using from = await stranger(service)
    const poolId = await newPool(from)
    const formatId = await newFormat(from)
    await generate(from, { poolId, formatId, quantity: 1 })
    let heard: PoolEvent | undefined
    const listening = readNext(ways[way](from, { poolId }), 1).then(([first]) => {
      heard = first
    })
    // Nothing reports that the subscription has begun, so events are caused until one arrives.
    while (heard === undefined) await generate(from, { poolId, formatId, quantity: 1 })
    await listening
    const cursors = (await history(from, poolId)).map((event) => event.cursor)
    expect(cursors.indexOf(heard.cursor)).toBeGreaterThanOrEqual(4)
  })

  test('many readers of one account get the same events', async () => {
    await using from = await stranger(service)
    const after = await eventCursor(from)
    const readers = Array.from({ length: 10 }, () => readNext(ways[way](from, { after }), 15))
    for (let i = 0; i < 3; i++) await newStock(from, 2)
    const told = await Promise.all(readers)
    for (const reader of told) expect(reader).toEqual(told[0])
    expect(told[0]).toEqual(await history(from))
  })
})

test('a client can keep a list of pools up to date by the events of the account alone', async () => {
  await using from = await stranger(service)
  const after = await eventCursor(from)
  const formatId = await newFormat(from)
  const poolId = await newPool(from, 'Spring')
  const rename = (name: string) => mutate(from, 'renamePool', { poolId, name })
  const save = (quantity: number) =>
    mutate(from, 'saveReplenishment', { poolId, method: 'GENERATE', formatId, quantity })
  await rename('Summer')
  await rename(' Summer ')
  await save(5)
  await save(5)
  await save(6)
  await newPool(from, 'Autumn')
  expect((await rename('autumn')).__typename).toBe('NameTakenError')
  const told = await readNext(ways.WebSocket(from, { after }), 5)
  expect(told.map(({ __typename, name, changed }) => [__typename, name, changed])).toEqual([
    ['PoolCreatedEvent', 'Spring', undefined],
    ['PoolChangedEvent', 'Summer', ['NAME']],
    ['PoolChangedEvent', 'Summer', ['REPLENISHMENT']],
    ['PoolChangedEvent', 'Summer', ['REPLENISHMENT']],
    ['PoolCreatedEvent', 'Autumn', undefined],
  ])
  // Requests that changed nothing or were refused cause no events.
  expect(await history(from)).toEqual(told)
})

test('events of one process reach subscribers of another, and a task that one accepts can run in the other', async () => {
  await using api = await startService({ databaseUrl: service.databaseUrl, role: 'api' })
  await using from = await stranger(service)
  const key = from.authorization()['authorization']?.slice('Bearer '.length)
  await using there = new Client({ url: api.url, key })
  const after = await eventCursor(from)
  const told = readNext(ways.WebSocket(from, { after }), 5)
  await newStock(there, 1)
  expect(await told).toEqual(await history(there))
})

test('a query after an event, to any process, shows at least the state of the event', async () => {
  await using other = await startService({ databaseUrl: service.databaseUrl, role: 'api' })
  await using from = await stranger(service)
  const key = from.authorization()['authorization']?.slice('Bearer '.length)
  const clients = [from, new Client({ url: other.url, key })]
  const poolId = await newPool(from)
  const formatId = await newFormat(from)
  await mutate(from, 'saveReplenishment', {
    poolId,
    formatId,
    method: 'GENERATE',
    quantity: 3,
    autoGenerate: true,
    refillThreshold: 1,
  })
  const after = await eventCursor(from)
  const load = Promise.all([
    ...clients.map(async (client) => {
      for (let i = 0; i < 20; i++) await claim(client, poolId, 1 + (i % 5))
    }),
    (async () => {
      for (let i = 0; i < 10; i++) await generate(from, { poolId, formatId, quantity: 2 })
    })(),
  ])
  const steps = ['AWAITING_EXECUTION', 'RUNNING', 'COMPLETED']
  let added = 3
  let ours = 0
  for await (const event of ways.WebSocket(from, { poolId, after })) {
    added += Number(event.addedCount ?? 0)
    for (const client of clients) {
      const { pool, task } = await client.ask<{
        pool: { availableCount: string; claimedCount: string }
        task: { status: string } | null
      }>(
        'query ($p: ID!, $t: ID!) { pool(id: $p) { availableCount claimedCount } task(id: $t) { status } }',
        {
          p: poolId,
          t: event.task?.id ?? '',
        },
      )
      expect(Number(pool.availableCount) + Number(pool.claimedCount)).toBeGreaterThanOrEqual(added)
      if (event.status !== undefined)
        expect(steps.indexOf(task?.status ?? '')).toBeGreaterThanOrEqual(steps.indexOf(event.status))
    }
    // Ten tasks of ours, and the refills that come between them.
    if (event.status === 'RUNNING') ours += 1
    if (ours === 10) break
  }
  await load
})

describe('eventCursor', () => {
  test('misses no event after what is read with it, wherever it stands in the query', async () => {
    await using from = await stranger(service)
    const poolId = await newPool(from)
    const formatId = await newFormat(from)
    const rounds = 12
    const load = (async () => {
      for (let i = 0; i < rounds; i++) await generate(from, { poolId, formatId, quantity: 1 })
    })()
    const reads: { pool: { availableCount: string }; cursor: string }[] = []
    for (let i = 0; i < 30; i++)
      reads.push(
        await from.ask(
          'query ($id: ID!) { pool(id: $id) { availableCount } ...c } fragment c on Query { cursor: eventCursor }',
          {
            id: poolId,
          },
        ),
      )
    await load
    const told = await history(from)
    for (const { pool, cursor } of reads) {
      const place = told.findIndex((event) => event.cursor === cursor)
      const later = told.slice(place + 1).reduce((sum, event) => sum + Number(event.addedCount ?? 0), 0)
      expect(Number(pool.availableCount) + later).toBeGreaterThanOrEqual(rounds)
    }
    expect(reads.length).toBe(30)
  })

  test('is the cursor of the last event when nothing happens', async () => {
    await using from = await stranger(service)
    const begin = await eventCursor(from)
    expect(await history(from)).toEqual([])
    await newStock(from, 1)
    const told = await history(from)
    expect(await eventCursor(from)).toBe(told.at(-1)?.cursor)
    // The beginning of the log, before any event.
    expect(await readNext(ways.WebSocket(from, { after: begin }), told.length)).toEqual(told)
  })
})

describe('the actor of an event', () => {
  /** Each event of the pool with the id of its actor, oldest first. */
  async function actors(from: Client, poolId: string): Promise<[event: string, keyId: string | undefined][]> {
    const { poolEvents } = await from.ask<{
      poolEvents: { edges: { node: { __typename: string; actor: { id: string } | null } }[] }
    }>(
      'query ($id: ID) { poolEvents(poolId: $id, first: 100) { edges { node { __typename actor { id } } } } }',
      {
        id: poolId,
      },
    )
    return poolEvents.edges.toReversed().map(({ node }) => [node.__typename, node.actor?.id])
  }

  test('is the key of the request, for every kind of event', async () => {
    await using from = await stranger(service)
    await using maker = await withScopes(service, from, ['READ', 'MANAGE'])
    await using other = await withScopes(service, from, ['MANAGE'])
    const formatId = await newFormat(from, { body: { length: 1 }, characters: { set: 'DIGITS' } })
    const poolId = await newPool(maker)
    await generate(maker, { poolId, formatId, quantity: 8 })
    const made: [string, string | undefined][] = [
      ['PoolCreatedEvent', maker.keyId],
      ['TaskStatusChangedEvent', maker.keyId],
      ['TaskStatusChangedEvent', maker.keyId],
      ['TaskStatusChangedEvent', maker.keyId],
      ['PoolRefilledEvent', maker.keyId],
    ]
    expect(await actors(from, poolId)).toEqual(made)

    const { task } = await postCodes(service, other, poolId, 'code\nSPRING\n')
    await finished(from, task?.id ?? '')
    await done(other, 'undoUpload', { taskId: task?.id }, 'task { id }')
    const [claimed] = await claim(from, poolId)
    const select = { codeIds: [claimed?.id] }
    await done(other, 'voidCodes', { select }, 'voidedCount')
    await done(other, 'unvoidCodes', { select }, 'unvoidedCount')
    const settings = { poolId, method: 'GENERATE', formatId, quantity: 1, refillThreshold: 2 }
    await done(other, 'saveReplenishment', settings, 'pool { id }')
    await done(other, 'withdrawCodes', { poolId }, 'pool { id }')
    await done(other, 'restoreCodes', { poolId }, 'pool { id }')
    await done(other, 'updatePool', { poolId, description: 'New' }, 'pool { id }')
    await done(other, 'saveTerms', { poolId, validFor: 'P1D' }, 'pool { id }')
    await done(other, 'archivePool', { poolId }, 'pool { id }')
    await done(other, 'unarchivePool', { poolId }, 'pool { id }')
    // One code is left to generate, where at least nine are wanted.
    const refilling = { ...settings, autoGenerate: true, refillThreshold: 15 }
    await done(other, 'saveReplenishment', refilling, 'refill { id }')
    const others = (await actors(from, poolId)).slice(made.length)
    expect(others.filter(([, keyId]) => keyId !== other.keyId)).toEqual([])
    const type = schema.getType('PoolEvent')
    const kinds = isInterfaceType(type) ? schema.getPossibleTypes(type).map(({ name }) => name) : []
    expect(new Set([...made, ...others].map(([event]) => event))).toEqual(new Set(kinds))
  })

  test('is the key that claims, for what its claim makes the service do', async () => {
    await using from = await stranger(service)
    await using till = await withScopes(service, from, ['CLAIM'])
    const formatId = await newFormat(from)
    const poolId = await newPool(from)
    const settings = { poolId, method: 'GENERATE', formatId, quantity: 3, autoGenerate: true }
    await done(from, 'saveReplenishment', settings, 'refill { id }')
    const before = (await actors(from, poolId)).length
    await claim(till, poolId, 3)
    await done(from, 'saveReplenishment', { ...settings, autoGenerate: false }, 'pool { id }')
    await claim(till, poolId, 3)
    const told = (await actors(from, poolId)).slice(before)
    expect(told.filter(([event]) => event !== 'PoolChangedEvent')).toEqual([
      ['TaskStatusChangedEvent', till.keyId],
      ['PoolRefilledEvent', till.keyId],
      ['PoolEmptyEvent', till.keyId],
    ])
  })

  test('shows what only the key itself may read to no other key that follows the same events', async () => {
    await using from = await stranger(service)
    await using maker = await withScopes(service, from, ['READ', 'MANAGE'])
    await using other = await withScopes(service, from, ['READ', 'MANAGE'])
    const query = 'subscription { poolEvents { actor { id scopes } } }'
    const streams = [maker, other].map((client) =>
      client.subscribe<{ poolEvents: { actor: { id: string; scopes: string[] } } }>(query),
    )
    const first = streams.map((stream) => stream.next())
    // A subscription over the same connection begins after the one before.
    for (const client of [maker, other]) {
      const later = client.subscribe('subscription { poolEvents { cursor } }')
      void later.next()
      await client.ask('{ apiKey { id } }')
    }
    await newPool(maker)
    const [own, others] = await Promise.all(first)
    expect(own?.value).toMatchObject({
      data: { poolEvents: { actor: { id: maker.keyId, scopes: ['READ', 'MANAGE'] } } },
    })
    expect(others?.value).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] })
  })

  test('shows its name and hint to whoever may read, also when it is revoked, and the rest to ADMIN alone', async () => {
    await using from = await stranger(service)
    await using maker = await withScopes(service, from, ['MANAGE'])
    await using reader = await withScopes(service, from, ['READ'])
    await using admin = await withScopes(service, from, ['READ', 'ADMIN'])
    const poolId = await newPool(maker)
    await done(from, 'revokeApiKey', { apiKeyId: maker.keyId }, 'apiKey { id }')
    const ask = (by: Client, fields: string) =>
      by.send<{ poolEvents: { edges: { node: { actor: object | null } }[] } }>(
        `query ($id: ID) { poolEvents(poolId: $id) { edges { node { actor { ${fields} } } } } }`,
        { id: poolId },
      )
    const shown = (answer: Awaited<ReturnType<typeof ask>>) => answer.data?.poolEvents.edges[0]?.node.actor
    const name = { id: maker.keyId, name: 'MANAGE', hint: expect.stringMatching(/^pk_/) }
    expect(shown(await ask(reader, 'id name hint'))).toEqual(name)
    for (const field of ['scopes', 'createdAt', 'lastUsedAt', 'revokedAt']) {
      const { errors } = await ask(reader, field)
      expect(errors?.map((error) => error.extensions.code)).toEqual(['FORBIDDEN'])
    }
    expect(shown(await ask(admin, 'id scopes createdAt revokedAt'))).toEqual({
      id: maker.keyId,
      scopes: ['MANAGE'],
      createdAt: expect.any(String),
      revokedAt: expect.any(String),
    })
    const { errors } = await reader.send(`{ node(id: "${maker.keyId}") { id } }`)
    expect(errors?.map((error) => error.extensions.code)).toEqual(['FORBIDDEN'])
  })

  test('is told live, to each subscriber what its key may read', async () => {
    await using from = await stranger(service)
    await using reader = await withScopes(service, from, ['READ'])
    const after = await eventCursor(from)
    await using maker = await withScopes(service, from, ['MANAGE'])
    const live = (by: Client) =>
      by.subscribe<{ poolEvents: { actor: object | null } }>(
        'subscription ($after: String) { poolEvents(after: $after) { actor { name scopes } } }',
        { after },
      )
    const [all, some] = [live(from), live(reader)]
    const told = Promise.all([all.next(), some.next()])
    await newPool(maker, randomUUID())
    const [{ value: full }, { value: part }] = await told
    expect(full?.data?.poolEvents.actor).toEqual({ name: 'MANAGE', scopes: ['MANAGE'] })
    expect(part?.data?.poolEvents.actor).toBeNull()
    expect(part?.errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
    await all.return?.()
    await some.return?.()
  })
})
