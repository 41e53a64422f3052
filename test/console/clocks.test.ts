import { expect, test } from 'vitest'
import { claim, newStock } from '../support/api.ts'
import { openConsole } from '../support/console.ts'
import { useClient, useService } from '../support/service.ts'

const service = useService()
const client = useClient(service)

const hourMs = 3_600_000

test('a clock that is two hours behind does not hide what has just happened', async () => {
  const { poolId } = await newStock(client, 20)
  await claim(client, poolId, 10)
  const { page } = await openConsole(service, { path: '/health', ownProfile: true })
  await page.clock.install({ time: Date.now() - 2 * hourMs })
  await page.goto(`/pools/${poolId}/activity`)
  await page.getByRole('img', { name: 'Claimed by hour: 10 in total' }).waitFor()
  await page.getByRole('img', { name: 'Available by hour: 10 now' }).waitFor()
})

test('the pools that are on the screen at midnight show the new day', async () => {
  await newStock(client, 1)
  const { page } = await openConsole(service, { path: '/health', ownProfile: true })
  await page.clock.install()
  const days: string[] = []
  page.on('request', (request) => {
    const { operationName, variables } = JSON.parse(request.postData() ?? '{}') as {
      operationName?: string
      variables?: { to: string }
    }
    if (operationName === 'Pools') days.push(variables?.to ?? '')
  })
  await page.goto('/')
  await page.getByText('1 code available').or(page.getByRole('table')).first().waitFor()
  const [today = ''] = days
  await page.clock.fastForward(24 * hourMs)
  await expect.poll(() => days.at(-1)?.localeCompare(today)).toBe(1)
})

test('a browser that does not know its time zone shows the days of UTC', async () => {
  const { poolId } = await newStock(client, 5)
  await claim(client, poolId, 3)
  const { page, context } = await openConsole(service, { path: '/health', ownProfile: true })
  await context.addInitScript(() => {
    const { resolvedOptions } = Intl.DateTimeFormat.prototype
    Intl.DateTimeFormat.prototype.resolvedOptions = function () {
      return { ...resolvedOptions.call(this), timeZone: 'Etc/Unknown' }
    }
  })
  await page.goto('/')
  const row = page.getByRole('row').filter({ has: page.locator(`a[href="/pools/${poolId}"]`) })
  await row.getByRole('img', { name: '3 codes claimed in the last 30 days' }).waitFor()
})
