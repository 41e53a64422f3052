import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { mutate, newPool, newStock, stranger, withScopes } from '../../support/api.ts'
import { Client } from '../../support/client.ts'
import { startService, useClient, useService } from '../../support/service.ts'
import { type Message, Socket } from '../../support/socket.ts'

const service = useService()
const client = useClient(service)

const account = '{ account { name } }'
const answered = { data: { account: { name: 'First account' } } }
const errorsOf = (message: Message | undefined) =>
  (message?.payload as { errors?: unknown } | undefined)?.errors
const error = (code: string) => [
  expect.objectContaining({ extensions: { code, requestId: expect.any(String) } }),
]

describe('a connection', () => {
  test('that is not initialised within three seconds is closed: 4408', async () => {
    await using socket = await Socket.open(service)
    expect((await socket.closed).code).toBe(4408)
  })

  test.each([
    ['is not JSON', 'hello'],
    ['is no message of the protocol', '{"type": "start"}'],
    ['is no object', '[]'],
    ['has no type', '{}'],
    ['is binary', Buffer.from([0, 255, 1])],
    ['asks for nothing', '{"type": "subscribe", "id": "1"}'],
    ['has an empty id', '{"type": "subscribe", "id": "", "payload": {"query": "{ account { id } }"}}'],
  ])('whose message %s is closed: 4400', async (_what, message) => {
    await using socket = await Socket.open(service)
    socket.socket.send(message)
    expect((await socket.closed).code).toBe(4400)
  })

  test('that is initialised twice is closed: 4429', async () => {
    await using socket = await Socket.connect(service)
    socket.send({ type: 'connection_init' })
    expect((await socket.closed).code).toBe(4429)
  })

  test('with an operation before it is initialised is closed: 4401', async () => {
    await using socket = await Socket.open(service)
    socket.subscribe('1', account)
    expect((await socket.closed).code).toBe(4401)
  })

  test('with two operations of one id is closed: 4409', async () => {
    await using socket = await Socket.connect(service, client.authorization())
    socket.subscribe('1', 'subscription { poolEvents { cursor } }')
    socket.subscribe('1', account)
    expect((await socket.closed).code).toBe(4409)
  })

  test('that does not name the protocol is closed: 4406', async () => {
    await using socket = await Socket.open(service, { protocols: [] })
    expect((await socket.closed).code).toBe(4406)
    // The name of an older protocol.
    await expect(Socket.open(service, { protocols: ['graphql-ws'] })).rejects.toThrow('no subprotocol')
  })

  test('with a message above the limit is closed: 1009', async () => {
    await using socket = await Socket.connect(service, client.authorization())
    socket.subscribe('1', `${account}${' '.repeat(1_000_000)}`)
    expect((await socket.closed).code).toBe(1009)
  })

  test('on another path is refused', async () => {
    for (const path of ['/', '/other', '/graphql/', '/health'])
      await expect(Socket.open(service, { path })).rejects.toThrow('404')
    await using socket = await Socket.open(service, { path: '/graphql?anything' })
    expect(socket.socket.protocol).toBe('graphql-transport-ws')
  })

  test('that is opened in an unusual way, or closed at once, does no harm', async () => {
    const { hostname, port } = new URL(service.url)
    const upgrade = (path: string, how: 'end' | 'resetAndDestroy') =>
      new Promise<void>((resolve) => {
        const socket = connect(Number(port), hostname, () => {
          socket.write(
            `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
              'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
          )
          if (how === 'end') socket.once('data', () => socket.end())
          else socket.resetAndDestroy()
        })
        socket.on('error', () => socket.destroy())
        socket.on('close', () => resolve())
      })
    for (const path of ['//', '//[', 'http://', '*', '/%', '?', '/graphql#', 'http://[/graphql']) {
      await upgrade(path, 'end')
      await upgrade(path, 'resetAndDestroy')
    }
    for (let i = 0; i < 50; i++)
      await Promise.all([upgrade('/other', 'resetAndDestroy'), upgrade('/graphql', 'resetAndDestroy')])
    expect((await fetch(`${service.url}/health`)).status).toBe(200)
  })
})

describe('an operation', () => {
  test('without a key ends as UNAUTHENTICATED, and the connection stays open', async () => {
    for (const params of [
      undefined,
      {},
      { authorization: '' },
      { authorization: 'Bearer x' },
      { authorization: service.key },
      { authorization: [`Bearer ${service.key}`] },
      { authorization: null },
      { headers: { authorization: `Bearer ${service.key}` } },
    ]) {
      await using socket = await Socket.connect(service, params)
      for (const [id, query] of Object.entries({
        a: account,
        b: '{',
        c: '{ vouchers }',
        d: 'subscription { poolEvents { cursor } }',
      })) {
        socket.subscribe(id, query)
        expect(await socket.next(id)).toEqual({ id, type: 'error', payload: error('UNAUTHENTICATED') })
      }
      socket.send({ type: 'ping' })
      expect(await socket.next()).toEqual({ type: 'pong' })
    }
  })

  test('finds the key in connectionParams, in upper or lower case', async () => {
    for (const name of ['authorization', 'Authorization', 'AUTHORIZATION']) {
      await using socket = await Socket.connect(service, { [name]: `Bearer ${service.key}` })
      socket.subscribe('1', account)
      expect(await socket.all('1')).toEqual([
        { id: '1', type: 'next', payload: answered },
        { id: '1', type: 'complete' },
      ])
    }
  })

  test('that is invalid does not affect others on its connection', async () => {
    const { poolId } = await newStock(client, 1)
    await using socket = await Socket.connect(service, client.authorization())
    socket.subscribe('live', 'subscription ($id: ID!) { poolUpdated(id: $id) { name availableCount } }', {
      id: poolId,
    })
    expect(await socket.next('live')).toMatchObject({ type: 'next' })
    const wrong = {
      syntax: ['{', 'GRAPHQL_PARSE_FAILED'],
      field: ['{ vouchers }', 'GRAPHQL_VALIDATION_FAILED'],
      variable: ['query ($id: ID!) { pool(id: $id) { id } }', 'GRAPHQL_VALIDATION_FAILED'],
      deep: ['{ a '.repeat(4_000), 'GRAPHQL_PARSE_FAILED'],
      missing: ['subscription { taskUpdated(id: "x") { id } }', 'NOT_FOUND'],
      cursor: ['subscription { poolEvents(after: "x") { cursor } }', 'CURSOR_INVALID'],
      page: ['{ pools(first: 0) { totalCount } }', 'BAD_USER_INPUT'],
    }
    for (const [id, [query = '', code = '']] of Object.entries(wrong)) {
      socket.subscribe(id, query)
      const [first, last] = await socket.all(id)
      const errors = first?.type === 'error' ? first.payload : errorsOf(first)
      expect([id, errors]).toEqual([id, error(code)])
      // An error ends an operation without a message complete.
      expect(last?.type).toBe(first?.type === 'error' ? undefined : 'complete')
    }
    socket.subscribe('claim', 'mutation ($id: ID!) { claimCodes(input: { poolId: $id }) { __typename } }', {
      id: poolId,
    })
    expect(await socket.next('claim')).toMatchObject({
      payload: { data: { claimCodes: { __typename: 'ClaimCodesPayload' } } },
    })
    expect(await socket.next('live')).toMatchObject({
      payload: { data: { poolUpdated: { availableCount: '0' } } },
    })
  })

  test('can be a query, a mutation or a subscription, many at a time, each with its own answer', async () => {
    await using socket = await Socket.connect(service, client.authorization())
    const names = Array.from({ length: 50 }, (_, i) => `over a socket ${i}`)
    for (const name of names)
      socket.subscribe(
        name,
        'mutation ($name: String!) { createPool(input: { name: $name }) { ... on CreatePoolPayload { pool { name } } } }',
        { name },
      )
    for (const name of names)
      expect(await socket.all(name)).toEqual([
        { id: name, type: 'next', payload: { data: { createPool: { pool: { name } } } } },
        { id: name, type: 'complete' },
      ])
  })

  test('can be one of several in a document', async () => {
    await using socket = await Socket.connect(service, client.authorization())
    const query = 'query A { account { id } } query B { account { name } }'
    socket.send({ id: '1', type: 'subscribe', payload: { query, operationName: 'B' } })
    expect(await socket.next('1')).toMatchObject({ payload: answered })
    socket.send({ id: '2', type: 'subscribe', payload: { query, operationName: 'C' } })
    expect(await socket.next('2')).toEqual({ id: '2', type: 'error', payload: error('BAD_USER_INPUT') })
  })

  test('that is only named by hash or id is answered as over HTTP', async () => {
    await using socket = await Socket.connect(service, client.authorization())
    const extensions = { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } }
    for (const payload of [
      { extensions },
      { extensions, query: null },
      { extensions, query: '' },
      { documentId: 'x' },
      { id: 'x', query: null },
      { doc_id: 'x', query: '' },
    ]) {
      socket.send({ id: '1', type: 'subscribe', payload })
      expect(await socket.next('1')).toEqual({
        id: '1',
        type: 'error',
        payload: [
          {
            message: 'PersistedQueryNotSupported',
            extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED', requestId: expect.any(String) },
          },
        ],
      })
    }
    socket.send({ id: '2', type: 'subscribe', payload: { query: account, extensions, doc_id: 'x' } })
    expect(await socket.next('2')).toMatchObject({ payload: answered })
  })

  test('that the client completes sends nothing more', async () => {
    const poolId = await newPool(client)
    await using socket = await Socket.connect(service, client.authorization())
    const query = 'subscription ($id: ID!) { poolUpdated(id: $id) { name } }'
    for (const id of ['leaves', 'stays']) {
      socket.subscribe(id, query, { id: poolId })
      expect(await socket.next(id)).toMatchObject({ type: 'next' })
    }
    socket.send({ id: 'leaves', type: 'complete' })
    await mutate(client, 'renamePool', { poolId, name: randomUUID() })
    expect(await socket.next('stays')).toMatchObject({ type: 'next' })
    expect(
      socket.received.filter((message) => message.id === 'leaves' && message.type === 'next'),
    ).toHaveLength(1)
  })

  test('beyond a thousand on one connection is refused, until another is completed', async () => {
    await using socket = await Socket.connect(service, client.authorization())
    const query = 'subscription { poolEvents { cursor } }'
    for (let i = 0; i < 1_000; i++) socket.subscribe(`${i}`, query)
    socket.subscribe('more', account)
    expect(await socket.next('more')).toEqual({ id: 'more', type: 'error', payload: error('BAD_USER_INPUT') })
    // Only this one: the others continue.
    expect(socket.received.filter((message) => message.type === 'error')).toHaveLength(1)
    socket.send({ id: '500', type: 'complete' })
    socket.subscribe('again', account)
    expect(await socket.next('again')).toMatchObject({ type: 'next', payload: answered })
  })

  test('whose key lacks a scope is FORBIDDEN', async () => {
    const claims = await withScopes(service, client, ['CLAIM'])
    await using socket = await Socket.connect(service, claims.authorization())
    socket.subscribe('1', 'subscription { poolEvents { cursor } }')
    const { payload } = await socket.next('1')
    expect((payload as { errors: unknown }).errors).toEqual(error('FORBIDDEN'))
  })
})

describe('when the service is shut down', () => {
  test('sockets are closed with 1001, operations in flight are answered, and streams are cut', async () => {
    const leaving = await startService()
    const from = new Client(leaving)
    const { poolId } = await newStock(from, 1)
    const query = 'subscription ($id: ID!) { poolUpdated(id: $id) { name } }'
    const sockets = [await Socket.connect(leaving, from.authorization()), await Socket.connect(leaving)]
    sockets[0]?.subscribe('1', query, { id: poolId })
    expect(await sockets[0]?.next('1')).toMatchObject({ type: 'next' })
    const stream = await fetch(`${leaving.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...from.authorization() },
      body: JSON.stringify({ query, variables: { id: poolId } }),
    })
    const reading = stream.text().then(
      () => 'ended',
      () => 'cut',
    )
    const closed = leaving.close().then(() => 'closed')
    for (const socket of sockets) expect((await socket.closed).code).toBe(1001)
    // Less than the ten seconds after which the service gives up on operations in flight.
    const patience = new Promise((resolve) => setTimeout(resolve, 8_000, 'still waiting').unref())
    expect(await Promise.race([closed, patience])).toBe('closed')
    expect(await reading).toMatch(/ended|cut/)
    await expect(fetch(`${leaving.url}/health`)).rejects.toThrow()
  })
})

test('another account can use another connection', async () => {
  await using other = await stranger(service)
  await using socket = await Socket.connect(service, other.authorization())
  socket.subscribe('1', account)
  const { payload } = await socket.next('1')
  expect((payload as { data: { account: { name: string } } }).data.account.name).not.toBe('First account')
})
