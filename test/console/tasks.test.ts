import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { done, finished, generate, newFormat, newPool, newStock, stranger } from '../support/api.ts'
import { expectAccessible, expectUsableInAllLooks, openConsole, takeScreenshot } from '../support/console.ts'
import { useClient, useService } from '../support/service.ts'
import { codesFile, ended, upload } from '../support/upload-api.ts'

const service = useService()
const client = useClient(service)

describe('a task', () => {
  test('shows each of its statuses until it could be read, however fast it is', async () => {
    const [poolId, formatId] = await Promise.all([newPool(client), newFormat(client)])
    await done(
      client,
      'saveReplenishment',
      { poolId, method: 'GENERATE', formatId, quantity: 9 },
      'pool { id }',
    )
    const { page } = await openConsole(service, { path: '/health', ownProfile: true })
    await page.clock.install()
    await page.goto(`/pools/${poolId}/promo-codes`)
    await page.getByText('Live', { exact: true }).waitFor()
    const press = page.getByRole('button', { name: 'Save and generate' })
    await press.waitFor()
    // From here on, time passes only where the test says so.
    await page.clock.pauseAt(Date.now() + 60_000)
    await press.click()
    const status = (name: string) => page.locator('[aria-current="step"]', { hasText: name })
    await status('Awaiting execution').waitFor()
    // The events of its end have arrived.
    await page.getByRole('region', { name: 'Recent tasks' }).getByRole('link', { name: '9 codes' }).waitFor()
    await page.clock.runFor(500)
    expect(await status('Awaiting execution').count()).toBe(1)
    // Not by one leap: a timer that is set only after it would never end.
    const comes = (name: string) =>
      expect
        .poll(async () => {
          await page.clock.runFor(100)
          return await status(name).count()
        })
        .toBe(1)
    await comes('Running')
    await page.clock.runFor(400)
    expect(await status('Running').count()).toBe(1)
    await comes('Completed')
  })

  test('has a page of its own, with its results and what can be done with them', async () => {
    const { poolId, taskId } = await newStock(client, 1_234)
    const { page } = await openConsole(service, { path: `/tasks/${taskId}` })
    await page.getByRole('heading', { name: 'Generation of 1,234 codes' }).waitFor()
    await page.locator('[aria-current="step"]', { hasText: 'Completed' }).waitFor()
    await page.getByText('Codes generated', { exact: true }).waitFor()
    await page.getByText('Codes added to the pool', { exact: true }).waitFor()
    expect(await page.getByRole('button', { name: 'Cancel' }).count()).toBe(0)
    await takeScreenshot(page, 'task')
    await expectAccessible(page)
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download the codes' }).click()
    const file = await (await download).createReadStream()
    const text = (await file.toArray()).join('')
    expect(text.split('\n').filter((line) => line.includes('AVAILABLE'))).toHaveLength(1_234)
    await page.getByRole('link', { name: 'See the codes' }).click()
    expect(new URL(page.url()).pathname).toBe(`/pools/${poolId}/all-codes`)
  })

  test('that failed says why, and where to try again', async () => {
    const poolId = await newPool(client)
    const taskId = await upload(service, client, poolId, '\0\0\0')
    const { page } = await openConsole(service, { path: `/tasks/${taskId}` })
    await page.locator('[aria-current="step"]', { hasText: 'Failed' }).waitFor()
    await page.getByRole('alert').filter({ hasText: 'No codes were added' }).waitFor()
    await takeScreenshot(page, 'task-failed')
    await expectAccessible(page)
    await page.getByRole('link', { name: 'Go to the Promo Codes section to try again' }).click()
    expect(new URL(page.url()).pathname).toBe(`/pools/${poolId}/promo-codes`)
  })

  test('shows how many rows of a file were not added to those who may not see the rows, and why they are not shown', async () => {
    const poolId = await newPool(client)
    const file = codesFile(`K${randomUUID()}`, 20)
    const [code = ''] = file.split('\n')
    await ended(client, await upload(service, client, poolId, file))
    const taskId = await upload(service, client, poolId, file)
    await ended(client, taskId)
    const path = `/tasks/${taskId}`
    const { page } = await openConsole(service, { path, scopes: ['READ'] })
    await page.getByRole('heading', { name: 'Rows that are not added (20)' }).waitFor()
    await page.getByText('A key without the permission “Manage” does not see the rows').waitFor()
    expect(await page.getByText(code).count()).toBe(0)
    expect(await page.getByRole('link', { name: 'Download all as CSV' }).count()).toBe(0)
    expect(await page.getByRole('alert').filter({ hasText: 'lacks' }).count()).toBe(0)
    await takeScreenshot(page, 'task-rows-hidden')
    await expectAccessible(page)
    const { page: ofManager } = await openConsole(service, { path, scopes: ['READ', 'MANAGE'] })
    await ofManager.getByRole('heading', { name: 'Rows that are not added (20)' }).waitFor()
    await ofManager.getByRole('cell', { name: code, exact: true }).waitFor()
    await ofManager.getByRole('link', { name: 'Download all as CSV' }).waitFor()
  })

  test('of another account is not found', async () => {
    await using other = await stranger(service)
    const { taskId } = await newStock(other, 1)
    const { page } = await openConsole(service, { path: `/tasks/${taskId}` })
    await page.getByRole('heading', { name: 'There is nothing here' }).waitFor()
  })
})

describe('the tasks of a pool', () => {
  test('are listed newest first, more on demand, and new ones appear by themselves', async () => {
    const [poolId, formatId] = await Promise.all([newPool(client), newFormat(client)])
    for (let quantity = 1; quantity <= 25; quantity++) await generate(client, { poolId, formatId, quantity })
    const { page } = await openConsole(service, { path: `/pools/${poolId}/tasks` })
    const quantities = async () => {
      const titles = await page.getByRole('link', { name: /^Generation of/ }).allTextContents()
      return titles.map((title) => Number(/\d+/.exec(title)?.[0]))
    }
    const down = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, i) => from - i)
    await expect.poll(quantities).toEqual(down(25, 6))
    await generate(client, { poolId, formatId, quantity: 26 })
    await expect.poll(quantities).toEqual(down(26, 6))
    await page.getByRole('button', { name: 'Show more' }).click()
    await expect.poll(quantities).toEqual(down(26, 1))
    await generate(client, { poolId, formatId, quantity: 27 })
    await expect.poll(quantities).toEqual(down(27, 1))
    expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0)
    // None is lost where several are created at once.
    const atOnce = [28, 29, 30, 31, 32].map((quantity) => generate(client, { poolId, formatId, quantity }))
    await Promise.all(atOnce)
    await expect.poll(async () => (await quantities()).toSorted((a, b) => b - a)).toEqual(down(32, 1))
    expect((await quantities()).slice(5)).toEqual(down(27, 1))

    // Whoever comes back sees the list from its beginning, and without a gap.
    await page
      .getByRole('link', { name: 'Settings' })
      .or(page.getByRole('tab', { name: 'Settings' }))
      .click()
    await page
      .getByRole('link', { name: 'Tasks' })
      .or(page.getByRole('tab', { name: 'Tasks' }))
      .click()
    await expect.poll(async () => (await quantities()).slice(5)).toEqual(down(27, 13))
    await page.getByRole('button', { name: 'Show more' }).click()
    await expect.poll(async () => (await quantities()).slice(5)).toEqual(down(27, 1))
  })

  test('teach the next step while there are none', async () => {
    const poolId = await newPool(client)
    const { page } = await openConsole(service, { path: `/pools/${poolId}/tasks` })
    await page.getByRole('heading', { name: 'No tasks yet' }).waitFor()
    await takeScreenshot(page, 'tasks-none')
    await expectAccessible(page)
    await page.getByRole('link', { name: 'Add the first codes in the Promo Codes section' }).click()
    expect(new URL(page.url()).pathname).toBe(`/pools/${poolId}/promo-codes`)
  })

  test('can be seen in light and dark colors, on a phone, a tablet and a large screen', async () => {
    const { poolId, formatId, taskId } = await newStock(client, '1234567890123', { body: { length: 20 } })
    const settings = {
      poolId,
      method: 'GENERATE',
      formatId,
      quantity: 10,
      refillThreshold: '9999999999999',
    }
    await done(client, 'saveReplenishment', { ...settings, autoGenerate: true }, 'pool { id }')
    const { page } = await openConsole(service, { path: `/pools/${poolId}/tasks` })
    await page.getByText('Auto-generate', { exact: false }).waitFor()
    await expectUsableInAllLooks(page, 'tasks')
    await page.goto(`/tasks/${taskId}`)
    await page.getByText('Codes generated', { exact: true }).waitFor()
    await expectUsableInAllLooks(page, 'task')
  })
})

describe('a task that waits, as no worker runs', () => {
  const service = useService({ role: 'api' })
  const client = useClient(service)

  test('can be cancelled, which says what it will do in numbers', async () => {
    const [poolId, formatId] = await Promise.all([newPool(client), newFormat(client)])
    const { task } = await done<{ task: { id: string } }>(
      client,
      'generateCodes',
      { poolId, formatId, quantity: 12_345 },
      'task { id }',
    )
    const { page } = await openConsole(service, { path: `/tasks/${task.id}` })
    await page.locator('[aria-current="step"]', { hasText: 'Awaiting execution' }).waitFor()
    await takeScreenshot(page, 'task-waiting')
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Cancel the generation' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/^None of the 12,345 codes will be generated/).waitFor()
    await dialog.getByRole('button', { name: 'Cancel the generation' }).click()
    await page.locator('[aria-current="step"]', { hasText: 'Cancelled' }).waitFor()
    await page.getByText('The task was cancelled.', { exact: false }).waitFor()
    await dialog.waitFor({ state: 'hidden' })
    expect(await page.getByRole('button', { name: 'Cancel the generation' }).count()).toBe(0)
    await expect(finished(client, task.id)).rejects.toThrow('CANCELLED')
  })

  test('cannot be cancelled by a key that may only read', async () => {
    const [poolId, formatId] = await Promise.all([newPool(client), newFormat(client)])
    const { task } = await done<{ task: { id: string } }>(
      client,
      'generateCodes',
      { poolId, formatId, quantity: 1 },
      'task { id }',
    )
    const { page } = await openConsole(service, { path: `/tasks/${task.id}`, scopes: ['READ'] })
    await page.locator('[aria-current="step"]', { hasText: 'Awaiting execution' }).waitFor()
    expect(await page.getByRole('main').getByRole('button').count()).toBe(0)
  })
})
