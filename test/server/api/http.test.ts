import { request as httpRequest } from 'node:http'
import { describe, expect, test } from 'vitest'
import { newPool } from '../../support/api.ts'
import { startService, useClient, useService } from '../../support/service.ts'

const service = useService()
const client = useClient(service)

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
    ['a query under another name', '{"qeury": "{ account { name } }"}'],
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
    'of the content type %j is BAD_USER_INPUT, and the message says what to send',
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

  test('that accepts application/graphql-response+json has a status that tells the outcome', async () => {
    const headers = { accept: 'application/graphql-response+json' }
    expect((await send(operation, { headers })).status).toBe(200)
    for (const wrong of ['{', '{ vouchers }'])
      expect((await send(JSON.stringify({ query: wrong }), { headers })).status).toBe(400)
  })

  test('above the limit is refused without being read completely', async () => {
    const long = JSON.stringify({ query: `${query}${' '.repeat(1_000_000)}` })
    const reply = await send(long)
    expect([reply.status, reply.codes]).toEqual([413, ['BAD_USER_INPUT']])
    expect((await send(long, { anonymous: true })).codes).toEqual(['UNAUTHENTICATED'])
    const justBelow = JSON.stringify({ query }) + ' '.repeat(990_000)
    expect((await send(justBelow)).text).toBe(answered)
  })

  test('above the limit without a Content-Length is cut off', async () => {
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
    // Without an end: the answer does not wait for it.
    for (let i = 0; i < 15; i++) sending.write(chunk)
    expect(await promise).toBe(413)
    sending.destroy()
  })

  test('can be a GET if it is a query', async () => {
    const get = (document: string) =>
      send(null, { method: 'GET', path: `/graphql?query=${encodeURIComponent(document)}` })
    expect(await get(query)).toMatchObject({ status: 200, text: answered })
    const name = 'made by a GET'
    const mutation = await get(`mutation { createPool(input: { name: "${name}" }) { __typename } }`)
    expect([mutation.status, mutation.codes]).toEqual([405, ['BAD_USER_INPUT']])
    expect(mutation.headers.get('allow')).toBe('POST')
    expect(mutation.messages).toEqual(['A mutation cannot be sent with GET. Send it with POST.'])
    const { pools } = await client.ask<{ pools: object }>(`{ pools(search: "${name}") { totalCount } }`)
    expect(pools).toEqual({ totalCount: '0' })
    const empty = await send(null, { method: 'GET' })
    expect([empty.status, empty.codes]).toEqual([400, ['BAD_USER_INPUT']])
    expect(empty.messages[0]).toMatch(/^The request has no query\. Send a query in the address/)
    expect((await get('{')).codes).toEqual(['GRAPHQL_PARSE_FAILED'])
  })

  test('with variables in the address is answered, and malformed ones are BAD_USER_INPUT', async () => {
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
    const malformed = await get('{"id":')
    expect([malformed.codes, malformed.messages]).toEqual([
      ['BAD_USER_INPUT'],
      ['The parameter variables of the address is not JSON. Send a JSON object, percent-encoded.'],
    ])
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

describe('a request that is not an operation', () => {
  const send400 = (body: string | null, type = 'application/json') =>
    send(body, { headers: { 'content-type': type } })

  test.each<[string, string, string, number, string]>([
    ['JSON that breaks off', '{"query": ', 'application/json', 400, 'not JSON'],
    ['no JSON at all', 'query={ account { name } }', 'application/json', 400, 'not JSON'],
    ['nothing', '', 'application/json', 400, 'no body'],
    ['spaces', '  ', 'application/json', 400, 'no body'],
    ['a list of operations', `[${operation}]`, 'application/json', 400, 'batching'],
    ['null', 'null', 'application/json', 400, 'null'],
    ['a string', '"{ account { name } }"', 'application/json', 400, 'a string'],
    ['no query', '{"variables": {}}', 'application/json', 400, 'no query'],
    ['a query that is an object', '{"query": {}}', 'application/json', 400, 'query is an object'],
    [
      'variables as text',
      '{"query": "{ account { name } }", "variables": "{}"}',
      'application/json',
      400,
      'variables',
    ],
    [
      'variables in a list',
      '{"query": "{ account { name } }", "variables": []}',
      'application/json',
      400,
      'variables',
    ],
    [
      'extensions as text',
      '{"query": "{ account { name } }", "extensions": "x"}',
      'application/json',
      400,
      'extensions',
    ],
    [
      'a name that is a number',
      '{"query": "{ account { name } }", "operationName": 1}',
      'application/json',
      400,
      'operationName',
    ],
    ['a query under another name', '{"qeury": "{ account { name } }"}', 'application/json', 400, '"qeury"'],
    [
      'what curl -d sends',
      operation,
      'application/x-www-form-urlencoded',
      415,
      "-H 'Content-Type: application/json'",
    ],
    ['a form', 'query=%7Baccount%7Bname%7D%7D', 'application/x-www-form-urlencoded', 415, 'application/json'],
    ['text', operation, 'text/plain', 415, 'text/plain'],
    ['no type', operation, '', 415, 'content type'],
    ['another charset', operation, 'application/json; charset=iso-8859-1', 415, 'UTF-8'],
  ])(
    'because it is %s has the same status for every client, and the message says what to send',
    async (_what, body, type, status, message) => {
      for (const accept of [
        'application/json',
        'application/graphql-response+json',
        '*/*',
        'text/html',
        'image/png',
      ]) {
        const reply = await send(body, { headers: { 'content-type': type, accept } })
        expect([accept, reply.status, reply.codes]).toEqual([accept, status, ['BAD_USER_INPUT']])
        expect(reply.messages[0]).toContain(message)
      }
    },
  )

  test('in bytes that are not UTF-8 is refused', async () => {
    const response = await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { ...client.authorization(), 'content-type': 'application/json' },
      body: Buffer.from('{"query":"{ account { name } }","operationName":"\xe9"}', 'latin1'),
    })
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('UTF-8')
  })

  test('that is compressed is refused, and other spellings of the media type are accepted', async () => {
    const packed = await send(operation, { headers: { 'content-encoding': 'gzip' } })
    expect([packed.status, packed.codes]).toEqual([415, ['BAD_USER_INPUT']])
    for (const type of [
      'Application/JSON',
      'application/json;charset="UTF-8"',
      'application/json ; charset=utf8',
    ])
      expect((await send400(operation, type)).text).toBe(answered)
    expect((await send400(`\ufeff${operation}`)).text).toBe(answered)
    expect((await send400(query, 'application/graphql')).text).toBe(answered)
  })

  test('by GET ignores its body, and by POST its address', async () => {
    const path = `/graphql?query=${encodeURIComponent(query)}`
    expect((await send('{}', { path })).codes).toEqual(['BAD_USER_INPUT'])
    expect((await send(operation, { path })).text).toBe(answered)
    const twice = await send(null, { method: 'GET', path: `${path}&query=x` })
    expect([twice.status, twice.codes]).toEqual([400, ['BAD_USER_INPUT']])
    const head = await send(null, { method: 'HEAD', path })
    expect([head.status, head.headers.get('allow')]).toEqual([405, 'GET, POST, OPTIONS'])
  })
})

describe('an operation that is well-formed but not valid', () => {
  const two = 'query A { account { id } } query B { account { name } }'

  test.each<[string, object, string]>([
    ['in its syntax', { query: '{' }, 'GRAPHQL_PARSE_FAILED'],
    ['in its fields', { query: '{ vouchers }' }, 'GRAPHQL_VALIDATION_FAILED'],
    ['in its variables', { query: 'query ($id: ID!) { pool(id: $id) { id } }' }, 'GRAPHQL_VALIDATION_FAILED'],
    ['in its name', { query: two, operationName: 'C' }, 'BAD_USER_INPUT'],
    ['as it names none', { query: two }, 'BAD_USER_INPUT'],
    ['as it has none', { query: 'fragment F on Query { account { id } }' }, 'BAD_USER_INPUT'],
  ])('%s is answered by the rules of the media type that its client accepts', async (_what, sent, code) => {
    const body = JSON.stringify(sent)
    expect(await send(body, { headers: { accept: 'application/json' } })).toMatchObject({
      status: 200,
      codes: [code],
    })
    const newest = await send(body, { headers: { accept: 'application/graphql-response+json' } })
    expect(newest).toMatchObject({ status: 400, codes: [code] })
  })

  test('without operationName, in a document of several, is answered with their names', async () => {
    const named = await send(JSON.stringify({ query: two, operationName: 'C' }))
    expect(named.messages).toEqual([expect.stringContaining('"C"')])
    const unnamed = await send(JSON.stringify({ query: two }))
    expect(unnamed.messages).toEqual([expect.stringContaining('operationName')])
    for (const operationName of ['', null])
      expect((await send(JSON.stringify({ query, operationName }))).text).toBe(answered)
  })
})

test('what has been executed is answered, whatever a client accepts', async () => {
  for (const accept of [
    'image/png',
    'text/html',
    'application/json; charset=iso-8859-1',
    'nonsense',
    ',',
    'a/b;q=1',
  ]) {
    const name = `accepting ${accept}`
    const reply = await send(
      JSON.stringify({
        query: 'mutation ($name: String!) { createPool(input: { name: $name }) { __typename } }',
        variables: { name },
      }),
      { headers: { accept } },
    )
    expect([reply.status, reply.text]).toEqual([
      200,
      '{"data":{"createPool":{"__typename":"CreatePoolPayload"}}}',
    ])
  }
})

test('what has been executed is answered completely, in every media type that a client may accept', async () => {
  const json = ['application/json', 'application/graphql-response+json', 'application/*', '*/*']
  const streams = ['text/event-stream', 'text/*', 'multipart/mixed', 'multipart/*']
  const all = [...json, ...streams]
  const accepted = [
    ...all,
    ...all.flatMap((one) => all.filter((other) => other !== one).map((other) => `${one}, ${other}`)),
    'application/graphql-response+json, application/json, text/event-stream, multipart/mixed',
    'TEXT/*;q=0.5 ,image/png',
    'text/event-stream;charset=utf-8',
    'application/json; charset=latin1, text/*',
    // Unknown types that begin like known ones.
    'application/json-seq',
    'multipart/mixed-up',
    'text/*, application/json; charset="utf-8"',
    'image/png text/*',
  ]
  const change = 'mutation ($name: String!) { createPool(input: { name: $name }) { __typename } }'
  const result = '{"data":{"createPool":{"__typename":"CreatePoolPayload"}}}'
  await Promise.all(
    accepted.map(async (accept) => {
      const body = JSON.stringify({ query: change, variables: { name: `in the form ${accept}` } })
      const { status, headers, text } = await send(body, { headers: { accept } })
      const type = headers.get('content-type') ?? ''
      expect([accept, status]).toEqual([accept, 200])
      if (type.startsWith('text/event-stream'))
        expect([accept, text]).toEqual([accept, expect.stringContaining(`event: next\ndata: ${result}\n\n`)])
      else if (type.startsWith('multipart/mixed'))
        expect([accept, text]).toEqual([accept, expect.stringContaining(`\r\n\r\n${result}\r\n---`)])
      else {
        expect([accept, text]).toEqual([accept, result])
        expect(type).toMatch(/^application\/(graphql-response\+)?json; charset=utf-8$/)
        expect(headers.get('content-length')).toBe(String(result.length))
      }
    }),
  )
})

test('a long answer arrives completely, whatever its client accepts besides JSON', async () => {
  const fields = Array.from({ length: 3_000 }, (_, i) => `id${i}: id`).join(' ')
  const body = JSON.stringify({ query: `{ account { ${fields} } }` })
  const answers = await Promise.all(
    ['application/json', 'application/json, text/event-stream, multipart/mixed'].map((accept) =>
      send(body, { headers: { accept } }),
    ),
  )
  for (const { headers, text } of answers) {
    expect(Object.keys(JSON.parse(text).data.account)).toHaveLength(3_000)
    expect(text.length).toBeGreaterThan(100_000)
    expect(headers.get('content-length')).toBe(String(text.length))
  }
})

test('unknown fields of a request are ignored', async () => {
  for (const own of [{ id: 'x' }, { doc_id: 'x', documentId: 1 }, { query_id: null, anything: [{}] }])
    expect((await send(JSON.stringify({ query, ...own }))).text).toBe(answered)
  const path = `/graphql?query=${encodeURIComponent(query)}&id=x&id=y&anything=1`
  expect((await send(null, { method: 'GET', path })).text).toBe(answered)
})

test.each(['documentId', 'id', 'doc_id'])(
  'an operation that is only named by %s is answered like one that is only named by hash',
  async (name) => {
    const told = [
      {
        message: 'PersistedQueryNotSupported',
        extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED', requestId: expect.any(String) },
      },
    ]
    for (const nothing of [{}, { query: null }, { query: '' }]) {
      const posted = await send(JSON.stringify({ ...nothing, [name]: 'abc', variables: {} }))
      expect([posted.status, JSON.parse(posted.text)]).toEqual([200, { errors: told }])
    }
    const got = await send(null, { method: 'GET', path: `/graphql?${name}=abc` })
    expect([got.status, JSON.parse(got.text)]).toEqual([200, { errors: told }])
  },
)

test('a persisted query that is only named by hash is answered so that Apollo sends the query', async () => {
  const extensions = { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } }
  const told = [
    {
      message: 'PersistedQueryNotSupported',
      extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED', requestId: expect.any(String) },
    },
  ]
  for (const accept of ['application/json', 'application/graphql-response+json']) {
    const posted = await send(JSON.stringify({ extensions, variables: {} }), { headers: { accept } })
    expect([posted.status, JSON.parse(posted.text)]).toEqual([200, { errors: told }])
    const path = `/graphql?extensions=${encodeURIComponent(JSON.stringify(extensions))}`
    const got = await send(null, { method: 'GET', path, headers: { accept } })
    expect([got.status, JSON.parse(got.text)]).toEqual([200, { errors: told }])
  }
  expect((await send(JSON.stringify({ query, extensions }))).text).toBe(answered)
})

describe('a page of another origin', () => {
  const origin = 'https://shop.example'

  test('may send operations, with a key and JSON', async () => {
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

  test.each(['/graphql', '/pools/x/codes', '/pools/x/codes.csv', '/tasks/x/rejected.csv'])(
    'may send to %s the headers that clients commonly add, whatever its origin',
    async (path) => {
      const answers = await Promise.all(
        [origin, 'null', undefined].map((from) =>
          send(null, {
            method: 'OPTIONS',
            path,
            anonymous: true,
            headers: from === undefined ? {} : { origin: from },
          }),
        ),
      )
      for (const { status, headers } of answers) {
        expect([status, headers.get('access-control-allow-origin')]).toEqual([204, '*'])
        const allowed = headers.get('access-control-allow-headers')?.split(', ')
        expect(allowed).toEqual(
          expect.arrayContaining([
            'authorization',
            'content-type',
            'traceparent',
            'tracestate',
            'baggage',
            'x-request-id',
            'apollo-require-preflight',
            'apollographql-client-name',
            'apollographql-client-version',
            'graphql-client-name',
            'graphql-client-version',
            'graphql-require-preflight',
            // And headers that nobody has thought of.
            '*',
          ]),
        )
        expect(headers.get('access-control-allow-credentials')).toBeNull()
      }
    },
  )

  test('can read Retry-After and the other headers of answers', async () => {
    for (const reply of [
      await send(operation, { headers: { origin } }),
      await send(operation),
      await send(operation, { anonymous: true }),
      await send(null, { method: 'GET', path: '/pools/x/codes.csv' }),
      await send('x', { path: '/pools/x/codes' }),
      await send(null, { method: 'GET', path: '/nothing' }),
    ]) {
      expect(reply.headers.get('access-control-allow-origin')).toBe('*')
      const exposed = reply.headers.get('access-control-expose-headers')?.split(', ')
      expect(exposed).toEqual(
        expect.arrayContaining([
          'Retry-After',
          'Content-Disposition',
          'Content-Location',
          'Content-Range',
          'ETag',
        ]),
      )
    }
  })

  test('cannot read the page that may contain a key', async () => {
    const page = await send(null, {
      method: 'GET',
      headers: { accept: 'text/html', origin },
      anonymous: true,
    })
    expect([page.status, page.headers.get('access-control-allow-origin')]).toEqual([200, null])
  })

  test('can read every answer, including errors, but never with credentials', async () => {
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

describe('besides the API', () => {
  const get = (path: string) => send(null, { method: 'GET', path, anonymous: true })

  test('/health and /ready answer 200', async () => {
    expect(await get('/health')).toMatchObject({ status: 200, text: 'ok\n' })
    expect(await get('/ready')).toMatchObject({ status: 200, text: 'ready\n' })
    expect((await get('/ready?verbose')).status).toBe(200)
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
  ])('%s does not exist, and the answer says where the API is', async (path) => {
    const reply = await get(path)
    expect(reply.status).toBe(404)
    expect(reply.text).toContain('/graphql')
  })

  test('a worker answers /health and /ready, and serves no API', async () => {
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
