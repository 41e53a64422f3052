import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { buildSchema, graphql, parse, validate } from 'graphql'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { guide } from '../../src/server/graphiql/guide.ts'
import {
  type GraphiqlPageOptions,
  graphiqlPageHeaders,
  isLoopbackHost,
  loadGraphiql,
} from '../../src/server/graphiql.ts'
import { openBrowser, type TestBrowser } from '../support/browser.ts'
import { startService } from '../support/service.ts'

const STEPS = [
  'CreateFormat',
  'CreatePool',
  'SaveReplenishment',
  'GenerateCodes',
  'WatchTask',
  'ClaimCodes',
  'WatchPool',
]

const IN_A_BROWSER = { timeout: 60_000 }

describe('the page of GraphiQL', () => {
  test('takes every file that it loads from the assets', async () => {
    const graphiql = await loadGraphiql('/graphql')
    const page = graphiql.page({})
    const paths = [...page.matchAll(/"(\/graphiql\/[^"]+)"/g)].map(([, path]) => path ?? '')
    expect(paths).toHaveLength(7)
    for (const path of paths) expect(graphiql.asset(path)?.body.length, path).toBeGreaterThan(0)
    expect(graphiql.asset('/graphiql/page.js')).toBeUndefined()
  })

  test('contains a key only when it is given one, in a form that cannot end the script', async () => {
    const graphiql = await loadGraphiql('/graphql')
    const apiKey = '</script><script>alert(1)</script><!--'
    const page = graphiql.page({ apiKey })
    expect(page).not.toContain(apiKey)
    expect(page.match(/<script/g)).toHaveLength(3)
    expect(configurationIn(page)).toMatchObject({ authorization: `Bearer ${apiKey}` })
    expect(configurationIn(graphiql.page({}))).toMatchObject({ authorization: null })
  })

  test('asks for queries that the schema allows', async () => {
    const schema = buildSchema(await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8'))
    for (const { id, query } of guide(undefined).tabs) expect(validate(schema, parse(query)), id).toEqual([])
  })

  test('starts from the sample, or says in words where each id comes from', () => {
    const sample = { formatId: 'format-id', poolId: 'pool-id', taskId: 'task-id' }
    for (const tab of guide(sample).tabs) expect(tab.variables, tab.id).not.toContain('the id of')
    const [, , , generate, watch] = guide(undefined).tabs
    expect(generate?.variables).toContain('"poolId": "the id of a pool: run CreatePool"')
    expect(watch?.variables).toContain('"id": "the id of a task: run GenerateCodes"')
    for (const tab of guide(undefined).tabs) expect(() => JSON.parse(tab.variables), tab.id).not.toThrow()
  })

  test.each([
    ['localhost', true],
    ['LOCALHOST:4000', true],
    ['127.0.0.1:4000', true],
    ['127.8.9.1', true],
    ['[::1]:4000', true],
    [undefined, false],
    ['', false],
    ['evil.example:4000', false],
    ['localhost.evil.example', false],
    ['127.0.0.1.evil.example:4000', false],
    ['evil.example#localhost', false],
    ['user@localhost', false],
    ['0.0.0.0:4000', false],
    ['192.168.1.7:4000', false],
  ])('takes the Host %j for loopback: %j', (host, expected) => {
    expect(isLoopbackHost(host)).toBe(expected)
  })
})

describe('GraphiQL in a browser', () => {
  let chromium: TestBrowser
  beforeAll(async () => {
    chromium = await openBrowser()
  }, 60_000)
  afterAll(() => chromium.close())

  test('the guide leads from a format to a claimed code', IN_A_BROWSER, async () => {
    const service = await startService({ embedded: true })
    onTestFinished(() => service.close())
    const context = await newContext(chromium)
    const { page, requested, complaints } = await open(context, new URL('/graphql', service.url))
    expect(await tabNames(page)).toEqual(STEPS)

    await run(page)
    const { createFormat } = await answer(page, 'createFormat')
    expect(createFormat.format.examples).not.toHaveLength(0)

    await openTab(page, 'CreatePool')
    await run(page)
    const { createPool } = await answer(page, 'createPool')
    expect(createPool.pool).toMatchObject({ availableCount: expect.any(String), status: 'EMPTY' })

    await openTab(page, 'SaveReplenishment')
    await run(page)
    const { saveReplenishment } = await answer(page, 'saveReplenishment')
    expect(saveReplenishment.pool.replenishment.format.name).toBe(createFormat.format.name)

    await openTab(page, 'GenerateCodes')
    await run(page)
    const { generateCodes } = await answer(page, 'generateCodes')
    expect(generateCodes.task).toMatchObject({ quantity: '100', pool: { name: createPool.pool.name } })

    await openTab(page, 'WatchTask')
    expect(JSON.parse(await textOf(page, 'variables'))).toEqual({ id: generateCodes.task.id })
    await run(page)
    const { taskUpdated } = await answer(page, '"status": "COMPLETED"')
    expect(taskUpdated).toMatchObject({ addedCount: '100', progress: 1 })

    await openTab(page, 'ClaimCodes')
    await run(page)
    const { claimCodes } = await answer(page, 'claimCodes')
    expect(claimCodes.codes).toHaveLength(10)
    const [first] = claimCodes.codes
    await page.locator('.result-window').getByText(first.code).waitFor()
    await page.screenshot({ path: screenshotPath('claimed') })

    await openTab(page, 'WatchPool')
    const { poolId } = JSON.parse(await textOf(page, 'variables'))
    expect(poolId).toBe(createPool.pool.id)
    const ask = async (query: string, variables: object) => {
      const response = await fetch(new URL('/graphql', service.url), {
        method: 'POST',
        headers: { Authorization: `Bearer ${service.key}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      })
      const { data } = (await response.json()) as {
        data: { eventCursor: string; pool: { availableCount: string } }
      }
      return data
    }
    await run(page)
    // Everything so far is shown first: what comes after it is live.
    const { eventCursor } = await ask('{ eventCursor }', {})
    await answer(page, `"cursor": "${eventCursor}"`)
    const { pool } = await ask('query ($id: ID!) { pool(id: $id) { availableCount } }', { id: poolId })
    await ask('mutation ($input: ClaimCodesInput!) { claimCodes(input: $input) { __typename } }', {
      input: { poolId, count: Number(pool.availableCount) },
    })
    const { poolEvents } = await answer(page, /PoolEmptyEvent|PoolRefilledEvent[\s\S]*PoolRefilledEvent/)
    expect(poolEvents.cursor).not.toBe(eventCursor)
    await page.screenshot({ path: screenshotPath('live') })

    const socket = new URL('/graphql', service.url).href.replace('http', 'ws')
    expect(requested.filter((url) => !url.startsWith(`${new URL(service.url).origin}/`))).toEqual([
      socket,
      socket,
    ])
    expect(complaints).toEqual([])
  })

  test('a page reached under a foreign name is not given the key', IN_A_BROWSER, async () => {
    const service = await startService({ embedded: true })
    onTestFinished(() => service.close())
    const context = await newContext(chromium)
    const { page } = await open(context, new URL(`http://promo.example:${new URL(service.url).port}/graphql`))
    expect(await tabNames(page)).toEqual(STEPS)
    expect(await page.content()).not.toContain(service.key)
    expect(await textOf(page, 'request-headers')).toContain('<paste an API key here>')
  })

  test('a key pasted into one tab opens the schema and goes into the others', IN_A_BROWSER, async () => {
    const { url } = await servePage({}, 'the-key')
    const context = await newContext(chromium)
    const { page } = await open(context, url)
    await openTab(page, 'CreatePool')
    await run(page)
    await answer(page, 'UNAUTHENTICATED')
    await openTab(page, 'CreateFormat')
    expect(await textOf(page, 'request-headers')).toContain('<paste an API key here>')

    await openTab(page, 'CreatePool')
    await setText(page, 'request-headers', '{ "authorization": "Bearer the-key" }')
    const schema = page.waitForResponse((response) => isIntrospection(response.request().postData()))
    await run(page)
    expect((await answer(page, 'createPool')).createPool).toEqual({ pool: { id: 'pool-1' } })
    expect((await (await schema).json()).data).toHaveProperty('__schema')

    await openTab(page, 'GenerateCodes')
    expect(await textOf(page, 'request-headers')).toContain('"Bearer the-key"')
    expect(JSON.parse(await textOf(page, 'variables')).input.poolId).toBe('pool-1')
  })

  test('a reload keeps the tabs, a different database does not', IN_A_BROWSER, async () => {
    const options = { apiKey: 'the-key', sample: { formatId: 'format-a', poolId: 'pool-a' }, database: 'a' }
    const site = await servePage(options, 'the-key')
    const context = await newContext(chromium)
    const { page } = await open(context, site.url)
    await openTab(page, 'CreatePool')
    await run(page)
    await answer(page, 'createPool')
    await openTab(page, 'ClaimCodes')
    await isStored(page, 'pool-1')

    await page.reload()
    await ready(page)
    expect(await tabNames(page)).toEqual(STEPS)
    expect(await textOf(page, 'operation')).toContain('mutation ClaimCodes')
    expect(JSON.parse(await textOf(page, 'variables')).input.poolId).toBe('pool-1')

    site.options = { ...options, sample: { formatId: 'format-b', poolId: 'pool-b' }, database: 'b' }
    await page.reload()
    await ready(page)
    expect(await tabNames(page)).toEqual(STEPS)
    await openTab(page, 'ClaimCodes')
    expect(JSON.parse(await textOf(page, 'variables')).input.poolId).toBe('pool-b')
  })

  test('an id that somebody has typed is left alone', IN_A_BROWSER, async () => {
    const { url } = await servePage({ apiKey: 'the-key' }, 'the-key')
    const context = await newContext(chromium)
    const { page } = await open(context, url)
    await openTab(page, 'ClaimCodes')
    await setText(page, 'variables', '{ "input": { "poolId": "mine" } }')
    await isStored(page, 'mine')
    await openTab(page, 'CreatePool')
    await run(page)
    await answer(page, 'createPool')
    await openTab(page, 'ClaimCodes')
    expect(await textOf(page, 'variables')).toBe('{ "input": { "poolId": "mine" } }')
  })
})

async function newContext({ browser }: TestBrowser): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } })
  onTestFinished(() => context.close())
  return context
}

/** Opens the page, and takes down what it asks for and what the browser's console says against it. */
async function open(context: BrowserContext, url: URL) {
  const page = await context.newPage()
  const requested: string[] = []
  const complaints: string[] = []
  context.on('request', (request) => requested.push(request.url()))
  page.on('websocket', (socket) => requested.push(socket.url()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  await page.goto(url.href)
  await ready(page)
  return { page, requested, complaints }
}

/** The parts of Monaco, the editor in GraphiQL, that are used here. */
interface Monaco {
  readonly monaco?: {
    readonly editor: {
      getModels(): {
        readonly uri: { readonly path: string }
        getValue(): string
        setValue(text: string): void
      }[]
    }
  }
}

async function ready(page: Page): Promise<void> {
  await page.waitForFunction(() => (globalThis as Monaco).monaco?.editor.getModels().length === 4)
}

type Editor = 'operation' | 'variables' | 'request-headers' | 'response'

function textOf(page: Page, editor: Editor): Promise<string> {
  return page.evaluate((name) => {
    const models = (globalThis as Monaco).monaco?.editor.getModels()
    return models?.find(({ uri }) => uri.path.includes(name))?.getValue() ?? ''
  }, editor)
}

async function setText(page: Page, editor: Editor, value: string): Promise<void> {
  await page.evaluate(
    ([name, newValue]) => {
      const models = (globalThis as Monaco).monaco?.editor.getModels()
      models?.find(({ uri }) => uri.path.includes(name))?.setValue(newValue)
    },
    [editor, value] as const,
  )
}

/** GraphiQL writes to its tabs and its storage a little later than a person types. */
async function isStored(page: Page, part: string): Promise<void> {
  await page.waitForFunction((text) => {
    const { localStorage } = globalThis as unknown as { localStorage: Record<string, string> }
    return localStorage['promo-codes:graphiql:tabState']?.includes(text)
  }, part)
}

function tabNames(page: Page): Promise<string[]> {
  return page.getByRole('tab').allInnerTexts()
}

async function openTab(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click()
  await page.waitForFunction((title) => {
    const models = (globalThis as Monaco).monaco?.editor.getModels()
    return models?.some((model) => model.uri.path.includes('operation') && model.getValue().includes(title))
  }, ` ${name}(`)
}

async function run(page: Page): Promise<void> {
  await page.locator('.graphiql-execute-button').click()
}

/** The data that the response pane shows, once it shows the part waited for. */
async function answer(page: Page, part: string | RegExp) {
  const pattern = typeof part === 'string' ? part.replace(/\W/g, '\\$&') : part.source
  await page.waitForFunction((source) => {
    const models = (globalThis as Monaco).monaco?.editor.getModels()
    return models?.some(
      (model) => model.uri.path.includes('response') && RegExp(source).test(model.getValue()),
    )
  }, pattern)
  return JSON.parse(await textOf(page, 'response')).data
}

function screenshotPath(name: string): string {
  const { SCREENSHOTS: folder = join(tmpdir(), `promo-codes-screenshots-${userInfo().username}`) } =
    process.env
  return join(folder, `graphiql-${name}.png`)
}

function configurationIn(page: string): unknown {
  const [, json] = /<script type="application\/json" id="config">([\s\S]*?)<\/script>/.exec(page) ?? []
  return JSON.parse(json ?? 'null')
}

function isIntrospection(body: string | null): boolean {
  return body?.includes('IntrospectionQuery') ?? false
}

/** A site that serves the page, and of the API just what the page's own script needs. */
async function servePage(options: GraphiqlPageOptions, key: string) {
  const graphiql = await loadGraphiql('/graphql')
  const site = { options, url: new URL('http://localhost') }
  const schema = buildSchema(`
    type Query { eventCursor: String! }
    type Mutation { createPool(input: CreatePoolInput!): CreatePoolPayload }
    input CreatePoolInput { name: String! }
    type CreatePoolPayload { pool: Pool! }
    type Pool { id: ID! }
  `)
  const rootValue = { eventCursor: 'now', createPool: { pool: { id: 'pool-1' } } }
  const server = createServer(async (request, response) => {
    const asset = graphiql.asset(request.url ?? '')
    if (asset !== undefined) return response.writeHead(200, asset.headers).end(asset.body)
    if (request.method === 'GET') {
      return response.writeHead(200, graphiqlPageHeaders).end(graphiql.page(site.options))
    }
    const { query } = JSON.parse(await text(request))
    const source = query.includes('createPool')
      ? 'mutation { createPool(input: { name: "" }) { pool { id } } }'
      : query
    const result =
      request.headers.authorization === `Bearer ${key}`
        ? await graphql({ schema, source, rootValue })
        : { errors: [{ message: 'No key', extensions: { code: 'UNAUTHENTICATED' } }] }
    return response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(result))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  site.url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`)
  return site
}
