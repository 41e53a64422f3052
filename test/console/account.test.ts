import { describe, expect, test } from 'vitest'
import { done, newPool, withScopes } from '../support/api.ts'
import { Client } from '../support/client.ts'
import { expectAccessible, openConsole, takeScreenshot } from '../support/console.ts'
import { runSql } from '../support/database.ts'
import { useClient, useService } from '../support/service.ts'

/** What the browser itself says about answers that refuse something. */
const refused = [/status of 40\d/]
/** The same about a session that ends while something is live. */
const ended = [...refused, /WebSocket connection/]

describe('signing in', () => {
  const service = useService()
  const client = useClient(service)

  test('takes a key as it was pasted, and leads to where one wanted to go', async () => {
    const name = `Find me ${crypto.randomUUID()}`
    await newPool(client, name)
    await newPool(client)
    const { page } = await openConsole(service, { path: '/?search=find', scopes: [], tolerated: refused })
    const half = service.key.length / 2
    const pasted = `  Authorization: Bearer ${service.key.slice(0, half)}\n ${service.key.slice(half)} `
    await page.getByLabel('API key').fill(pasted)
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name }).waitFor()
    expect(new URL(page.url()).search).toBe('?search=find')
    await page.getByText('1 pool', { exact: true }).waitFor()
    expect(await page.evaluate('document.cookie')).toBe('')
  })

  test('says at the field what is wrong', async () => {
    const { page, context } = await openConsole(service, {
      path: '/sign-in',
      scopes: [],
      tolerated: [...refused, /status of 502|ERR_FAILED/],
    })
    const key = page.getByLabel('API key')
    const submit = page.getByRole('button', { name: 'Sign in' })
    await submit.click()
    await page.getByText('Paste your API key here.').waitFor()
    await key.fill('pk_🎁')
    await submit.click()
    await page.getByText('This is not an API key').waitFor()
    await key.fill('pk_wrong')
    await submit.click()
    await page.getByText('This API key does not exist, or it was revoked.').waitFor()
    expect(await key.getAttribute('aria-invalid')).toBe('true')
    await takeScreenshot(page, 'sign-in-wrong')
    await expectAccessible(page)
    await context.route('**/session', (route) => route.fulfill({ status: 502, body: '<h1>Bad gateway</h1>' }))
    await submit.click()
    await page.getByText('status 502').waitFor()
    await context.unroute('**/session')
    await context.route('**/session', (route) => route.abort())
    await submit.click()
    await page.getByText('The service cannot be reached.').waitFor()
    await context.unroute('**/session')
    await key.fill(service.key)
    await submit.click()
    await page.getByRole('heading', { name: 'Pools' }).waitFor()
  })

  test('ends in all pages of the browser with signing out in one', async () => {
    const { page, context } = await openConsole(service, { tolerated: ended })
    const other = await context.newPage()
    await other.goto('/formats')
    await other.getByRole('heading', { name: 'Formats', exact: true }).waitFor()
    await page.getByRole('button', { name: /^Signed in with/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByLabel('API key').waitFor()
    await other.getByLabel('API key').waitFor()
    await other.goto('/formats')
    await other.waitForURL('**/sign-in')
  })

  test('with another key in one page loads the others anew', async () => {
    const { page, context } = await openConsole(service, { scopes: ['READ'], tolerated: ended })
    await page.getByRole('heading', { name: 'Pools' }).waitFor()
    expect(await page.getByRole('link', { name: 'API keys' }).count()).toBe(0)
    const other = await context.newPage()
    await other.goto('/sign-in')
    await other.getByLabel('API key').fill(service.key)
    await other.keyboard.press('Enter')
    await other.getByRole('link', { name: 'API keys' }).waitFor()
    await page.getByRole('link', { name: 'API keys' }).waitFor()
  })
})

describe('a session that ends', () => {
  const service = useService()
  const client = useClient(service)

  test('keeps what was typed until one has signed in again', async () => {
    const poolId = await newPool(client)
    const { page, context } = await openConsole(service, {
      path: `/pools/${poolId}/settings`,
      tolerated: ended,
    })
    const name = page.getByLabel('Name')
    await name.fill('Half a na')
    await context.request.delete('/session', { headers: { origin: service.url } })
    const again = page
      .getByRole('main')
      .filter({ has: page.getByRole('heading', { name: 'Your session has ended' }) })
    await again.waitFor()
    await takeScreenshot(page, 'session-ended')
    await expectAccessible(page)
    await again.getByLabel('API key').fill(service.key)
    await page.keyboard.press('Enter')
    await again.waitFor({ state: 'detached' })
    expect(await name.inputValue()).toBe('Half a na')
    // And it is live again.
    await done(client, 'updatePool', { poolId, description: 'Still live' }, 'pool { id }')
    await page.getByText('Still live').first().waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'Half a na', level: 1 }).waitFor()
  })

  test('keeps an open dialog, too, and hides it meanwhile', async () => {
    const { page, context } = await openConsole(service, { tolerated: ended })
    await page.getByRole('button', { name: 'Create a pool' }).click()
    const dialog = page.getByRole('dialog', { name: 'Create a pool' })
    const name = `Half a pool ${crypto.randomUUID()}`
    await dialog.getByLabel('Name').fill(name)
    await context.request.delete('/session', { headers: { origin: service.url } })
    await page.getByRole('heading', { name: 'Your session has ended' }).waitFor()
    await page.locator('input[type=password]:focus').fill(service.key)
    await expectAccessible(page)
    await page.keyboard.press('Enter')
    await dialog.getByRole('button', { name: 'Create and choose its codes' }).click()
    await page.getByRole('heading', { name, level: 1 }).waitFor()
  })

  test('because its key is revoked is over within seconds, and another key begins anew', async () => {
    const poolId = await newPool(client)
    await using mine = await withScopes(service, client, ['READ', 'MANAGE'])
    const { page, context } = await openConsole(service, { scopes: [], tolerated: ended })
    await page.getByLabel('API key').waitFor()
    await context.request.post('/session', { headers: { ...mine.authorization(), origin: service.url } })
    await page.goto(`/pools/${poolId}/settings`)
    await page.getByLabel('Name').fill('Half a na')
    await done(client, 'revokeApiKey', { apiKeyId: mine.keyId }, 'apiKey { id }')
    const again = page
      .getByRole('main')
      .filter({ has: page.getByRole('heading', { name: 'Your session has ended' }) })
    await again.waitFor()
    await again.getByLabel('API key').fill(mine.authorization()['authorization'] ?? '')
    await page.keyboard.press('Enter')
    await again.getByText('This API key does not exist, or it was revoked.').waitFor()
    await again.getByLabel('API key').fill(service.key)
    const loaded = page.waitForEvent('load')
    await page.keyboard.press('Enter')
    await loaded
    expect(await page.getByLabel('Name').inputValue()).not.toBe('Half a na')
    expect(new URL(page.url()).pathname).toBe(`/pools/${poolId}/settings`)
  })
})

describe('on the machine of the service, with its own database,', () => {
  const local = useService({ embedded: true })
  const client = useClient(local)

  test('a session that ends is followed by another one, without asking', async () => {
    const { page, context } = await openConsole(local, { scopes: [], tolerated: ended })
    await page.getByRole('button', { name: 'Create a pool' }).click()
    const dialog = page.getByRole('dialog', { name: 'Create a pool' })
    await dialog.getByLabel('Name').fill('Half a pool')
    const signedIn = page.waitForResponse(`${local.url}/`)
    await context.request.delete('/session', { headers: { origin: local.url } })
    await signedIn
    await dialog.getByRole('button', { name: 'Create and choose its codes' }).click()
    await page.getByRole('heading', { name: 'Half a pool', level: 1 }).waitFor()
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
    // Pages that learn of the end before the answer is there do not sign in again.
    const hasEnded = other.getByRole('heading', { name: 'Your session has ended' })
    await context.route('**/session', async (route) => {
      const response = await route.fetch()
      await hasEnded.waitFor()
      await route.fulfill({ response })
    })
    await dialog.getByRole('button', { name: 'Sign out' }).click()
    const proceed = page.getByRole('button', { name: 'Continue on this machine' })
    // The same words are over the pages for a moment, before they are loaded anew.
    for (const left of [page, other]) {
      await left.waitForURL('**/sign-in')
      await left.getByRole('button', { name: 'Continue on this machine' }).waitFor()
    }
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

describe('API keys', () => {
  const service = useService()
  const client = useClient(service)

  test('are created, and their secret is shown once, to be copied', async () => {
    const { page, context } = await openConsole(service, { path: '/keys' })
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: 'Create a key' }).click()
    const dialog = page.getByRole('dialog', { name: 'Create a key' })
    await dialog.getByRole('button', { name: 'Create a key' }).click()
    await dialog.getByText('Choose at least one.').waitFor()
    await dialog.getByLabel('See').check()
    await dialog.getByRole('button', { name: 'Create a key' }).click()
    await dialog.getByLabel('Name').and(page.locator('[aria-invalid=true]')).waitFor()
    await dialog.getByLabel('Name').fill('For the dashboard')
    await dialog.getByRole('button', { name: 'Create a key' }).click()
    const secret = page.getByRole('dialog', { name: 'Your new key' })
    const shown = await secret.getByText(/^pk_/).textContent()
    await page.keyboard.press('Escape')
    await secret.getByText('You have not copied the key yet.').waitFor()
    await page.keyboard.press('Escape')
    await takeScreenshot(page, 'new-key')
    await expectAccessible(page)
    await secret.getByRole('button', { name: 'Copy the key' }).click()
    await secret.getByRole('button', { name: 'Done' }).click()
    await secret.waitFor({ state: 'detached' })
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(shown)
    expect(await page.content()).not.toContain(shown)
    await using created = new Client({ url: service.url, key: shown ?? '' })
    expect(await created.ask('{ apiKey { name scopes } }')).toEqual({
      apiKey: { name: 'For the dashboard', scopes: ['READ'] },
    })
    await page.getByRole('row', { name: /For the dashboard See pk_/ }).waitFor()
    await expectAccessible(page)
  })

  test('can be copied by hand where the page cannot copy', async () => {
    const { page } = await openConsole(service, { path: '/keys' })
    await page.evaluate("navigator.clipboard.writeText = () => Promise.reject(new Error('Not allowed'))")
    await page.getByRole('button', { name: 'Create a key' }).click()
    const dialog = page.getByRole('dialog', { name: 'Create a key' })
    await dialog.getByLabel('Name').fill('Copied by hand')
    await dialog.getByLabel('See').check()
    await dialog.getByRole('button', { name: 'Create a key' }).click()
    const secret = page.getByRole('dialog', { name: 'Your new key' })
    await secret.getByRole('button', { name: 'Copy the key' }).click()
    await secret.getByRole('button', { name: 'I have copied it' }).click()
    await secret.getByRole('button', { name: 'Done' }).click()
    await secret.waitFor({ state: 'detached' })
  })

  test('are revoked after asking', async () => {
    await using other = await withScopes(service, client, ['CLAIM', 'REDEEM'])
    const { page } = await openConsole(service, { path: '/keys' })
    await page.getByRole('button', { name: 'Revoke “CLAIM REDEEM”' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('It was never used.').waitFor()
    await dialog.getByRole('button', { name: 'Revoke' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByText('“CLAIM REDEEM” was revoked.').waitFor()
    expect(await page.getByRole('row', { name: /CLAIM REDEEM/ }).count()).toBe(0)
    await page.getByLabel(/Show \d+ revoked key/).check()
    await page.getByRole('row', { name: /CLAIM REDEEM .* Revoked/ }).waitFor()
    const { errors } = await other.send('{ apiKey { id } }')
    expect(errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED')
  })

  test('that one is signed in with can be revoked, which ends the session', async () => {
    await using mine = await withScopes(service, client, ['READ', 'ADMIN'])
    const { page, context } = await openConsole(service, { scopes: [], tolerated: ended })
    await page.getByLabel('API key').waitFor()
    await context.request.post('/session', { headers: { ...mine.authorization(), origin: service.url } })
    await page.goto('/keys')
    await page.getByRole('button', { name: 'Revoke “READ ADMIN”' }).click()
    await page.getByText('You are signed in with this key: you will be signed out.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page
      .getByRole('main')
      .filter({ has: page.getByRole('heading', { name: 'Your session has ended' }) })
      .waitFor()
  })

  test('are shown to a key that may manage them and nothing else', async () => {
    const { page } = await openConsole(service, { path: '/keys', scopes: ['ADMIN'] })
    await page.getByRole('row', { name: /^First key/ }).waitFor()
  })

  test('are not shown to a key that may not manage them', async () => {
    const { page } = await openConsole(service, { path: '/keys', scopes: ['READ', 'MANAGE'] })
    await page.getByRole('heading', { name: 'There is nothing here' }).waitFor()
    expect(await page.getByRole('link', { name: 'API keys' }).count()).toBe(0)
  })
})
