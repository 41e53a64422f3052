import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { matchPath } from 'react-router'
import { beforeAll, describe, expect, test } from 'vitest'
import { Networks } from '../../src/outgoing/networks.ts'
import { colorRules } from '../support/accessibility.ts'
import { stranger } from '../support/api.ts'
import { accessibilityProblems, faultsInAllLooks, goTo, openConsole } from '../support/console.ts'
import { type Furnished, furnish } from '../support/furnished.ts'
import { useClient, useService } from '../support/service.ts'

const service = useService({ webhookAllowedNetworks: Networks.parse('127.0.0.1') })

/** A screen, its address, and a text that is on it once it has loaded. */
type Screen = readonly [name: string, path: string, shows: string]

/** Every route of src/console/app.tsx, with something on each. */
const withData = (all: Furnished): readonly Screen[] => [
  ['pools', '/', 'Summer sale'],
  ['pool-promo-codes', `/pools/${all.poolId}/promo-codes`, 'Save and generate'],
  ['pool-tasks', `/pools/${all.poolId}/tasks`, 'Generation of 12,345 codes'],
  ['pool-codes', `/pools/${all.poolId}/all-codes`, 'SUMMER-'],
  ['pool-activity', `/pools/${all.poolId}/activity`, 'First key created the pool.'],
  ['pool-settings', `/pools/${all.poolId}/settings`, 'Archive'],
  ['huge-pool-promo-codes', `/pools/${all.hugePoolId}/promo-codes`, 'Save and generate'],
  ['huge-pool-codes', `/pools/${all.hugePoolId}/all-codes`, 'Good'],
  ['huge-pool-activity', `/pools/${all.hugePoolId}/activity`, 'First key created the pool.'],
  ['huge-pool-settings', `/pools/${all.hugePoolId}/settings`, 'Archive'],
  ['archived-pool-promo-codes', `/pools/${all.archivedPoolId}/promo-codes`, 'This pool is archived'],
  ['generation', `/tasks/${all.generationId}`, '12,345'],
  ['upload', `/tasks/${all.uploadId}`, 'Duplicates in the file'],
  ['failed-upload', `/tasks/${all.failedUploadId}`, 'No codes were added'],
  ['formats', '/formats', 'Summer letters'],
  ['format', `/formats/${all.formatId}`, 'Summer letters'],
  ['long-format', `/formats/${all.longFormatId}`, 'Donau'],
  ['look-up', '/codes', 'Look up a code'],
  ['activity', '/activity', 'created'],
  ['keys', '/keys', 'First key'],
  ['webhooks', '/webhooks', 'Failing'],
  ['failing-webhook', `/webhooks/${all.failingWebhookId}`, 'Messages do not arrive'],
  ['disabled-webhook', `/webhooks/${all.disabledWebhookId}`, 'This webhook is disabled'],
  ['nothing', '/nothing', 'There is nothing here'],
]

/** Those of a pool with nothing in it. */
const ofBarePool = ({ barePoolId }: Furnished): readonly Screen[] => [
  ['bare-pool-promo-codes', `/pools/${barePoolId}/promo-codes`, 'Save and generate'],
  ['bare-pool-tasks', `/pools/${barePoolId}/tasks`, 'No tasks yet'],
  ['bare-pool-codes', `/pools/${barePoolId}/all-codes`, 'No codes are available'],
  ['bare-pool-activity', `/pools/${barePoolId}/activity`, 'First key created the pool.'],
]

/** Those of an account with nothing in it. */
const ofNewAccount: readonly Screen[] = [
  ['no-pools', '/', 'Create a pool'],
  ['no-formats', '/formats', 'No formats yet'],
  ['no-activity', '/activity', 'Nothing has happened yet'],
  ['no-webhooks', '/webhooks', 'No webhooks yet'],
  ['sign-in', '/sign-in', 'API key'],
]

const client = useClient(service)
let all: Furnished

beforeAll(async () => {
  all = await furnish(service, client)
})

describe('in light and dark colors, on a phone, a tablet and a large screen,', () => {
  test('every screen is accessible and fits', { timeout: 240_000 }, async () => {
    const { page } = await openConsole(service)
    expect(await faultsOf(page, [...withData(all), ...ofBarePool(all)])).toEqual([])
  })

  test('so is every screen of a new account', async () => {
    await using newcomer = await stranger(service)
    // The others are loaded on a large screen, in light colors.
    const { page } = await openConsole({ ...service, key: newcomer.key }, { width: 390, scheme: 'dark' })
    expect(await faultsOf(page, ofNewAccount)).toEqual([])
  })
})

test.each(['light', 'dark'] as const)(
  'the current link of the navigation can be read while the mouse is over it, in %s',
  async (scheme) => {
    const { page } = await openConsole(service, { scheme })
    const link = page.getByRole('navigation').getByRole('link', { name: 'Pools' })
    await link.hover()
    expect(await link.getAttribute('aria-current')).toBe('page')
    expect(await accessibilityProblems(page, colorRules)).toEqual([])
  },
)

test('no route is left out', async () => {
  const app = await readFile(new URL('../../src/console/app.tsx', import.meta.url), 'utf8')
  const routes = [...app.matchAll(/<Route element=\{<(\w+)[^>]*\/>\} path="([^"]+)" \/>/g)]
    .filter(([, element]) => element !== 'Navigate')
    .map(([, , path = '']) => (/^[/*]/.test(path) ? path : `/pools/:poolId/${path}`))
  const addresses = [...withData(all), ...ofNewAccount].map(([, address]) => address)
  expect(routes.filter((route) => !addresses.some((address) => matchPath(route, address)))).toEqual([])
  // All that app.tsx has now.
  expect(routes.length).toBeGreaterThanOrEqual(13)
})

/** What is wrong with screens: what axe finds, and what makes the page scroll sideways. */
async function faultsOf(page: Page, screens: readonly Screen[]): Promise<string[]> {
  const faults: string[] = []
  for (const [name, address, shows] of screens) {
    await goTo(page, address)
    await page.getByRole('main').getByText(shows).first().waitFor()
    const waiting = page.locator('[aria-busy=true], .mantine-Skeleton-root')
    await expect.poll(() => waiting.count(), { timeout: 30_000 }).toBe(0)
    const inAllLooks = await faultsInAllLooks(page, name, async ({ scheme, width }) =>
      // Both what a phone shows and what others do, and both colors, but not all four of these: this takes most of the time.
      width === (scheme === 'light' ? 390 : 1_400) ? await accessibilityProblems(page) : [],
    )
    faults.push(...inAllLooks)
  }
  return faults
}
