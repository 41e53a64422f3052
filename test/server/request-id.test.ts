import { once } from 'node:events'
import { get as httpGet, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { RequestRecord } from '../../src/telemetry/request-record.ts'
import { newStock } from '../support/api.ts'
import { openStream } from '../support/event-stream.ts'
import { LogLines } from '../support/log-lines.ts'
import { useClient, useService } from '../support/service.ts'
import { Socket } from '../support/socket.ts'

const uuid = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/

const log = new LogLines('debug')
const service = useService({ log: log.log })
const client = useClient(service)

/** The line about a request. */
const requestLine = (requestId: string) =>
  log.line((line) => line.requestId === requestId && line.msg === 'request')

async function answerTo(path: string, init: RequestInit = {}) {
  const response = await fetch(`${service.url}${path}`, init)
  const text = await response.text()
  const id = response.headers.get('x-request-id') ?? ''
  return { id, status: response.status, text, headers: response.headers }
}

/** The ids in the errors of an answer. */
function idsIn(text: string): unknown[] {
  const { errors = [] }: { errors?: { extensions: { requestId?: unknown } }[] } = JSON.parse(text)
  return errors.map(({ extensions }) => extensions.requestId)
}

const post = (query: string, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...client.authorization(), ...headers },
  body: JSON.stringify({ query }),
})

describe('the id of a request', () => {
  test.each([
    ['/health', 200, {}],
    ['/ready', 200, {}],
    ['/nowhere', 404, {}],
    ['/health', 405, { method: 'POST' }],
    ['/', 200, { headers: { accept: 'text/html' } }],
    ['/session', 405, {}],
    ['/graphql', 204, { method: 'OPTIONS' }],
    ['/graphql', 200, { headers: { accept: 'text/html' } }],
    ['/graphql', 401, {}],
    ['/pools/x/codes.csv', 401, {}],
    ['/pools/x/codes', 401, { method: 'POST' }],
    ['/tasks/x/rejected.csv', 401, {}],
  ] as [string, number, RequestInit][])(
    'is in the header of the answer of %s with %i, and in its errors',
    async (path, status, init) => {
      const answer = await answerTo(path, init)
      expect(answer).toMatchObject({ status, id: expect.stringMatching(uuid) })
      if (answer.text.startsWith('{')) expect(idsIn(answer.text)).toEqual([answer.id])
      expect((await requestLine(answer.id))['status']).toBe(status)
    },
  )

  test('can be read by pages of other origins', async () => {
    const { headers } = await answerTo('/graphql', post('{ account { name } }'))
    expect(headers.get('access-control-expose-headers')).toContain('X-Request-Id')
  })

  test.each(['a', 'trace-1.2_B', 'x'.repeat(128)])('is the one that came with it: %s', async (sent) => {
    expect((await answerTo('/health', { headers: { 'x-request-id': sent } })).id).toBe(sent)
    const refused = await answerTo('/graphql', post('{ nothing }', { 'x-request-id': sent }))
    expect(refused.id).toBe(sent)
    expect(idsIn(refused.text)).toEqual([sent])
  })

  test.each(['', 'a b', 'ä', '"x"', '{"a":1}', 'x'.repeat(129), 'a,b', '../a', `pk_${'x'.repeat(40)}`])(
    'is a new one if the one that came with it is %j',
    async (sent) => {
      const id = await new Promise<unknown>((resolve, reject) => {
        const headers = { 'x-request-id': Buffer.from(sent).toString('latin1') }
        httpGet(`${service.url}/health`, { headers }, (answer: IncomingMessage) => {
          answer.resume()
          resolve(answer.headers['x-request-id'])
        }).once('error', reject)
      })
      expect(id).toMatch(uuid)
    },
  )

  test('is a new one if several came with it', async () => {
    const id = await new Promise<unknown>((resolve, reject) => {
      const asked = httpRequest(`${service.url}/health`, (answer) => {
        answer.resume()
        resolve(answer.headers['x-request-id'])
      })
      asked.once('error', reject)
      asked.setHeader('X-Request-Id', ['a', 'b'])
      asked.end()
    })
    expect(id).toMatch(uuid)
  })

  test('is in an answer to bytes that are no request', async () => {
    const { hostname, port } = new URL(service.url)
    const socket = connect(Number(port), hostname)
    socket.end('NONSENSE\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    const [headers = '', body = ''] = text.split('\r\n\r\n')
    const [, id] = /X-Request-Id: (\S+)/.exec(headers) ?? []
    expect(id).toMatch(uuid)
    expect(idsIn(body)).toEqual([id])
  })

  test('is in all errors of an operation, and differs for each operation', async () => {
    const query = '{ a: nothing b: nothing }'
    const [one, other] = [await answerTo('/graphql', post(query)), await answerTo('/graphql', post(query))]
    expect(idsIn(one.text)).toEqual([one.id, one.id])
    expect(idsIn(other.text)).toEqual([other.id, other.id])
    expect(one.id).not.toBe(other.id)
  })

  test('is not in an answer without errors', async () => {
    const answer = await answerTo('/graphql', post('{ account { name } }'))
    expect(JSON.parse(answer.text)).toEqual({ data: { account: { name: 'First account' } } })
  })

  test('is that of the request in the errors of a stream of events', async () => {
    const query = 'subscription { poolEvents(after: "x") { cursor } }'
    const stream = await openStream(service, client, query)
    const { value } = await stream[Symbol.asyncIterator]().next()
    const id = value?.errors?.[0]?.extensions['requestId']
    expect(await requestLine(String(id))).toMatchObject({
      route: 'graphql',
      kind: 'subscription',
      fields: ['poolEvents'],
      codes: ['CURSOR_INVALID'],
    })
  })

  test('differs for each operation over WebSocket, refused or failed, and is in its line of the log', async () => {
    await using socket = await Socket.connect(service, client.authorization())
    const ids = new Set<string>()
    for (const [query, code] of [
      ['{', 'GRAPHQL_PARSE_FAILED'],
      ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
      ['{ pools(first: 1000) { edges { node { id } } } }', 'BAD_USER_INPUT'],
      ['subscription { poolEvents(after: "x") { cursor } }', 'CURSOR_INVALID'],
    ] as const) {
      socket.subscribe(code, query)
      const { payload } = await socket.next(code)
      const errors = Array.isArray(payload) ? payload : (payload as { errors: unknown[] }).errors
      expect(errors).toMatchObject([{ extensions: { code, requestId: expect.stringMatching(uuid) } }])
      const [{ extensions }] = errors as [{ extensions: { requestId: string } }]
      expect(await requestLine(extensions.requestId)).toMatchObject({
        transport: 'websocket',
        codes: [code],
        keyId: expect.any(String),
      })
      ids.add(extensions.requestId)
    }
    expect(ids.size).toBe(4)
  })

  test('is in the handshake of a WebSocket', async () => {
    const socket = new WebSocket(`${service.url.replace(/^http/, 'ws')}/graphql`, 'graphql-transport-ws', {
      headers: { 'x-request-id': 'mine' },
    })
    const [answer]: IncomingMessage[] = await once(socket, 'upgrade')
    expect(answer?.headers['x-request-id']).toBe('mine')
    socket.terminate()
  })
})

describe('the line of a request', () => {
  test('has its operation, its root fields, its status and its key', async () => {
    const { id } = await answerTo(
      '/graphql',
      post(
        'query Named { a: account { name } b: account { name } ...More } fragment More on Query { pools { edges { node { id } } } }',
      ),
    )
    expect(await requestLine(id)).toEqual({
      level: 20,
      time: expect.any(Number),
      pid: expect.any(Number),
      hostname: expect.any(String),
      requestId: id,
      method: 'POST',
      route: 'graphql',
      status: 200,
      operation: 'Named',
      kind: 'query',
      fields: ['account', 'pools'],
      durationMs: expect.any(Number),
      keyId: expect.stringMatching(/^[\da-f-]{36}$/),
      msg: 'request',
    })
  })

  test('has the codes of typed errors', async () => {
    const query = 'mutation { archivePool(input: { poolId: "x" }) { ... on UserError { code } } }'
    const { id } = await answerTo('/graphql', post(query))
    expect(await requestLine(id)).toMatchObject({ kind: 'mutation', codes: ['NOT_FOUND'], status: 200 })
  })

  test('says that a request without a key was refused, and nothing of its operation', async () => {
    const { id } = await answerTo(
      '/graphql',
      post('query Secret { account { name } }', { authorization: '' }),
    )
    const line = await requestLine(id)
    expect(line).toMatchObject({ status: 401, codes: ['UNAUTHENTICATED'] })
    expect(JSON.stringify(line)).not.toContain('Secret')
  })

  test('of a file has its key, and not its path', async () => {
    const { poolId } = await newStock(client, 3)
    const { id } = await answerTo(`/pools/${encodeURIComponent(poolId)}/codes.csv?status=AVAILABLE`, {
      headers: client.authorization(),
    })
    const line = await requestLine(id)
    expect(line).toMatchObject({ route: 'codesFile', status: 200, keyId: expect.any(String) })
    expect(JSON.stringify(line)).not.toContain(encodeURIComponent(poolId))
  })

  test('of a subscription over WebSocket comes when it ends', async () => {
    const { taskId } = await newStock(client, 1)
    const before = log.lines.length
    const updates = client.subscribe('subscription Watch($id: ID!) { taskUpdated(id: $id) { status } }', {
      id: taskId,
    })
    for await (const _ of updates);
    const line = await log.line((each) => each['operation'] === 'Watch')
    expect(line).toMatchObject({ transport: 'websocket', kind: 'subscription', fields: ['taskUpdated'] })
    expect(log.lines.slice(before).filter((each) => each['operation'] === 'Watch')).toHaveLength(1)
  })

  test('is not written at level info', async () => {
    const quiet = new LogLines('info')
    new RequestRecord('a').operationEnded(quiet.log)
    expect(quiet.text).toBe('')
  })

  test('of a client that left before the answer says so', async () => {
    const asked = httpRequest(`${service.url}/graphql`, {
      method: 'POST',
      headers: {
        ...client.authorization(),
        'content-type': 'application/json',
        'content-length': '100',
        expect: '100-continue',
        'x-request-id': 'left',
      },
    })
    asked.once('error', () => {})
    // The service wants the body now.
    asked.once('continue', () => asked.destroy())
    asked.flushHeaders()
    expect(await requestLine('left')).toMatchObject({ isCutOff: true, keyId: expect.any(String) })
  })
})
