import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { claim, done, generate, newFormat, newPool, newStock, stranger } from '../support/api.ts'
import type { Client } from '../support/client.ts'
import { useClient, useService } from '../support/service.ts'

const service = useService()
const client = useClient(service)

interface Page {
  totalCount?: string
  edges: { cursor: string; node: { key: string } }[]
  pageInfo: {
    hasNextPage: boolean
    hasPreviousPage: boolean
    startCursor: string | null
    endCursor: string | null
  }
}

/** A list of the API: its query, and what identifies its items. */
interface List {
  field: (args: string) => string
  page: (data: Record<string, unknown>) => Page
}

const selection = (key: string, counted = true) =>
  `{ ${counted ? 'totalCount' : ''} edges { cursor node { ${key} } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`

const inBrackets = (args: string) => (args.trim() === '' ? '' : `(${args})`)

function root(name: string, filter = '', key = 'key: id', counted = true): List {
  return {
    field: (args) => `list: ${name}${inBrackets(`${filter} ${args}`)} ${selection(key, counted)}`,
    page: (data) => data['list'] as Page,
  }
}

function ofPool(poolId: string, name: string, filter: string): List {
  return {
    field: (args) => `pool(id: "${poolId}") { list: ${name}(${filter} ${args}) ${selection('key: id')} }`,
    page: (data) => (data['pool'] as { list: Page }).list,
  }
}

const read = async (from: Client, list: List, args: string) =>
  list.page(await from.ask<Record<string, unknown>>(`{ ${list.field(args)} }`))

/** All pages, from the beginning or from the end, in the order of the list. */
async function walk(from: Client, list: List, size: number, backwards: boolean): Promise<string[]> {
  const keys: string[] = []
  let cursor: string | null = null
  for (let pages = 0; pages < 100; pages++) {
    const begin: string = cursor === null ? '' : `${backwards ? 'before' : 'after'}: "${cursor}"`
    const page = await read(from, list, `${backwards ? 'last' : 'first'}: ${size} ${begin}`)
    const found = page.edges.map((edge) => edge.node.key)
    expect(page.pageInfo.startCursor).toBe(page.edges[0]?.cursor ?? null)
    expect(page.pageInfo.endCursor).toBe(page.edges.at(-1)?.cursor ?? null)
    if (backwards) {
      keys.unshift(...found)
      expect(page.pageInfo.hasNextPage).toBe(cursor !== null)
    } else {
      keys.push(...found)
      expect(page.pageInfo.hasPreviousPage).toBe(cursor !== null)
    }
    const more = backwards ? page.pageInfo.hasPreviousPage : page.pageInfo.hasNextPage
    if (!more) return keys
    expect(found).toHaveLength(size)
    cursor = backwards ? page.pageInfo.startCursor : page.pageInfo.endCursor
  }
  throw new Error('The list has no end.')
}

const kinds = [
  'formats',
  'pools',
  'tasks',
  'tasks of a pool',
  'available codes',
  'claimed codes',
  'events',
  'events of a pool',
]

describe.each(kinds)('%s', (kind) => {
  let from: Client
  let list: List
  let expected: string[]
  const count = 7

  beforeAll(async () => {
    from = await stranger(service)
    const poolId = await newPool(from)
    const formatId = await newFormat(from)
    const repeat = async (one: () => Promise<string>) => {
      const ids: string[] = []
      for (let i = 0; i < count; i++) ids.unshift(await one())
      return ids
    }
    const oneTask = () => generate(from, { poolId, formatId, quantity: 1 })
    const shown = async () => (await read(from, list, 'first: 100')).edges.map((edge) => edge.node.key)
    const make: Record<string, () => Promise<[List, string[]]>> = {
      formats: async () => [root('formats'), [...(await repeat(() => newFormat(from))), formatId]],
      pools: async () => [root('pools'), [...(await repeat(() => newPool(from))), poolId]],
      tasks: async () => [root('tasks'), await repeat(oneTask)],
      'tasks of a pool': async () => [ofPool(poolId, 'tasks', 'status: [COMPLETED]'), await repeat(oneTask)],
      'available codes': async () => {
        await generate(from, { poolId, formatId, quantity: count + 2 })
        await claim(from, poolId, 2)
        list = ofPool(poolId, 'codes', 'status: AVAILABLE')
        // Another test holds that they are claimed in this order; this one, that no page leaves one out.
        return [list, await shown()]
      },
      'claimed codes': async () => {
        await generate(from, { poolId, formatId, quantity: count + 1 })
        const claimed: { id: string }[] = []
        for (const size of [3, 1, 3]) claimed.push(...(await claim(from, poolId, size)))
        return [ofPool(poolId, 'codes', 'status: CLAIMED'), claimed.map((code) => code.id).reverse()]
      },
      events: async () => {
        await oneTask()
        for (let i = 0; i < 3; i++) await newPool(from)
        list = root('poolEvents', '', 'key: cursor', false)
        return [list, await shown()]
      },
      'events of a pool': async () => {
        await oneTask()
        await generate(from, { poolId: await newPool(from), formatId, quantity: 1 })
        await claim(from, poolId, 1)
        for (let i = 0; i < 2; i++)
          await done(from, 'renamePool', { poolId, name: randomUUID() }, 'pool { id }')
        list = root('poolEvents', `poolId: "${poolId}"`, 'key: cursor', false)
        return [list, await shown()]
      },
    }
    const made = await make[kind]?.()
    if (made === undefined) throw new Error(`Nobody says how to make ${kind}.`)
    ;[list, expected] = made
    // The creation of each pool, three changes of status and a refill for each task, and other changes to pools.
    const size = kind === 'formats' || kind === 'pools' || kind.startsWith('events') ? 8 : count
    expect(expected).toHaveLength(size)
  })

  test.each([1, 2, 3, 100])(
    'are walked in pages of %d, forwards and backwards, each once and in order',
    async (size) => {
      expect(await walk(from, list, size, false)).toEqual(expected)
      expect(await walk(from, list, size, true)).toEqual(expected)
    },
  )

  test('have an exact total count', async () => {
    const page = await read(from, list, '')
    expect(page.edges.map((edge) => edge.node.key)).toEqual(expected.slice(0, 20))
    if (!kind.startsWith('events')) expect(page.totalCount).toBe(String(expected.length))
    expect(new Set(expected).size).toBe(expected.length)
  })

  test('can be read between two cursors', async () => {
    const all = await read(from, list, 'first: 100')
    const [low, high] = [all.edges[0]?.cursor, all.edges[3]?.cursor]
    const between = await read(from, list, `after: "${low}" before: "${high}"`)
    expect(between.edges).toEqual(all.edges.slice(1, 3))
    const nothing = await read(from, list, `after: "${high}" before: "${low}"`)
    expect(nothing.edges).toEqual([])
    expect(nothing.pageInfo).toMatchObject({ startCursor: null, endCursor: null })
  })

  test.each([
    ['first: 0', /first is 0/],
    ['first: -1', /first is -1/],
    ['first: 101', /first is 101.*100/],
    ['first: 1000', /first is 1,000/],
    ['first: 2147483647', /first is/],
    ['last: 0', /last is 0/],
    ['last: -5', /last is -5/],
    ['last: 101', /last is 101/],
    ['first: 1, last: 1', /not both/],
    ['after: ""', /^after is not a cursor/],
    ['after: "x"', /^after is not a cursor/],
    ['before: "%%%"', /^before is not a cursor/],
    ['before: "AAAA"', /^before is not a cursor/],
    [`after: "${'A'.repeat(10_000)}"`, /^after is not a cursor/],
  ])('with (%s) are BAD_USER_INPUT', async (args, message) => {
    const { errors } = await from.send(`{ ${list.field(args)} }`)
    expect(errors?.map((error) => error.extensions.code)).toEqual(['BAD_USER_INPUT'])
    expect(errors?.[0]?.message).toMatch(message)
  })

  test('refuse a cursor with something appended, and accept null', async () => {
    const page = await read(from, list, 'first: 1')
    const { errors } = await from.send(`{ ${list.field(`after: "${page.pageInfo.endCursor}!"`)} }`)
    expect(errors?.map((error) => error.extensions.code)).toEqual(['BAD_USER_INPUT'])
    expect(await read(from, list, 'first: 1, after: null, last: null, before: null')).toEqual(page)
  })

  test('refuse the cursors of another type of list', async () => {
    const { poolId } = await newStock(from, 1)
    const others: [kin: string, list: List][] = [
      ['formats', root('formats')],
      ['pools', root('pools')],
      ['tasks', root('tasks')],
      ['events', root('poolEvents', '', 'key: cursor', false)],
      // A code is a cursor only in the lists of its own pool.
      ['', ofPool(poolId, 'codes', 'status: AVAILABLE')],
    ]
    for (const [kin, other] of others) {
      if (kin.split(' ').some((name) => kind.startsWith(name))) continue
      const [edge] = (await read(from, other, 'first: 1')).edges
      for (const name of ['after', 'before']) {
        const { errors } = await from.send(`{ ${list.field(`${name}: "${edge?.cursor}"`)} }`)
        expect(errors?.map((error) => error.extensions.code)).toEqual(['BAD_USER_INPUT'])
        expect(errors?.[0]?.message).toMatch(`${name} is not a cursor of this list`)
      }
    }
  })
})

test('cursors of earlier releases, which did not say what they are of, are still accepted', async () => {
  const from = await stranger(service)
  const ids: string[] = []
  for (let i = 0; i < 3; i++) ids.unshift(await newPool(from))
  const [, middle = '', oldest] = ids
  const [, uuid = ''] = Buffer.from(middle, 'base64').toString().split(':')
  const page = await read(from, root('pools'), `after: "${Buffer.from(uuid).toString('base64url')}"`)
  expect(page.edges.map((edge) => edge.node.key)).toEqual([oldest])
  expect(page.pageInfo.hasPreviousPage).toBe(true)
})

describe('the codes of a pool', () => {
  test('have an exact page deep in a billion, without delay', async () => {
    const { poolId } = await newStock(client, 1_000_000_000)
    const last = await read(client, ofPool(poolId, 'codes', 'status: AVAILABLE'), 'last: 3')
    expect(last.totalCount).toBe('1000000000')
    expect(last.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true })
    const before = await read(
      client,
      ofPool(poolId, 'codes', 'status: AVAILABLE'),
      `last: 100, before: "${last.pageInfo.startCursor}"`,
    )
    const again = await read(
      client,
      ofPool(poolId, 'codes', 'status: AVAILABLE'),
      `first: 3, after: "${before.pageInfo.endCursor}"`,
    )
    expect(again.edges).toEqual(last.edges)
  })

  test('continue at the first available one after a cursor that has been claimed meanwhile', async () => {
    const { poolId } = await newStock(client, 10)
    const list = ofPool(poolId, 'codes', 'status: AVAILABLE')
    const all = (await read(client, list, 'first: 10')).edges
    await claim(client, poolId, 5)
    const next = await read(client, list, `first: 2, after: "${all[1]?.cursor}"`)
    expect(next.edges).toEqual(all.slice(5, 7))
    const claimed = ofPool(poolId, 'codes', 'status: CLAIMED')
    // The same codes have the same cursors in the other list, newest first.
    expect((await read(client, claimed, `after: "${all[3]?.cursor}"`)).edges).toEqual(
      all.slice(0, 3).reverse(),
    )
  })

  test('of another pool are not cursors of this one', async () => {
    const [here, there] = [await newStock(client, 1), await newStock(client, 1)]
    const [edge] = (await read(client, ofPool(there.poolId, 'codes', 'status: AVAILABLE'), '')).edges
    const { errors } = await client.send(
      `{ ${ofPool(here.poolId, 'codes', 'status: AVAILABLE').field(`after: "${edge?.cursor}"`)} }`,
    )
    expect(errors?.map((error) => error.extensions.code)).toEqual(['BAD_USER_INPUT'])
  })
})

describe('search', () => {
  let from: Client
  const names = [
    '50% off',
    '50 percent',
    'a_b',
    'axb',
    'back\\slash',
    'Élan vital',
    'STRASSE 1',
    'Москва',
    "O'Brien",
    '夏',
  ]

  beforeAll(async () => {
    from = await stranger(service)
    for (const name of names) {
      await newPool(from, name)
      await done(from, 'renameFormat', { formatId: await newFormat(from), name }, 'format { id }')
    }
  })

  test.each(['pools', 'formats'])(
    'among %s finds any part of a name, whatever its case, and nothing is a wildcard',
    async (field) => {
      for (const [search, found] of [
        ['%', ['50% off']],
        ['0% O', ['50% off']],
        ['_', ['a_b']],
        ['A_B', ['a_b']],
        ['\\', ['back\\slash']],
        ['K\\S', ['back\\slash']],
        ['élan', ['Élan vital']],
        ['E\u0301LAN', ['Élan vital']],
        ['strasse', ['STRASSE 1']],
        ['МОСКВА', ['Москва']],
        ["o'b", ["O'Brien"]],
        ['夏', ['夏']],
        ['percentage', []],
        [' off', ['50% off']],
        ['', [...names].reverse()],
        [null, [...names].reverse()],
      ] as const) {
        const answer = await from.ask<
          Record<string, { totalCount: string; edges: { node: { name: string } }[] }>
        >(`query ($search: String) { ${field}(search: $search) { totalCount edges { node { name } } } }`, {
          search,
        })
        expect([search, answer[field]?.edges.map((edge) => edge.node.name)]).toEqual([search, found])
        expect(answer[field]?.totalCount).toBe(String(found.length))
      }
    },
  )

  test.each(['pools', 'formats'])('among %s for a NUL character is BAD_USER_INPUT', async (field) => {
    const { errors } = await from.send(
      `query ($search: String) { ${field}(search: $search) { totalCount } }`,
      { search: 'a\0' },
    )
    expect(errors?.map((error) => [error.extensions.code, error.path])).toEqual([['BAD_USER_INPUT', [field]]])
  })
})
