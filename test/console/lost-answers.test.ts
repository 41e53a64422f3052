import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { done, newPool, newStock } from '../support/api.ts'
import { openConsole, takeScreenshot } from '../support/console.ts'
import { useClient, useService } from '../support/service.ts'

const service = useService()
const client = useClient(service)
const tolerated = [/ERR_FAILED/]

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()

/** Lets the next mutation of this name through, and drops its answer. */
async function loseAnswer(page: Page, mutation: string): Promise<void> {
  let isLost = false
  await page.route('**/graphql', async (route) => {
    if (isLost || route.request().postData()?.includes(`mutation ${mutation}`) !== true)
      return route.fallback()
    isLost = true
    await route.fetch()
    await route.abort()
  })
}

describe('where an answer was lost', () => {
  test('nothing is said to have failed, and what was done is seen', async () => {
    const { page } = await openConsole(service, { tolerated })
    await loseAnswer(page, 'CreatePool')
    await press(page, 'Create a pool')
    const name = `Pool ${crypto.randomUUID()}`
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name)
    await press(page, 'Create and choose its codes')
    await page
      .getByText('it is not known whether this was done. Look whether the pool is in the list.')
      .waitFor()
    await takeScreenshot(page, 'lost-answer')
    // The list behind the dialog.
    await page.getByRole('link', { name, includeHidden: true }).waitFor({ state: 'attached' })
  })

  test('the same claim in a dialog that was closed and opened again gives the same codes', async () => {
    const { poolId } = await newStock(client, 10)
    const { page } = await openConsole(service, { path: `/pools/${poolId}/all-codes`, tolerated })
    await loseAnswer(page, 'ClaimFile')
    await press(page, 'Claim codes')
    await page.getByRole('tab', { name: 'As a file' }).click()
    await page.getByRole('textbox', { name: 'Number of codes' }).fill('4')
    await press(page, 'Claim')
    await page.getByText('you get the codes that were claimed then').waitFor()
    // What was claimed is seen behind the dialog.
    await page.getByRole('tab', { name: 'Available (6)', includeHidden: true }).waitFor({ state: 'attached' })
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
    await page.getByRole('link', { name: 'Pools', exact: true }).click()
    await page.goBack()
    await press(page, 'Claim codes')
    await page.getByText('The answer to your last claim of this pool was lost').waitFor()
    await takeScreenshot(page, 'lost-claim')
    await press(page, 'Claim')
    await page.getByText('4 codes were claimed.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
    await page.getByRole('tab', { name: 'Available (6)' }).waitFor()
    // Now that there was an answer, the same is another claim.
    await press(page, 'Claim codes')
    expect(await page.getByRole('textbox', { name: 'Number of codes' }).inputValue()).toBe('1')
  })

  test('another press of Save and generate makes no second batch, also after leaving and coming back', async () => {
    const poolId = await newPool(client)
    const shape = { prefix: `${poolId.slice(-8)}-`, body: { length: 8 }, characters: { set: 'UNAMBIGUOUS' } }
    const { format } = await done<{ format: { name: string } }>(
      client,
      'createFormat',
      { name: `Format ${poolId}`, shape },
      'format { name }',
    )
    const { page } = await openConsole(service, { path: `/pools/${poolId}/promo-codes`, tolerated })
    await loseAnswer(page, 'GenerateCodes')
    await page.getByRole('combobox', { name: 'Pick an existing format' }).click()
    await page.getByRole('option', { name: format.name }).click()
    await page.getByRole('textbox', { name: 'Quantity' }).fill('9')
    await press(page, 'Save and generate')
    await page.getByText('they are not generated twice').waitFor()
    // What is shown has been read again.
    await page.getByRole('link', { name: 'Generation of 9 codes' }).waitFor()
    await page.getByRole('link', { name: 'Formats', exact: true }).click()
    await page.getByRole('heading', { name: 'Formats', level: 1 }).waitFor()
    await page.goBack()
    await page.getByText('The answer to your last “Save and generate” was lost').waitFor()
    expect(await page.getByRole('textbox', { name: 'Quantity' }).inputValue()).toBe('9')
    await takeScreenshot(page, 'lost-generation')
    await press(page, 'Save and generate')
    await page.getByRole('status').getByText('Completed').first().waitFor({ state: 'attached' })
    const { tasks } = await client.ask<{ tasks: { totalCount: string } }>(
      'query ($id: ID!) { tasks(poolId: $id) { totalCount } }',
      { id: poolId },
    )
    expect(tasks.totalCount).toBe('1')
  })
})

describe('a dialog', () => {
  test('is not closed by a click beside it, by Escape with something typed, or while a request is under way', async () => {
    const { page } = await openConsole(service)
    const dialog = page.getByRole('dialog', { name: 'Create a pool' })
    await press(page, 'Create a pool')
    await dialog.waitFor()
    await page.mouse.click(5, 5)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await press(page, 'Create a pool')
    await dialog.getByLabel('Name').fill(`Pool ${crypto.randomUUID()}`)
    await page.mouse.click(5, 5)
    await page.keyboard.press('Escape')
    expect(await dialog.getByLabel('Name').inputValue()).toMatch(/^Pool/)
    const held = Promise.withResolvers<void>()
    await page.route('**/graphql', async (route) => {
      if (route.request().postData()?.includes('mutation CreatePool')) await held.promise
      await route.fallback()
    })
    await press(page, 'Create and choose its codes')
    await dialog.getByRole('button', { name: 'Close' }).click()
    expect(await dialog.getByRole('button', { name: 'Cancel' }).isDisabled()).toBe(true)
    expect(await dialog.isVisible()).toBe(true)
    held.resolve()
    await page.waitForURL('**/promo-codes')
  })

  test('that asks is confirmed by Enter in its field, and keeps what was typed from Escape', async () => {
    const { poolId } = await newStock(client, 5)
    await done(client, 'claimCodes', { poolId, count: 1 }, 'codes { code }')
    const { page } = await openConsole(service, { path: `/pools/${poolId}/all-codes` })
    await page
      .getByRole('checkbox', { name: /^Choose / })
      .last()
      .check()
    await press(page, 'Void')
    const reason = page.getByRole('dialog').getByRole('textbox', { name: 'Reason' })
    await reason.fill('shared')
    await page.keyboard.press('Escape')
    expect(await reason.inputValue()).toBe('shared')
    await reason.press('Enter')
    await page.getByText('1 code was voided.').waitFor()
  })
})
