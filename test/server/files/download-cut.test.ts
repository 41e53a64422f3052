import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { createGunzip } from 'node:zlib'
import { type DestinationStream, pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { yieldToEventLoop } from '../../../src/async/pacer.ts'
import { createAccount } from '../../../src/domain/account/account.ts'
import { Books } from '../../../src/domain/books/books.ts'
import { encodeId } from '../../../src/graphql/ids.ts'
import { Lifecycle } from '../../../src/lifecycle.ts'
import { listen } from '../../../src/listen.ts'
import { Networks } from '../../../src/outgoing/networks.ts'
import { openServices } from '../../../src/roles/api.ts'
import { codesPath } from '../../../src/routes.ts'
import { downloadRoutes } from '../../../src/server/files/download.ts'
import { DownloadLimit } from '../../../src/server/files/download-limit.ts'
import { HttpServer, type Routes } from '../../../src/server/http/server.ts'
import { fill, newFormat, newPool, openBooks, type TestBooks } from '../../support/books.ts'
import { Client } from '../../support/client.ts'
import { type DatabaseProxy, openProxy } from '../../support/proxy.ts'

/** A server whose downloads the test can observe, on a database that it can disconnect. */
const lifecycle = new Lifecycle()
let place: TestBooks
let proxy: DatabaseProxy
let http: HttpServer
let url: string
let client: Client
let poolId: string
let accountId: string

/** The outcomes of downloads, and the log. */
const downloads: Promise<void>[] = []
const logged: { level: number; msg: string }[] = []

const claims = 40_000

beforeAll(async () => {
  place = await lifecycle.open('books', openBooks, (opened) => opened.close())
  proxy = await openProxy(place.databaseUrl)
  const books = await place.another({ url: proxy.url })
  const destination: DestinationStream = { write: (line) => void logged.push(JSON.parse(line)) }
  const log = pino({ level: 'info' }, destination)
  const { authentication } = await openServices(lifecycle, books, {
    maxUploadBytes: 1_000_000,
    failedLookUpsPerMinute: 0,
    maxRedemptionAgeDays: 7,
    webhookAllowedNetworks: Networks.none,
    log,
  })
  const routes: Routes = {}
  for (const [name, route] of Object.entries(downloadRoutes({ books, authentication, log })))
    routes[name as 'codesFile' | 'rejectedRowsFile'] = {
      ...route,
      answer: async (...request) => {
        const answered = Promise.resolve(route.answer(...request))
        downloads.push(answered)
        await answered
      },
    }
  http = new HttpServer({ books, log, routes })
  url = `http://127.0.0.1:${await listen(http.server, { port: 0, host: '127.0.0.1' })}`
  const account = await createAccount(books.connections, randomUUID())
  accountId = account.accountId
  client = new Client({ url, key: account.secret })

  // A line of many pages, with recipients that fill more than any socket's buffer.
  poolId = await newPool({ books, accountId })
  await fill({ books, accountId }, poolId, await newFormat({ books, accountId }), 5_000_000n)
  await books.rows({
    text: `
      INSERT INTO claim (account_id, pool_id, first, count, recipient, at, nonce)
      SELECT $1, $2, n, 1, repeat('é', 1000), now(), 0 FROM generate_series(0, ${claims - 1}) AS n`,
    values: [accountId, poolId],
  })
  await books.rows({ text: 'UPDATE pool SET claimed = $2 WHERE id = $1', values: [poolId, claims] })
})

afterAll(async () => {
  await lifecycle.close()
  await proxy[Symbol.asyncDispose]()
})

/** The beginning of an answer; the rest is not read. */
async function begin(headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const sending = httpRequest(`${url}${codesPath(encodeId('Pool', poolId), { status: 'ALL' })}`, {
    headers: { ...client.authorization(), ...headers },
  })
  sending.end()
  const [response] = (await once(sending, 'response')) as [IncomingMessage]
  await once(response, 'readable')
  return response
}

describe('a download ends at once when its client', () => {
  test.each([
    ['reads it uncompressed', {}],
    ['reads it compressed', { 'accept-encoding': 'gzip' }],
  ])('leaves, and %s', async (_what, headers) => {
    const response = await begin(headers)
    const rows = vi.spyOn(Books.prototype, 'rows')
    response.destroy()
    await downloads.at(-1)
    // The page in flight may have been read.
    expect(rows.mock.calls.length).toBeLessThan(5)
    rows.mockRestore()
    expect(logged).toEqual([])
  })

  test('leaves before it has begun, while the file is measured', async () => {
    const leaving = new AbortController()
    const rows = vi.spyOn(Books.prototype, 'rows')
    const before = downloads.length
    const asked = fetch(`${url}${codesPath(encodeId('Pool', poolId), { status: 'CLAIMED' })}`, {
      headers: { ...client.authorization(), range: 'bytes=30000000-' },
      signal: leaving.signal,
    })
    await vi.waitUntil(() => rows.mock.calls.some(([{ name }]) => name === 'read-claims-from'))
    leaving.abort()
    await expect(asked).rejects.toThrow()
    await downloads[before]
    expect(rows.mock.calls.length).toBeLessThan(claims / 4_000)
    rows.mockRestore()
    expect(logged).toEqual([])
  })
})

describe('while the database is unavailable', () => {
  const back = async () => {
    proxy.mend()
    await expect.poll(async () => (await fetch(`${url}/ready`)).status, { timeout: 15_000 }).toBe(200)
    logged.length = 0
  }

  test('a download that has begun is cut off, and one that has not is told when to retry', async () => {
    const response = await begin()
    proxy.breakDown()
    try {
      await expect(response.resume().toArray()).rejects.toThrow('aborted')
      await downloads.at(-1)
      expect(logged.map(({ msg }) => msg)).toContain('a download was cut off')
      const reply = await fetch(`${url}${codesPath(encodeId('Pool', poolId), { status: 'ALL' })}`, {
        headers: client.authorization(),
      })
      expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1'])
      expect(await reply.json()).toMatchObject({
        errors: [{ extensions: { code: 'UNAVAILABLE', retryAfterMs: 1_000 } }],
      })
    } finally {
      await back()
    }
  })

  test('a compressed download is cut off too, so that it does not look complete', async () => {
    const response = await begin({ 'accept-encoding': 'gzip' })
    proxy.breakDown()
    try {
      response.on('error', () => unpacking.destroy(new Error('cut')))
      const unpacking = response.pipe(createGunzip())
      await expect(unpacking.resume().toArray()).rejects.toThrow('cut')
    } finally {
      await back()
    }
  })
})

test('a download counts for its key until it has ended', async () => {
  const run = vi.spyOn(DownloadLimit.prototype, 'run')
  const response = await begin()
  expect(run.mock.calls).toEqual([[expect.any(String), expect.any(Function)]])
  expect(run.mock.settledResults).toMatchObject([{ type: 'incomplete' }])
  response.destroy()
  await downloads.at(-1)
  await expect.poll(() => run.mock.settledResults[0]).toMatchObject({ type: 'fulfilled' })
  run.mockRestore()
})

test('a server that closes cuts off a download that takes too long', async () => {
  const response = await begin()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    let closed = false
    const closing = http.close().then(() => {
      closed = true
    })
    vi.advanceTimersByTime(9_000)
    for (let iteration = 0; iteration < 100; iteration++) await yieldToEventLoop()
    expect(closed).toBe(false)
    vi.advanceTimersByTime(1_000)
    await closing
  } finally {
    vi.useRealTimers()
  }
  await downloads.at(-1)
  await expect(response.resume().toArray()).rejects.toThrow('aborted')
  expect(logged).toEqual([])
})
