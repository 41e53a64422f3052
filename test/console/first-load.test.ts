import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { done, newPool, withScopes } from '../support/api.ts'
import { expectAccessible, openConsole, takeScreenshot } from '../support/console.ts'
import { runSql } from '../support/database.ts'
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
    const { page } = await openConsole(service, { path: '/health' })
    const loaded = record(page)
    await page.goto('/')
    await page.getByText('Newsletter welcome').first().waitFor()
    const files = await loaded()
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
  const client = useClient(local)
  /** What the browser itself says about requests and connections without a session. */
  const ended = [/status of 401/, /WebSocket connection/]

  test('nobody has to sign in', async () => {
    const { page } = await openConsole(local, { scopes: [] })
    await page.getByRole('heading', { name: 'Pools' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/')
    expect(await page.evaluate('Object.keys(localStorage).join() + document.cookie')).not.toContain('pk_')
  })

  test('nobody is asked for a key when the session has ended, and what was typed is still there', async () => {
    const poolId = await newPool(client)
    const { page, context } = await openConsole(local, {
      path: `/pools/${poolId}/settings`,
      scopes: [],
      tolerated: ended,
    })
    const name = page.getByLabel('Name')
    await name.fill('Half a na')
    await Promise.all([
      page.waitForResponse(`${local.url}/`),
      context.request.delete('/session', { headers: { origin: local.url } }),
    ])
    // It is live again.
    await done(client, 'updatePool', { poolId, description: 'Still live' }, 'pool { id }')
    await page.getByText('Still live').first().waitFor()
    expect(await name.inputValue()).toBe('Half a na')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'Half a na', level: 1 }).waitFor()
  })

  test('who signs out is told how to come back, and stays signed out until then, in all pages', async () => {
    const { page, context } = await openConsole(local, { path: '/formats', scopes: [], tolerated: ended })
    const other = await context.newPage()
    await other.goto('/')
    await other.getByRole('heading', { name: 'Pools' }).waitFor()
    await page.getByRole('button', { name: 'Signed in with This machine' }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    const dialog = page.getByRole('dialog', { name: 'Sign out of this machine?' })
    await dialog.getByText('not with a key of your own').waitFor()
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Sign out' }).click()
    const proceed = page.getByRole('button', { name: 'Continue on this machine' })
    await proceed.waitFor()
    await other.getByRole('button', { name: 'Continue on this machine' }).waitFor()
    const { status } = await page.evaluate(
      async () => await fetch('/graphql?query={apiKey{id}}').then(({ status }) => ({ status })),
    )
    expect(status).toBe(401)
    await takeScreenshot(page, 'sign-in-here')
    await expectAccessible(page)
    await proceed.click()
    await page.getByRole('button', { name: 'Signed in with This machine' }).waitFor()
    await other.getByRole('button', { name: 'Signed in with This machine' }).waitFor()
  })

  test('who has a key can sign in with it instead, and is asked for it again', async () => {
    await using mine = await withScopes(local, client, ['READ'])
    const { page, context } = await openConsole(local, { path: '/sign-in', scopes: [], tolerated: ended })
    await page.getByLabel('API key').fill(mine.authorization()['authorization'] ?? '')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Signed in with READ' }).waitFor()
    await context.request.delete('/session', { headers: { origin: local.url } })
    await page.getByRole('heading', { name: 'Your session has ended' }).waitFor()
    expect(await page.getByRole('button', { name: 'Continue on this machine' }).count()).toBe(0)
  })

  test('who is no longer let in without a key is told so', async () => {
    const { page } = await openConsole(local, { path: '/sign-in', scopes: [], tolerated: ended })
    const proceed = page.getByRole('button', { name: 'Continue on this machine' })
    await proceed.waitFor()
    await runSql(local.databaseUrl, 'UPDATE api_key SET revoked_at = now() WHERE is_local')
    await proceed.click()
    await page.getByText('The key of this machine was revoked.').waitFor()
  })
})

/** Notes what a page loads from now on. What this returns tells the sizes of all that has arrived by then. */
function record(page: Page) {
  const sizes: Promise<{ type: string; url: string; bytes: number }>[] = []
  page.on('requestfinished', (request) => {
    const file = { type: request.resourceType(), url: request.url() }
    sizes.push(request.sizes().then(({ responseBodySize }) => ({ ...file, bytes: responseBodySize })))
  })
  return () => Promise.all(sizes)
}
