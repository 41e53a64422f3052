import type { Dialog, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { newPool, newStock } from '../support/api.ts'
import { expectAccessible, openConsole, takeScreenshot } from '../support/console.ts'
import { useClient, useService } from '../support/service.ts'

const question = (page: Page) => page.getByRole('dialog', { name: 'Leave without saving?' })

async function stay(page: Page): Promise<void> {
  await question(page).getByRole('button', { name: 'Stay' }).click()
  await question(page).waitFor({ state: 'hidden' })
}

const leave = (page: Page) => question(page).getByRole('button', { name: 'Leave without saving' }).click()

/** Reloads, and answers what the browser asks. Resolves to whether it has asked. */
async function reloadIsAsked(page: Page): Promise<boolean> {
  let isAsked = false
  const answer = async (dialog: Dialog) => {
    isAsked = dialog.type() === 'beforeunload'
    await dialog.accept()
  }
  page.on('dialog', answer)
  await page.reload()
  page.off('dialog', answer)
  return isAsked
}

describe('leaving a form with unsaved changes', () => {
  const service = useService()
  const client = useClient(service)

  test('is asked about in the Promo Codes section, by a link, the back button and a reload', async () => {
    const { poolId } = await newStock(client, 1)
    const { page } = await openConsole(service)
    await page.goto(`/pools/${poolId}/tasks`)
    await page.getByRole('link', { name: 'Promo Codes', exact: true }).click()
    const auto = page.getByRole('switch', { name: /^Auto-generate/ })
    await auto.check()
    await page.getByRole('link', { name: 'Pools', exact: true }).click()
    await question(page).waitFor()
    await takeScreenshot(page, 'leave')
    await expectAccessible(page)
    await stay(page)
    expect(await auto.isChecked()).toBe(true)
    expect(new URL(page.url()).pathname).toMatch(/promo-codes$/)

    await page.goBack()
    await question(page).waitFor()
    await page.keyboard.press('Escape')
    await question(page).waitFor({ state: 'hidden' })
    expect(await auto.isChecked()).toBe(true)

    await page.getByRole('link', { name: 'Settings' }).click()
    await leave(page)
    await page.getByRole('heading', { name: 'Terms' }).waitFor()
    // Now there is nothing to lose.
    await page.getByRole('link', { name: 'Promo Codes', exact: true }).click()
    await auto.waitFor()
    expect(await auto.isChecked()).toBe(false)
    expect(await reloadIsAsked(page)).toBe(false)
    await auto.check()
    expect(await reloadIsAsked(page)).toBe(true)
  })

  test('is asked about in the settings and the terms, until they are saved or discarded', async () => {
    const poolId = await newPool(client)
    const { page } = await openConsole(service, { path: `/pools/${poolId}/settings` })
    const toFormats = page.getByRole('link', { name: 'Formats' })
    await page.getByLabel('Description').fill('For the spring')
    await toFormats.click()
    await stay(page)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('You have unsaved changes.').waitFor({ state: 'hidden' })

    const onePerRecipient = page.getByRole('switch', { name: 'Only one code for each recipient' })
    await onePerRecipient.check()
    await toFormats.click()
    await stay(page)
    await page.getByRole('button', { name: 'Discard' }).click()
    await toFormats.click()
    await page.getByRole('heading', { name: 'Formats', level: 1 }).waitFor()
  })

  test('is asked about where a format is being created, but not when it has been', async () => {
    const { page } = await openConsole(service, { path: '/formats' })
    await page.getByRole('button', { name: 'Create a new format' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Create a new format' })
    const name = `Spring ${crypto.randomUUID()}`
    await dialog.getByLabel('Name').fill(name)
    await dialog.getByLabel('Prefix').fill(`${crypto.randomUUID().slice(0, 8)}-`)
    await page.keyboard.press('Escape')
    await question(page).waitFor()
    // Once more, it closes the question alone.
    await page.keyboard.press('Escape')
    await question(page).waitFor({ state: 'hidden' })
    expect(await dialog.getByLabel('Name').inputValue()).toBe(name)
    await dialog.getByRole('button', { name: 'Create format' }).click()
    await page.getByRole('heading', { name, level: 1 }).waitFor()
    expect(await question(page).count()).toBe(0)

    await page.goBack()
    await page.getByRole('button', { name: 'Create a new format' }).click()
    await dialog.getByLabel('Name').fill('Not this one')
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await leave(page)
    await dialog.waitFor({ state: 'hidden' })
  })

  test('is asked about where a file was checked whose codes were not added, and keeps the file', async () => {
    const poolId = await newPool(client)
    const { page } = await openConsole(service, { path: `/pools/${poolId}/promo-codes` })
    const byFile = page.getByRole('radio', { name: 'Upload from a file' })
    await byFile.click()
    // Without a file, nothing would be lost.
    await page.getByRole('link', { name: 'Tasks', exact: true }).click()
    await page.getByRole('link', { name: 'Promo Codes', exact: true }).click()
    await byFile.click()
    const buffer = Buffer.from(`code\n${crypto.randomUUID()}\n${crypto.randomUUID()}\n`)
    const file = { name: 'codes.csv', mimeType: 'text/csv', buffer }
    await page.locator('input[type=file]').setInputFiles(file)
    const add = page.getByRole('button', { name: 'Add 2 codes' })
    await add.waitFor()
    await page.getByRole('link', { name: 'Tasks', exact: true }).click()
    const notAdded = page.getByRole('dialog', { name: 'Leave without adding the codes?' })
    await takeScreenshot(page, 'leave-upload')
    await notAdded.getByRole('button', { name: 'Leave' }).click()
    await page.getByRole('link', { name: 'Check of a file of 2 rows' }).waitFor()
    await page.getByRole('link', { name: 'Promo Codes', exact: true }).click()
    await byFile.click()
    await add.click()
    await page.getByRole('link', { name: 'Upload of 2 codes' }).waitFor()
    await page.getByRole('link', { name: 'Tasks', exact: true }).click()
    await page.getByRole('table', { name: 'Tasks' }).waitFor()
  })
})
