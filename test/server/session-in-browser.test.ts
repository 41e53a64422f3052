import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { newPool, newStock } from '../support/api.ts'
import { openPage } from '../support/browser.ts'
import { useClient, useService } from '../support/service.ts'

// What a session lets pages do is decided by headers that browsers send. So this is a real one.

const service = useService()
const client = useClient(service)
/** The port of a server of somebody else, which answers every request with an empty page. */
let otherPort: number
let folder: string

beforeAll(async () => {
  const other = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>Another site</title>')
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  otherPort = (other.address() as AddressInfo).port
  folder = await mkdtemp(join(tmpdir(), 'promo-codes-page-'))
  await writeFile(join(folder, 'page.html'), '<!doctype html><title>A file</title>')
  return async () => {
    await new Promise((resolve) => other.close(resolve))
    await rm(folder, { recursive: true })
  }
})

/** A new browser that shows an empty page of the service, reached by this host. */
async function openOwnPage(host: string): Promise<{ page: Page; origin: string }> {
  const origin = `http://${host}:${new URL(service.url).port}`
  const { page, close } = await openPage(origin, { ownProfile: true })
  onTestFinished(close)
  await page.goto('/health')
  return { page, origin }
}

/** The status of a request that a page sends; undefined if the page may not read the answer. */
async function requestFrom(
  page: Page,
  url: string,
  init: { method: string; headers?: Record<string, string>; body?: string; mode?: 'no-cors' },
): Promise<number | undefined> {
  return await page.evaluate(
    async ([url, init]) => {
      try {
        const { status } = await fetch(url, { credentials: 'include', ...init })
        return status === 0 ? undefined : status
      } catch {
        return undefined
      }
    },
    [url, init] as const,
  )
}

/** What the query { account { name } } over a WebSocket that a page opens is answered: "next" or "error". */
async function socketFrom(page: Page, origin: string): Promise<string> {
  return await page.evaluate(
    async (url) => {
      const socket = new WebSocket(url, 'graphql-transport-ws')
      const { promise, resolve } = Promise.withResolvers<string>()
      socket.onopen = () => socket.send('{"type":"connection_init"}')
      socket.onmessage = ({ data }) => {
        const { type } = JSON.parse(data)
        if (type === 'connection_ack')
          socket.send('{"id":"1","type":"subscribe","payload":{"query":"{ account { name } }"}}')
        else resolve(type)
      }
      socket.onclose = ({ code }) => resolve(String(code))
      const answer = await promise
      socket.close()
      return answer
    },
    `${origin.replace('http', 'ws')}/graphql`,
  )
}

const json = { 'content-type': 'application/json' }
const query = { method: 'POST', headers: json, body: '{"query":"{ account { name } }"}' }

const signIn = (page: Page, origin: string) =>
  requestFrom(page, `${origin}/session`, { method: 'POST', headers: client.authorization() })

const isSignedIn = async (page: Page, origin: string) =>
  (await requestFrom(page, `${origin}/graphql`, query)) === 200

const hosts = ['127.0.0.1', 'promo.example']

describe.each(hosts)('the session of a page at %s', (host) => {
  test('begins with a key, serves every way of using the API, and ends', async () => {
    const { poolId } = await newStock(client, 2)
    const { page, origin } = await openOwnPage(host)
    expect(await isSignedIn(page, origin)).toBe(false)
    expect(await signIn(page, origin)).toBe(204)
    expect(await page.evaluate(() => document.cookie)).toBe('')
    expect(await isSignedIn(page, origin)).toBe(true)
    expect(await socketFrom(page, origin)).toBe('next')
    const codes = `${origin}/pools/${poolId}/codes`
    expect(await requestFrom(page, `${codes}?dryRun=true`, { method: 'POST', body: randomUUID() })).toBe(202)
    const download = page.waitForEvent('download')
    await page.evaluate((url) => {
      const link = Object.assign(document.createElement('a'), { href: url })
      document.body.append(link)
      link.click()
    }, `${codes}.csv?status=AVAILABLE`)
    expect(await (await download).failure()).toBeNull()

    expect(await requestFrom(page, `${origin}/session`, { method: 'DELETE' })).toBe(204)
    expect(await page.context().cookies()).toEqual([])
    expect(await isSignedIn(page, origin)).toBe(false)
  })

  test.each<[string, () => string]>([
    ['another site', () => `http://evil.example:${otherPort}`],
    ['another port of this host', () => `http://${host}:${otherPort}`],
    ['a sibling subdomain', () => `http://other.promo.example:${otherPort}`],
    ['a file', () => pathToFileURL(join(folder, 'page.html')).href],
  ])('is of no use to %s', async (_where, addressOf) => {
    const poolId = await newPool(client)
    const tasks = () =>
      client.ask('query ($id: ID!) { pool(id: $id) { name tasks { totalCount } } }', { id: poolId })
    const before = await tasks()
    const { page: own, origin } = await openOwnPage(host)
    await signIn(own, origin)
    const cookies = await own.context().cookies()
    expect(cookies).toHaveLength(1)

    const page = await own.context().newPage()
    await page.goto(addressOf())
    expect(await requestFrom(page, `${origin}/graphql`, query)).toBeUndefined()
    expect(await socketFrom(page, origin)).toMatch(/error|1006/)
    const rename = `mutation { renamePool(input: { poolId: "${poolId}", name: "taken over" }) { __typename } }`
    for (const type of ['application/json', 'text/plain'])
      for (const mode of [{}, { mode: 'no-cors' as const }])
        await requestFrom(page, `${origin}/graphql`, {
          ...mode,
          method: 'POST',
          headers: { 'content-type': type },
          body: JSON.stringify({ query: rename }),
        })
    await requestFrom(page, `${origin}/pools/${poolId}/codes`, {
      method: 'POST',
      mode: 'no-cors',
      body: randomUUID(),
    })
    expect(await signIn(page, origin)).toBeUndefined()
    await requestFrom(page, `${origin}/session`, { method: 'DELETE' })
    // Forms are not bound by CORS.
    for (const [path, type] of [
      ['/session', 'text/plain'],
      [`/pools/${poolId}/codes`, 'text/plain'],
      [`/graphql?query=${encodeURIComponent(rename)}`, 'application/x-www-form-urlencoded'],
    ] as const) {
      const navigation = page.waitForNavigation()
      await page.evaluate(
        ([action, enctype]) => {
          const form = Object.assign(document.createElement('form'), { action, enctype, method: 'post' })
          form.append(Object.assign(document.createElement('textarea'), { name: 'code', value: 'CODE' }))
          document.body.append(form)
          form.submit()
        },
        [`${origin}${path}`, type] as const,
      )
      expect((await navigation)?.status()).toBeGreaterThanOrEqual(400)
      await page.goto(addressOf())
    }

    expect(await tasks()).toEqual(before)
    expect(await own.context().cookies()).toEqual(cookies)
    expect(await isSignedIn(own, origin)).toBe(true)
  })
  test('is not found by a page that has made its own name lead to the service', async () => {
    const { page: own, origin } = await openOwnPage(host)
    await signIn(own, origin)
    const rebound = origin.replace(host, 'evil.example')
    const page = await own.context().newPage()
    await page.goto(`${rebound}/health`)
    expect(await isSignedIn(page, rebound)).toBe(false)
    expect(await socketFrom(page, rebound)).toBe('error')
    expect(await isSignedIn(own, origin)).toBe(true)
  })
})
