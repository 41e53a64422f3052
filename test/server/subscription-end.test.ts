import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { GraphQLInt, GraphQLNonNull, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccount } from '../../src/domain/account/account.ts'
import type { Context } from '../../src/graphql/context.ts'
import { untilRevoked } from '../../src/graphql/subscriptions.ts'
import { Lifecycle } from '../../src/lifecycle.ts'
import { listen } from '../../src/listen.ts'
import { Networks } from '../../src/outgoing/networks.ts'
import { openServices } from '../../src/roles/api.ts'
import { createApi, graphqlRoute } from '../../src/server/api/api.ts'
import { HttpServer } from '../../src/server/http/server.ts'
import { serveWebSocket } from '../../src/server/websocket/server.ts'
import { openBooks, silent } from '../support/books.ts'
import { Client } from '../support/client.ts'
import { Socket } from '../support/socket.ts'

/** The signals of the sources of subscriptions, one for each that has begun. */
const sources: AbortSignal[] = []
const lifecycle = new Lifecycle()
let http: HttpServer
let service: { url: string }
let client: Client

// Never ends on its own, and fills all buffers on the way to a client that does not read.
async function* flood(signal: AbortSignal) {
  sources.push(signal)
  while (!signal.aborted) yield { flood: 'x'.repeat(100_000) }
}

// Counts once, then waits to be ended, like a subscription to a quiet pool.
async function* quiet(signal: AbortSignal) {
  sources.push(signal)
  yield { count: sources.length }
  if (!signal.aborted) await once(signal, 'abort')
}

const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields: { nothing: { type: GraphQLInt } } }),
  subscription: new GraphQLObjectType<unknown, Context>({
    name: 'Subscription',
    fields: {
      count: {
        type: new GraphQLNonNull(GraphQLInt),
        subscribe: (_root, _args, context) => untilRevoked(context, quiet),
      },
      flood: {
        type: new GraphQLNonNull(GraphQLString),
        subscribe: (_root, _args, context) => untilRevoked(context, flood),
      },
    },
  }),
})

/** The service's server, with subscriptions whose sources the tests can observe. */
beforeAll(async () => {
  const { books } = await lifecycle.open('books', openBooks, (opened) => opened.close())
  const log = silent
  const opened = await openServices(lifecycle, books, {
    maxUploadBytes: 1_000_000,
    failedLookUpsPerMinute: 0,
    maxRedemptionAgeDays: 7,
    webhookAllowedNetworks: Networks.none,
    log,
  })
  const api = createApi({ ...opened, schema, log })
  http = await lifecycle.open(
    'HTTP',
    () => new HttpServer({ books, log, routes: { graphql: graphqlRoute(api, async () => '') } }),
    (server) => server.close(),
  )
  await lifecycle.open(
    'WebSockets',
    () => serveWebSocket({ ...opened, server: http.server, api, log }),
    (sockets) => sockets.close(),
  )
  service = { url: `http://127.0.0.1:${await listen(http.server, { port: 0, host: '127.0.0.1' })}` }
  client = new Client({ ...service, key: (await createAccount(books.connections, randomUUID())).secret })
})

afterAll(async () => {
  await lifecycle.close()
})

async function ended(signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === false) await once(signal, 'abort')
  expect(signal?.aborted).toBe(true)
}

describe('the source of a subscription ends when its client', () => {
  const begun = async () => {
    const socket = await Socket.connect(service, client.authorization())
    socket.subscribe('1', 'subscription { count }')
    expect(await socket.next('1')).toMatchObject({
      type: 'next',
      payload: { data: { count: sources.length } },
    })
    return { socket, source: sources.at(-1) }
  }

  test('completes it', async () => {
    const { socket, source } = await begun()
    expect(source?.aborted).toBe(false)
    socket.send({ id: '1', type: 'complete' })
    await ended(source)
    await socket[Symbol.asyncDispose]()
  })

  test('closes the WebSocket', async () => {
    const { socket, source } = await begun()
    await socket[Symbol.asyncDispose]()
    await ended(source)
  })

  test('resets the connection', async () => {
    const { socket, source } = await begun()
    socket.socket.terminate()
    await ended(source)
  })

  test('violates the protocol, which ends all its operations', async () => {
    const { socket, source } = await begun()
    socket.subscribe('2', 'subscription { count }')
    await socket.next('2')
    socket.socket.send('nonsense')
    await ended(source)
    await ended(sources.at(-1))
    expect((await socket.closed).code).toBe(4400)
  })

  test('leaves an event stream', async () => {
    const leaving = new AbortController()
    const response = await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...client.authorization() },
      body: JSON.stringify({ query: 'subscription { count }' }),
      signal: leaving.signal,
    })
    const reader = response.body?.getReader()
    let text = ''
    while (!text.includes('data:')) text += new TextDecoder().decode((await reader?.read())?.value)
    const source = sources.at(-1)
    expect(source?.aborted).toBe(false)
    leaving.abort()
    await ended(source)
  })

  test('leaves an event stream that it has stopped reading', async () => {
    const before = sources.length
    const sent = request(`${service.url}/graphql`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...client.authorization() },
    })
    sent.end(JSON.stringify({ query: 'subscription { flood }' }))
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    await expect.poll(() => sources.length).toBe(before + 1)
    response.pause()
    // Until the server waits for the client to read.
    await expect.poll(() => response.readableLength).toBeGreaterThan(0)
    response.destroy()
    await ended(sources.at(-1))
  })

  test('cannot read streams, so that none begins', async () => {
    const before = sources.length
    const response = await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...client.authorization() },
      body: JSON.stringify({ query: 'subscription { count }' }),
    })
    expect(response.status).toBe(406)
    expect(sources.length).toBe(before)
  })
})

test('a server that retires is not ready, but still answers', async () => {
  const ready = () => fetch(`${service.url}/ready`)
  expect((await ready()).status).toBe(200)
  http.retire()
  const response = await ready()
  expect([response.status, await response.text()]).toEqual([503, 'shutting down\n'])
  expect((await fetch(`${service.url}/health`)).status).toBe(200)
  expect((await client.send('{ nothing }')).data).toEqual({ nothing: null })
})
