import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newPool } from '../support/api.ts'
import { Client } from '../support/client.ts'
import { startService, type TestService } from '../support/service.ts'

let service: TestService
let client: Client

beforeAll(async () => {
  service = await startService()
  client = new Client(service)
})

afterAll(async () => {
  await service.close()
})

interface Reply {
  status: number
  headers: Headers
  text: string
  /** Of the errors in the body, if it is JSON. */
  codes: string[]
  messages: string[]
}

async function send(
  body: string | null,
  options: { method?: string; path?: string; headers?: Record<string, string>; anonymous?: boolean } = {},
): Promise<Reply> {
  const { method = 'POST', path = '/graphql', headers = {}, anonymous = false } = options
  const response = await fetch(`${service.url}${path}`, {
    method,
    headers: {
      ...(anonymous ? {} : client.authorization()),
      ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    redirect: 'manual',
    body,
  })
  const text = await response.text()
  const json = response.headers.get('content-type')?.includes('json') === true && text !== ''
  const errors: { message: string; extensions: { code: string } }[] = json
    ? (JSON.parse(text).errors ?? [])
    : []
  return {
    status: response.status,
    headers: response.headers,
    text,
    codes: errors.map((error) => error.extensions.code),
    messages: errors.map((error) => error.message),
  }
}

const query = '{ account { name } }'
const operation = JSON.stringify({ query })
const answered = '{"data":{"account":{"name":"First account"}}}'

describe('a request', () => {
  test.each([
    ['malformed JSON', '{"query": '],
    ['an empty body', ''],
    ['a JSON array', `[${operation}]`],
    ['null', 'null'],
    ['a string', '"{ account { name } }"'],
    ['a number', '1'],
    ['an object without a query', '{}'],
    ['a query that is a number', '{"query": 1}'],
    ['variables that are a string', '{"query": "{ account { name } }", "variables": "x"}'],
    ['variables that are a list', '{"query": "{ account { name } }", "variables": [1]}'],
    ['a field that means nothing', '{"query": "{ account { name } }", "qeury": "x"}'],
    [
      'an operation that is not in the document',
      '{"query": "query A { account { name } }", "operationName": "B"}',
    ],
  ])('with %s is BAD_USER_INPUT, and without a key UNAUTHENTICATED', async (_what, body) => {
    const reply = await send(body)
    expect(reply.codes).toEqual(['BAD_USER_INPUT'])
    expect(reply.messages[0]?.length).toBeGreaterThan(10)
    const anonymous = await send(body, { anonymous: true })
    expect([anonymous.status, anonymous.codes]).toEqual([401, ['UNAUTHENTICATED']])
    expect(anonymous.headers.get('www-authenticate')).toBe('Bearer')
  })

  test.each(['text/plain', 'multipart/mixed; boundary=x', 'application/xml', ''])(
    'of the content type %j is BAD_USER_INPUT, and told what to send',
    async (type) => {
      const reply = await send(operation, { headers: { 'content-type': type } })
      expect([reply.status, reply.codes]).toEqual([415, ['BAD_USER_INPUT']])
      expect(reply.messages[0]).toContain('application/json')
      const anonymous = await send(operation, { headers: { 'content-type': type }, anonymous: true })
      expect(anonymous.codes).toEqual(['UNAUTHENTICATED'])
    },
  )

  test.each(['application/json', 'application/json; charset=utf-8'])(
    'of the content type %j is answered',
    async (type) => {
      expect(await send(operation, { headers: { 'content-type': type } })).toMatchObject({
        status: 200,
        text: answered,
      })
    },
  )

  test('whose client speaks the newest of GraphQL over HTTP has a status that says how it went', async () => {
    const headers = { accept: 'application/graphql-response+json' }
    expect((await send(operation, { headers })).status).toBe(200)
    for (const wrong of ['{', '{ vouchers }'])
      expect((await send(JSON.stringify({ query: wrong }), { headers })).status).toBe(400)
  })

  test('above the limit is refused without being read to its end', async () => {
    const long = JSON.stringify({ query: `${query}${' '.repeat(1_000_000)}` })
    const reply = await send(long)
    expect([reply.status, reply.codes]).toEqual([413, ['BAD_USER_INPUT']])
    expect((await send(long, { anonymous: true })).codes).toEqual(['UNAUTHENTICATED'])
    const justBelow = JSON.stringify({ query: `${query}${' '.repeat(990_000)}` })
    expect((await send(justBelow)).text).toBe(answered)
  })

  test('above the limit without saying so is cut off', async () => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const sending = httpRequest(
      `${service.url}/graphql`,
      { method: 'POST', headers: { ...client.authorization(), 'content-type': 'application/json' } },
      (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      },
    )
    sending.on('error', reject)
    const chunk = ' '.repeat(100_000)
    // Without an end: what answers has not waited for it.
    for (let i = 0; i < 15; i++) sending.write(chunk)
    expect(await promise).toBe(413)
    sending.destroy()
  })

  test('can be a GET, if it changes nothing', async () => {
    const get = (document: string) =>
      send(null, { method: 'GET', path: `/graphql?query=${encodeURIComponent(document)}` })
    expect(await get(query)).toMatchObject({ status: 200, text: answered })
    const name = 'made by a GET'
    const mutation = await get(`mutation { createPool(input: { name: "${name}" }) { __typename } }`)
    expect([mutation.status, mutation.codes]).toEqual([405, ['BAD_USER_INPUT']])
    const { pools } = await client.ask<{ pools: object }>(`{ pools(search: "${name}") { totalCount } }`)
    expect(pools).toEqual({ totalCount: '0' })
    expect((await send(null, { method: 'GET' })).codes).toEqual(['BAD_USER_INPUT'])
    expect((await get('{')).codes).toEqual(['GRAPHQL_PARSE_FAILED'])
  })

  test('with variables in the address is answered, and malformed ones are not an error of the service', async () => {
    const poolId = await newPool(client)
    const asking = encodeURIComponent('query ($id: ID!) { pool(id: $id) { id } }')
    const get = (variables: string) =>
      send(null, {
        method: 'GET',
        path: `/graphql?query=${asking}&variables=${encodeURIComponent(variables)}`,
      })
    expect((await get(JSON.stringify({ id: poolId }))).text).toBe(
      JSON.stringify({ data: { pool: { id: poolId } } }),
    )
    expect((await get('{"id":')).codes).toEqual(['BAD_USER_INPUT'])
  })

  test.each(['PUT', 'DELETE', 'PATCH'])('by %s is BAD_USER_INPUT', async (method) => {
    const reply = await send(null, { method })
    expect([reply.status, reply.codes]).toEqual([405, ['BAD_USER_INPUT']])
    expect((await send(null, { method, anonymous: true })).codes).toEqual(['UNAUTHENTICATED'])
  })

  test('for a subscription that cannot be answered as a stream is refused', async () => {
    const body = JSON.stringify({ query: 'subscription { poolEvents { cursor } }' })
    const reply = await send(body, { headers: { accept: 'application/json' } })
    expect([reply.status, reply.codes]).toEqual([406, ['BAD_USER_INPUT']])
    expect(reply.messages[0]).toContain('text/event-stream')
  })
})

describe('a page of another origin', () => {
  const origin = 'https://shop.example'

  test('may ask, with a key and JSON', async () => {
    const preflight = await send(null, {
      method: 'OPTIONS',
      anonymous: true,
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    })
    expect(preflight.status).toBe(204)
    expect([origin, '*']).toContain(preflight.headers.get('access-control-allow-origin'))
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/authorization.*content-type/)
  })

  test('can read every answer, also a refusal, and is never told that cookies count', async () => {
    for (const reply of [
      await send(operation, { headers: { origin } }),
      await send('{', { headers: { origin } }),
      await send(operation, { headers: { origin }, anonymous: true }),
      await send(operation, { headers: { origin, 'content-type': 'text/plain' } }),
    ]) {
      expect([origin, '*']).toContain(reply.headers.get('access-control-allow-origin'))
      expect(reply.headers.get('access-control-allow-credentials')).toBeNull()
    }
  })
})

describe('beside the API', () => {
  const get = (path: string) => send(null, { method: 'GET', path, anonymous: true })

  test('/health and /ready say that all is well', async () => {
    expect(await get('/health')).toMatchObject({ status: 200, text: 'ok\n' })
    expect(await get('/ready')).toMatchObject({ status: 200, text: 'ready\n' })
    expect((await get('/ready?verbose')).status).toBe(200)
  })

  test('the root leads to GraphiQL', async () => {
    const reply = await get('/')
    expect([reply.status, reply.headers.get('location')]).toEqual([302, '/graphql'])
  })

  test.each([
    '/nothing',
    '/graphql/',
    '/graphql/x',
    '/Graphql',
    '//',
    '/..%2f',
    '/graphiql/',
    '/%',
    '/health/',
  ])('nothing is at %s, and that is said', async (path) => {
    const reply = await get(path)
    expect(reply.status).toBe(404)
    expect(reply.text).toContain('/graphql')
  })

  test('a process that only works on tasks says how it is, and serves no API', async () => {
    await using worker = await startService({ role: 'worker', databaseUrl: service.databaseUrl })
    for (const path of ['/health', '/ready']) expect((await fetch(`${worker.url}${path}`)).status).toBe(200)
    const response = await fetch(`${worker.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...client.authorization() },
      body: operation,
    })
    expect(response.status).toBe(404)
  })
})
