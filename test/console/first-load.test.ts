import type { Page, Request, Route } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { newPool } from '../support/api.ts'
import { expectAccessible, openConsole, takeScreenshot } from '../support/console.ts'
import { useClient, useService } from '../support/service.ts'

// Of all that is loaded before the pools are shown, as it is sent.
const maxBytes = 300_000

describe('the first visit', () => {
  const service = useService()
  const client = useClient(service)

  test('without a session leads to signing in', async () => {
    const { page } = await openConsole(service, {
      path: '/formats',
      scopes: [],
      tolerated: [/status of 401/],
    })
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/sign-in')
    await takeScreenshot(page, 'sign-in')
    await expectAccessible(page)
  })

  test(`loads less than ${maxBytes} bytes until the pools are shown`, async () => {
    await newPool(client, 'Newsletter welcome')
    // Begins elsewhere, so that nothing of it is in the browser's cache.
    const { page } = await openConsole(service, { path: '/health', ownProfile: true })
    const loaded = record(page)
    // The other screens are loaded next, without a click. Held up here, to see that the pools are shown without them.
    const screens = /\/other-screens-[^/]+\.js$/
    const held = Promise.withResolvers<Route>()
    await page.route(screens, (route) => held.resolve(route))
    await page.goto('/')
    await page.getByText('Newsletter welcome').first().waitFor()
    const others = await held.promise
    const files = await loaded()
    const arrival = page.waitForResponse(screens)
    await others.continue()
    await arrival
    expect(files.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['document', 'script', 'stylesheet', 'fetch']),
    )
    const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
    expect(total, JSON.stringify(files, undefined, 2)).toBeLessThan(maxBytes)
    // Otherwise the sizes would be those of something else.
    expect(total).toBeGreaterThan(100_000)
  })
})

describe('with the service’s own database, in a browser on this machine', () => {
  const local = useService({ embedded: true })

  test('nobody has to sign in', async () => {
    const { page } = await openConsole(local, { scopes: [] })
    await page.getByRole('heading', { name: 'Pools' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/')
    expect(await page.evaluate('Object.keys(localStorage).join() + document.cookie')).not.toContain('pk_')
  })
})

/** Notes what a page loads from now on, until what this returns is called: it tells the sizes of all that has arrived. */
function record(page: Page) {
  const sizes: Promise<{ type: string; url: string; bytes: number }>[] = []
  const note = (request: Request) => {
    const file = { type: request.resourceType(), url: request.url() }
    sizes.push(request.sizes().then(({ responseBodySize }) => ({ ...file, bytes: responseBodySize })))
  }
  page.on('requestfinished', note)
  return () => {
    page.off('requestfinished', note)
    return Promise.all(sizes)
  }
}
