import { getIntrospectionQuery } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { claim, newStock, withScopes } from '../support/api.ts'
import { Client } from '../support/client.ts'
import { testDatabase } from '../support/database.ts'
import { MainProcess } from '../support/process.ts'
import { Socket } from '../support/socket.ts'

/**
 * How many answers to one key may precede the answer to a later request of another key, even on a busy machine: far fewer
 * than the hundred that wait. On an idle machine there are a few.
 */
const few = 45

const key = 'a-key-of-the-tests-which-is-long-enough'
let database: Awaited<ReturnType<typeof testDatabase>>
let running: MainProcess
let service: { url: string }
let greedy: Client
let modest: Client

/** The service in a process of its own, so that its clients, which have much to read, do not hold it up. */
beforeAll(async () => {
  database = await testDatabase()
  running = new MainProcess({ DATABASE_URL: database.url, BOOTSTRAP_API_KEY: key })
  service = await running.ready()
  greedy = new Client({ ...service, key })
  modest = await withScopes(service, greedy, ['READ', 'CLAIM'])
})

afterAll(async () => {
  await running.end('SIGTERM')
  await database.close()
})

const introspection = getIntrospectionQuery()

describe('while one key asks for many introspections', () => {
  const count = 40

  async function openSockets(): Promise<Socket[]> {
    const sockets = await Promise.all(
      Array.from({ length: 3 }, () => Socket.connect(service, greedy.authorization())),
    )
    for (const socket of sockets) for (let i = 0; i < count; i++) socket.subscribe(`${i}`, introspection)
    // The first answers have arrived.
    await Promise.all(sockets.map((socket) => socket.next('0')))
    return sockets
  }

  const answers = (sockets: readonly Socket[]) =>
    sockets.flatMap(({ received }) => received.filter(({ type }) => type === 'next')).length

  test('over several sockets, a request of another key is served among the first', async () => {
    const sockets = await openSockets()
    const before = answers(sockets)
    expect(before).toBeLessThan(2 * count)
    await modest.ask('{ pools { totalCount } }')
    expect(answers(sockets) - before).toBeLessThan(few)
    await using socket = await Socket.connect(service, modest.authorization())
    const between = answers(sockets)
    socket.subscribe('1', '{ pools { totalCount } }')
    expect(await socket.next('1')).toMatchObject({ type: 'next' })
    expect(answers(sockets) - between).toBeLessThan(few)
    for (const each of sockets) await each[Symbol.asyncDispose]()
  })

  test('over HTTP, a claim of another key is served among the first', async () => {
    const { poolId } = await newStock(greedy, 1)
    let answered = 0
    const asked = Array.from({ length: 100 }, async () => {
      const { errors } = await greedy.send(introspection)
      answered += 1
      return errors
    })
    await Promise.race(asked)
    const before = answered
    expect(await claim(modest, poolId, 1)).toHaveLength(1)
    expect(answered - before).toBeLessThan(few)
    expect((await Promise.all(asked)).every((errors) => errors === undefined)).toBe(true)
  })
})

describe('while one key asks for many large answers', () => {
  const count = 10

  /** One field many times. 2,400 times for 100 codes is nearly the maximum of a request. */
  const fields = (times: number) => Array.from({ length: times }, (_, i) => `f${i}: code`).join(' ')
  const mutation = `mutation ($input: ClaimCodesInput!) {
    claimCodes(input: $input) { ... on ClaimCodesPayload { codes { ${fields(400)} } } }
  }`

  test('another key is served among the first, and abandoned operations are not executed', async () => {
    const { poolId } = await newStock(greedy, 100)
    const large = `{ pool(id: "${poolId}") { codes(status: AVAILABLE, first: 100) { edges { node { ${fields(2_400)} } } } } }`
    let answered = 0
    const asked = Array.from({ length: count }, async () => {
      await greedy.ask(large)
      answered += 1
    })
    await Promise.race(asked)
    const before = answered
    const introspected = modest.ask(introspection).then(() => answered - before)

    const leaving = new AbortController()
    const left = fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...greedy.authorization() },
      body: JSON.stringify({ query: mutation, variables: { input: { poolId, count: 50 } } }),
      signal: leaving.signal,
    }).catch((error: Error) => error.name)
    await using socket = await Socket.connect(service, greedy.authorization())
    socket.subscribe('claim', mutation, { input: { poolId, count: 50 } })
    // Starts after the claims, which by then only wait for room.
    socket.subscribe('small', '{ pools { totalCount } }')
    expect(await socket.next('small')).toMatchObject({ type: 'next' })
    expect(answered).toBeLessThan(count)
    expect(socket.received.some(({ id }) => id === 'claim')).toBe(false)
    socket.send({ id: 'claim', type: 'complete' })
    leaving.abort()
    expect(await left).toBe('AbortError')

    expect(await introspected).toBeLessThan(5)
    await Promise.all(asked)
    await greedy.ask(large)
    expect(await greedy.ask(`{ pool(id: "${poolId}") { claimedCount } }`)).toEqual({
      pool: { claimedCount: '0' },
    })
  })
})
