import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { done, generate, newFormat, newPool, stranger } from '../support/api.ts'
import { expectAccessible, expectUsableInAllLooks, openConsole, takeScreenshot } from '../support/console.ts'
import { useClient, useService } from '../support/service.ts'

async function openDialog(page: Page) {
  await page.getByRole('button', { name: 'Create a new format' }).click()
  const dialog = page.getByRole('dialog', { name: 'Create a new format' })
  await dialog.getByLabel('Name').waitFor()
  return { dialog, preview: dialog.getByRole('region', { name: 'Preview' }) }
}

describe('formats', () => {
  const service = useService()
  const client = useClient(service)

  test('an account without formats is told what they are for, and creates the first one', async () => {
    await using other = await stranger(service)
    const { page, context } = await openConsole(service, { path: '/health' })
    const headers = { ...other.authorization(), origin: service.url }
    await context.request.post('/session', { headers })
    await page.goto('/formats')
    await page.getByRole('heading', { name: 'No formats yet' }).waitFor()
    await takeScreenshot(page, 'formats-none')
    await expectAccessible(page)

    const { dialog } = await openDialog(page)
    await dialog.getByLabel('Name').fill('First')
    await dialog.getByRole('button', { name: 'Create format' }).click()
    await page.getByRole('heading', { name: 'First', exact: true }).waitFor()
    expect(new URL(page.url()).pathname).toMatch(/^\/formats\/./)
    await page.getByRole('link', { name: 'Formats' }).click()
    await page.getByRole('row', { name: /First ##########/ }).waitFor()
  })

  test('the preview follows what is typed: examples, how many codes, how hard to guess, warnings', async () => {
    const { page } = await openConsole(service, { path: '/formats' })
    const { dialog, preview } = await openDialog(page)
    await preview.getByText('63,403,380,965,376').waitFor()
    const codes = preview.getByRole('textbox', { name: 'If you generate this many codes' })
    await preview
      .getByText('Hard to guess: with 10,000 codes, about one random guess in 6,340,338,096 is')
      .waitFor()
    await codes.fill('1000000')
    await preview
      .getByText('Hard to guess: with 1,000,000 codes, about one random guess in 63,403,380 is')
      .waitFor()
    await codes.fill('')

    await dialog.getByLabel('Length of the random part').fill('3')
    await dialog.getByLabel('Prefix').fill('X#-')
    await dialog.getByLabel('Suffix').fill('-Z')
    await preview
      .getByText(/^X#-\w{3}-Z$/)
      .first()
      .waitFor()
    await preview.getByText('13,824', { exact: true }).waitFor()
    await preview.getByText('Easy to guess: with 10,000 codes, almost every random guess').waitFor()
    await preview.getByText(/^Two more random characters make it 576 times harder/).waitFor()
    await codes.fill('-5')
    await preview.getByText('Enter at least 1.').waitFor()
    await codes.fill('20000')
    await preview.getByText('The format has fewer than 20,000 codes.').waitFor()
    await codes.fill('100')
    await preview
      .getByText('Can be guessed by a program: with 100 codes, about one random guess in 138 is one of them.')
      .waitFor()
    // It is said once.
    expect(await preview.getByText(/guesses? a second/).count()).toBe(0)

    await dialog.getByRole('combobox', { name: 'Characters' }).click()
    await page.getByRole('option', { name: 'My own characters' }).click()
    await dialog.getByText(/^A list needs at least two different characters/).waitFor()
    await dialog.getByLabel('Your characters').fill('O0')
    await preview
      .getByText(/^X#-[O0]{3}-Z$/)
      .first()
      .waitFor()
    await preview.getByText(/^People will mix these characters up/).waitFor()
    await takeScreenshot(page, 'format-warnings')
    await expectAccessible(page)

    await dialog.getByText('Pattern', { exact: true }).click()
    await dialog.getByRole('textbox', { name: 'Pattern' }).fill('no random part')
    // All that is wrong with it.
    await dialog.getByText(/contains spaces.* has no "#"/).waitFor()
    await takeScreenshot(page, 'format-errors')
    await dialog.getByRole('textbox', { name: 'Pattern' }).fill('##-\\#-##')
    await preview
      .getByText(/^X#-[O0]{2}-#-[O0]{2}-Z$/)
      .first()
      .waitFor()
    expect(await dialog.getByText(/ has no "#"/).count()).toBe(0)
  })

  test('problems are shown at their fields, and nothing is created', async () => {
    const formatId = await newFormat(client, { prefix: 'TAKEN-' })
    await done(client, 'renameFormat', { formatId, name: 'Taken' }, 'format { id }')
    const { page } = await openConsole(service, { path: '/formats' })
    const { dialog, preview } = await openDialog(page)
    const name = dialog.getByLabel('Name')
    const create = dialog.getByRole('button', { name: 'Create format' })
    await create.click()
    await dialog
      .getByText(/name.*1 to 100 characters|needs a name|empty/i)
      .first()
      .waitFor()
    expect(await name.getAttribute('aria-invalid')).toBe('true')
    await name.fill('tAKEN')
    await create.click()
    await dialog.getByText(/^Another format is already named "Taken"/).waitFor()
    expect(await name.getAttribute('aria-invalid')).toBe('true')

    await dialog.getByLabel('Length of the random part').fill('')
    await create.click()
    await dialog.getByText('Give the number of random characters.').waitFor()
    await dialog.getByLabel('Length of the random part').fill('10')
    await dialog.getByLabel('Prefix').fill('TAKEN-')
    const overlap = preview.getByRole('link', { name: 'Taken' })
    await overlap.waitFor()
    expect(await overlap.getAttribute('href')).toBe(`/formats/${formatId}`)
    await takeScreenshot(page, 'format-overlap')
    await expectAccessible(page)
    await name.fill('Free')
    await create.click()
    await dialog.getByRole('alert').filter({ hasText: 'Taken' }).last().waitFor()
    const { formats } = await client.ask<{ formats: { totalCount: string } }>(
      'query { formats(search: "Free") { totalCount } }',
    )
    expect(formats.totalCount).toBe('0')
  })

  test('are found by name, and more are shown on demand', async () => {
    for (let i = 0; i < 21; i++) await newFormat(client)
    const formatId = await newFormat(client)
    await done(client, 'renameFormat', { formatId, name: 'Straße 7' }, 'format { id }')
    const { page } = await openConsole(service, { path: '/formats' })
    const rows = page.getByRole('table', { name: 'Formats' }).getByRole('row')
    await rows.nth(20).waitFor()
    const first = await rows.count()
    await page.getByRole('button', { name: 'Show more' }).click()
    await rows.nth(first).waitFor()
    const search = page.getByRole('searchbox', { name: 'Search formats by name' })
    await search.fill('STRASSE')
    await expect.poll(() => rows.count()).toBe(2)
    await page.getByRole('link', { name: 'Straße 7' }).click()
    await page.getByRole('heading', { name: 'Straße 7' }).waitFor()
    await page.goBack()
    await expect.poll(() => rows.count()).toBe(2)
    expect(await search.inputValue()).toBe('STRASSE')
    await search.fill('nothing like this')
    await page.getByText('No format has “nothing like this” in its name.').waitFor()
    await search.fill('')
    await rows.nth(20).waitFor()
  })

  test('a format shows its codes, how many are left, and how hard they are to guess, live', async () => {
    const formatId = await newFormat(client, {
      body: { length: 4 },
      characters: { set: 'DIGITS' },
      prefix: 'LIVE-',
    })
    await done(client, 'renameFormat', { formatId, name: 'Live one' }, 'format { id }')
    const { page } = await openConsole(service, { path: `/formats/${formatId}` })
    await page.getByRole('heading', { name: 'Live one' }).waitFor()
    await page.getByText('LIVE-####', { exact: true }).waitFor()
    await page.getByText('Known once codes have been generated').waitFor()
    await page.getByText('100% of the format is left').waitFor()
    await generate(client, { poolId: await newPool(client), formatId, quantity: 2_500 })
    await page.getByText('7,500', { exact: true }).waitFor()
    await page.getByText('75% of the format is left').waitFor()
    await page
      .getByText('with 2,500 codes, about one random guess in 4 is one of them', { exact: false })
      .waitFor()
    await page.getByText(/^A new format with two more random characters would be 100 times harder/).waitFor()
    await takeScreenshot(page, 'format')
    await expectAccessible(page)

    await page.getByRole('button', { name: 'Rename' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('  ')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.locator('[aria-invalid="true"]').waitFor()
    await dialog.getByLabel('Name').fill('Renamed 🎉')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'Renamed 🎉' }).waitFor()
  })

  test('a key that may not change them sees no buttons to do so', async () => {
    const formatId = await newFormat(client)
    const { page } = await openConsole(service, { path: `/formats/${formatId}`, scopes: ['READ'] })
    await page.getByText('Available codes for generation').waitFor()
    const main = page.getByRole('main')
    expect(await main.getByRole('button').count()).toBe(0)
    await page.goto('/formats')
    await page.getByRole('table', { name: 'Formats' }).waitFor()
    expect(await main.getByRole('button', { name: 'Create a new format' }).count()).toBe(0)
  })

  test('an address of another account leads to nothing, as does a text that is no id', async () => {
    await using other = await stranger(service)
    const foreign = await newFormat(other)
    const { page } = await openConsole(service, { path: `/formats/${foreign}` })
    await page.getByRole('heading', { name: 'There is nothing here' }).waitFor()
    await page.goto('/formats/%F0%9F%8E%89')
    await page.getByRole('heading', { name: 'There is nothing here' }).waitFor()
  })

  test('can be used in light and dark colors, on a phone, a tablet and a large screen', async () => {
    const formatId = await newFormat(client, { body: { length: 20 } })
    const name = 'Long name of a format '.repeat(4).padEnd(100, 'x')
    await done(client, 'renameFormat', { formatId, name }, 'format { id }')
    await generate(client, { poolId: await newPool(client), formatId, quantity: '1000000000000' })
    const { page } = await openConsole(service, { path: `/formats/${formatId}` })
    await page.getByRole('heading', { name: 'Long name' }).waitFor()
    await expectUsableInAllLooks(page, 'format')
    await page.goto('/formats')
    await page.getByRole('link', { name }).waitFor()
    await expectUsableInAllLooks(page, 'formats')
    const { preview } = await openDialog(page)
    await preview.getByText('63,403,380,965,376').waitFor()
    await expectUsableInAllLooks(page, 'format-dialog')
  })
})
