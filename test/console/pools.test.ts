import type { Locator, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { claim, done, newPool, newStock, stranger } from '../support/api.ts'
import { openBalancer } from '../support/balancer.ts'
import { cutConnections, expectAccessible, openConsole, takeScreenshot } from '../support/console.ts'
import { useClient, useService } from '../support/service.ts'

const service = useService()
const client = useClient(service)

describe('an account without pools', () => {
  test('is shown how to begin, and gets to the Promo Codes section of its first pool', async () => {
    await using newcomer = await stranger(service)
    const { page } = await openConsole({ ...service, key: newcomer.key })
    await page.getByRole('heading', { name: 'Create your first pool' }).waitFor()
    await takeScreenshot(page, 'pools-empty')
    await page.getByRole('button', { name: 'Create a pool' }).click()
    const dialog = page.getByRole('dialog', { name: 'Create a pool' })
    await dialog.getByRole('button', { name: 'Create and choose its codes' }).click()
    await dialog.getByText('Give the pool a name.').waitFor()
    await dialog.getByLabel('Name').fill('Welcome 🎁')
    await dialog.getByLabel('External ID').fill('campaign 7')
    await dialog.getByRole('button', { name: 'Create and choose its codes' }).click()
    await page.getByRole('heading', { name: 'Welcome 🎁', level: 1 }).waitFor()
    expect(new URL(page.url()).pathname).toMatch(/^\/pools\/[^/]+\/promo-codes$/)
    await page.getByRole('link', { name: 'Pools', exact: true }).click()
    await page.getByRole('link', { name: 'Welcome 🎁' }).waitFor()
  })
})

describe('the list of pools', () => {
  test('shows what the API says is wrong at the field', async () => {
    const name = `Taken ${crypto.randomUUID()}`
    await done(client, 'createPool', { name, externalId: name }, 'pool { id }')
    const { page } = await openConsole(service)
    await page.getByRole('button', { name: 'Create a pool' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill(name.toUpperCase())
    await dialog.getByRole('button', { name: 'Create and choose its codes' }).click()
    expect(await errorAt(page, 'Name')).toMatch(/already/)
    await dialog.getByLabel('Name').fill(`Another ${name}`)
    await dialog.getByLabel('External ID').fill(name)
    await dialog.getByRole('button', { name: 'Create and choose its codes' }).click()
    expect(await errorAt(page, 'External ID')).toMatch(/has this external id/)
  })

  test('counts claims as they happen, and shows a pool that somebody else creates', async () => {
    const { poolId } = await newStock(client, 100)
    const { page } = await openConsole(service)
    const row = await rowOf(page, poolId)
    await row.getByText('100', { exact: true }).waitFor()
    await row.getByText('Ready').waitFor()
    await row.getByText('Too early to say').waitFor()
    await claim(client, poolId, 99)
    await row.getByText('99', { exact: true }).waitFor()
    await row.getByText('1', { exact: true }).waitFor()
    // The line and the forecast follow the counts.
    await row.getByRole('img', { name: '99 codes claimed in the last 30 days' }).waitFor()
    await claim(client, poolId)
    await row.getByText('Empty').waitFor()
    await row.getByText('Out of codes').waitFor()
    const created = await newPool(client)
    await rowOf(page, created)
    await takeScreenshot(page, 'pools')
    await expectAccessible(page)
  })

  test('is searched as one types, filtered by status, and comes back the same', async () => {
    const unique = crypto.randomUUID()
    const one = `Straße ${unique}`
    const other = `Strand ${unique}`
    await newPool(client, one)
    await newPool(client, other)
    const { page } = await openConsole(service)
    await page.getByLabel('Search by name').fill(`strasse ${unique}`)
    await page.getByText('1 pool', { exact: true }).waitFor()
    await page.getByRole('link', { name: one }).waitFor()
    expect(await page.getByRole('link', { name: other }).count()).toBe(0)
    await page.reload()
    await page.getByText('1 pool', { exact: true }).waitFor()
    const search = page.getByLabel('Search by name')
    expect(await search.inputValue()).toContain('strasse')
    await page.getByRole('navigation').getByRole('link', { name: 'Pools' }).click()
    await page.getByRole('link', { name: other }).waitFor()
    expect(await search.inputValue()).toBe('')
    await page.goBack()
    await page.getByText('1 pool', { exact: true }).waitFor()
    expect(await search.inputValue()).toContain('strasse')
    await page.getByText('Ready', { exact: true }).click()
    await page.getByRole('heading', { name: 'No pool matches' }).waitFor()
    await page.getByRole('button', { name: 'Show all active pools' }).click()
    await page.getByRole('link', { name: other }).waitFor()
    expect(await search.inputValue()).toBe('')
  })

  test('says where else the name that it does not find is, and leads there', async () => {
    const name = `Hidden ${crypto.randomUUID()}`
    const poolId = await newPool(client, name)
    await done(client, 'archivePool', { poolId }, 'pool { id }')
    const { page } = await openConsole(service)
    await page.getByLabel('Search by name').fill(name)
    await page.getByRole('heading', { name: 'No active pool matches' }).waitFor()
    await page.getByText('But 1 archived pool does.').waitFor()
    await page.getByRole('button', { name: 'See 1 archived pool' }).click()
    await rowOf(page, poolId)
    await page.getByLabel('Search by name').fill(`${name} and more`)
    await page.getByText('Try another name, or another filter.').waitFor()
  })

  test('archives a pool after asking in numbers, and unarchives it', async () => {
    const { poolId } = await newStock(client, 1_234)
    await claim(client, poolId, 34)
    const { page } = await openConsole(service)
    const row = await rowOf(page, poolId)
    await row.getByRole('button', { name: /^Actions for/ }).click()
    await page.getByRole('menuitem', { name: 'Archive' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('1,200 available codes can no longer be claimed').waitFor()
    await dialog.getByText('34 claimed codes can still be looked up').waitFor()
    await dialog.getByRole('button', { name: 'Archive the pool' }).click()
    await page.getByText('was archived. It is in the list of pools under “Archived”.').waitFor()
    await row.waitFor({ state: 'detached' })
    await page.getByText('Archived', { exact: true }).click()
    const archived = await rowOf(page, poolId)
    await archived.getByRole('link').click()
    await page.getByText('This pool is archived').waitFor()
    await page.getByRole('button', { name: 'Unarchive the pool' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Unarchive the pool' }).click()
    await page.getByText('This pool is archived').waitFor({ state: 'detached' })
  })

  test('leads to a pool by keyboard, and goes on at its content', async () => {
    const { poolId } = await newStock(client, 1)
    const { page } = await openConsole(service)
    const row = await rowOf(page, poolId)
    await row.getByRole('link').focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/pools/${poolId}/promo-codes`)
    await page.locator('#content:focus').waitFor()
    const settings = page.getByRole('link', { name: 'Settings' })
    const place = await settings.boundingBox()
    await settings.focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/pools/${poolId}/settings`)
    await settings.and(page.locator('[aria-current=page]')).waitFor()
    // It is bold now, but no link has moved.
    expect(await settings.boundingBox()).toEqual(place)
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Settings')
  })
})

describe('on a phone', () => {
  const phone = { width: 390, height: 844 }

  test('pools are cards with the same facts, live', async () => {
    const { poolId } = await newStock(client, 100)
    const { page } = await openConsole(service, phone)
    const card = page.getByRole('listitem').filter({ has: page.locator(`a[href="/pools/${poolId}"]`) })
    await card.getByText('100', { exact: true }).waitFor()
    await claim(client, poolId, 58)
    await card.getByText('42', { exact: true }).waitFor()
    await card.getByRole('img', { name: '58 codes claimed in the last 30 days' }).waitFor()
    await card.getByRole('button', { name: /^Actions for/ }).click()
    await page.getByRole('menuitem', { name: 'Settings' }).click()
    await page.waitForURL(`**/pools/${poolId}/settings`)
  })

  test('the menu opens and closes by keyboard, and is out of its way while it is closed', async () => {
    const { page } = await openConsole(service, phone)
    await page.getByRole('heading', { name: 'Pools' }).waitFor()
    const formats = page.getByRole('link', { name: 'Formats' })
    expect(await formats.isVisible()).toBe(false)
    const menu = page.getByRole('button', { name: 'Menu' })
    await menu.focus()
    await page.keyboard.press('Enter')
    await formats.waitFor()
    await formats.focus()
    await page.keyboard.press('Escape')
    await formats.waitFor({ state: 'hidden' })
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Menu')
    await page.keyboard.press('Enter')
    await formats.click()
    await page.waitForURL('**/formats')
    await formats.waitFor({ state: 'hidden' })
    await page.locator('#content:focus').waitFor()
  })

  test('the content can be reached without going through the menu', async () => {
    const { page } = await openConsole(service, phone)
    await page.getByRole('heading', { name: 'Pools' }).waitFor()
    await page.keyboard.press('Tab')
    await page.locator('a:focus', { hasText: 'Skip to the content' }).waitFor()
    await page.keyboard.press('Enter')
    await page.locator('#content:focus').waitFor()
  })
})

describe('many pools', () => {
  test('are shown page by page, each once, also while pools are created', async () => {
    const names = Array.from({ length: 45 }, (_, i) => `Pool ${String(i).padStart(2, '0')}`)
    await using other = await stranger(service)
    for (const name of names) await newPool(other, name)
    const { page } = await openConsole({ ...service, key: other.key })
    await page.getByText('45 pools').waitFor()
    await page.getByRole('button', { name: 'Show more' }).click()
    await page.getByRole('link', { name: 'Pool 05' }).waitFor()
    await newPool(other, 'Pool 45')
    await page.getByRole('link', { name: 'Pool 45' }).waitFor()
    await page.getByRole('button', { name: 'Show more' }).click()
    await page.getByRole('link', { name: 'Pool 00' }).waitFor()
    const shown = await page.getByRole('link', { name: /^Pool \d\d$/ }).allTextContents()
    expect(shown).toEqual([...names, 'Pool 45'].reverse())
  })

  test('a page of which cannot be read is asked for again', async () => {
    await using other = await stranger(service)
    for (let i = 0; i < 21; i++) await newPool(other, `Pool ${i}`)
    const { page } = await openConsole({ ...service, key: other.key })
    let isDown = true
    await page.route('**/graphql', async (route) => {
      const { query = '', variables } = route.request().postDataJSON() ?? {}
      if (!isDown || !query.includes('query Pools') || variables.after === null) return route.fallback()
      isDown = false
      const errors = [{ message: 'The database is away.', extensions: { code: 'UNAVAILABLE' } }]
      await route.fulfill({ json: { data: null, errors } })
    })
    await page.getByRole('button', { name: 'Show more' }).click()
    const alert = page.getByRole('alert').filter({ hasText: 'The database is away.' })
    await alert.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('link', { name: 'Pool 0', exact: true }).waitFor()
  })
})

describe('a key that may not', () => {
  test('manage sees no way to change a pool', async () => {
    const { poolId } = await newStock(client, 10)
    const { page } = await openConsole(service, { scopes: ['READ'] })
    const row = await rowOf(page, poolId)
    expect(await page.getByRole('button', { name: 'Create a pool' }).count()).toBe(0)
    expect(await row.getByRole('button').count()).toBe(0)
    await page.goto(`/pools/${poolId}/settings`)
    await page.getByText('A recipient can get any number of codes.').waitFor()
    const content = page.getByRole('main')
    expect(await content.getByRole('button').count()).toBe(0)
    expect(await content.getByRole('textbox').count()).toBe(0)
  })

  test.each([
    ['REDEEM', 'Redeem a code', '/codes'],
    ['ADMIN', 'API keys', '/keys'],
    ['ADMIN', 'Webhooks', '/webhooks'],
  ])('see pools is shown what it may do: %s', async (scope, link, path) => {
    const { page } = await openConsole(service, { scopes: [scope] })
    await page.getByRole('heading', { name: 'Welcome' }).waitFor()
    await page.getByRole('main').getByRole('link', { name: link }).click()
    expect(new URL(page.url()).pathname).toBe(path)
  })
})

describe('the address of a pool', () => {
  test('leads to nothing if the pool is of another account, or if there is none', async () => {
    await using other = await stranger(service)
    const poolId = await newPool(other)
    const { page } = await openConsole(service, { path: `/pools/${poolId}/settings` })
    await page.getByRole('heading', { name: 'There is nothing here' }).waitFor()
    expect(await page.getByRole('main').getByRole('textbox').count()).toBe(0)
    await page.goto('/pools/nonsense/settings')
    await page.getByRole('heading', { name: 'There is nothing here' }).waitFor()
  })
})

describe('a lost connection', () => {
  test('is shown, and comes back without a gap', async () => {
    const { poolId } = await newStock(client, 100)
    await using balancer = await openBalancer(service)
    const { page } = await openConsole(
      { ...service, url: balancer.url },
      { tolerated: cutConnections, ownProfile: true },
    )
    const row = await rowOf(page, poolId)
    await row.getByText('100', { exact: true }).waitFor()
    balancer.breakDown()
    await page.getByText('Connection lost.').waitFor()
    await takeScreenshot(page, 'connection-lost')
    await claim(client, poolId, 60)
    const created = await newPool(client)
    balancer.mend()
    await page.getByText('Connection lost.').waitFor({ state: 'detached' })
    await row.getByText('40', { exact: true }).waitFor()
    await row.getByText('60', { exact: true }).waitFor()
    await rowOf(page, created)
  })

  test('does not keep what has no events from being read again', async () => {
    await using balancer = await openBalancer(service)
    const { page } = await openConsole(
      { ...service, url: balancer.url },
      {
        path: '/keys',
        tolerated: cutConnections,
        ownProfile: true,
      },
    )
    await page.getByRole('table').waitFor()
    balancer.breakDown()
    await page.getByText('Connection lost.').waitFor()
    const name = `Meanwhile ${crypto.randomUUID()}`
    await done(client, 'createApiKey', { name, scopes: ['READ'] }, 'secret')
    balancer.mend()
    await page.getByText(name).waitFor()
  })
})

/** The row of a pool in the list, once it is there. */
async function rowOf(page: Page, poolId: string): Promise<Locator> {
  const row = page.getByRole('row').filter({ has: page.locator(`a[href="/pools/${poolId}"]`) })
  await row.waitFor()
  return row
}

/** What is said about a field of the dialog, once it is said to be wrong. */
async function errorAt(page: Page, label: string): Promise<string> {
  const field = page.getByRole('dialog').getByRole('textbox', { name: label })
  await field.and(page.locator('[aria-invalid=true]')).waitFor()
  const ids = (await field.getAttribute('aria-describedby'))?.trim().split(/\s+/) ?? []
  const texts = await Promise.all(ids.map((id) => page.locator(`[id="${id}"]`).textContent()))
  return texts.join(' ')
}
