import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { done, finished, newPool, newStock, withScopes } from '../support/api.ts'
import { Client } from '../support/client.ts'
import { waitUntilSomebodyWaitsFor } from '../support/database.ts'
import { startService, type TestService, useClient, useService } from '../support/service.ts'
import { type Asked, ask, ownPage, signIn } from '../support/session.ts'
import { Socket } from '../support/socket.ts'

const logged: string[] = []
const service = useService({ log: pino({ level: 'trace' }, { write: (line) => void logged.push(line) }) })
const client = useClient(service)

const account = '{ account { name } }'
const answered = { data: { account: { name: 'First account' } } }
const watching = 'subscription { poolEvents { cursor } }'

/** Sends an operation with these headers. Resolves to its answer, or to the code of the error. */
async function operate(headers: Record<string, string>, query = account, at: TestService = service) {
  const { text } = await ask(at, '/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  })
  return JSON.parse(text)
}

/** What an operation of the service's own page with this cookie is answered. */
const operateFromPage = (cookie: string, query?: string, at: TestService = service) =>
  operate({ cookie, ...ownPage(at) }, query, at)

const codesIn = (answer: { errors?: { extensions: { code: string } }[] }) =>
  answer.errors?.map(({ extensions }) => extensions.code)

async function isSignedIn(cookie: string, at: TestService = service): Promise<boolean> {
  const answer = await operateFromPage(cookie, account, at)
  if (answer.data === undefined) expect(codesIn(answer)).toEqual(['UNAUTHENTICATED'])
  return answer.data !== undefined
}

const signOut = (cookie: string, at: TestService = service) =>
  ask(at, '/session', { method: 'DELETE', headers: { cookie, ...ownPage(at) } })

/** Opens a socket from the service's own page, with a subscription that has begun. */
async function watchFromPage(cookie: string, at: TestService = service): Promise<Socket> {
  const socket = await Socket.connect(at, undefined, { cookie, ...ownPage(at) })
  onTestFinished(() => socket[Symbol.asyncDispose]())
  socket.subscribe('watching', watching)
  // Answered after the subscription has begun.
  socket.subscribe('account', account)
  expect(await socket.next('account')).toMatchObject({ payload: answered })
  return socket
}

const endedForGood = {
  id: 'watching',
  type: 'error',
  payload: [
    {
      message: expect.stringContaining('session'),
      extensions: { code: 'UNAUTHENTICATED', requestId: expect.any(String) },
    },
  ],
}

describe('signing in', () => {
  test('stores a token in a cookie that no script can read, and no other site sends', async () => {
    const over = async (origin: string) =>
      await ask(service, '/session', {
        method: 'POST',
        headers: {
          host: new URL(origin).host,
          origin,
          authorization: `Bearer ${service.key}`,
        },
      })
    const plain = await over('http://promo.example:8080')
    expect(plain).toMatchObject({ status: 204, text: '', headers: { 'cache-control': 'no-store' } })
    expect(plain.cookies).toEqual([
      expect.stringMatching(/^session-[\da-f]{8}=ps_[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/),
    ])
    const encrypted = await over('https://promo.example')
    expect(encrypted.cookies).toEqual([
      expect.stringMatching(
        /^__Host-session-[\da-f]{8}=ps_[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
      ),
    ])
  })

  test('opens a session that may do what its key may, under the name of the key', async () => {
    const reader = await withScopes(service, client, ['READ', 'MANAGE'])
    const cookie = await signIn(service, reader)
    expect(await operateFromPage(cookie)).toEqual(answered)
    const create = `mutation { createPool(input: { name: "${randomUUID()}" }) { ... on CreatePoolPayload { pool { id } } } }`
    const { id } = (await operateFromPage(cookie, create)).data.createPool.pool
    const { poolEvents } = await client.ask<{ poolEvents: { edges: { node: { actor: unknown } }[] } }>(
      'query ($id: ID!) { poolEvents(poolId: $id) { edges { node { actor { id } } } } }',
      { id },
    )
    expect(poolEvents.edges.map(({ node }) => node.actor)).toEqual([{ id: reader.keyId }])
    const claim = await operateFromPage(
      cookie,
      `mutation { claimCodes(input: { poolId: "${id}" }) { __typename } }`,
    )
    expect(codesIn(claim)).toEqual(['FORBIDDEN'])
  })

  test('without a key that works opens no session, even if there is one: it would be prolonged', async () => {
    const attempts: Record<string, string>[] = [
      {},
      { authorization: '' },
      { authorization: 'Bearer nonsense' },
      { cookie: await signIn(service, client) },
    ]
    for (const headers of attempts) {
      const answer = await ask(service, '/session', {
        method: 'POST',
        headers: { ...ownPage(service), ...headers },
      })
      expect(answer).toMatchObject({ status: 401, cookies: [] })
      expect(codesIn(JSON.parse(answer.text))).toEqual(['UNAUTHENTICATED'])
    }
  })

  test('again ends the session that the browser had', async () => {
    const first = await signIn(service, client)
    const { cookies } = await ask(service, '/session', {
      method: 'POST',
      headers: { authorization: `Bearer ${service.key}`, cookie: first, ...ownPage(service) },
    })
    expect(await isSignedIn(first)).toBe(false)
    expect(await isSignedIn(cookies[0]?.split(';')[0] ?? '')).toBe(true)
  })

  test('ignores a body', async () => {
    const { status } = await ask(service, '/session', {
      method: 'POST',
      headers: { authorization: `Bearer ${service.key}`, ...ownPage(service) },
      body: 'x'.repeat(2_000_000),
    })
    expect(status).toBe(204)
  })

  test.each(['GET', 'HEAD', 'PUT', 'PATCH'])('is not possible with %s', async (method) => {
    const answer = await ask(service, '/session', {
      method,
      headers: { authorization: `Bearer ${service.key}`, ...ownPage(service) },
    })
    expect(answer).toMatchObject({ status: 405, cookies: [], headers: { allow: 'POST, DELETE, OPTIONS' } })
  })
})

describe('a session', () => {
  test('gives way to a key that is sent with it, also to one that does not work', async () => {
    const cookie = await signIn(service, client)
    const claims = await withScopes(service, client, ['CLAIM'])
    const withKey = async (authorization: string) =>
      codesIn(await operate({ cookie, authorization, ...ownPage(service) }))
    expect(await withKey(claims.authorization()['authorization'] ?? '')).toEqual(['FORBIDDEN'])
    for (const wrong of ['Bearer nonsense', 'nonsense', ''])
      expect(await withKey(wrong), wrong).toEqual(['UNAUTHENTICATED'])
    for (const authorization of ['Bearer nonsense', '', ['x'], 1, {}]) {
      await using socket = await Socket.connect(service, { authorization }, { cookie, ...ownPage(service) })
      socket.subscribe('1', account)
      expect(await socket.next('1')).toMatchObject({ type: 'error' })
    }
    await using socket = await Socket.connect(service, claims.authorization(), {
      cookie,
      ...ownPage(service),
    })
    socket.subscribe('1', account)
    expect(await socket.next('1')).toMatchObject({
      payload: { errors: [{ extensions: { code: 'FORBIDDEN' } }] },
    })
  })

  test('is found among other cookies, and nothing else is taken for one', async () => {
    const cookie = await signIn(service, client)
    const [name = '', token = ''] = cookie.split('=')
    expect(await isSignedIn(`a=b; ${cookie};c; =; d=${'e'.repeat(3_000)}`)).toBe(true)
    for (const wrong of [
      '',
      ';',
      '=',
      name,
      `${name}=`,
      `${name}=ps_`,
      `${name}=${token.slice(0, -1)}`,
      `${name}=${token}x`,
      `${name}=${service.key}`,
      `${name}="${token}"`,
      `${name}=ps_${'A'.repeat(43)}`,
      `${name}=${'x'.repeat(10_000)}`,
      `session=${token}`,
      `${name.toUpperCase()}=${token}`,
      `x${cookie}`,
    ])
      expect(await isSignedIn(wrong), wrong).toBe(false)
  })

  test('of another service on this machine is left alone, as cookies do not know ports', async () => {
    await using other = await startService()
    const jar = [await signIn(service, client), await signIn(other, new Client(other))]
    expect(new Set(jar.map((cookie) => cookie.split('=')[0])).size).toBe(2)
    expect([await isSignedIn(jar.join('; ')), await isSignedIn(jar.join('; '), other)]).toEqual([true, true])
    await signOut(jar.join('; '), other)
    expect([await isSignedIn(jar.join('; ')), await isSignedIn(jar.join('; '), other)]).toEqual([true, false])
  })

  test('downloads and uploads files', async () => {
    const { poolId } = await newStock(client, 3)
    const cookie = await signIn(service, client)
    const file = await ask(service, `/pools/${poolId}/codes.csv?status=AVAILABLE`, { headers: { cookie } })
    expect(file.text.trim().split('\r\n')).toHaveLength(4)
    const uploaded = await ask(service, `/pools/${poolId}/codes?dryRun=true`, {
      method: 'POST',
      headers: { cookie, ...ownPage(service) },
      body: `${randomUUID()}\n`,
    })
    expect(uploaded.status).toBe(202)
    const { task } = JSON.parse(uploaded.text)
    await finished(client, task.id)
    const rejected = await ask(service, `/tasks/${task.id}/rejected.csv`, {
      headers: { cookie, 'sec-fetch-site': 'same-origin' },
    })
    expect(rejected.status).toBe(200)
  })

  test('ends with its key, and so do its subscriptions', async () => {
    const lost = await withScopes(service, client, ['READ'])
    const cookie = await signIn(service, lost)
    const socket = await watchFromPage(cookie)
    await done(client, 'revokeApiKey', { apiKeyId: lost.keyId }, 'apiKey { id }')
    expect(await socket.next('watching')).toEqual(endedForGood)
    expect(await isSignedIn(cookie)).toBe(false)
  })
})

describe('signing out', () => {
  test('ends the session, its subscriptions and its event streams, and removes the cookie', async () => {
    const cookie = await signIn(service, client)
    const other = await signIn(service, client)
    const [socket, ofOther] = [await watchFromPage(cookie), await watchFromPage(other)]
    const stream = request(`${service.url}/graphql`, {
      method: 'POST',
      agent: false,
      headers: {
        cookie,
        ...ownPage(service),
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
    })
    stream.end(JSON.stringify({ query: watching }))
    const [streaming] = await once(stream, 'response')

    const answer = await signOut(cookie)
    expect(answer).toMatchObject({ status: 204, text: '' })
    const name = cookie.split('=')[0]
    expect(answer.cookies).toEqual([
      `__Host-${name}=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0`,
      `${name}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`,
    ])
    expect(await socket.next('watching')).toEqual(endedForGood)
    expect(await text(streaming)).toContain('UNAUTHENTICATED')
    socket.subscribe('later', account)
    expect(await socket.next('later')).toMatchObject({ type: 'error' })
    expect(await isSignedIn(cookie)).toBe(false)

    // Another session of the same key goes on.
    expect(await isSignedIn(other)).toBe(true)
    await newPool(client)
    expect(await ofOther.next('watching')).toMatchObject({ type: 'next' })
  })

  test('is possible again, with a session that has ended, or with none', async () => {
    const cookie = await signIn(service, client)
    for (const given of [cookie, cookie, '', 'session=x']) expect((await signOut(given)).status).toBe(204)
    expect(await operate(client.authorization())).toEqual(answered)
  })

  test('does not cut an upload that is under way', async () => {
    const poolId = await newPool(client)
    const cookie = await signIn(service, client)
    const upload = request(`${service.url}/pools/${poolId}/codes?dryRun=true`, {
      method: 'POST',
      agent: false,
      headers: { cookie, ...ownPage(service), expect: '100-continue' },
    })
    upload.flushHeaders()
    await once(upload, 'continue')
    upload.write(`${randomUUID()}\n`)
    await signOut(cookie)
    upload.end(`${randomUUID()}\n`)
    const [response] = await once(upload, 'response')
    expect(response.statusCode).toBe(202)
    const { task } = JSON.parse(await text(response))
    await finished(client, task.id)
  })

  test('of one process ends the session in every other', async () => {
    await using second = await startService({ databaseUrl: service.databaseUrl })
    const cookie = await signIn(service, client)
    const sockets = [await watchFromPage(cookie), await watchFromPage(cookie, second)]
    expect(await isSignedIn(cookie, second)).toBe(true)
    await signOut(cookie)
    for (const socket of sockets) expect(await socket.next('watching')).toEqual(endedForGood)
    await expect.poll(() => isSignedIn(cookie, second)).toBe(false)
  })
})

describe('a request that carries the cookie of a session', () => {
  /** Of pages elsewhere, as browsers that the user may have send them. The host of the service is promo.example:4000. */
  const elsewhere: [string, Record<string, string>][] = [
    ['another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['another site, without Sec-Fetch-Site', { origin: 'https://evil.example' }],
    ['a sibling subdomain', { origin: 'http://other.promo.example:4000', 'sec-fetch-site': 'same-site' }],
    ['a sibling subdomain, without Sec-Fetch-Site', { origin: 'http://other.promo.example:4000' }],
    ['another port of this host', { origin: 'http://promo.example:3000', 'sec-fetch-site': 'same-site' }],
    ['another port of this host, without Sec-Fetch-Site', { origin: 'http://promo.example:3000' }],
    ['the usual port of this host, without Sec-Fetch-Site', { origin: 'http://promo.example' }],
    ['a file, or a frame in a sandbox', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['a file, without Sec-Fetch-Site', { origin: 'null' }],
    ['an extension', { origin: 'chrome-extension://promo.example:4000' }],
    ['an origin that is none', { origin: 'promo.example:4000' }],
    ['an origin with the host in its user name', { origin: 'http://promo.example:4000@evil.example' }],
    ['several origins', { origin: 'http://promo.example:4000, https://evil.example' }],
    ['several sites', { 'sec-fetch-site': 'same-origin, cross-site' }],
    [
      'a page that is forwarded for another host',
      { origin: 'https://evil.example', 'x-forwarded-host': 'a.example' },
    ],
  ]
  const host = 'promo.example:4000'

  const requests: [string, string, Asked][] = [
    ['an operation', '/graphql', { method: 'POST', headers: { 'content-type': 'application/json' } }],
    ['a query in the address', `/graphql?query=${encodeURIComponent(account)}`, {}],
    ['a download', '/pools/ID/codes.csv?status=ALL', {}],
    ['the headers of a download', '/pools/ID/codes.csv?status=ALL', { method: 'HEAD' }],
    ['an upload', '/pools/ID/codes', { method: 'POST' }],
  ]

  describe.each(elsewhere)('from %s', (_where, headers) => {
    test.each(requests)('is answered as without it: %s', async (_what, path, asked) => {
      const poolId = await newPool(client)
      const cookie = await signIn(service, client)
      const body = asked.method === 'POST' ? { body: JSON.stringify({ query: account }) } : {}
      const send = (more: Record<string, string>) =>
        ask(service, path.replace('ID', poolId), {
          ...asked,
          ...body,
          headers: { ...asked.headers, host, cookie, ...more },
        })
      const answer = await send(headers)
      expect(answer.status).toBe(401)
      expect(answer.headers).toMatchObject({ 'access-control-allow-origin': '*' })
      expect(answer.headers).not.toHaveProperty('access-control-allow-credentials')
      // A key works from everywhere.
      expect((await send({ ...headers, ...client.authorization() })).status).toBeLessThan(300)
    })

    test('neither signs in nor out', async () => {
      const cookie = await signIn(service, client)
      for (const method of ['POST', 'DELETE']) {
        const answer = await ask(service, '/session', {
          method,
          headers: { host, cookie, ...client.authorization(), ...headers },
        })
        expect(answer).toMatchObject({ status: 403, cookies: [] })
        expect(codesIn(JSON.parse(answer.text))).toEqual(['FORBIDDEN'])
      }
      expect(await isSignedIn(cookie)).toBe(true)
    })

    test('opens no WebSocket on which the session counts', async () => {
      const cookie = await signIn(service, client)
      await using socket = await Socket.connect(service, undefined, { host, cookie, ...headers })
      for (const [id, query] of Object.entries({ query: account, subscription: watching })) {
        socket.subscribe(id, query)
        expect(await socket.next(id)).toMatchObject({
          type: 'error',
          payload: [{ extensions: { code: 'UNAUTHENTICATED' } }],
        })
      }
    })
  })

  test.each<[string, Record<string, string>]>([
    ['Sec-Fetch-Site', { host, 'sec-fetch-site': 'same-origin' }],
    ['its Origin', { host, origin: `http://${host}` }],
    ['its Origin, whatever the case', { host: 'Promo.Example:4000', origin: `http://${host}` }],
    ['its Origin over TLS', { host: 'promo.example', origin: 'https://promo.example' }],
    ['its Origin, with the usual port', { host: 'promo.example:443', origin: 'https://promo.example' }],
    ['its Origin, and a proxy', { 'x-forwarded-host': host, origin: `http://${host}` }],
    ['its Origin, and two proxies', { 'x-forwarded-host': `${host}, inner`, origin: `http://${host}` }],
    ['an address in IPv6', { host: '[::1]:4000', origin: 'http://[::1]:4000' }],
  ])('counts from a page of the service, known by %s', async (_how, headers) => {
    const from = { ...client.authorization(), ...headers }
    const signedIn = await ask(service, '/session', { method: 'POST', headers: from })
    const cookie = signedIn.cookies[0]?.split(';')[0] ?? ''
    expect(await operate({ cookie, ...headers })).toEqual(answered)
    if (headers['origin'] === undefined) return
    await using socket = await Socket.connect(service, undefined, { cookie, ...headers })
    socket.subscribe('1', account)
    expect(await socket.next('1')).toMatchObject({ payload: answered })
  })

  test('counts when a browser opens a file by its address, or a browser that sends neither header reads', async () => {
    const { poolId } = await newStock(client, 1)
    const cookie = await signIn(service, client)
    for (const headers of [{ 'sec-fetch-site': 'none' }, {}] as Record<string, string>[]) {
      const path = `/pools/${poolId}/codes.csv?status=AVAILABLE`
      expect((await ask(service, path, { headers: { cookie, ...headers } })).status).toBe(200)
      for (const method of ['POST', 'DELETE'])
        expect((await ask(service, '/session', { method, headers: { cookie, ...headers } })).status).toBe(403)
      expect(codesIn(await operate({ cookie, ...headers }))).toEqual(['UNAUTHENTICATED'])
      await using socket = await Socket.connect(service, undefined, { cookie, ...headers })
      socket.subscribe('1', account)
      expect(await socket.next('1')).toMatchObject({ type: 'error' })
    }
  })

  test('does not count over TLS without the prefix of TLS, as a sibling subdomain may have set it', async () => {
    const cookie = await signIn(service, client)
    const overTls: Record<string, string>[] = [
      { host, origin: `https://${host}` },
      { host, origin: `https://${host}`, 'sec-fetch-site': 'same-origin' },
      { host, 'sec-fetch-site': 'same-origin' },
    ]
    for (const headers of overTls) {
      expect(codesIn(await operate({ cookie, ...headers }))).toEqual(['UNAUTHENTICATED'])
      expect(await operate({ cookie: `__Host-${cookie}`, ...headers })).toEqual(answered)
      // The one with the prefix goes first, whatever the order.
      const tossed = cookie.replace(/.{5}$/, 'xxxxx')
      expect(await operate({ cookie: `${tossed}; __Host-${cookie}`, ...headers })).toEqual(answered)
    }
  })
})

test('neither a key nor a token is in the log, whatever goes wrong', async () => {
  const cookie = await signIn(service, client)
  const token = cookie.split('=')[1] ?? ''
  const headers = { cookie, authorization: `Bearer ${service.key}`, ...ownPage(service) }
  await using socket = await Socket.connect(service, { authorization: `Bearer ${service.key}` }, headers)
  socket.socket.send('nonsense')
  await socket.closed
  await ask(service, '/session', { method: 'GET', headers })
  await ask(service, '/graphql', { method: 'POST', headers, body: '{' })
  await signOut(cookie)
  const log = logged.join('\n')
  for (const secret of [service.key, token, token.slice(3)]) expect(log).not.toContain(secret)
})

test('many sign-ins with one key, which wait for each other, do not stop others', async () => {
  const busy = await withScopes(service, client, ['READ'])
  const other = new pg.Client(service.databaseUrl)
  await other.connect()
  onTestFinished(() => other.end())
  await other.query('BEGIN')
  const { rowCount } = await other.query('SELECT 1 FROM api_key ORDER BY id DESC LIMIT 1 FOR NO KEY UPDATE')
  expect(rowCount).toBe(1)
  const signIns = Array.from({ length: 40 }, () => signIn(service, busy))
  await waitUntilSomebodyWaitsFor(other)
  for (let i = 0; i < 40; i++) expect(await operate(client.authorization())).toEqual(answered)
  await other.query('ROLLBACK')
  expect(new Set(await Promise.all(signIns)).size).toBe(40)
})
