import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { claim, done, finished, generate, newFormat, newPool, newStock, stranger } from '../support/api.ts'
import { openBalancer } from '../support/balancer.ts'
import { resize } from '../support/browser.ts'
import type { Client } from '../support/client.ts'
import { cutConnections, expectAccessible, openConsole } from '../support/console.ts'
import { letHoursPass } from '../support/past.ts'
import { useClient, useService } from '../support/service.ts'
import { upload } from '../support/upload-api.ts'

const service = useService()
const client = useClient(service)

const activityOf = (poolId: string) => `/pools/${poolId}/activity`

interface Step {
  from: string
  to: string
  claimedCount: string
  redeemedCount: string
  addedCount: string
  availableCount: string
}

/** Opens the Activity of a pool, and resolves to what the page has asked the API for. */
async function openActivity(poolId: string, options: { timeZone?: string } = {}) {
  const { page } = await openConsole(service, { ...options })
  const asked = page.waitForRequest(
    (request) => request.postData()?.includes('query ActivityOfPool') ?? false,
  )
  await page.goto(activityOf(poolId))
  const { variables } = (await asked).postDataJSON() as { variables: Record<string, unknown> }
  return { page, variables }
}

/** The activity of a pool as the API has it. */
async function stepsOf(variables: Record<string, unknown>): Promise<Step[]> {
  const { pool } = await client.ask<{ pool: { activity: Step[] } }>(
    `query ($id: ID!, $from: DateTime!, $to: DateTime!, $step: ActivityStep!, $timeZone: String!) {
      pool(id: $id) { activity(from: $from, to: $to, step: $step, timeZone: $timeZone) {
        from to claimedCount redeemedCount addedCount availableCount
      } }
    }`,
    variables,
  )
  return pool.activity
}

// Several browsers may be at work at once.
const patiently = { timeout: 30_000 }

const chart = (page: Page, name: RegExp) => page.getByRole('img', { name })
const events = (page: Page) => page.locator('ol > li')
const grouped = (count: string) => BigInt(count).toLocaleString('en')

describe('the charts of a pool', () => {
  test('show an hour later what was claimed, and the table says the same', async () => {
    const { poolId } = await newStock(client, 1_000)
    const [code] = await claim(client, poolId, 30)
    await done(client, 'redeemCode', { code: code?.code, reference: 'Order 1' }, 'redemption { id }')
    await letHoursPass(service, 1)
    await claim(client, poolId, 12)
    // Its hours begin in the middle of those of others.
    const { page, variables } = await openActivity(poolId, { timeZone: 'Asia/Kolkata' })
    expect(variables).toMatchObject({ step: 'HOUR', timeZone: 'Asia/Calcutta' })

    const claimed = chart(page, /^Claimed by hour: 42 in total.* Redeemed by hour: 1 in total/)
    await expect.poll(() => claimed.locator('.recharts-bar-rectangle path').count(), patiently).toBe(3)
    await chart(page, /^Available by hour: 958 now/).waitFor()
    await chart(page, /^Added by hour: 1,000 in total/).waitFor()
    const hours = await claimed.getByText(/^\d+\s[AP]M$/).allTextContents()
    expect(hours.length).toBeGreaterThan(2)
    for (const hour of hours) expect(hour).toMatch(/^(12|3|6|9)\s[AP]M$/)
    await expectAccessible(page)

    await page.getByText('Table', { exact: true }).click()
    const rows = page.getByRole('table').locator('tbody tr')
    const shown = await rows.evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent)),
    )
    const steps = await stepsOf(variables)
    expect(shown).toEqual(
      steps
        .map(({ claimedCount, redeemedCount, addedCount, availableCount }) =>
          [claimedCount, redeemedCount, addedCount, availableCount].map(grouped),
        )
        .reverse(),
    )
    expect(steps).toHaveLength(24)
    expect(steps.map(({ claimedCount }) => claimedCount)).toEqual(expect.arrayContaining(['30', '12']))
    await expectAccessible(page)

    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download as CSV' }).click()
    const lines = (await readFile(await (await download).path(), 'utf8')).trim().split('\r\n')
    expect(lines).toEqual([
      'from,to,claimed,redeemed,added,available',
      ...steps.map((step) =>
        [
          step.from,
          step.to,
          step.claimedCount,
          step.redeemedCount,
          step.addedCount,
          step.availableCount,
        ].join(),
      ),
    ])
  })

  test('follow the claims while they are looked at', async () => {
    const { poolId } = await newStock(client, 1_000)
    const { page } = await openActivity(poolId)
    for (const total of [5, 10, 15]) {
      await claim(client, poolId, 5)
      await chart(page, new RegExp(`^Claimed by hour: ${total} in total`)).waitFor()
      await chart(page, new RegExp(`^Available by hour: ${1_000 - total} now`)).waitFor()
    }
    // A rate over minutes would be no rate.
    await page.getByText('It is too early to say how long the stock will last').waitFor()
  })

  test('show days, weeks and months, which the address keeps', async () => {
    const { poolId } = await newStock(client, 1_000)
    await letHoursPass(service, 24 * 40)
    await claim(client, poolId, 7)
    const { page } = await openActivity(poolId)
    // A pool that is older than a day.
    await chart(page, /^Claimed by day: 7 in total/).waitFor()
    await chart(page, /^Added by day: 0 in total/).waitFor()
    for (const [period, by] of [
      ['26 weeks', 'week'],
      ['12 months', 'month'],
      ['24 hours', 'hour'],
      ['26 weeks', 'week'],
    ] as const) {
      await page.getByText(period, { exact: true }).click()
      await chart(page, new RegExp(`^Claimed by ${by}: 7 in total`)).waitFor()
    }
    await chart(page, /^Added by week: 1,000 in total/).waitFor()
    await page.reload()
    await chart(page, /^Added by week: 1,000 in total/).waitFor()
  })

  test('have exact counts in the table however large they are', async () => {
    const quantity = `${10n ** 27n + 7n}`
    const { poolId } = await newStock(client, quantity, { body: { length: 20 } })
    const { page } = await openActivity(poolId)
    await page.getByText('1E27').first().waitFor()
    const scrolls = () => page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
    await resize(page, { width: 390, height: 900 })
    await expect.poll(scrolls, patiently).toBe(false)
    await page.getByText('Table', { exact: true }).click()
    await page
      .getByRole('cell', { name: grouped(quantity), exact: true })
      .first()
      .waitFor()
    expect(await scrolls()).toBe(false)
  })

  test('are not there before there are codes; the next step is, for those who may take it', async () => {
    const poolId = await newPool(client)
    const { page } = await openConsole(service, { path: activityOf(poolId) })
    await page.getByRole('link', { name: 'Add promo codes' }).waitFor()
    const { page: other } = await openConsole(service, { path: activityOf(poolId), scopes: ['READ'] })
    await other.getByRole('heading', { name: 'Nothing has been claimed yet' }).waitFor()
    expect(await other.getByRole('link', { name: 'Add promo codes' }).count()).toBe(0)
  })
})

describe('the forecast', () => {
  test('is that nothing runs out in sight, in words, for a stock that lasts for thousands of years', async () => {
    const { poolId, formatId } = await newStock(client, 1_000_000_000, { body: { length: 12 } })
    await done(client, 'saveReplenishment', { poolId, method: 'GENERATE', formatId }, 'pool { id }')
    await letHoursPass(service, 7 * 24)
    const { page } = await openActivity(poolId)
    await page.getByText('No codes were claimed in the last 7 days').waitFor()
    await claim(client, poolId, 7)
    await page.getByText('At 1 claim a day, the available codes last for more than 10 years.').waitFor()
    await page.getByText(/^Its format .* lasts for more than 10 years/).waitFor()
    await page.goto('/')
    const row = page.getByRole('row').filter({ has: page.locator(`a[href="/pools/${poolId}"]`) })
    await row.getByText('In over 10 years').waitFor()
  })

  test('says when the pool runs out, and its format', async () => {
    const { poolId, formatId } = await newStock(client, 60, {
      body: { length: 2 },
      characters: { set: 'DIGITS' },
    })
    const settings = { poolId, method: 'GENERATE', formatId, quantity: 10, autoGenerate: true }
    await done(client, 'saveReplenishment', settings, 'pool { id }')
    await claim(client, poolId, 1)
    await letHoursPass(service, 6 * 24)
    const { page } = await openActivity(poolId)
    const forecast = page.getByText(/At 1\.2 claims a week/)
    await expect
      .poll(() => forecast.textContent(), patiently)
      .toMatch(/the pool runs low on \w+ \d+, \d+, in \d+ months?/)
    await page.getByText(/can still generate run out on/).waitFor()
  })
})

describe('what happened today', () => {
  test('is counted in all pools, and in each, as it happens', async () => {
    const { client: other, page } = await openForStranger('/activity')
    const card = page.getByRole('region', { name: 'What happened today' })
    await card.getByText('No codes were claimed, redeemed or added yet.').waitFor()
    const quiet = await newPool(other, 'Quiet')
    const { poolId } = await newStock(other, 50)
    const { pool } = await other.ask<{ pool: { name: string } }>(
      'query ($poolId: ID!) { pool(id: $poolId) { name } }',
      { poolId },
    )
    const row = card.getByRole('row', { name: pool.name })
    await expect.poll(() => row.getByRole('cell').allTextContents(), patiently).toEqual(['–', '–', '50'])
    const [code] = await claim(other, poolId, 7)
    await expect.poll(() => row.getByRole('cell').allTextContents(), patiently).toEqual(['7', '–', '50'])
    await done(other, 'redeemCode', { code: code?.code, reference: 'Order 1' }, 'redemption { id }')
    await expect.poll(() => row.getByRole('cell').allTextContents(), patiently).toEqual(['7', '1', '50'])
    // What was done with a pool that is archived by now was done today, too.
    await done(other, 'archivePool', { poolId }, 'pool { id }')
    await upload(service, other, quiet, 'ONE-1\nTWO-2\n')
    await card.getByRole('row', { name: 'Quiet' }).waitFor()
    await expect.poll(() => card.locator('dd').allTextContents(), patiently).toEqual(['7', '1', '52'])
    await page.reload()
    await expect.poll(() => card.locator('dd').allTextContents(), patiently).toEqual(['7', '1', '52'])
    await expectAccessible(page)
  })

  test('is that of this day in the time zone of the browser, and not of the day before', async () => {
    await using other = await stranger(service)
    const { poolId } = await newStock(other, 50)
    await letHoursPass(service, 24)
    await claim(other, poolId, 3)
    const { page } = await openConsole({ ...service, key: other.key }, { path: '/activity' })
    const card = page.getByRole('region', { name: 'What happened today' })
    await expect.poll(() => card.locator('dd').allTextContents(), patiently).toEqual(['3', '0', '0'])
  })
})

describe('the feed of events', () => {
  test('tells what happens to a pool, in sentences, as it happens', async () => {
    const formatId = await newFormat(client)
    const { format } = await client.ask<{ format: { name: string } }>(
      'query ($formatId: ID!) { format(id: $formatId) { name } }',
      { formatId },
    )
    const poolId = await newPool(client, 'A tale of a pool')
    const { page } = await openConsole(service, { path: activityOf(poolId) })
    const first = events(page).first()
    const told = async (sentence: string) =>
      await expect.poll(() => sentences(page), patiently).toContain(sentence)
    await told('First key created the pool.')
    await everyStep(page)

    await generate(client, { poolId, formatId, quantity: 20 })
    await told(`First key asked to generate 20 codes from ${format.name} for the pool.`)
    await told('The generation of 20 codes for the pool is running.')
    await told('The generation of 20 codes for the pool has completed.')
    await told('The generation added 20 codes to the pool.')

    const settings = { poolId, method: 'GENERATE', formatId, quantity: 5, refillThreshold: 1 }
    await done(client, 'saveReplenishment', settings, 'pool { id }')
    await told('First key changed the pool: its Promo Codes section.')
    await claim(client, poolId, 19)
    await told('The pool ran low: 1 code left.')
    await done(client, 'saveReplenishment', { ...settings, autoGenerate: true }, 'pool { id }')
    await told(
      `The service refilled the pool with 5 codes from ${format.name}, after a request of First key.`,
    )
    await told('The refill added 5 codes to the pool.')

    const uploaded = await upload(service, client, poolId, 'ONE-1\nTWO-2\n')
    await told('First key uploaded a file of codes to the pool.')
    await finished(client, uploaded)
    await told('The upload added 2 codes to the pool.')
    await done(client, 'undoUpload', { taskId: uploaded }, 'task { id }')
    await told('First key undid the upload to the pool: its codes were removed.')

    await done(client, 'withdrawCodes', { poolId, reason: 'The file leaked' }, 'withdrawnCount')
    await told('First key withdrew 6 codes from the pool. Reason: “The file leaked”')
    await told('The pool ran out of codes.')
    await done(client, 'restoreCodes', { poolId }, 'restoredCount')
    await told('First key restored 6 codes to the pool.')
    const [claimed] = await claim(client, poolId, 1)
    const select = { codeIds: [claimed?.id] }
    await done(client, 'voidCodes', { select, reason: 'Abuse' }, 'voidedCount')
    await told('First key voided 1 code of the pool. Reason: “Abuse”')
    await done(client, 'unvoidCodes', { select }, 'unvoidedCount')
    await told('First key unvoided 1 code of the pool.')

    await done(client, 'updatePool', { poolId, name: 'Another tale', description: 'Of 2026' }, 'pool { id }')
    await told('First key changed the pool: its name is now “Another tale” and its description.')
    await done(client, 'archivePool', { poolId }, 'pool { id }')
    await expect.poll(() => first.textContent(), patiently).toContain('First key archived the pool.')
    await done(client, 'unarchivePool', { poolId }, 'pool { id }')
    await expect.poll(() => first.textContent(), patiently).toContain('First key unarchived the pool.')
    // For screen readers.
    await expect
      .poll(() => page.getByRole('status').allTextContents(), patiently)
      .toContain('First key unarchived the pool.')

    // As anybody sees who comes later.
    const live = await sentences(page)
    await page.reload()
    await everyStep(page)
    const created = 'First key created the pool, under the name “A tale of a pool”.'
    await expect.poll(() => sentences(page), patiently).toEqual([...live.slice(0, -1), created])
    await expectAccessible(page)
  })

  test('has one line for a task, until every step is asked for', async () => {
    const { poolId, formatId } = await newStock(client, 20)
    const { page } = await openConsole(service, { path: activityOf(poolId) })
    const { format } = await client.ask<{ format: { name: string } }>(
      'query ($formatId: ID!) { format(id: $formatId) { name } }',
      { formatId },
    )
    const uploaded = await upload(service, client, poolId, 'ONE-1\nTWO-2\n')
    await finished(client, uploaded)
    await done(client, 'undoUpload', { taskId: uploaded }, 'task { id }')
    await expect
      .poll(() => sentences(page), patiently)
      .toEqual([
        'First key undid the upload to the pool: its codes were removed.',
        'First key added 2 codes to the pool from a file.',
        `First key generated 20 codes from ${format.name} for the pool.`,
        expect.stringContaining('created the pool'),
      ])
    await everyStep(page)
    const { poolEvents } = await client.ask<{ poolEvents: { edges: unknown[] } }>(
      'query ($poolId: ID!) { poolEvents(poolId: $poolId) { edges { cursor } } }',
      { poolId },
    )
    await expect.poll(() => events(page).count(), patiently).toBe(poolEvents.edges.length)
    const all = await sentences(page)
    expect(new Set(all).size).toBe(all.length)
    expect(all).toContain('The generation of 20 codes for the pool is running.')
  })

  test('names the pools where it is about all of them, and leads to them', async () => {
    const { client: other, page } = await openForStranger('/activity')
    await page.getByRole('heading', { name: 'Nothing has happened yet' }).waitFor()
    const poolId = await newPool(other, 'Newcomers')
    await events(page).filter({ hasText: 'created Newcomers.' }).waitFor()
    await expectAccessible(page)
    await page.getByRole('link', { name: 'Newcomers' }).click()
    await page.getByRole('heading', { name: 'Newcomers' }).waitFor()
    expect(new URL(page.url()).pathname).toBe(activityOf(poolId))
  })

  test('goes back as far as the history, each event once', async () => {
    const poolId = await newPool(client)
    for (let i = 1; i <= 99; i++) await change(poolId, i)
    const { page } = await openConsole(service, { path: activityOf(poolId) })
    await events(page).nth(29).waitFor()
    expect(await events(page).count()).toBe(30)
    // What happens in the meantime does not shift the pages.
    await change(poolId, 100)
    await events(page).nth(30).waitFor()
    for (const count of [81, 101]) {
      await page.getByRole('button', { name: 'Show more' }).click()
      await events(page)
        .nth(count - 1)
        .waitFor()
    }
    expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0)
    expect(await names(page)).toEqual([...countDown(100)])
  })

  test('has no gap after a lost connection, and nothing twice', async () => {
    await using balancer = await openBalancer(service)
    const poolId = await newPool(client)
    const { page } = await openConsole(
      { ...service, url: balancer.url },
      {
        path: activityOf(poolId),
        tolerated: cutConnections,
        ownProfile: true,
      },
    )
    await change(poolId, 1)
    await events(page).nth(1).waitFor()
    balancer.breakDown()
    await page.getByText('Connection lost').first().waitFor()
    for (const i of [2, 3, 4]) await change(poolId, i)
    balancer.mend()
    await expect.poll(() => names(page), patiently).toEqual([4, 3, 2, 1])
    for (const i of [5, 6]) {
      balancer.cut()
      await change(poolId, i)
      await expect.poll(() => names(page), patiently).toEqual([...countDown(i)])
    }
  })

  test('has a plain sentence for what the page does not know yet', async () => {
    const poolId = await newPool(client)
    const { page, context } = await openConsole(service, { path: '/keys' })
    await context.route('**/graphql', async (route) => {
      const response = await route.fetch()
      const body = (await response.text()).replaceAll('"PoolCreatedEvent"', '"PoolSungEvent"')
      await route.fulfill({ response, body })
    })
    await page.goto(activityOf(poolId))
    await events(page)
      .filter({ hasText: 'Something happened to the pool that this page does not know yet.' })
      .waitFor()
  })
})

/** Something that can be told from all others: the pool gets a number as its external id and its name. */
async function change(poolId: string, number: number): Promise<void> {
  await done(client, 'updatePool', { poolId, name: `${poolId.slice(-40)} ${number}.` }, 'pool { id }')
}

/** The numbers of those changes in the feed, from top to bottom. */
async function names(page: Page): Promise<number[]> {
  const found = await Promise.all(
    (await sentences(page)).map((sentence) => /name is now “\S+ (\d+)\./.exec(sentence)?.[1]),
  )
  return found.filter((number) => number !== undefined).map(Number)
}

async function everyStep(page: Page): Promise<void> {
  await page.getByRole('switch', { name: 'Show every step' }).check()
}

async function sentences(page: Page): Promise<string[]> {
  return await events(page).locator('p').allTextContents()
}

function* countDown(from: number): Generator<number> {
  for (let i = from; i > 0; i--) yield i
}

/** Opens the console for a new account. */
async function openForStranger(path: string): Promise<{ client: Client; page: Page }> {
  const other = await stranger(service)
  onTestFinished(() => other[Symbol.asyncDispose]())
  const { page } = await openConsole({ ...service, key: other.key }, { path })
  return { client: other, page }
}
