import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { claim, done, newFormat, newPool, newStock, stranger } from '../support/api.ts'
import { openConsole } from '../support/console.ts'
import { useClient, useService } from '../support/service.ts'

const service = useService()
const client = useClient(service)

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
const field = (page: Page, name: string) => page.getByRole('dialog').getByRole('textbox', { name })

/** Waits for the screen behind the dialog to show a tab, a link, a heading or the like of this name. */
const behind = async (page: Page, role: 'heading' | 'link' | 'radio' | 'tab' | 'alert', name: string) =>
  await page.getByRole(role, { name, includeHidden: true }).waitFor({ state: 'attached' })

describe('an open dialog stays, with what was typed', () => {
  test('when the list of pools has been loaded, and when others create the first pool', async () => {
    await using newcomer = await stranger(service)
    const { page } = await openConsole({ ...service, key: newcomer.key }, { path: '/health' })
    const held = Promise.withResolvers<void>()
    await page.route('**/graphql', async (route) => {
      if (route.request().postData()?.includes('query Pools')) await held.promise
      await route.fallback()
    })
    await page.goto('/')
    await press(page, 'Create a pool')
    await field(page, 'Name').fill('Half a na')
    held.resolve()
    await behind(page, 'heading', 'Create your first pool')
    expect(await field(page, 'Name').inputValue()).toBe('Half a na')
    await newPool(newcomer, 'Of somebody else')
    await behind(page, 'link', 'Of somebody else')
    expect(await field(page, 'Name').inputValue()).toBe('Half a na')
  })

  test('when the codes that it would withdraw are claimed', async () => {
    const { poolId } = await newStock(client, 3)
    const { page } = await openConsole(service, { path: `/pools/${poolId}/all-codes` })
    await press(page, 'Withdraw codes')
    await field(page, 'Reason').fill('Half a rea')
    await claim(client, poolId, 3)
    await behind(page, 'heading', 'No codes are available')
    expect(await field(page, 'Reason').inputValue()).toBe('Half a rea')
    expect(await page.getByRole('tab', { selected: true, includeHidden: true }).textContent()).toBe(
      'Available (0)',
    )
  })

  test('when somebody archives the pool whose codes it has claimed', async () => {
    const { poolId } = await newStock(client, 1)
    const { page } = await openConsole(service, { path: `/pools/${poolId}/all-codes` })
    await press(page, 'Claim codes')
    await press(page, 'Claim')
    const claimed = page.getByRole('dialog').getByText('1 code was claimed.')
    await claimed.waitFor()
    await done(client, 'archivePool', { poolId }, 'pool { id }')
    await behind(page, 'alert', 'Archived')
    expect(await claimed.isVisible()).toBe(true)
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
    await claimed.waitFor({ state: 'hidden' })
    expect(await page.getByRole('button', { name: 'Claim codes' }).count()).toBe(0)
  })

  test('when somebody saves that the pool is filled by uploads', async () => {
    const poolId = await newPool(client)
    const formatId = await newFormat(client)
    const { page } = await openConsole(service, { path: `/pools/${poolId}/promo-codes` })
    await press(page, 'Create a new format')
    await field(page, 'Name').fill('Half a na')
    const settings = { poolId, method: 'UPLOAD', formatId }
    await done(client, 'saveReplenishment', settings, 'pool { id }')
    await expect
      .poll(() => page.getByRole('radio', { name: 'Upload from a file', includeHidden: true }).isChecked())
      .toBe(true)
    expect(await field(page, 'Name').inputValue()).toBe('Half a na')
  })
})
