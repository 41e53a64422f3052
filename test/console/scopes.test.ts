import { expect, test } from 'vitest'
import { newPool } from '../support/api.ts'
import { goTo, openConsole } from '../support/console.ts'
import { useClient, useService } from '../support/service.ts'

const service = useService()
const client = useClient(service)

/** The title that a key with a single scope finds at each address; without one here, it finds that there is nothing. */
const titles: Record<string, Record<string, string>> = {
  READ: {
    '/': 'Pools',
    '/formats': 'Formats',
    '/codes': 'Look up a code',
    '/activity': 'Activity',
    '/webhooks': 'Webhooks',
    '/pools/ID/promo-codes': 'Sale of READ',
  },
  MANAGE: { '/': 'Welcome' },
  CLAIM: { '/': 'Welcome' },
  REDEEM: { '/': 'Welcome', '/codes': 'Redeem a code' },
  ADMIN: { '/': 'Welcome', '/keys': 'API keys', '/webhooks': 'Webhooks' },
}
const addresses = ['/', '/pools/ID/promo-codes', '/formats', '/codes', '/activity', '/keys', '/webhooks']

test.each(Object.entries(titles))(
  'a key that has only %s finds its screens, and at all other addresses why there is nothing',
  async (scope, found) => {
    const poolId = await newPool(client, `Sale of ${scope}`)
    const { page } = await openConsole(service, { scopes: [scope] })
    for (const address of addresses) {
      const title = found[address]
      await goTo(page, address.replace('ID', poolId))
      const heading = page.getByRole('heading', { level: 1, name: title ?? 'There is nothing here' })
      await heading.waitFor()

      if (title === undefined)
        await page.getByText('This key may not see this. Sign in with one that may').waitFor()
      expect(await page.getByRole('alert').count(), `errors at ${address}`).toBe(0)
    }
  },
)
