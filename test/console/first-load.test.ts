import { describe, test } from 'vitest'
import { expectAccessible, openConsole, takeScreenshot } from '../support/console.ts'
import { useService } from '../support/service.ts'

describe('the console', () => {
  const service = useService()
  test('leads to signing in who has no session', async () => {
    const { page } = await openConsole(service, { scopes: [], tolerated: [/401/] })
    await page.waitForURL('**/sign-in')
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    await takeScreenshot(page, 'sign-in')
    await expectAccessible(page)
  })
  test('shows pools', async () => {
    const { page } = await openConsole(service, { scheme: 'dark' })
    await page.getByRole('heading', { name: 'Pools' }).waitFor()
    await takeScreenshot(page, 'pools')
    await expectAccessible(page)
  })
})
