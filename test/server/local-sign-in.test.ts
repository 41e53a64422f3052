import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Scheduler } from '../../src/async/scheduler.ts'
import { DatabaseUnavailableError } from '../../src/database/errors.ts'
import { allScopes, renewLocalKey } from '../../src/domain/account/account.ts'
import { Authentication } from '../../src/server/authentication.ts'
import { answerError } from '../../src/server/http/errors.ts'
import { SignIn } from '../../src/server/session.ts'
import { SessionCookie } from '../../src/server/session-cookie.ts'
import { RequestRecord } from '../../src/telemetry/request-record.ts'
import { silent, useBooks } from '../support/books.ts'
import { type Asked, ask, cookieOf } from '../support/session.ts'

const place = useBooks()

/** The console's page of a service that has just been started, as far as it signs browsers in. */
interface Page {
  url: string
  /** The Set-Cookie headers of the page. */
  open(asked?: Asked): Promise<string[]>
  /** The scopes with which a request of the page is served; undefined if it is UNAUTHENTICATED. */
  scopes(cookie: string): Promise<string | undefined>
}

const browser = { connection: 'keep-alive', 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }

async function start({ isLocal = true } = {}): Promise<Page> {
  const { books, accountId } = place
  const cookie = new SessionCookie(accountId)
  const authentication = new Authentication({ books, cookie, log: silent })
  const localKeyId = isLocal ? (await renewLocalKey(books, accountId)).keyId : undefined
  const signIn = new SignIn({ books, authentication, scheduler: new Scheduler(), localKeyId })
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === '/scopes') {
      const { scopes } = await authentication.authenticateRequest(request)
      return response.end(scopes.join())
    }
    if (request.url === '/session')
      return await signIn.route.answer(request, response, {
        id: '',
        search: '',
        onStream: () => {},
        record: new RequestRecord(),
      })
    const stored = await signIn.signInLocally(request)
    return response.writeHead(200, stored === undefined ? {} : { 'Set-Cookie': stored }).end()
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => answerError(response, error, silent))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    await new Promise((resolve) => server.close(resolve))
    await authentication.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    async open({ method = 'GET', headers = {} } = {}) {
      return (await ask({ url }, '/', { method, headers: { ...browser, ...headers } })).cookies
    },
    async scopes(cookie) {
      const answer = await ask({ url }, '/scopes', { headers: { cookie, 'sec-fetch-site': 'same-origin' } })
      expect(answer.status === 200 || answer.text.includes('UNAUTHENTICATED')).toBe(true)
      return answer.status === 200 ? answer.text : undefined
    },
  }
}

describe('a browser on this machine that opens the console', () => {
  test('is signed in with all scopes, once', async () => {
    const page = await start()
    const cookies = await page.open()
    expect(cookies).toEqual([
      expect.stringMatching(/^session-[\da-f]{8}=ps_[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/),
    ])
    const cookie = cookieOf(cookies)
    expect(await page.scopes(cookie)).toBe(allScopes.join())
    expect(await page.open({ headers: { cookie } })).toEqual([])
    expect(await page.open({ headers: { cookie, 'sec-fetch-site': 'same-origin' } })).toEqual([])
  })

  test('goes on after a restart with the session from before', async () => {
    const cookie = cookieOf(await (await start()).open())
    const page = await start()
    expect(await page.scopes(cookie)).toBe(allScopes.join())
    expect(await page.open({ headers: { cookie } })).toEqual([])
  })

  test('gets the page also while the database is unavailable, without a session', async () => {
    const page = await start()
    const connect = vi.spyOn(place.books.connections, 'connect')
    onTestFinished(() => connect.mockRestore())
    connect.mockImplementation(() => Promise.reject(new DatabaseUnavailableError(new Error('away'))))
    const { status, cookies } = await ask(page, '/', { headers: browser })
    expect({ status, cookies }).toEqual({ status: 200, cookies: [] })
  })

  test('is signed in again with a cookie of something else', async () => {
    const page = await start()
    const [name] = cookieOf(await page.open()).split('=')
    for (const value of ['', 'x', `ps_${'A'.repeat(43)}`])
      expect(await page.open({ headers: { cookie: `${name}=${value}` } })).toHaveLength(1)
  })
})

describe('nobody is signed in without a key', () => {
  test.each<[string, (port: string) => Asked]>([
    [
      'by another name of the host, as after DNS rebinding',
      (port) => ({ headers: { host: `evil.example:${port}` } }),
    ],
    ['through a proxy', () => ({ headers: { 'x-forwarded-for': '203.0.113.9' } })],
    [
      'through a proxy that encrypts',
      (port) => ({ headers: { 'x-forwarded-proto': 'https', host: `127.0.0.1:${port}` } }),
    ],
    ['by a link of another site', () => ({ headers: { 'sec-fetch-site': 'cross-site' } })],
    ['by another port of this machine', () => ({ headers: { 'sec-fetch-site': 'same-site' } })],
    ['by a script of another origin', () => ({ headers: { origin: 'https://evil.example' } })],
    ['by a form', () => ({ method: 'POST' })],
  ])('who opens the page %s', async (_how, asked) => {
    const page = await start()
    expect(await page.open(asked(new URL(page.url).port))).toEqual([])
  })

  test('whose key has been revoked', async () => {
    const page = await start()
    expect(await page.open()).toHaveLength(1)
    await place.books.rows({
      text: 'UPDATE api_key SET revoked_at = now() WHERE is_local',
    })
    expect(await page.open()).toEqual([])
  })

  test('on a service for others', async () => {
    const page = await start({ isLocal: false })
    expect(await page.open()).toEqual([])
  })
})

test('a session that does not exist is not looked up each time it is signed out', async () => {
  const page = await start()
  const [name] = cookieOf(await page.open()).split('=')
  const query = vi.spyOn(place.books.connections, 'query')
  onTestFinished(() => query.mockRestore())
  const answers = await Promise.all(
    Array.from({ length: 200 }, () =>
      ask(page, '/session', {
        method: 'DELETE',
        headers: { cookie: `${name}=ps_${'A'.repeat(43)}`, 'sec-fetch-site': 'same-origin' },
      }),
    ),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]))
  expect(query.mock.calls.length).toBeLessThan(20)
  for (const [statement] of query.mock.calls) expect(statement).toMatchObject({ name: 'find-sessions' })
})
