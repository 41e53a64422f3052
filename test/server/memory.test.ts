import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Client } from '../support/client.ts'
import { testDatabase } from '../support/database.ts'
import { MainProcess } from '../support/process.ts'
import { Socket } from '../support/socket.ts'

const key = 'a-key-of-the-tests-which-is-long-enough'
const megabyte = 1_000_000

// What the process may hold more than at first, once nothing is in flight: the documents that it keeps, and what it keeps
// beside them of a fixed number.
const maxGrowth = 45 * megabyte

let database: Awaited<ReturnType<typeof testDatabase>>
let service: MainProcess
let client: Client
let url: string
let atFirst: number

/** The service in a process with little memory. */
beforeAll(async () => {
  database = await testDatabase()
  const preload = join(import.meta.dirname, '../support/heap.ts')
  service = new MainProcess({
    DATABASE_URL: database.url,
    BOOTSTRAP_API_KEY: key,
    NODE_OPTIONS: `--max-old-space-size=512 --expose-gc --import=${preload}`,
  })
  ;({ url } = await service.ready())
  client = new Client({ url, key })
  for (const send of Object.values(ways)) await send([{ query: '{ account { id } }' }])
  atFirst = await memory()
})

afterAll(async () => {
  await client[Symbol.asyncDispose]()
  expect((await service.end('SIGTERM')).code).toBe(0)
  await database.close()
})

let asked = 0

/** The memory of the process, in bytes. */
async function memory(): Promise<number> {
  asked += 1
  service.process.kill('SIGUSR2')
  const [, bytes] = await service.prints(new RegExp(`memory ${asked}: (\\d+)\n`))
  return Number(bytes)
}

interface Operation {
  query: string
  variables?: Record<string, unknown>
}

const atOnce = 8

/** Sends operations, a few at a time, and accepts any answer. */
const ways = {
  async HTTP(operations: readonly Operation[]) {
    for (let start = 0; start < operations.length; start += atOnce)
      await Promise.all(
        operations.slice(start, start + atOnce).map(({ query, variables }) => client.send(query, variables)),
      )
  },
  async WebSocket(operations: readonly Operation[]) {
    await using socket = await Socket.connect({ url }, client.authorization())
    for (const [i, { query, variables }] of operations.entries()) {
      socket.subscribe(String(i), query, variables)
      if (i >= atOnce) await socket.all(String(i - atOnce))
    }
    for (let i = Math.max(0, operations.length - atOnce); i < operations.length; i++)
      await socket.all(String(i))
  },
}
const everyWay = Object.keys(ways) as (keyof typeof ways)[]

const times = (count: number, write: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => write(i)).join(' ')

/** Documents of all kinds, all of them different. `name` differs in each call. */
const kinds: [kind: string, count: number, write: (name: string) => Operation][] = [
  ['long ones that are not valid', 15, (name) => ({ query: `{ ${name} ${times(9_900, (i) => `a${i}`)} }` })],
  [
    'long ones that are valid',
    15,
    (name) => ({ query: `{ ${name}: __typename ${times(1_900, (i) => `a${i}: __typename`)} }` }),
  ],
  [
    'long ones with names that nobody else uses',
    10,
    (name) => ({ query: `{ ${times(390, (i) => `${name}${i}${'x'.repeat(240)}`)} }` }),
  ],
  [
    'look-ups with the codes written into them',
    2,
    (name) => ({ query: `{ ${times(900, (i) => `a${i}: code(code: "${name}-${i}") { id }`)} }` }),
  ],
  [
    'middling ones that are valid',
    100,
    (name) => ({ query: `{ ${name}: account { ${times(300, (i) => `n${i}: name`)} } }` }),
  ],
  ['short ones that are valid', 700, (name) => ({ query: `query ${name} { account { id } }` })],
  ['short ones that are not valid', 150, (name) => ({ query: `{ ${name} }` })],
  ['ones that cannot be read', 80, (name) => ({ query: `{ ${name} ${times(200, (i) => `a${i}`)}` })],
  ['strings', 10, (name) => ({ query: `{ pools(search: "${name}${'x'.repeat(90_000)}") { totalCount } }` })],
  ['comments', 10, (name) => ({ query: `${'#\n'.repeat(900)}query ${name} { account { id } }` })],
  [
    'fragments',
    10,
    (name) => ({
      query: `{ ...F0 } ${times(150, (i) => `fragment F${i} on Query { ${name}${i}: __typename }`)}`,
    }),
  ],
  [
    'variables',
    12,
    (name) => ({
      query: 'query ($name: String) { pools(search: $name) { totalCount } }',
      variables: { name, more: name.repeat(900_000 / name.length) },
    }),
  ],
  [
    'variables of the wrong type',
    10,
    (name) => ({
      query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
      variables: { ids: Array.from({ length: 4_000 }, (_, i) => ({ [name + i]: 'x'.repeat(50) })) },
    }),
  ],
]

describe.each(everyWay)('over %s', (way) => {
  test.each(kinds)('thousands of documents, %s, are cached within a bound', async (kind, count, write) => {
    const named = (i: number) => `${way}${kind.replaceAll(' ', '')}${i}`
    await ways[way](Array.from({ length: count }, (_, i) => write(named(i))))
    expect((await memory()) - atFirst).toBeLessThan(maxGrowth)
  })
})

test('subscriptions with long documents are admitted while there is memory, which is released with their socket', async () => {
  {
    await using socket = await Socket.connect({ url }, client.authorization())
    const answers = () => JSON.stringify(socket.received)
    // Until one is refused; so many more are never admitted.
    for (let i = 0; i < 60 && !answers().includes('too many subscriptions'); i++) {
      const query = `subscription S${i} { poolEvents { ${times(2_400, (j) => `a${j}: cursor`)} } }`
      socket.subscribe(String(i), query)
      // By the time this is answered, they have been admitted or refused.
      socket.subscribe(`after ${i}`, '{ account { id } }')
      await socket.all(`after ${i}`)
    }
    expect(answers()).toContain('too many subscriptions')
  }
  await expect.poll(async () => (await memory()) - atFirst, { timeout: 30_000 }).toBeLessThan(maxGrowth)
})

test('the service still answers', async () => {
  expect(await client.ask('{ account { name } }')).toEqual({ account: { name: 'First account' } })
  expect(service.stderr).not.toMatch(/heap out of memory|INTERNAL/)
})
