import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { claim, newPool } from '../support/api.ts'
import { type ConsoleOptions, expectAccessible, openConsole, takeScreenshot } from '../support/console.ts'
import { type TestService, useClient, useService } from '../support/service.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** A code that no other test has; a letter first, so that it never looks like a number. */
const newName = () => `K${randomUUID().slice(0, 13).toUpperCase()}`

const service = useService()
const client = useClient(service)

interface PoolFacts {
  availableCount: string
  tasks: { edges: { node: { status: string; upload: { dryRun: boolean } } }[] }
}

async function factsOf(poolId: string): Promise<PoolFacts> {
  const { pool } = await client.ask<{ pool: PoolFacts }>(
    'query ($id: ID!) { pool(id: $id) { availableCount tasks { edges { node { status upload { dryRun } } } } } }',
    { id: poolId },
  )
  return pool
}

/** Opens the place where files are uploaded to a pool. */
async function openUploads(of: TestService, poolId: string, options: ConsoleOptions = {}): Promise<Page> {
  const { page } = await openConsole(of, { ...options, path: `/pools/${poolId}/promo-codes` })
  await page.getByRole('radio', { name: 'Upload from a file' }).click()
  await page.getByRole('button', { name: 'Choose a file' }).waitFor()
  return page
}

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()

async function chooseFile(page: Page, text: string | Buffer, name = 'codes.csv'): Promise<void> {
  const buffer = Buffer.isBuffer(text) ? text : Buffer.from(text)
  await page.locator('input[type=file]').setInputFiles({ name, mimeType: 'text/csv', buffer })
}

/** Chooses a file with one line over and over, from the disk: handing so much to the page takes long. */
async function chooseLargeFile(page: Page, bytes: number): Promise<void> {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const file = join(folder.path, 'codes.csv')
  await writeFile(file, Buffer.alloc(bytes, 'CODE-1\n'))
  await page.locator('input[type=file]').setInputFiles(file)
}

const heading = (page: Page, name: string) => page.getByRole('status').filter({ hasText: name })
const countOf = (page: Page, name: string) =>
  page.getByRole('term').filter({ hasText: name }).locator('..').getByRole('definition')

/** Lets the page send so slowly that somebody can watch it. */
async function slowDown(page: Page, bytesPerSecond: number): Promise<void> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: bytesPerSecond,
  })
}

describe('a file of codes', () => {
  test('is checked before anything is added, then added, and can be undone', async () => {
    const poolId = await newPool(client)
    const page = await openUploads(service, poolId)
    await takeScreenshot(page, 'upload-choose')
    await expectAccessible(page)
    const a = newName()
    const b = newName()
    await chooseFile(page, `name,Voucher,left\nAnna,${a},3\nBob,${b},4\nCid,${b},4\nDora,,1\n`)

    await heading(page, '2 codes would be added').waitFor()
    await page.getByText('Row 1 is the header. The codes are in the column “Voucher”.').waitFor()
    expect(await countOf(page, 'Duplicates in the file').textContent()).toBe('1')
    expect(await countOf(page, 'Refused').textContent()).toBe('1')
    await page.getByRole('cell', { name: 'This row has no code: its cell is empty.' }).waitFor()
    await takeScreenshot(page, 'upload-checked')
    await expectAccessible(page)
    expect((await factsOf(poolId)).availableCount).toBe('0')

    await page.getByRole('button', { name: 'Add 2 codes' }).click()
    await heading(page, '2 codes were added to the pool').waitFor()
    expect((await factsOf(poolId)).availableCount).toBe('2')
    await takeScreenshot(page, 'upload-added')
    await expectAccessible(page)

    await page.getByRole('button', { name: 'Undo upload' }).click()
    await page.getByText(/^2 codes are removed from/).waitFor()
    await page.getByRole('button', { name: 'Remove 2 codes' }).click()
    await heading(page, 'The upload was undone').waitFor()
    expect((await factsOf(poolId)).availableCount).toBe('0')
  })

  test('cannot be undone once somebody has one of its codes, and says so at once', async () => {
    const poolId = await newPool(client)
    const page = await openUploads(service, poolId)
    await chooseFile(page, `code\n${newName()}\n${newName()}\n`)
    await page.getByRole('button', { name: 'Add 2 codes' }).click()
    await page.getByRole('button', { name: 'Undo upload' }).waitFor()
    await claim(client, poolId)
    await page.getByText('1 of its codes has been claimed, so the upload cannot be undone.').waitFor()
    expect(await page.getByRole('button', { name: 'Undo upload' }).count()).toBe(0)
  })

  test('of which nothing is new cannot be added', async () => {
    const poolId = await newPool(client)
    const page = await openUploads(service, poolId)
    const file = `code\n${newName()}\n`
    await chooseFile(page, file)
    await page.getByRole('button', { name: 'Add 1 code' }).click()
    await page.getByRole('button', { name: 'Upload another file' }).click()
    await chooseFile(page, file)
    await heading(page, '0 codes would be added').waitFor()
    expect(await countOf(page, 'Already in your account').textContent()).toBe('1')
    expect(await page.getByRole('button', { name: /^Add/ }).count()).toBe(0)
  })

  test('that is empty, or no text, is not added, and the page says why', async () => {
    // The browser reports the answer to the empty one.
    const page = await openUploads(service, await newPool(client), { tolerated: [/status of 400/] })
    await chooseFile(page, '')
    await page.getByRole('alert').filter({ hasText: /empty/ }).waitFor()
    await page.getByRole('button', { name: 'Choose another file' }).click()
    await chooseFile(page, Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0]))
    await page
      .getByRole('alert')
      .filter({ hasText: /an image/ })
      .waitFor()
    await takeScreenshot(page, 'upload-image')
    await page.getByRole('button', { name: 'Choose another file' }).click()
    await page.getByRole('button', { name: 'Choose a file' }).waitFor()
  })

  test('can be chosen with the keyboard', async () => {
    const page = await openUploads(service, await newPool(client))
    // Before anything else, as the browser has to be told that its dialog is not to be opened.
    const choosing = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Choose a file' }).focus()
    await page.keyboard.press('Enter')
    await (await choosing).setFiles({ name: 'a.csv', mimeType: 'text/csv', buffer: Buffer.from(newName()) })
    await heading(page, '1 code would be added').waitFor()
  })

  test('is taken one at a time', async () => {
    const page = await openUploads(service, await newPool(client))
    const drop = async (names: string[]) => {
      const files = await page.evaluateHandle((names) => {
        const transfer = new DataTransfer()
        for (const name of names) transfer.items.add(new File(['A1'], name))
        return transfer
      }, names)
      await page.getByText('Drop a file of codes here').dispatchEvent('drop', { dataTransfer: files })
    }
    await drop(['one.csv', 'two.csv'])
    await page.getByRole('alert').filter({ hasText: 'one file at a time' }).waitFor()
    await drop(['one.csv'])
    await page.getByText('one.csv').waitFor()
  })
})

describe('a file that can be read in several ways', () => {
  test('is asked about where its first row may be a header or a code', async () => {
    const page = await openUploads(service, await newPool(client))
    const name = newName()
    await chooseFile(page, `Zorgbon\n${name}1\n${name}2\n`)
    await page.getByRole('heading', { name: 'Is the first row a header, or a code?' }).waitFor()
    await takeScreenshot(page, 'upload-unclear')
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Row 1 is the header' }).click()
    await heading(page, '2 codes would be added').waitFor()
    await page.getByRole('button', { name: 'Read it differently' }).click()
    await page.getByRole('radio', { name: 'No, it is a code' }).check()
    await page.getByRole('button', { name: 'Check again' }).click()
    await heading(page, '3 codes would be added').waitFor()
  })

  test('lets somebody pick the column with the codes, and adds those', async () => {
    const poolId = await newPool(client)
    const page = await openUploads(service, poolId)
    const [a, b] = [newName(), newName()]
    await chooseFile(page, `left,middle,right\nL1,${a},R1\nL2,${b},R2\n`)
    const problem = page.getByRole('alert').filter({ hasText: '3 columns' })
    await problem.waitFor()
    // Nothing of the API's arguments.
    expect(await problem.textContent()).not.toContain('=')
    await press(page, 'Check again')
    await page.getByText('Pick the column with the codes.').waitFor()
    await press(page, 'Column 2')
    expect(await page.getByRole('combobox', { name: 'Column with the codes' }).inputValue()).toBe(
      `Column 2: middle, ${a}, ${b}`,
    )
    expect(await page.getByRole('radio', { name: 'Yes' }).isChecked()).toBe(true)
    await takeScreenshot(page, 'upload-columns')
    await expectAccessible(page)
    await press(page, 'Check again')
    await heading(page, '2 codes would be added').waitFor()
    await page.getByText('The codes are in the column “middle”.').waitFor()
    await page.getByRole('button', { name: 'Add 2 codes' }).click()
    await heading(page, '2 codes were added to the pool').waitFor()
    await page.getByText('there is nothing left to save').waitFor()
    expect(await page.getByText('Unsaved changes').count()).toBe(0)
    const { code } = await client.ask<{ code: object }>(
      'query ($code: String!) { code(code: $code) { status } }',
      {
        code: a,
      },
    )
    expect(code).toEqual({ status: 'AVAILABLE' })
  })
})

describe('while a file is sent', () => {
  test('the page shows how far it is, and goes on while other screens are shown, until it is cancelled', async () => {
    const poolId = await newPool(client)
    const page = await openUploads(service, poolId, { tolerated: [/ERR_ABORTED/], ownProfile: true })
    await slowDown(page, 200_000)
    await chooseLargeFile(page, 8_000_000)
    const progress = page.getByRole('progressbar', { name: 'Checking the file' })
    await progress.waitFor()
    await page.getByText(/ sent$/).waitFor()
    await page.getByText(/left$/).waitFor()
    await takeScreenshot(page, 'upload-sending')
    await expectAccessible(page)
    await page.getByRole('link', { name: 'Settings' }).click()
    await progress.waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'Promo Codes', exact: true }).click()
    await page.getByRole('radio', { name: 'Upload from a file' }).click()
    await progress.waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Choose a file' }).waitFor()
    expect((await factsOf(poolId)).tasks.edges).toEqual([])
  })

  test('the browser asks before the page is left', async () => {
    const page = await openUploads(service, await newPool(client), {
      tolerated: [/ERR_ABORTED/],
      ownProfile: true,
    })
    await slowDown(page, 200_000)
    await chooseLargeFile(page, 8_000_000)
    await page.getByRole('progressbar', { name: 'Checking the file' }).waitFor()
    const asked = page.waitForEvent('dialog')
    await page.evaluate('setTimeout(() => location.reload())')
    const dialog = await asked
    expect(dialog.type()).toBe('beforeunload')
    await dialog.dismiss()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Choose a file' }).waitFor()
  })

  test('a lost answer and another press add nothing twice', async () => {
    const poolId = await newPool(client)
    const page = await openUploads(service, poolId, { tolerated: [/ERR_FAILED/] })
    await chooseFile(page, `code\n${newName()}\n`)
    await page.getByRole('button', { name: 'Add 1 code' }).waitFor()
    await page.route(
      (url) => url.pathname.endsWith('/codes'),
      async (route) => {
        await route.fetch()
        await route.abort()
      },
      { times: 1 },
    )
    await page.getByRole('button', { name: 'Add 1 code' }).click()
    await page.getByText('Trying again adds nothing twice, even if the file had arrived.').waitFor()
    await page.getByRole('button', { name: 'Try again' }).click()
    await heading(page, '1 code was added to the pool').waitFor()
    const { availableCount, tasks } = await factsOf(poolId)
    expect(availableCount).toBe('1')
    expect(tasks.edges.map(({ node }) => node.upload.dryRun)).toEqual([false, true])
  })
})

describe('where a file has to wait', () => {
  const withoutWorker = useService({ role: 'api' })
  const there = useClient(withoutWorker)

  test('it can be cancelled', async () => {
    const page = await openUploads(withoutWorker, await newPool(there))
    await chooseFile(page, `code\n${newName()}\n`)
    await page.getByText('Awaiting execution. Waiting for a worker to start it.').waitFor()
    await takeScreenshot(page, 'upload-waiting')
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Choose a file' }).waitFor()
    const query = '{ tasks { edges { node { status } } } }'
    expect(await there.ask(query)).toEqual({ tasks: { edges: [{ node: { status: 'CANCELLED' } }] } })
  })
})

describe('where files are limited', () => {
  const limited = useService({ maxUploadBytes: 1_000 })
  const there = useClient(limited)

  test('a larger one is refused with the limit of the service', async () => {
    // The browser reports the answer.
    const page = await openUploads(limited, await newPool(there), { tolerated: [/status of 413/] })
    await chooseLargeFile(page, 30_000_000)
    await page.getByRole('alert').filter({ hasText: 'larger than 1,000 bytes' }).waitFor()
    expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(0)
  })
})
