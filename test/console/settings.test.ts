import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { done, newPool } from '../support/api.ts'
import type { Client } from '../support/client.ts'
import { expectAccessible, openConsole, takeScreenshot } from '../support/console.ts'
import { useClient, useService } from '../support/service.ts'

describe('the settings of a pool', () => {
  const service = useService()
  const client = useClient(service)

  test('change what it is called, and leave what is not touched to others', async () => {
    const poolId = await newPool(client)
    const { page } = await openConsole(service, { path: `/pools/${poolId}/settings` })
    const name = `Renamed ${crypto.randomUUID()}`
    await page.getByLabel('Name').fill(name)
    await page.getByText('You have unsaved changes.').waitFor()
    const description = 'Written by somebody else meanwhile'
    await done(client, 'updatePool', { poolId, description }, 'pool { id }')
    await page.getByText(description).first().waitFor()
    expect(await page.getByLabel('Name').inputValue()).toBe(name)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name, level: 1 }).waitFor()
    expect(await settingsOf(client, poolId)).toMatchObject({ name, description, externalId: null })
    expect(await page.getByText('You have unsaved changes.').count()).toBe(0)
  })

  test('stay as they were typed although they cannot be read again', async () => {
    const poolId = await newPool(client)
    const { page } = await openConsole(service, { path: `/pools/${poolId}/settings` })
    await page.getByLabel('Name').fill('Half a na')
    const errors = [{ message: 'The database is away.', extensions: { code: 'UNAVAILABLE' } }]
    await page.route('**/graphql', (route) => route.fulfill({ json: { data: null, errors } }))
    await done(client, 'updatePool', { poolId, description: 'Of somebody else' }, 'pool { id }')
    const alerts = page
      .getByRole('alert')
      .filter({ hasText: 'What you see may be incomplete or out of date' })
    await alerts.filter({ hasText: 'The database is away.' }).first().waitFor()
    expect(await page.getByLabel('Name').inputValue()).toBe('Half a na')
    await page.unrouteAll()
    while ((await alerts.count()) > 0) {
      const alert = await alerts.first().elementHandle()
      await alerts.first().getByRole('button', { name: 'Try again' }).click()
      await alert?.waitForElementState('hidden')
    }
    await page.getByText('Of somebody else').first().waitFor()
    expect(await page.getByLabel('Name').inputValue()).toBe('Half a na')
  })

  test('show what the API says is wrong, and discard changes', async () => {
    const taken = `Taken ${crypto.randomUUID()}`
    await newPool(client, taken)
    const name = `Mine ${crypto.randomUUID()}`
    const poolId = await newPool(client, name)
    const { page } = await openConsole(service, { path: `/pools/${poolId}/settings` })
    await page.getByLabel('Name').fill(taken)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByLabel('Name').and(page.locator('[aria-invalid=true]')).waitFor()
    await page.getByRole('button', { name: 'Discard' }).click()
    expect(await page.getByLabel('Name').inputValue()).toBe(name)
    expect(await settingsOf(client, poolId)).toMatchObject({ name })
  })

  test('set the terms, in the time zone of the browser', async () => {
    const poolId = await newPool(client)
    const { page } = await openConsole(service, { path: `/pools/${poolId}/settings` })
    await page.getByLabel('From').fill('2031-02-03T04:05')
    await page.getByLabel('Until', { exact: true }).fill('2031-03-01T00:00')
    await page.getByRole('textbox', { name: 'For how long after the claim' }).fill('36')
    await page.getByLabel('Unit').selectOption('hours')
    await page.getByLabel('Only one code for each recipient').check()
    await page.getByLabel('was voided').check()
    await takeScreenshot(page, 'settings')
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('The terms were saved.').waitFor()
    expect((await settingsOf(client, poolId)).terms).toEqual({
      issueFrom: await momentIn(page, '2031-02-03T04:05'),
      issueUntil: await momentIn(page, '2031-03-01T00:00'),
      validFor: 'P1DT12H',
      validUntil: null,
      onePerRecipient: true,
      renewAfter: ['VOIDED'],
    })
    await page.reload()
    expect(await page.getByLabel('From').inputValue()).toBe('2031-02-03T04:05')
    expect(await page.getByRole('textbox', { name: 'For how long after the claim' }).inputValue()).toBe('36')
    await page.getByLabel('From').fill('')
    await page.getByRole('textbox', { name: 'For how long after the claim' }).fill('')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('The terms were saved.').waitFor()
    expect((await settingsOf(client, poolId)).terms).toMatchObject({ issueFrom: null, validFor: null })
  })

  test('keep a time that is exact to the millisecond if something else is changed', async () => {
    const poolId = await newPool(client)
    const issueUntil = '2031-01-01T10:00:30.123Z'
    await done(client, 'saveTerms', { poolId, issueUntil, validFor: 'PT0.5S' }, 'pool { id }')
    const { page } = await openConsole(service, { path: `/pools/${poolId}/settings` })
    await page.getByLabel('Only one code for each recipient').check()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('The terms were saved.').waitFor()
    expect((await settingsOf(client, poolId)).terms).toMatchObject({
      issueUntil,
      validFor: 'PT0.5S',
      onePerRecipient: true,
    })
  })

  test('refuse terms that cannot be, at their fields', async () => {
    const poolId = await newPool(client)
    const { page } = await openConsole(service, { path: `/pools/${poolId}/settings` })
    const until = page.getByLabel('Until', { exact: true })
    await page.getByLabel('From').fill('2031-02-03T04:05')
    await until.fill('2031-02-03T04:04')
    await page.getByRole('button', { name: 'Save' }).click()
    await until.and(page.locator('[aria-invalid=true]')).waitFor()
    await until.fill('')
    for (const tooShort of ['0', '-5']) {
      const validFor = page.getByRole('textbox', { name: 'For how long after the claim' })
      await validFor.fill('1')
      await page.getByText('Enter a number greater than 0').waitFor({ state: 'detached' })
      await validFor.fill(tooShort)
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Enter a number greater than 0').waitFor()
      expect(await validFor.inputValue()).toBe(tooShort)
    }
    await page.getByRole('textbox', { name: 'For how long after the claim' }).fill('99999')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText(/36,500 days/).waitFor()
    expect((await settingsOf(client, poolId)).terms).toMatchObject({ issueFrom: null, validFor: null })
  })
})

interface Settings {
  name: string
  description: string | null
  externalId: string | null
  terms: Record<string, unknown>
}

async function settingsOf(client: Client, id: string): Promise<Settings> {
  const { pool } = await client.ask<{ pool: Settings }>(
    `query ($id: ID!) { pool(id: $id) {
      name description externalId
      terms { issueFrom issueUntil validFor validUntil onePerRecipient renewAfter }
    } }`,
    { id },
  )
  return pool
}

/** The moment of a local time of the browser. */
async function momentIn(page: Page, localTime: string): Promise<string> {
  return await page.evaluate(`new Date('${localTime}').toISOString()`)
}
