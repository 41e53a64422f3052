import { randomUUID } from 'node:crypto'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { Networks } from '../../src/outgoing/networks.ts'
import { done, newPool, newWebhook, stranger } from '../support/api.ts'
import type { Client } from '../support/client.ts'
import { expectAccessible, expectUsableInAllLooks, openConsole, takeScreenshot } from '../support/console.ts'
import { Receiver } from '../support/receiver.ts'
import { useClient, useService } from '../support/service.ts'
import { verified } from '../support/webhooks.ts'

const service = useService({ webhookAllowedNetworks: Networks.parse('127.0.0.1') })
const client = useClient(service)

const pathOf = (webhookId: string) => `/webhooks/${webhookId}`
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
const said = (page: Page, text: string) => page.getByRole('alert').filter({ hasText: text }).waitFor()

async function choose(page: Page, item: string): Promise<void> {
  await page.getByRole('button', { name: /^More for/ }).click()
  await page.getByRole('menuitem', { name: item }).click()
}

interface Facts {
  url: string
  kinds: string[]
  pool: { id: string } | null
  status: string
  disabledReason: string | null
  eventsBehind: string
  overlapUntil: string | null
}

async function factsOf(id: string, from: Client = client): Promise<Facts | null> {
  const query = `query ($id: ID!) {
    webhook(id: $id) { url kinds pool { id } status disabledReason eventsBehind overlapUntil }
  }`
  return (await from.ask<{ webhook: Facts | null }>(query, { id })).webhook
}

/** A webhook to a receiver that refuses, once it is known to fail. */
async function newFailing(receiver: Receiver, status = 500): Promise<string> {
  receiver.answering = (response) => response.writeHead(status).end('The disk is full.')
  const id = await newWebhook(client, { url: receiver.url })
  await newPool(client)
  await expect.poll(async () => (await factsOf(id))?.status).not.toBe('ACTIVE')
  return id
}

describe('a new webhook', () => {
  test('is what an account without any is told about, and shows its secret once', async () => {
    await using mine = await stranger(service)
    await using receiver = await Receiver.open()
    const poolId = await newPool(mine, 'Summer sale')
    const { page, context } = await openConsole({ ...service, key: mine.key })
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('link', { name: 'Webhooks' }).click()
    await page.getByRole('heading', { name: 'No webhooks yet' }).waitFor()
    await press(page, 'Create a webhook')
    const dialog = page.getByRole('dialog', { name: 'Create a webhook' })
    await dialog.getByRole('radio', { name: 'Only some kinds' }).check()
    await dialog.getByRole('button', { name: 'Create a webhook' }).click()
    await dialog.getByText('Give the address.').waitFor()
    await dialog.getByText('Choose at least one.').waitFor()
    await dialog.getByLabel('A pool runs low').check()
    await dialog.getByLabel('A pool was changed or archived').check()
    await dialog.getByRole('combobox', { name: 'Of which pool' }).fill('summer')
    await page.getByRole('option', { name: 'Summer sale' }).click()
    await dialog.getByRole('textbox', { name: 'Address' }).fill(` ${receiver.url}/hooks `)
    await dialog.getByRole('button', { name: 'Create a webhook' }).click()
    const shown = page.getByRole('dialog', { name: 'The secret of the webhook' })
    const secret = (await shown.getByText(/^whsec_/).textContent()) ?? ''
    await takeScreenshot(page, 'webhook-secret')
    await expectAccessible(page)
    // The list is read again behind it, and the secret stays.
    await page.getByText(`${receiver.url}/hooks`).waitFor()
    await page.keyboard.press('Escape')
    await shown.getByText('You have not copied the secret yet.').waitFor()
    await shown.getByRole('button', { name: 'Copy the secret' }).click()
    await shown.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('heading', { name: new URL(receiver.url).host, level: 1 }).waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(secret)
    expect(await page.content()).not.toContain(secret)
    const [id = ''] = new URL(page.url()).pathname.split('/').slice(-1)
    expect(await factsOf(id, mine)).toMatchObject({
      url: `${receiver.url}/hooks`,
      kinds: ['POOL_LOW', 'POOL_CHANGED'],
      pool: { id: poolId },
    })
    await done(mine, 'updatePool', { poolId, name: 'Autumn sale' }, 'pool { id }')
    await receiver.receives(1)
    expect(receiver.received.map((request) => verified(request, secret).type)).toEqual(['pool.changed'])
  })

  test('shows its messages as they are sent, although these have no events', async () => {
    await using receiver = await Receiver.open()
    const poolId = await newPool(client)
    const id = await newWebhook(client, { url: receiver.url, kinds: ['POOL_CHANGED'], poolId })
    const { page } = await openConsole(service, { path: pathOf(id) })
    await page.getByText('No message has been sent yet.').waitFor()
    const name = `Autumn sale ${randomUUID()}`
    await done(client, 'updatePool', { poolId, name }, 'pool { id }')
    const row = page.getByRole('row', { name: /A pool was changed or archived Accepted/ })
    await row.waitFor()
    await page.getByRole('link', { name }).waitFor()
    await row.getByRole('button', { name: /^Details of/ }).click()
    await page.getByText('pool.changed').waitFor()
    await takeScreenshot(page, 'webhook')
    await expectAccessible(page)
  })

  test('is refused with the reason at the field', async () => {
    const { page } = await openConsole(service, { path: '/webhooks' })
    await press(page, 'Create a webhook')
    const dialog = page.getByRole('dialog', { name: 'Create a webhook' })
    const address = dialog.getByRole('textbox', { name: 'Address' })
    for (const [typed, problem] of [
      ['example.com', 'It is not a URL.'],
      ['ftp://example.com', 'Only https is possible.'],
      ['https://10.0.0.1/', '10.0.0.1 cannot be sent to'],
    ] as const) {
      await address.fill(typed)
      await dialog.getByRole('button', { name: 'Create a webhook' }).click()
      await dialog.getByText(problem).waitFor()
      await address.and(page.locator('[aria-invalid=true]')).waitFor()
    }
    await dialog.getByRole('radio', { name: 'Only some kinds' }).check()
    await expectUsableInAllLooks(page, 'create-webhook')
  })

  test('whose answer was lost is in the list, and what to do is said', async () => {
    const { page } = await openConsole(service, { path: '/webhooks', tolerated: [/ERR_FAILED/] })
    await press(page, 'Create a webhook')
    const dialog = page.getByRole('dialog', { name: 'Create a webhook' })
    const url = `http://127.0.0.1:1/${randomUUID()}`
    await dialog.getByRole('textbox', { name: 'Address' }).fill(url)
    await page.route('**/graphql', async (route) => {
      if (route.request().postData()?.includes('mutation') !== true) return route.fallback()
      await route.fetch()
      await route.abort()
    })
    await dialog.getByRole('button', { name: 'Create a webhook' }).click()
    await said(page, 'nobody knows its secret')
    await page.getByText(url).waitFor()
  })
})

describe('a webhook', () => {
  test('is tried with a test, whose outcome is shown', async () => {
    await using receiver = await Receiver.open()
    const id = await newWebhook(client, { url: receiver.url })
    const { page } = await openConsole(service, { path: pathOf(id) })
    await page.getByText('No message has been sent yet.').waitFor()
    await press(page, 'Send a test')
    await page.getByText('The receiver answered with 200 after').waitFor()
    await page.getByRole('row', { name: /A test Accepted/ }).waitFor()
    receiver.answering = (response) => response.writeHead(503).end('<b>Closed for today</b>')
    await press(page, 'Send a test')
    await page.getByText('The receiver answered with 503.').first().waitFor()
    await page.getByText('It said: “<b>Closed for today</b>”').waitFor()
    await page.getByRole('row', { name: /A test Not accepted/ }).waitFor()
    await takeScreenshot(page, 'webhook-test')
    await expectAccessible(page)
    expect(await factsOf(id)).toMatchObject({ status: 'ACTIVE' })
  })

  test('says when there were too many tests', async () => {
    await using mine = await stranger(service)
    const webhookId = await newWebhook(mine)
    for (let i = 0; i < 10; i++) await done(mine, 'sendTestDelivery', { webhookId }, 'delivery { at }')
    const { page } = await openConsole({ ...service, key: mine.key }, { path: pathOf(webhookId) })
    await press(page, 'Send a test')
    await said(page, 'ten in a minute are possible')
  })

  test('is changed, and what is not touched stays', async () => {
    await using receiver = await Receiver.open()
    const poolId = await newPool(client, `Sale ${randomUUID()}`)
    const id = await newWebhook(client, { kinds: ['POOL_LOW'], poolId })
    const { page } = await openConsole(service, { path: pathOf(id) })
    await press(page, 'Change')
    const dialog = page.getByRole('dialog', { name: 'Change the webhook' })
    const address = dialog.getByRole('textbox', { name: 'Address' })
    expect(await address.inputValue()).toBe('http://127.0.0.1:1/')
    await address.fill('http://192.0.43.8/')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await address.and(page.locator('[aria-invalid=true]')).waitFor()
    await address.fill(`${receiver.url}/new`)
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByText('The webhook was changed.').waitFor()
    await page.getByRole('heading', { name: new URL(receiver.url).host, level: 1 }).waitFor()
    const url = `${receiver.url}/new`
    expect(await factsOf(id)).toMatchObject({ url, kinds: ['POOL_LOW'], pool: { id: poolId } })

    await press(page, 'Change')
    await dialog.getByRole('radio', { name: 'Every event' }).check()
    await dialog.getByRole('combobox', { name: 'Of which pool' }).click()
    await page.getByRole('option', { name: 'All pools' }).click()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByText('All pools', { exact: true }).waitFor()
    expect(await factsOf(id)).toMatchObject({ url, kinds: [], pool: null })
  })

  test('that fails says since when, and is tried again at once', async () => {
    await using receiver = await Receiver.open()
    const id = await newFailing(receiver)
    const { page } = await openConsole(service, { path: pathOf(id) })
    await page.getByText('Messages do not arrive').waitFor()
    await page.getByText(/The next attempt is in/).waitFor()
    await page
      .getByRole('row', { name: /A pool was created Not accepted The receiver answered with 500\./ })
      .first()
      .waitFor()
    await page.goto('/webhooks')
    await page
      .getByRole('row', { name: new RegExp(`${receiver.url}.* Failing since .* Every event \\d+ event`) })
      .getByRole('link')
      .click()
    receiver.answerWith(200)
    await press(page, 'Try again now')
    const dialog = page.getByRole('dialog', { name: 'Try again now?' })
    await dialog.getByText(/happened meanwhile/).waitFor()
    await dialog.getByRole('button', { name: 'Try again now' }).click()
    await page.getByText('Working').waitFor()
    await page.getByText('Messages do not arrive').waitFor({ state: 'detached' })
    await page.getByText('Nothing', { exact: true }).waitFor()
    expect(receiver.received.length).toBeGreaterThan(1)
  })

  test('whose receiver wants no more says so, and can be enabled again without what it missed', async () => {
    await using receiver = await Receiver.open()
    // In the feed of what happens, too, as it happens and later.
    const { page } = await openConsole(service, { path: '/activity' })
    const events = page.locator('ol > li')
    await page.getByRole('heading', { name: 'Events' }).waitFor()
    const id = await newFailing(receiver, 410)
    const { host } = new URL(receiver.url)
    const disabled = events.filter({ hasText: `The webhook to ${host} was disabled` })
    await disabled.waitFor()
    await takeScreenshot(page, 'webhook-disabled-event')
    await expectAccessible(page)
    for (let i = 0; i < 30; i++) await newPool(client)
    await page.reload()
    await events.nth(29).waitFor()
    expect(await disabled.count()).toBe(0)
    await press(page, 'Show more')
    await disabled.getByRole('link', { name: host }).click()
    await page.getByText('its receiver answered that it wants no more messages (410)').waitFor()
    await page.getByText('Disabled by the service').waitFor()
    await press(page, 'Enable')
    const dialog = page.getByRole('dialog', { name: 'Enable the webhook?' })
    await dialog.getByRole('radio', { name: 'Skip them' }).check()
    await takeScreenshot(page, 'enable-webhook')
    await expectAccessible(page)
    receiver.answerWith(200)
    const before = receiver.received.length
    await dialog.getByRole('button', { name: 'Enable' }).click()
    await page.getByText('Working').waitFor()
    expect(await factsOf(id)).toMatchObject({ status: 'ACTIVE', eventsBehind: '0' })
    const name = randomUUID()
    await newPool(client, name)
    await receiver.receives(before + 1)
    expect(receiver.received[before]?.body).toContain(name)
  })

  test('is disabled by hand, and goes on with what it missed', async () => {
    await using receiver = await Receiver.open()
    const id = await newWebhook(client, { url: receiver.url, kinds: ['POOL_CREATED'] })
    const { page } = await openConsole(service, { path: pathOf(id) })
    await choose(page, 'Disable')
    await press(page, 'Disable the webhook')
    await page.getByText('because somebody has disabled it').waitFor()
    expect(await factsOf(id)).toMatchObject({ status: 'DISABLED', disabledReason: 'REQUESTED' })
    const name = randomUUID()
    await newPool(client, name)
    await press(page, 'Enable')
    await page.getByRole('dialog').getByRole('button', { name: 'Enable' }).click()
    await receiver.receives(1)
    expect(receiver.received[0]?.body).toContain(name)
  })

  test('gets a new secret, and the old one is valid for as long as one says', async () => {
    await using receiver = await Receiver.open()
    const { secret: old, webhook } = await done<{ secret: string; webhook: { id: string } }>(
      client,
      'createWebhook',
      { url: receiver.url, kinds: ['WEBHOOK_DISABLED'] },
      'secret webhook { id }',
    )
    const { page } = await openConsole(service, { path: pathOf(webhook.id) })
    const shown = page.getByRole('dialog', { name: 'The secret of the webhook' })
    const hours = page.getByRole('textbox', { name: 'Hours' })
    const rotate = async (overlap: string, fill = async () => {}) => {
      await choose(page, 'New secret')
      await page.getByRole('radio', { name: overlap }).check()
      await fill()
      await expectAccessible(page)
      await press(page, 'Show the new secret')
      const secret = (await shown.getByText(/^whsec_/).textContent()) ?? ''
      await shown.getByRole('button', { name: 'Close' }).click()
      await shown.getByRole('button', { name: 'Close without the secret' }).click()
      await shown.waitFor({ state: 'detached' })
      return secret
    }
    const second = await rotate('For a week')
    await page.getByText('Still valid until').waitFor()
    await press(page, 'Send a test')
    await page.getByText('The test was accepted').waitFor()
    const [first] = receiver.received
    for (const secret of [old, second])
      expect(first && verified(first, secret)).toMatchObject({ type: 'webhook.test' })
    const third = await rotate('Not at all')
    await page.getByText('Still valid until').waitFor({ state: 'detached' })
    await press(page, 'Send a test')
    await receiver.receives(2)
    const [, last] = receiver.received
    expect(last && verified(last, third)).toMatchObject({ type: 'webhook.test' })
    expect(() => last && verified(last, second)).toThrow()
    await rotate('For a number of hours', async () => {
      for (const typed of ['', '-5', '1.5', '169', '🎉']) {
        await hours.fill(typed)
        await press(page, 'Show the new secret')
        await hours.and(page.locator('[aria-invalid=true]')).waitFor()
        await page.getByText('Enter a whole number from 0 to 168.').waitFor()
      }
      await hours.fill('36')
      await takeScreenshot(page, 'webhook-rotate')
    })
    await page.getByText('Still valid until').waitFor()
    const validForMs = Date.parse((await factsOf(webhook.id))?.overlapUntil ?? '') - Date.now()
    expect(Math.round(validForMs / 3_600_000)).toBe(36)
  })

  test('is deleted after asking, and then its address leads to nothing', async () => {
    const id = await newWebhook(client, { url: 'http://127.0.0.1:1/deleted' })
    const { page } = await openConsole(service, { path: pathOf(id) })
    await choose(page, 'Delete')
    await page.getByText('This cannot be undone.').waitFor()
    await takeScreenshot(page, 'delete-webhook')
    await expectAccessible(page)
    await press(page, 'Delete the webhook')
    await page.getByText('The webhook to 127.0.0.1:1 was deleted.').waitFor()
    await page.getByRole('heading', { name: 'Webhooks', level: 1 }).waitFor()
    expect(await factsOf(id)).toBeNull()
    await page.goto(pathOf(id))
    await page.getByText('or has been deleted').waitFor()
  })

  test('is shown to a key that may only see, without its address and what can be done with it', async () => {
    const address = randomUUID()
    const id = await newWebhook(client, { url: `http://127.0.0.1:1/${address}`, kinds: ['POOL_EMPTY'] })
    const { page } = await openConsole(service, { path: '/webhooks', scopes: ['READ'] })
    await page.locator(`a[href="${pathOf(id)}"]`).click()
    await page.getByText('A pool runs out of codes').waitFor()
    expect(await page.getByRole('main').getByRole('button').count()).toBe(0)
    expect(await page.content()).not.toContain(address)
  })

  test('can be managed with a key that may not see pools', async () => {
    const poolId = await newPool(client, `Unseen ${randomUUID()}`)
    const id = await newWebhook(client, { url: 'http://127.0.0.1:1/managed', poolId })
    const { page } = await openConsole(service, { path: '/webhooks', scopes: ['ADMIN'] })
    await page.locator(`a[href="${pathOf(id)}"]`).click()
    await press(page, 'Change')
    const dialog = page.getByRole('dialog', { name: 'Change the webhook' })
    expect(await dialog.getByRole('combobox').count()).toBe(0)
    await dialog.getByRole('textbox', { name: 'Address' }).fill('http://127.0.0.1:1/still')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByText('The webhook was changed.').waitFor()
    expect(await factsOf(id)).toMatchObject({ url: 'http://127.0.0.1:1/still', pool: { id: poolId } })
  })

  test('of another account is not there', async () => {
    await using other = await stranger(service)
    const { page } = await openConsole(service, { path: pathOf(await newWebhook(other)) })
    await page.getByRole('heading', { name: 'There is nothing here' }).waitFor()
    await page.goto('/webhooks/nonsense')
    await page.getByRole('heading', { name: 'There is nothing here' }).waitFor()
  })
})
