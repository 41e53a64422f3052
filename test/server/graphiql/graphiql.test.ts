import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { buildSchema, graphql, parse, validate } from 'graphql'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { matchRoute } from '../../../src/routes.ts'
import {
  Graphiql,
  type GraphiqlPageOptions,
  graphiqlPageHeaders,
} from '../../../src/server/graphiql/graphiql.ts'
import { guide } from '../../../src/server/graphiql/guide.ts'
import { isLoopbackHost } from '../../../src/server/http/local-browser.ts'
import { RequestRecord } from '../../../src/telemetry/request-record.ts'
import { findAccessibilityProblems } from '../../support/accessibility.ts'
import { openPage, type PageOptions } from '../../support/browser.ts'
import { loadFile, unpacked } from '../../support/load-file.ts'
import { startService, useService } from '../../support/service.ts'
import { shared } from '../../support/shared.ts'

const STEPS = [
  'Pools',
  'CreatePool',
  'PromoCodesSection',
  'PickFormat',
  'PreviewFormat',
  'CreateFormat',
  'AvailableCodes',
  'SaveAndGenerate',
  'WatchTask',
  'Results',
  'SavePromoCodes',
  'SaveTerms',
  'WatchPool',
  'ClaimCodes',
  'LookUpCode',
  'RedeemCode',
  'RollBackAndVoid',
  'DownloadCodes',
  'UploadCodes',
  'History',
]

const IN_A_BROWSER = { timeout: 60_000 }

const graphiql = new Graphiql()
const isFile = (path: string) => graphiql.fileRoute.exists?.(matchRoute(path)?.id ?? '')

describe('the page of GraphiQL', () => {
  test('loads only files that exist', async () => {
    const page = await graphiql.page({})
    const paths = [...page.matchAll(/"(\/graphiql\/[^"]+)"/g)].map(([, path]) => path ?? '')
    expect(paths).toHaveLength(8)
    for (const path of paths) expect(await isFile(path), path).toBe(true)
    for (const path of ['/graphiql/page.js', '/graphiql/fingerprint.txt'])
      expect(await isFile(path), path).toBe(false)
  })

  test('contains a key only if it is given one, in a form that cannot end the script', async () => {
    const apiKey = '</script><script>alert(1)</script><!--'
    const page = await graphiql.page({ apiKey })
    expect(page).not.toContain(apiKey)
    expect(page.match(/<script/g)).toHaveLength(3)
    expect(configurationIn(page)).toMatchObject({ authorization: `Bearer ${apiKey}` })
    expect(configurationIn(await graphiql.page({}))).toMatchObject({ authorization: null })
  })

  test('has valid operations, and every mutation selects everything that is wrong with its input', async () => {
    const schema = buildSchema(await readFile(new URL('../../../schema.graphql', import.meta.url), 'utf8'))
    for (const { id, query } of guide(undefined).tabs) {
      expect(validate(schema, parse(query)), id).toEqual([])
      if (!/^mutation/m.test(query)) continue
      expect(query, id).toMatch(/\.\.\. on UserError \{\s+message\s+code\s+path\s+\}/)
      expect(query, id).toMatch(/\.\.\. on InvalidInputError \{\s+issues \{\s+path\s+message\s+\}/)
    }
  })

  test('starts from the sample, or says where each id comes from', () => {
    const sample = { formatId: 'format-id', poolId: 'pool-id', taskId: 'task-id' }
    for (const tab of guide(sample).tabs) expect(tab.variables, tab.id).not.toContain('the id of')
    const variables = (id: string) => guide(undefined).tabs.find((tab) => tab.id === id)?.variables
    expect(variables('guide-save-and-generate')).toContain('"poolId": "the id of a pool: run CreatePool"')
    expect(variables('guide-results')).toContain('"id": "the id of a task: run SaveAndGenerate"')
    for (const tab of guide(undefined).tabs) expect(() => JSON.parse(tab.variables), tab.id).not.toThrow()
  })

  test('has one key per line in its variables, and enables nothing', () => {
    for (const { id, variables } of guide(undefined).tabs) {
      for (const line of variables.split('\n')) expect(line.match(/":/g)?.length ?? 0, id).toBeLessThan(2)
      expect(variables, id).not.toMatch(/"autoGenerate": true|"refillThreshold": "[^0]/)
    }
  })

  test('follows the guide of the product, in its order and words', () => {
    const told = guide(undefined)
      .tabs.map(({ query }) => query.replaceAll('\n# ', ' '))
      .join('\n')
    const sentences = [
      'make sure you already have a pool',
      "If you don't have a pool yet, create one first",
      'Open the pool you want to populate and navigate to the Promo Codes section of its settings',
      'This is where you decide how the pool will be filled with codes',
      'Select Generate promo codes as the method',
      'which promo code format to use. The format defines the structure of the codes that will be generated',
      'Pick an existing format from the list',
      'create a new format if none of the existing ones fit',
      'efine how the codes of a new format should look',
      'then return',
      'Available codes for generation (availableForGeneration): the number of codes still available',
      "Use it as a sanity check: your Quantity can't exceed it",
      'with a larger code space',
      'Quantity: the number of promo codes this task will generate and add to the pool',
      'auto-generate promo codes if they run out',
      'Turn this on for always-on use cases (welcome flows, evergreen offers, referral programs)',
      'Leave it off for one-time campaigns with a fixed code budget',
      'Save and generate: press run to kick off the task',
      'The task moves through statuses, starting at Awaiting execution',
      "you'll see the results of the run, including how many codes were generated",
      'After generation finishes, save the Promo Codes block settings on the pool itself',
      'so that the pool keeps behaving the way you set it up',
      'the newly generated codes are in the pool and ready to be handed out',
      'any campaign, scenario, or integration that draws from the pool',
    ]
    const places = sentences.map((sentence) => told.indexOf(sentence))
    expect(sentences.filter((_sentence, index) => (places[index] ?? -1) < 0)).toEqual([])
    expect(places).toEqual(places.toSorted((one, other) => one - other))
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
  ])('takes the Host %j for the loopback interface: %j', (host, expected) => {
    expect(isLoopbackHost(host)).toBe(expected)
  })
})

describe('the files of GraphiQL', () => {
  const service = useService()
  let paths: string[]
  beforeAll(async () => {
    const page = await fetch(new URL('/graphql', service.url), { headers: { accept: 'text/html' } })
    paths = [...(await page.text()).matchAll(/"(\/graphiql\/[^"]+)"/g)].map(([, path]) => path ?? '')
  })

  const large = () => paths.find((path) => path.endsWith('/graphiql.js')) ?? ''
  const small = () => paths.find((path) => path.endsWith('/page.css')) ?? ''

  test.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['br', 'br'],
    ['BR;q=1.0', 'br'],
    ['*', 'br'],
    ['gzip, deflate', 'gzip'],
    ['gzip;q=0.8, br;q=0.5', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['br;q=0, gzip;q=0', undefined],
    ['br;q=0, *', 'gzip'],
    ['identity', undefined],
    ['identity;q=1, br;q=0.5', undefined],
    ['deflate, zstd', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('are sent to a client that accepts %j as %j', async (accepted, coding) => {
    const plain = await load(small())
    const answer = await load(small(), accepted === undefined ? {} : { 'accept-encoding': accepted })
    expect(answer.status).toBe(200)
    expect(answer.headers['content-encoding']).toBe(coding)
    expect(answer.headers.vary).toBe('Accept-Encoding')
    expect(Number(answer.headers['content-length'])).toBe(answer.body.length)
    expect(unpacked(answer)).toEqual(plain.body)
  })

  test('are refused to a client that accepts none of the codings', async () => {
    const answer = await load(small(), { 'accept-encoding': 'zstd, *;q=0' })
    expect(answer).toMatchObject({ status: 406, headers: { vary: 'Accept-Encoding' } })
    expect(String(answer.body)).toContain('br, gzip, identity')
  })

  test('are compressed to a quarter, and the same when decompressed', async () => {
    const sizes = await Promise.all(
      paths.map(async (path) => {
        const [plain, ...packed] = await Promise.all(
          ['identity', 'br', 'gzip'].map((coding) => load(path, { 'accept-encoding': coding })),
        )
        for (const answer of packed)
          expect(unpacked(answer).equals(plain?.body ?? Buffer.of()), path).toBe(true)
        return [plain, ...packed].map((answer) => answer?.body.length ?? 0)
      }),
    )
    const [plain = 0, br = 0, gzip = 0] = [0, 1, 2].map((index) =>
      sizes.reduce((sum, size) => sum + (size[index] ?? 0), 0),
    )
    expect(plain).toBeGreaterThan(8_000_000)
    expect(br).toBeLessThan(2_300_000)
    expect(gzip).toBeLessThan(2_600_000)
  })

  test('have an entity tag for each coding, and are not sent again to a client that has them', async () => {
    const packed = await load(large(), { 'accept-encoding': 'br' })
    const plain = await load(large())
    const etag = packed.headers.etag ?? ''
    expect(etag).toMatch(/^"[\w-]+"$/)
    expect(plain.headers.etag).not.toBe(etag)
    for (const named of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await load(large(), { 'accept-encoding': 'br', 'if-none-match': named })
      expect(again, named).toMatchObject({ status: 304, headers: { etag, vary: 'Accept-Encoding' } })
      expect(again.body, named).toHaveLength(0)
    }
    const other = await load(large(), { 'accept-encoding': 'gzip', 'if-none-match': etag })
    expect(other.status).toBe(200)
  })

  test('answer HEAD with the headers alone, and change nothing', async () => {
    const whole = await load(large(), { 'accept-encoding': 'gzip' })
    const head = await load(large(), { 'accept-encoding': 'gzip' }, 'HEAD')
    expect(head.body).toHaveLength(0)
    expect(head.status).toBe(200)
    for (const name of [
      'content-length',
      'content-encoding',
      'content-type',
      'etag',
      'vary',
      'cache-control',
    ])
      expect(head.headers[name], name).toBe(whole.headers[name])
    expect(await load(large(), {}, 'POST')).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD, OPTIONS' },
    })
  })

  test.each(['GET', 'OPTIONS', 'POST'])(
    'have one address each: %s finds nothing at another',
    async (method) => {
      for (const path of [small().replace('page.css', '%70age.css'), small().replace('page', 'pages')])
        expect(await load(path, {}, method), path).toMatchObject({ status: 404 })
    },
  )

  const load = (path: string, headers?: Record<string, string>, method?: string) =>
    loadFile(new URL(path, service.url), headers, method)
})

describe('GraphiQL in a browser', () => {
  const service = useService({ embedded: true })
  const opened = shared(openSite)

  /** The site, with this for the page and this API key. */
  const serve = (options: GraphiqlPageOptions, key: string) =>
    Object.assign(opened.site, { options, key, held: Promise.resolve() })

  test.each([
    [1400, 900, 'light'],
    [900, 600, 'dark'],
  ] as const)(
    'the tour leads from the list of pools to their history, in a window of %d by %d',
    // A long test, which takes a while on a busy machine.
    { timeout: 120_000 },
    async (...window) => {
      const [width, height, scheme] = window
      const { page, requested, complaints } = await open(service.url, { width, height, scheme })
      const screenshot = (name: string) => takeScreenshot(page, `${name}-${width}-${scheme}`)
      expect(await tabNames(page)).toEqual(STEPS)
      for (const name of STEPS) await expectInSight(page, name)

      await run(page)
      const { pools } = await answer(page, 'totalCount')
      expect(pools.edges.map(({ node }: { node: { name: string } }) => node.name)).toContain(
        'Sample pool (play with it or leave it alone)',
      )
      await screenshot('pools')

      await openTab(page, 'CreatePool')
      await run(page)
      const { createPool } = await answer(page, 'createPool')
      expect(createPool.pool).toMatchObject({ availableCount: '0', status: 'EMPTY' })
      const { id: poolId, name: poolName } = createPool.pool

      await openTab(page, 'PromoCodesSection')
      await run(page)
      const { pool: opened } = await answer(page, 'replenishment')
      expect(opened).toMatchObject({ id: poolId, replenishment: { format: null, autoGenerate: false } })
      await screenshot('section')

      await openTab(page, 'PickFormat')
      await run(page)
      const { formats } = await answer(page, 'totalCount')
      expect(formats.edges[0].node).toMatchObject({ availableForGeneration: expect.any(String) })

      await openTab(page, 'PreviewFormat')
      await changeVariables(page, ({ shape }) => {
        shape.body.pattern = '######'
      })
      await run(page)
      const { previewFormat } = await answer(page, 'warnings')
      expect(previewFormat.overlaps).toEqual([])
      await screenshot('preview')

      // Creates the format that was previewed.
      await openTab(page, 'CreateFormat')
      await run(page)
      const { createFormat } = await answer(page, 'createFormat')
      expect(createFormat.format.pattern).toBe(previewFormat.pattern)
      expect(createFormat.format.pattern).toMatch(/-######$/)

      await openTab(page, 'AvailableCodes')
      await run(page)
      const { format } = await answer(page, 'availableForGeneration')
      expect(format).toMatchObject({ id: createFormat.format.id, availableForGeneration: `${24 ** 6}` })

      await openTab(page, 'SaveAndGenerate')
      await changeVariables(page, ({ input }) => {
        input.quantity = `${24 ** 6 + 1}`
      })
      await run(page)
      const refused = await answer(page, 'QUANTITY_EXCEEDS_AVAILABLE')
      expect(refused.generateCodes.message).toContain('has 191,102,976 codes left to generate')
      await changeVariables(page, ({ input }) => {
        input.quantity = '100'
        input.saveSettings.autoGenerate = true
      })
      await run(page)
      const { generateCodes } = await answer(page, '"quantity": "100"')
      expect(generateCodes.task).toMatchObject({ status: 'AWAITING_EXECUTION', pool: { name: poolName } })
      await screenshot('generate')

      // The task has ended by now, and all its events are still shown.
      await openTab(page, 'WatchTask')
      await run(page)
      await answer(page, 'PoolRefilledEvent')
      const life = (await shown(page)).map(
        ({ poolEvents: { changed, status, addedCount } }) => changed?.join() ?? status ?? addedCount,
      )
      expect(life.toReversed()).toEqual([
        'REPLENISHMENT',
        'AWAITING_EXECUTION',
        'RUNNING',
        'COMPLETED',
        '100',
      ])
      await screenshot('task')

      await openTab(page, 'Results')
      await run(page)
      const { task } = await answer(page, '"COMPLETED"')
      expect(task).toMatchObject({ id: generateCodes.task.id, generatedCount: '100', addedCount: '100' })
      await screenshot('results')

      // Saves the same settings as the run.
      await openTab(page, 'SavePromoCodes')
      expect(JSON.parse(await textOf(page, 'variables')).input).toMatchObject({
        quantity: '100',
        autoGenerate: true,
        refillThreshold: '0',
      })
      await run(page)
      const { saveReplenishment } = await answer(page, 'saveReplenishment')
      // Each batch is generated once.
      expect(saveReplenishment).toMatchObject({ refill: null, pool: { availableCount: '100' } })

      await openTab(page, 'SaveTerms')
      await run(page)
      const { saveTerms } = await answer(page, 'validFor')
      expect(saveTerms.pool).toMatchObject({ name: poolName, terms: { validFor: 'P30D', validUntil: null } })

      await openTab(page, 'WatchPool')
      await run(page)
      const { poolUpdated } = await answer(page, 'poolUpdated')
      expect(poolUpdated).toMatchObject({ availableCount: '100', claimedCount: '0' })

      await openTab(page, 'ClaimCodes')
      await run(page)
      const { claimCodes } = await answer(page, 'claimCodes')
      expect(claimCodes.codes).toHaveLength(10)
      expect(claimCodes).toMatchObject({ alreadyHeld: false, claim: { count: '10' } })
      const [first] = claimCodes.codes
      await page.locator('.result-window').getByText(first.code).waitFor()
      await screenshot('claimed')
      await changeVariables(page, ({ input }) => {
        input.count = 90
      })
      await run(page)
      await answer(page, '"claimedCount": "100"')

      // It continued while another tab was open.
      await openTab(page, 'WatchPool')
      await answer(page, '"claimedCount": "100"')
      const counts = (await shown(page)).map(({ poolUpdated: { availableCount } }) => availableCount)
      expect([counts[0], counts.at(-1)]).toEqual(['100', '100'])
      await screenshot('live')

      await openTab(page, 'LookUpCode')
      await changeVariables(page, (variables) => {
        variables.code = variables.code.toLowerCase().replaceAll('-', ' ')
      })
      await run(page)
      const { code } = await answer(page, 'claimedAt')
      expect(code).toMatchObject({
        status: 'CLAIMED',
        validity: 'VALID',
        recipient: 'anna@example.com',
        pool: { name: poolName },
      })
      expect(Date.parse(code.expiresAt) - Date.parse(code.claimedAt)).toBe(30 * 86_400_000)

      // The code was the first of the claim of 90.
      await openTab(page, 'RedeemCode')
      await run(page)
      const { redeemCode } = await answer(page, 'alreadyRedeemed')
      expect(redeemCode).toMatchObject({
        alreadyRedeemed: false,
        redemption: { reference: 'Order 1', code: { code: code.code, validity: 'REDEEMED' } },
      })
      await screenshot('redeemed')
      await changeVariables(page, ({ input }) => {
        input.reference = 'Order 2'
      })
      await run(page)
      const { redeemCode: second } = await answer(page, 'CODE_REDEEMED')
      expect(second.redemption.reference).toBe('Order 1')

      await openTab(page, 'RollBackAndVoid')
      await run(page)
      const { rollBackRedemption, voidCodes } = await answer(page, 'voidedCount')
      expect(rollBackRedemption.redemption).toMatchObject({
        rolledBackAt: expect.any(String),
        code: { code: code.code, validity: 'VALID' },
      })
      expect(voidCodes).toMatchObject({ voidedCount: '90', redeemedCount: '0' })
      await screenshot('void')

      await openTab(page, 'DownloadCodes')
      await run(page)
      await answer(page, 'codesUrl')
      const downloading = page.waitForEvent('download')
      await page.getByRole('button', { name: 'Save codes.csv' }).click()
      const file = await readFile(await (await downloading).path(), 'utf8')
      expect(file.trimEnd().split('\r\n')).toHaveLength(1 + 200)
      expect(file).toContain(`${first.code},CLAIMED,anna@example.com,`)
      await screenshot('download')

      await openTab(page, 'UploadCodes')
      const choosing = page.waitForEvent('filechooser')
      await run(page)
      const codes = `code\nMINE-${width}-1\nMINE-${width}-2\nMINE-${width}-1\n`
      await (await choosing).setFiles({ name: 'codes.csv', mimeType: 'text/csv', buffer: Buffer.from(codes) })
      const { uploadCodes } = await answer(page, 'uploadCodes')
      expect(uploadCodes.task.upload.dryRun).toBe(true)
      await openTab(page, 'WatchTask')
      await answer(page, /"COMPLETED",\s+"task": \{\s+"kind": "UPLOAD"/)
      await openTab(page, 'Results')
      await run(page)
      const { task: uploaded } = await answer(page, 'rowsRead')
      expect(uploaded).toMatchObject({
        status: 'COMPLETED',
        addedCount: '0',
        upload: { rowsRead: '3', accepted: '2', duplicatesInFile: '1' },
      })

      await openTab(page, 'History')
      await run(page)
      const { poolEvents, pool } = await answer(page, 'endCursor')
      const kinds = poolEvents.edges.map(({ node }: { node: { __typename: string } }) => node.__typename)
      expect(new Set(kinds)).toEqual(
        new Set([
          'PoolCreatedEvent',
          'PoolChangedEvent',
          'TaskStatusChangedEvent',
          'PoolRefilledEvent',
          'CodesVoidedEvent',
        ]),
      )
      expect(pool).toMatchObject({
        availableCount: '100',
        claimedCount: '100',
        codes: { totalCount: '100' },
      })
      const [voiding] = poolEvents.edges.filter(
        ({ node }: { node: { __typename: string } }) => node.__typename === 'CodesVoidedEvent',
      )
      expect(voiding.node).toMatchObject({
        actor: { name: expect.any(String) },
        count: '90',
        reason: 'Order 1 was returned',
      })
      await screenshot('history')

      expect(await violations(page)).toEqual([])

      // Another visit makes another format of the shape that was tried last.
      await page.reload()
      await ready(page)
      await openTab(page, 'CreateFormat')
      const { input } = JSON.parse(await textOf(page, 'variables'))
      expect(input.name).not.toBe(createFormat.format.name)
      expect(createFormat.format.pattern).not.toContain(input.shape.prefix)
      expect(input.shape.body).toEqual({ pattern: '######' })
      const { origin } = new URL(service.url)
      const elsewhere = requested.filter(
        (url) => !url.startsWith(`${origin}/`) && !url.startsWith(`blob:${origin}/`),
      )
      const socket = new URL('/graphql', service.url).href.replace('http', 'ws')
      expect(elsewhere).toEqual(elsewhere.map(() => socket))
      expect(complaints).toEqual([])
    },
  )

  test('an open page keeps working after a restart of the service', IN_A_BROWSER, async () => {
    const first = await startService({ embedded: true, databaseUrl: service.databaseUrl })
    const port = Number(new URL(first.url).port)
    const { page } = await open(first.url, { ownProfile: true })
    await openTab(page, 'WatchPool')
    await run(page)
    await answer(page, 'poolUpdated')

    await first.close()
    await answer(page, 'The service is stopping or restarting')
    await openTab(page, 'Pools')
    await run(page)
    await answer(page, 'The service cannot be reached')
    expect(await textOf(page, 'response')).not.toMatch(/ at |stack|TypeError/)
    await openTab(page, 'ClaimCodes')
    await run(page)
    await answer(page, 'it is not known whether this was carried out')

    const second = await startService({ embedded: true, databaseUrl: service.databaseUrl, port })
    onTestFinished(() => second.close())
    // The restart replaced the key of the page. The first socket or request to fail gets the new one.
    await openTab(page, 'WatchPool')
    await run(page)
    expect((await answer(page, 'poolUpdated')).poolUpdated).toHaveProperty('availableCount')
    await openTab(page, 'Pools')
    await run(page)
    await answer(page, 'totalCount')
  })

  test('a page that is reached under another host name is not given the key', IN_A_BROWSER, async () => {
    const { page } = await open(`http://promo.example:${new URL(service.url).port}`)
    expect(await tabNames(page)).toEqual(STEPS)
    expect(await page.content()).not.toContain(service.key)
    expect(await textOf(page, 'request-headers')).toContain('<paste an API key here>')
  })

  test('a page that is no longer given a key says so', IN_A_BROWSER, async () => {
    const site = serve({ apiKey: 'the-key' }, 'the-key')
    const { page } = await open(site.url)
    site.key = 'another-key'
    site.options = {}
    await openTab(page, 'CreatePool')
    await run(page)
    await answer(page, 'UNAUTHENTICATED')
    expect(await page.getByRole('status').innerText()).toContain(
      'Reload the page, or paste a key under Headers',
    )

    site.options = { apiKey: 'another-key', database: 'another' }
    await run(page)
    await answer(page, 'createPool')
    expect(await textOf(page, 'request-headers')).toContain('Bearer another-key')
    expect(await page.getByRole('status').innerText()).toContain('restarted with other data')
  })

  test('an answer that arrives while another tab is open is shown in its own', IN_A_BROWSER, async () => {
    const site = serve({ apiKey: 'the-key' }, 'the-key')
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    const { page } = await open(site.url)
    await openTab(page, 'CreatePool')
    site.held = held
    await run(page)
    await openTab(page, 'ClaimCodes')
    const answered = page.waitForResponse(
      (response) => response.request().postData()?.includes('createPool') ?? false,
    )
    letGo()
    await answered
    await openTab(page, 'CreatePool')
    expect((await answer(page, 'createPool')).createPool).toEqual({ pool: { id: 'pool-1' } })
    await openTab(page, 'ClaimCodes')
    expect(await textOf(page, 'response')).toBe('')
  })

  test('a closed tab of the tour can be restored to its place', IN_A_BROWSER, async () => {
    const { url } = serve({ apiKey: 'the-key' }, 'the-key')
    const { page } = await open(url)
    const restore = page.getByRole('button', { name: 'Restore the tour' })
    expect(await restore.isVisible()).toBe(false)
    for (const name of ['Pools', 'WatchTask', 'Results']) {
      await openTab(page, name)
      await page.getByRole('button', { name: `Close ${name}` }).click()
    }
    await openTab(page, 'ClaimCodes')
    expect(await tabNames(page)).toHaveLength(STEPS.length - 3)
    await Promise.all([page.waitForEvent('load'), restore.click()])
    await ready(page)
    expect(await tabNames(page)).toEqual(STEPS)
    expect(await textOf(page, 'operation')).toContain('mutation ClaimCodes')
    expect(await restore.isVisible()).toBe(false)
  })

  test('is accessible, in the light and the dark theme', IN_A_BROWSER, async () => {
    const { url } = serve({ apiKey: 'the-key' }, 'the-key')
    const { page } = await open(url)
    const find = async (colorScheme: string) => {
      await page
        .locator(`.monaco-editor.${colorScheme === 'dark' ? 'vs-dark' : 'vs'}`)
        .first()
        .waitFor()
      expect(await violations(page), colorScheme).toEqual([])
      for (const [plugin, part] of [
        ['Documentation Explorer', '.graphiql-doc-explorer-root-type'],
        ['GraphiQL Explorer', '.graphiql-explorer-root select'],
      ] as const) {
        await page.getByRole('button', { name: `Show ${plugin}` }).click()
        await page.locator(part).first().waitFor()
        expect(await violations(page), `${plugin}, ${colorScheme}`).toEqual([])
        await page.getByRole('button', { name: `Hide ${plugin}` }).click()
      }
    }
    await find('light')
    await page.emulateMedia({ colorScheme: 'dark' })
    await find('dark')
    // A chosen theme takes precedence over the system's.
    await page.getByRole('button', { name: 'Open settings dialog' }).click()
    await page.getByRole('button', { name: 'Light' }).click()
    await page.keyboard.press('Escape')
    await page.locator('.monaco-editor.vs').first().waitFor()
    expect(await violations(page)).toEqual([])
  })

  test('everything on the page can be reached with the keyboard', IN_A_BROWSER, async () => {
    const { url } = serve({ apiKey: 'the-key' }, 'the-key')
    const { page } = await open(url, { width: 900, height: 600 })
    await page.getByRole('button', { name: 'ClaimCodes' }).focus()
    await page.keyboard.press('Enter')
    await page.locator('[aria-current]', { hasText: 'ClaimCodes' }).waitFor()
    const before = [await textOf(page, 'operation'), await textOf(page, 'variables')]
    const passed = new Set<string>()
    for (let presses = 0; presses < 30 && !passed.has('Result Window'); presses += 1) {
      await page.keyboard.press('Tab')
      passed.add(await focusedArea(page))
    }
    expect([...passed]).toEqual(expect.arrayContaining(['Operation Editor', 'Variables', 'Result Window']))
    expect([await textOf(page, 'operation'), await textOf(page, 'variables')]).toEqual(before)
  })

  test(
    'a key that is pasted into one tab loads the schema and is filled into the others',
    IN_A_BROWSER,
    async () => {
      const { url } = serve({}, 'the-key')
      const { page } = await open(url)
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

      await openTab(page, 'SaveAndGenerate')
      expect(await textOf(page, 'request-headers')).toContain('"Bearer the-key"')
      expect(JSON.parse(await textOf(page, 'variables')).input.poolId).toBe('pool-1')
    },
  )

  test('tabs survive a reload, but not a change of the database', IN_A_BROWSER, async () => {
    const options = { apiKey: 'the-key', sample: { formatId: 'format-a', poolId: 'pool-a' }, database: 'a' }
    const site = serve(options, 'the-key')
    const { page } = await open(site.url)
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

  test('an id that the user has typed is kept', IN_A_BROWSER, async () => {
    const { url } = serve({ apiKey: 'the-key' }, 'the-key')
    const { page } = await open(url)
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

/** Opens the page, and records its requests and the errors in the browser's console. */
async function open(url: string, options?: PageOptions) {
  const { page, close } = await openPage(url, options)
  onTestFinished(close)
  const requested: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => requested.push(request.url()))
  page.on('websocket', (socket) => requested.push(socket.url()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  await page.goto('/graphql')
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

/** Resolves when GraphiQL is rendered, and the page's script has fixed its defects. */
async function ready(page: Page): Promise<void> {
  await page.waitForFunction(() => (globalThis as Monaco).monaco?.editor.getModels().length === 4)
  await page.locator('.graphiql-tabs [aria-current]').waitFor()
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

/** GraphiQL updates its tabs and its storage a little later than the user types. */
async function isStored(page: Page, part: string): Promise<void> {
  await page.waitForFunction((text) => {
    const { localStorage } = globalThis as unknown as { localStorage: Record<string, string> }
    return localStorage['promo-codes:graphiql:tabState']?.includes(text)
  }, part)
}

/** Changes the variables of the open tab as if the user typed them. */
async function changeVariables(
  page: Page,
  // biome-ignore lint/suspicious/noExplicitAny: whatever the tab has
  change: (variables: any) => void,
): Promise<void> {
  const variables = JSON.parse(await textOf(page, 'variables'))
  change(variables)
  await setText(page, 'variables', JSON.stringify(variables, null, 2))
}

const tabButtons = (page: Page) => page.locator('.graphiql-tab-button')

function tabNames(page: Page): Promise<string[]> {
  return tabButtons(page).allInnerTexts()
}

/** Whether a tab can be clicked without scrolling: it is completely visible. */
async function expectInSight(page: Page, name: string): Promise<void> {
  const tab = page.getByRole('button', { name, exact: true })
  const box = await tab.boundingBox()
  const { width, height } = page.viewportSize() ?? { width: 0, height: 0 }
  expect(box, name).not.toBeNull()
  expect((box?.x ?? 0) + (box?.width ?? 0), name).toBeLessThanOrEqual(width)
  expect((box?.y ?? 0) + (box?.height ?? 0), name).toBeLessThanOrEqual(height)
  await tab.click({ trial: true })
}

async function openTab(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click()
  await page.waitForFunction((title) => {
    const models = (globalThis as Monaco).monaco?.editor.getModels()
    return models?.some((model) => model.uri.path.includes('operation') && model.getValue().includes(title))
  }, ` ${name}(`)
}

/** The editor with the focus, or else the element. */
function focusedArea(page: Page): Promise<string> {
  return page.evaluate(() => {
    interface Focused {
      readonly tagName: string
      closest(selector: string): { getAttribute(name: string): string | null } | null
    }
    const { document } = globalThis as unknown as { document: { activeElement: Focused } }
    const { activeElement } = document
    return activeElement.closest('section[aria-label]')?.getAttribute('aria-label') ?? activeElement.tagName
  })
}

/** The serious and critical accessibility problems of the page. */
async function violations(page: Page): Promise<string[]> {
  const found = await findAccessibilityProblems(page)
  return found
    .filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`))
}

async function run(page: Page): Promise<void> {
  await page.locator('.graphiql-execute-button').click()
}

/** The data in the response pane, once it contains the given part. */
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

/** All visible results of a subscription, the newest first. */
async function shown(page: Page) {
  const { data, earlier = [] } = JSON.parse(await textOf(page, 'response'))
  return [data, ...earlier.map((result: { data: unknown }) => result.data)]
}

/** Saves a screenshot in the folder that the variable SCREENSHOTS names, if it is set. */
async function takeScreenshot(page: Page, name: string): Promise<void> {
  const { SCREENSHOTS: folder } = process.env
  if (folder !== undefined) await page.screenshot({ path: join(folder, `graphiql-${name}.png`) })
}

function configurationIn(page: string): unknown {
  const [, json] = /<script type="application\/json" id="config">([\s\S]*?)<\/script>/.exec(page) ?? []
  return JSON.parse(json ?? 'null')
}

function isIntrospection(body: string | null): boolean {
  return body?.includes('IntrospectionQuery') ?? false
}

interface Site {
  readonly url: string
  /** What the page is given. */
  options: GraphiqlPageOptions
  /** The API key that is accepted. */
  key: string
  /** Answers to mutations wait for it. */
  held: Promise<void>
}

/** A site with the page, and only those parts of the API that the page's script needs. */
async function openSite(): Promise<{ site: Site } & AsyncDisposable> {
  const schema = buildSchema(`
    type Query { eventCursor: String! }
    type Mutation { createPool(input: CreatePoolInput!): CreatePoolPayload }
    input CreatePoolInput { name: String! }
    type CreatePoolPayload { pool: Pool! }
    type Pool { id: ID! }
  `)
  const rootValue = { eventCursor: 'now', createPool: { pool: { id: 'pool-1' } } }
  const server = createServer(async (request, response) => {
    const path = request.url ?? ''
    if (path === '/health') return response.end('OK')
    if (await isFile(path))
      return await graphiql.fileRoute.answer(request, response, {
        id: matchRoute(path)?.id ?? '',
        search: '',
        onStream: () => {},
        record: new RequestRecord(),
      })
    if (request.method === 'GET') {
      return response.writeHead(200, graphiqlPageHeaders).end(await graphiql.page(site.options))
    }
    const { query } = JSON.parse(await text(request))
    const isMutation = query.includes('createPool')
    const source = isMutation ? 'mutation { createPool(input: { name: "" }) { pool { id } } }' : query
    if (isMutation) await site.held
    const result =
      request.headers.authorization === `Bearer ${site.key}`
        ? await graphql({ schema, source, rootValue })
        : { errors: [{ message: 'No key', extensions: { code: 'UNAUTHENTICATED' } }] }
    return response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(result))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const site: Site = { url, options: {}, key: '', held: Promise.resolve() }
  return {
    site,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
