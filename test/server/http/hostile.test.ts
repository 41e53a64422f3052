import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { useClient, useService } from '../../support/service.ts'

/** Requests that no ordinary client sends, byte for byte. */

const service = useService()
const client = useClient(service)

/** All bytes until the server closes the connection, as it does after a request that it cannot parse. */
async function exchange(bytes: string | Buffer): Promise<{ status: number; head: string; body: string }> {
  const answer = await answersTo([bytes])
  const [head = '', body = ''] = answer.split(/\r\n\r\n(.*)/s)
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]), head, body }
}

/** All bytes that the server sends, until it closes the connection, to packets that are sent one after the other. */
async function answersTo(packets: readonly (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(service.url)
  const socket = connect({ port: Number(port), host: hostname, noDelay: true })
  socket.on('error', () => socket.destroy())
  const answers = text(socket)
  for (const packet of packets) {
    socket.write(packet)
    // The server reads it before the next one is there.
    await client.send('{ __typename }')
  }
  return await answers
}

const key = () => `Authorization: Bearer ${service.key}\r\n`
const json = 'Content-Type: application/json\r\n'
const body = '{"query":"{ account { name } }"}'
const length = `Content-Length: ${body.length}\r\n`
const close = 'Connection: close\r\n'
const paths = [
  '/graphql',
  '/pools/x/codes',
  '/pools/x/codes.csv',
  '/tasks/x/rejected.csv',
  '/health',
  '/ready',
  '/',
]
const upgrade =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

const wrongHosts = [
  ['that has a space', 'Host: a b\r\n'],
  ['that is a bracket', 'Host: [\r\n'],
  ['that is a per cent sign', 'Host: %\r\n'],
  ['that is empty', 'Host: \r\n'],
  ['that is missing', ''],
  ['that comes twice', 'Host: a\r\nHost: b\r\n'],
  ['that is long', `Host: ${'a'.repeat(5_000)}\r\n`],
  ['with credentials', 'Host: user:password@localhost\r\n'],
  ['with a path', 'Host: localhost/x\r\n'],
  ['with a port that is none', 'Host: localhost:port\r\n'],
  ['beyond ASCII', 'Host: \u00e9\u0000\r\n'],
] as const

test('a long answer as an event stream is sent in pieces, with back-pressure', async () => {
  const fields = Array.from({ length: 3_000 }, (_, i) => `id${i}: id`).join(' ')
  const long = JSON.stringify({ query: `{ account { ${fields} } }` })
  const answer = await exchange(
    `POST /graphql HTTP/1.1\r\nHost: x\r\n${key()}${json}Accept: text/event-stream\r\n${close}` +
      `Content-Length: ${long.length}\r\n\r\n${long}`,
  )
  expect(answer.head).toMatch(/^content-type: text\/event-stream$/im)
  const sizes: number[] = []
  let text = ''
  for (let at = 0; at < answer.body.length; ) {
    const end = answer.body.indexOf('\r\n', at)
    const size = Number.parseInt(answer.body.slice(at, end), 16)
    sizes.push(size)
    text += answer.body.slice(end + 2, end + 2 + size)
    at = end + 2 + size + 2
  }
  expect(Math.max(...sizes)).toBeLessThanOrEqual(64_000)
  const data = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '')
  expect(Object.keys(data.data.account)).toHaveLength(3_000)
  expect(text).toMatch(/event: complete\ndata:\n\n$/)
})

/** Whatever is wrong with a request, the error has the usual form and reveals no internals. */
async function refused(bytes: string | Buffer, statuses: number[] = [400]): Promise<void> {
  const answer = await exchange(bytes)
  expect(statuses, answer.head).toContain(answer.status)
  expect(answer.head).toMatch(/^content-type: application\/json; charset=utf-8$/im)
  expect(answer.head).toMatch(/^access-control-allow-origin: \*$/im)
  const { errors } = JSON.parse(answer.body)
  expect(errors).toEqual([
    {
      message: expect.stringMatching(/.{10}/),
      extensions: expect.objectContaining({ code: expect.any(String) }),
    },
  ])
  expect(errors[0].extensions.code).not.toBe('INTERNAL_SERVER_ERROR')
  expect(answer.body).not.toMatch(/node_modules|\.ts\b|\.js\b|file:|\n +at /)
}

describe('the body of an operation', () => {
  const post = (connection = '') => `POST /graphql HTTP/1.1\r\nHost: x\r\n${key()}${json}${connection}`
  const name = '{"data":{"account":{"name":"First account"}}}'
  const bodiesOf = (answers: string) => answers.split(/HTTP\/1\.1 \d{3} [\s\S]*?\r\n\r\n/).slice(1)

  test('is read from the packet of its head, with the requests that follow', async () => {
    const one = `${post()}${length}\r\n${body}`
    const answers = await answersTo([`${one}${one}${post(close)}${length}\r\n${body}`])
    expect(bodiesOf(answers)).toEqual([name, name, name])
  })

  test.each([0, 1, body.length - 1])('is awaited when %i bytes of it come with its head', async (first) => {
    const answers = await answersTo([`${post(close)}${length}\r\n${body.slice(0, first)}`, body.slice(first)])
    expect(bodiesOf(answers)).toEqual([name])
  })

  test('that is refused does not spoil the next request of its connection', async () => {
    const wrong = '{"query":"{ account { name }"}'
    const answers = await answersTo([
      `${post()}Content-Length: ${wrong.length}\r\n\r\n${wrong}${post()}${length}\r\n${body}`,
      `GET /graphql HTTP/1.1\r\nHost: x\r\n${key()}${length}\r\n${body}${post(close)}${length}\r\n${body}`,
    ])
    const [refused = '', good, withoutQuery = '', last] = bodiesOf(answers)
    expect([good, last]).toEqual([name, name])
    for (const answer of [refused, withoutQuery])
      expect(JSON.parse(answer)).toEqual({
        errors: [expect.objectContaining({ message: expect.any(String) })],
      })
  })
})

describe('a Host header', () => {
  test.each(wrongHosts)('%s is refused on every path', async (_what, host) => {
    for (const path of paths) await refused(`GET ${path} HTTP/1.1\r\n${host}${key()}${close}\r\n`)
    await refused(`POST /graphql HTTP/1.1\r\n${host}${key()}${json}${length}${close}\r\n${body}`)
    await refused(`GET /graphql HTTP/1.1\r\n${host}${upgrade}\r\n`)
  })

  test.each(['localhost', 'shop.example:443', '[::1]:4000', '192.0.2.1', 'my_service'])(
    '%s is accepted',
    async (host) => {
      const answer = await exchange(
        `POST /graphql HTTP/1.1\r\nHost: ${host}\r\n${key()}${json}${length}${close}\r\n${body}`,
      )
      expect([answer.status, answer.body]).toEqual([200, '{"data":{"account":{"name":"First account"}}}'])
    },
  )

  test('is optional in HTTP/1.0', async () => {
    const answer = await exchange(`POST /graphql HTTP/1.0\r\n${key()}${json}${length}\r\n${body}`)
    expect(answer.status).toBe(200)
  })
})

describe('a target', () => {
  const targets = [
    '*',
    '//',
    '///graphql',
    '/\\',
    '/%00',
    '/%',
    '/%ff%fe',
    '/.',
    '/../graphql',
    '/graphql/..%2f..%2fetc/passwd',
    '/graphql;x',
    '/graphql%20',
    '/graphql#x',
    '/GRAPHQL',
    '//localhost/graphql',
    'http://',
    'http://[',
    'http://localhost/nothing',
    'ftp://localhost/graphql',
    'graphql',
    '/pools//codes',
    '/pools/../codes.csv',
    '/graphiql/../../package.json',
    '/graphiql/%2e%2e/page.js',
    '/health/x',
    '/health%00',
    `/${'x'.repeat(8_000)}`,
    '/\u00e9\u00fc',
    '/__proto__',
    '/constructor',
  ]

  test.each(targets)('%# does not exist', async (target) => {
    await refused(
      Buffer.from(`GET ${target} HTTP/1.1\r\nHost: x\r\n${key()}${close}\r\n`, 'latin1'),
      [400, 404],
    )
    await refused(Buffer.from(`GET ${target} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`, 'latin1'), [400, 404])
  })

  test.each([
    '/pools/%00/codes.csv',
    '/pools/%/codes.csv?status=ALL',
    '/pools/%ff/codes',
    '/tasks/%00/rejected.csv',
  ])('%s has the id of nothing', async (target) => {
    const method = target.endsWith('/codes') ? 'POST' : 'GET'
    await refused(`${method} ${target} HTTP/1.1\r\nHost: x\r\n${key()}${close}\r\n`, [400, 404])
  })

  test('can be an absolute URL', async () => {
    const answer = await exchange(
      `GET http://anything.example/graphql?query=%7Baccount%7Bname%7D%7D HTTP/1.1\r\nHost: x\r\n${key()}${close}\r\n`,
    )
    expect([answer.status, answer.body]).toEqual([200, '{"data":{"account":{"name":"First account"}}}'])
  })
})

describe('a method', () => {
  test.each(['TRACE', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'PURGE', 'LINK', 'SEARCH', 'QUERY'])(
    '%s is known nowhere',
    async (method) => {
      for (const path of paths)
        await refused(`${method} ${path} HTTP/1.1\r\nHost: x\r\n${key()}${close}\r\n`, [405])
    },
  )

  test.each(['FOO', 'get', 'G', '', 'G\u0000T', 'GET GET'])('%j does not exist', async (method) => {
    await refused(`${method} /graphql HTTP/1.1\r\nHost: x\r\n${key()}${close}\r\n`)
  })

  test('CONNECT is refused: the service is not a proxy', async () => {
    await refused(`CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n`, [405])
  })

  test('HEAD is answered like GET, without the body', async () => {
    for (const path of ['/health', '/ready']) {
      const answer = await exchange(`HEAD ${path} HTTP/1.1\r\nHost: x\r\n${close}\r\n`)
      expect([answer.status, answer.body]).toEqual([200, ''])
    }
  })

  test('OPTIONS lists the methods', async () => {
    for (const path of paths) {
      const answer = await exchange(`OPTIONS ${path} HTTP/1.1\r\nHost: x\r\n${close}\r\n`)
      expect(answer.status).toBe(204)
      expect(answer.head).toMatch(/^allow: .*OPTIONS/im)
    }
  })
})

describe('a request', () => {
  const post = (headers: string, sent = '') =>
    `POST /graphql HTTP/1.1\r\nHost: x\r\n${key()}${json}${headers}\r\n${sent}`

  test.each([
    ['of a negative length', () => post('Content-Length: -1\r\n')],
    ['of a length that is no number', () => post('Content-Length: many\r\n')],
    ['of a length beyond all numbers', () => post('Content-Length: 99999999999999999999999\r\n')],
    ['of two lengths', () => post('Content-Length: 1\r\nContent-Length: 2\r\n', 'xx')],
    [
      'of a length and of chunks',
      () => post('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    ],
    ['of chunks that are none', () => post('Transfer-Encoding: chunked\r\n', 'zz\r\n\r\n')],
    ['of a coding that there is not', () => post('Transfer-Encoding: sideways\r\n', '0\r\n\r\n')],
    ['of chunks in the wrong order', () => post('Transfer-Encoding: chunked, gzip\r\n', '0\r\n\r\n')],
    ['with a header without a name', () => post(': x\r\n')],
    ['with a header without a colon', () => post('nonsense\r\n')],
    ['with a header that has a NUL', () => post('X-A: a\u0000b\r\n')],
    ['with a folded header', () => post('X-A: a\r\n b: \u0001\r\n')],
    ['of HTTP/3', () => 'GET / HTTP/3.0\r\nHost: x\r\n\r\n'],
    ['of no version', () => 'GET /\r\n\r\n'],
    ['of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['of TLS', () => Buffer.from('160301020001000001fc0303', 'hex')],
    ['of nothing that makes sense', () => '\u0000\u0001\u0002\r\n\r\n'],
    ['of another protocol', () => 'SSH-2.0-OpenSSH_9.9\r\n'],
  ])('%s is refused', async (_what, bytes) => {
    await refused(bytes())
  })

  test.each([
    ['a long header', () => post(`X-A: ${'a'.repeat(20_000)}\r\n`)],
    [
      'a long key',
      () => `POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${'k'.repeat(20_000)}\r\n\r\n`,
    ],
    ['a long address', () => `GET /graphql?query=${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['many headers', () => post('X-A: a\r\n'.repeat(3_000))],
  ])('with %s is refused, and the answer says what is too long', async (_what, bytes) => {
    await refused(bytes(), [431])
  })

  test('with chunk extensions that are too long is refused', async () => {
    await refused(post('Transfer-Encoding: chunked\r\n', `1;${'x'.repeat(20_000)}\r\nx\r\n0\r\n\r\n`), [413])
  })

  test.each(['', 'Basic dXNlcg==', 'Bearer', 'Bearer a b', `Bearer ${'k'.repeat(10_000)}`, 'Bearer \u0001'])(
    'with something that is not a key (%#) is UNAUTHENTICATED',
    async (authorization) => {
      for (const path of paths.slice(0, 4))
        await refused(
          `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n${close}\r\n`,
          [400, 401],
        )
    },
  )

  test('with an unknown expectation is refused', async () => {
    await refused(post(`Expect: 200-ok\r\n${length}${close}`, body), [417])
    const answer = await exchange(post(`Expect: 100-continue\r\n${length}${close}`, body))
    expect(answer.head).toMatch(/^HTTP\/1\.1 100 Continue/)
    expect(answer.body).toContain('First account')
  })

  test('that offers another protocol is answered in HTTP/1.1', async () => {
    for (const offer of ['h2c', 'TLS/1.0', 'websocketx'])
      for (const path of ['/graphql', '/health']) {
        const answer = await exchange(
          `GET ${path} HTTP/1.1\r\nHost: x\r\n${key()}Connection: Upgrade, close\r\nUpgrade: ${offer}\r\n\r\n`,
        )
        expect([path, answer.status]).toEqual([path, path === '/health' ? 200 : 400])
      }
  })

  test.each([
    ['no version', upgrade.replace(/Sec-WebSocket-Version.*\r\n/, '')],
    ['an old version', upgrade.replace('Version: 13', 'Version: 7')],
    ['no key', upgrade.replace(/Sec-WebSocket-Key.*\r\n/, '')],
    ['a key that is none', upgrade.replace('dGhlIHNhbXBsZSBub25jZQ==', 'x')],
    ['a protocol that is none', `${upgrade}Sec-WebSocket-Protocol: a b,,\r\n`],
    ['extensions that are none', `${upgrade}Sec-WebSocket-Extensions: permessage-deflate; x=\u0001\r\n`],
  ])('for a WebSocket with %s is refused', async (_what, headers) => {
    await refused(`GET /graphql HTTP/1.1\r\nHost: x\r\n${headers}\r\n`)
  })

  test('for a WebSocket by POST is refused', async () => {
    await refused(`POST /graphql HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`)
  })

  test.each(['', '*', 'gzip;q=', 'gzip;q=x', ',,;;', 'identity;q=0, *;q=0', 'xxx;'.repeat(500)])(
    'for a file with an unusual Accept-Encoding (%#) is answered',
    async (accepted) => {
      const answer = await exchange(
        `GET /pools/x/codes.csv?status=ALL HTTP/1.1\r\nHost: x\r\n${key()}Accept-Encoding: ${accepted}\r\n${close}\r\n`,
      )
      expect(answer.status).toBe(404)
    },
  )

  test('that is malformed does not harm the one before it on its connection', async () => {
    const health = 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n'
    const { head, body: rest } = await exchange(`${health}nonsense\r\n\r\n`)
    expect(head).toMatch(/^HTTP\/1\.1 200/)
    expect(rest).toContain('ok\n')
  })
})

test('after all this the service answers as before', async () => {
  expect(await client.ask('{ account { name } }')).toEqual({ account: { name: 'First account' } })
  for (const path of ['/health', '/ready']) expect((await fetch(`${service.url}${path}`)).status).toBe(200)
})
