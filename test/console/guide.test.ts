import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { claim, done, generate, mutate, newFormat, newPool, newStock, stranger } from '../support/api.ts'
import { cutConnections, expectAccessible, openConsole, takeScreenshot } from '../support/console.ts'
import { useClient, useService } from '../support/service.ts'

const scopesToRead = ['READ', 'CLAIM']

const section = (poolId: string) => `/pools/${poolId}/promo-codes`
const quantityOf = (page: Page) => page.getByRole('textbox', { name: 'Quantity' })
const saveAndGenerate = (page: Page) => page.getByRole('button', { name: 'Save and generate' })
const status = (page: Page, name: string) => page.locator('[aria-current="step"]', { hasText: name })

async function pick(page: Page, format: string): Promise<void> {
  await page.getByRole('combobox', { name: 'Pick an existing format' }).click()
  await page.getByRole('option', { name: format }).click()
}

/** Notes each status that the page shows of the task that it has started, from now on. */
async function recordStatuses(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(`
    globalThis.statuses = []
    new MutationObserver(() => {
      const status = document.querySelector('[aria-current="step"] p')?.textContent
      if (status !== undefined && status !== statuses.at(-1)) statuses.push(status)
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true })
  `)
  return () => page.evaluate<string[]>('statuses')
}

const service = useService()
const client = useClient(service)

describe('with an empty account', () => {
  test('the guide leads from nothing to codes in the pool, by clicking', async () => {
    await using newcomer = await stranger(service)
    const { page } = await openConsole({ ...service, key: newcomer.key })
    await page.getByRole('button', { name: 'Create a pool' }).click()
    const newPool = page.getByRole('dialog', { name: 'Create a pool' })
    await newPool.getByLabel('Name').fill('Welcome flow')
    await newPool.getByRole('button', { name: 'Create and choose its codes' }).click()
    await page.getByRole('heading', { name: 'Welcome flow', level: 1 }).waitFor()
    await newPool.waitFor({ state: 'hidden' })
    expect(await page.getByRole('radio', { name: 'Generate promo codes' }).isChecked()).toBe(true)
    await takeScreenshot(page, 'guide-1-empty')
    await expectAccessible(page)

    await page.getByRole('button', { name: 'Create a new format' }).click()
    const dialog = page.getByRole('dialog', { name: 'Create a new format' })
    await dialog.getByLabel('Name').fill('Welcome')
    await dialog.getByLabel('Prefix').fill('WELCOME-')
    await dialog
      .getByText(/^WELCOME-\w{10}$/)
      .first()
      .waitFor()
    await dialog.getByText('63,403,380,965,376').waitFor()
    await takeScreenshot(page, 'guide-2-format')
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Create format' }).click()

    await dialog.waitFor({ state: 'hidden' })
    expect(await page.getByRole('combobox', { name: 'Pick an existing format' }).inputValue()).toBe('Welcome')
    await page.getByText('63,403,380,965,376', { exact: true }).waitFor()
    await quantityOf(page).pressSequentially('10000')
    expect(await quantityOf(page).inputValue()).toBe('10,000')
    await page.getByRole('switch', { name: 'Auto-generate promo codes if they run out' }).check()
    await takeScreenshot(page, 'guide-3-filled')
    const statuses = await recordStatuses(page)
    await saveAndGenerate(page).click()

    await status(page, 'Completed').waitFor()
    expect(await statuses()).toEqual(['Awaiting execution', 'Running', 'Completed'])
    const task = page.getByRole('region', { name: 'Generation' })
    await task.getByText('Codes added to the pool').waitFor()
    await page.getByText('These settings are saved: the pool refills itself when it runs out.').waitFor()
    expect(await task.getByText('10,000', { exact: true }).count()).toBe(2)
    await page.getByText('63,403,380,955,376', { exact: true }).waitFor()
    await takeScreenshot(page, 'guide-4-completed')
    await expectAccessible(page)

    const { pools } = await newcomer.ask<{ pools: { edges: { node: Record<string, unknown> }[] } }>(
      `{ pools { edges { node {
        availableCount replenishment { method autoGenerate quantity format { name } }
      } } } }`,
    )
    expect(pools.edges.map(({ node }) => node)).toEqual([
      {
        availableCount: '10000',
        replenishment: {
          method: 'GENERATE',
          autoGenerate: true,
          quantity: '10000',
          format: { name: 'Welcome' },
        },
      },
    ])
    // What was saved is what a later visit shows, with nothing left to save.
    await page.reload()
    await page.getByText('63,403,380,955,376', { exact: true }).waitFor()
    expect(await quantityOf(page).inputValue()).toBe('10,000')
    expect(await page.getByRole('button', { name: 'Save', exact: true }).count()).toBe(0)
    await task.waitFor({ state: 'hidden' })
    await page.getByRole('link', { name: 'Generation of 10,000 codes' }).click()
    await page.getByRole('link', { name: 'See the codes' }).click()
    await page.waitForURL(/\/pools\/[^/]+\/all-codes$/)
  })
})

describe('the form', () => {
  /** A pool without codes, and a format with a name and room for a thousand. */
  async function poolAndFormat() {
    const [poolId, name] = [await newPool(client), `Format ${crypto.randomUUID()}`]
    const shape = {
      prefix: `${crypto.randomUUID().slice(0, 8)}-`,
      body: { length: 3 },
      characters: { set: 'DIGITS' },
    }
    const { format } = await done<{ format: { id: string } }>(
      client,
      'createFormat',
      { name, shape },
      'format { id }',
    )
    return { poolId, formatId: format.id, name }
  }

  async function tasksOf(poolId: string) {
    const { tasks } = await client.ask<{ tasks: { edges: { node: { quantity: string } }[] } }>(
      'query ($poolId: ID!) { tasks(poolId: $poolId) { edges { node { quantity } } } }',
      { poolId },
    )
    return tasks.edges.map(({ node }) => node.quantity)
  }

  test('checks the quantity while it is typed, and sends nothing that is wrong', async () => {
    const { poolId, name } = await poolAndFormat()
    const { page } = await openConsole(service, { path: section(poolId) })
    await pick(page, name)
    await page.getByText('1,000', { exact: true }).waitFor()
    const whole = 'Enter a whole number, such as 10,000.'
    const tooMany = /^Only 1,000 are available/
    const cases: [typed: string, shown: string, problem: string | RegExp][] = [
      ['0', '0', 'Enter at least 1.'],
      ['-5', '-5', 'Enter at least 1.'],
      ['1e30', '1e30', whole],
      ['2.5', '2.5', whole],
      ['🎉', '🎉', whole],
      ['1001', '1,001', tooMany],
      ['79228162514264337593543950337', '79,228,162,514,264,337,593,543,950,337', tooMany],
    ]
    for (const [typed, shown, problem] of cases) {
      await quantityOf(page).fill(typed)
      await page.getByText(problem).waitFor()
      expect(await quantityOf(page).inputValue()).toBe(shown)
      await saveAndGenerate(page).click()
      await quantityOf(page).and(page.locator(':focus')).waitFor()
    }
    await takeScreenshot(page, 'guide-too-many')
    await quantityOf(page).fill('')
    await saveAndGenerate(page).click()
    await page.getByText('Enter how many codes to generate.').waitFor()
    await page.getByRole('button', { name: 'Advanced' }).click()
    const threshold = page.getByLabel('Refill when this many codes or fewer are left')
    for (const [typed, problem] of [
      ['-5', 'Enter 0 or more.'],
      ['5.5', whole],
    ] as const) {
      await threshold.fill(typed)
      await page.getByText(problem).waitFor()
    }
    await threshold.fill('0')
    expect(await tasksOf(poolId)).toEqual([])

    await quantityOf(page).fill(' 1,000 ')
    await page.getByText('Enter how many codes to generate.').waitFor({ state: 'hidden' })
    await saveAndGenerate(page).click()
    await status(page, 'Completed').waitFor()
    expect(await tasksOf(poolId)).toEqual(['1000'])
    await page.getByText('This format has no codes left.', { exact: false }).waitFor()
  })

  test('keeps the caret where somebody types in the middle of a number', async () => {
    const { poolId } = await poolAndFormat()
    const { page } = await openConsole(service, { path: section(poolId) })
    await quantityOf(page).fill('1234567')
    await quantityOf(page).press('Home')
    await quantityOf(page).press('ArrowRight')
    await quantityOf(page).pressSequentially('99')
    expect(await quantityOf(page).inputValue()).toBe('199,234,567')
    await quantityOf(page).press('Backspace')
    await quantityOf(page).press('Backspace')
    await quantityOf(page).press('Backspace')
    expect(await quantityOf(page).inputValue()).toBe('234,567')
  })

  test('makes one batch of a double press, and of a press after an answer that was lost', async () => {
    const { poolId, name } = await poolAndFormat()
    const { page } = await openConsole(service, {
      path: section(poolId),
      tolerated: cutConnections,
    })
    await pick(page, name)
    await quantityOf(page).fill('7')
    await saveAndGenerate(page).dblclick()
    await status(page, 'Completed').waitFor()
    expect(await tasksOf(poolId)).toEqual(['7'])

    let isLost = false
    await page.route('/graphql', async (route) => {
      if (isLost || !route.request().postData()?.includes('mutation GenerateCodes'))
        return await route.fallback()
      isLost = true
      await route.fetch()
      await route.abort('connectionreset')
    })
    await quantityOf(page).fill('8')
    await saveAndGenerate(page).click()
    await page.getByText('they are not generated twice', { exact: false }).waitFor()
    expect(isLost).toBe(true)
    await takeScreenshot(page, 'guide-lost-answer')
    await saveAndGenerate(page).click()
    await status(page, 'Completed').waitFor()
    await page.getByRole('region', { name: 'Generation' }).getByText('8', { exact: true }).first().waitFor()
    expect(await tasksOf(poolId)).toEqual(['8', '7'])

    // Pressed again, it asks whether another batch is wanted.
    await saveAndGenerate(page).click()
    const question = page.getByRole('dialog', { name: 'Generate another 8 codes?' })
    await question.getByRole('button', { name: 'Cancel' }).click()
    await question.waitFor({ state: 'hidden' })
    expect(await tasksOf(poolId)).toEqual(['8', '7'])
    await saveAndGenerate(page).click()
    await question.getByRole('button', { name: 'Generate 8 more' }).click()
    await status(page, 'Awaiting execution').waitFor()
    await status(page, 'Completed').waitFor()
    expect(await tasksOf(poolId)).toEqual(['8', '8', '7'])

    // Also where the request whose answer was lost has reserved the last codes.
    isLost = false
    await quantityOf(page).fill('977')
    await saveAndGenerate(page).click()
    await page.getByText('they are not generated twice', { exact: false }).waitFor()
    await page.getByText(/^This format has no codes left/).waitFor()
    await saveAndGenerate(page).click()
    await status(page, 'Completed').waitFor()
    expect(await tasksOf(poolId)).toEqual(['977', '8', '8', '7'])
  })

  test('shows at the field that others have reserved the codes meanwhile', async () => {
    const { poolId, formatId, name } = await poolAndFormat()
    const { page } = await openConsole(service, { path: section(poolId), ownProfile: true })
    await pick(page, name)
    await quantityOf(page).fill('1000')
    await generate(client, { poolId: await newPool(client), formatId, quantity: 400 })
    await page.getByText('600', { exact: true }).waitFor()
    await page.getByText(/^Only 600 are available/).waitFor()

    // Also where the page does not know yet.
    await page.routeWebSocket('/graphql', () => {})
    await page.reload()
    await pick(page, name)
    await quantityOf(page).fill('600')
    await generate(client, { poolId: await newPool(client), formatId, quantity: 500 })
    await saveAndGenerate(page).click()
    await page.getByText('100', { exact: true }).waitFor()
    expect(await quantityOf(page).getAttribute('aria-invalid')).toBe('true')
    expect(await tasksOf(poolId)).toEqual([])
  })

  test('saves later changes without generating, and can discard them', async () => {
    const { poolId, formatId, name } = await poolAndFormat()
    await generate(client, { poolId, formatId, quantity: 20, saveSettings: {} })
    const { page } = await openConsole(service, { path: section(poolId) })
    await page.getByText('980', { exact: true }).waitFor()
    const auto = page.getByRole('switch', { name: /^Auto-generate/ })
    await auto.check()
    await page.getByText('Unsaved changes').waitFor()
    await page.getByRole('button', { name: 'Discard' }).click()
    expect(await auto.isChecked()).toBe(false)

    await auto.check()
    await page.getByRole('button', { name: 'Advanced' }).click()
    await page.getByLabel('Refill when this many codes or fewer are left').fill('5')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('The Promo Codes section was saved.').waitFor()
    await page.getByText('Unsaved changes').waitFor({ state: 'hidden' })
    const settings = await client.ask(
      'query ($id: ID!) { pool(id: $id) { replenishment { autoGenerate refillThreshold quantity format { name } } } }',
      { id: poolId },
    )
    expect(settings).toEqual({
      pool: { replenishment: { autoGenerate: true, refillThreshold: '5', quantity: '20', format: { name } } },
    })
    expect(await tasksOf(poolId)).toEqual(['20'])
  })

  test('asks before it saves what refills the pool immediately, in numbers', async () => {
    const { poolId, name } = await poolAndFormat()
    const { page } = await openConsole(service, { path: section(poolId) })
    await pick(page, name)
    await quantityOf(page).fill('50')
    await page.getByRole('switch', { name: /^Auto-generate/ }).check()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('The pool is empty. Saving generates 50 codes immediately.').waitFor()
    await takeScreenshot(page, 'guide-refill-question')
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await dialog.waitFor({ state: 'hidden' })
    expect(await tasksOf(poolId)).toEqual([])

    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await dialog.getByRole('button', { name: 'Save and refill' }).click()
    await status(page, 'Completed').waitFor()
    expect(await tasksOf(poolId)).toEqual(['50'])
  })

  test('saves another method, which turns auto-generate off', async () => {
    const { poolId, formatId, name } = await poolAndFormat()
    const settings = { poolId, method: 'GENERATE', formatId, quantity: 10, autoGenerate: true }
    await generate(client, { poolId, formatId, quantity: 10 })
    await done(client, 'saveReplenishment', settings, 'pool { id }')
    const { page } = await openConsole(service, { path: section(poolId) })
    await page.getByRole('radio', { name: 'Upload from a file' }).click()
    await page.getByText(/auto-generate is turned off/).waitFor()
    await takeScreenshot(page, 'guide-method')
    await page.getByRole('button', { name: 'From now on, fill this pool by uploads' }).click()
    await page.getByText(/auto-generate is turned off/).waitFor({ state: 'hidden' })
    expect(
      await client.ask(
        'query ($id: ID!) { pool(id: $id) { replenishment { method autoGenerate format { name } } } }',
        {
          id: poolId,
        },
      ),
    ).toEqual({ pool: { replenishment: { method: 'UPLOAD', autoGenerate: false, format: { name } } } })
  })

  test('can be filled and sent by keyboard alone', async () => {
    const { poolId, name } = await poolAndFormat()
    const { page } = await openConsole(service, { path: section(poolId), width: 1_366, height: 680 })
    await page.getByRole('radio', { name: 'Generate promo codes' }).focus()
    const { keyboard } = page
    await keyboard.press('ArrowRight')
    expect(await page.getByRole('radio', { name: 'Upload from a file' }).isChecked()).toBe(true)
    await keyboard.press('ArrowLeft')
    await keyboard.press('Tab')
    await keyboard.type(name)
    await page.getByRole('option', { name }).waitFor()
    await keyboard.press('ArrowDown')
    await keyboard.press('Enter')
    await page.getByText('1,000', { exact: true }).waitFor()
    await keyboard.press('Tab')
    await page.getByRole('button', { name: 'Create a new format' }).and(page.locator(':focus')).waitFor()
    await keyboard.press('Tab')
    await keyboard.type('12')
    await keyboard.press('Tab')
    await keyboard.press('Space')
    expect(await page.getByRole('switch', { name: /^Auto-generate/ }).isChecked()).toBe(true)
    await keyboard.press('Shift+Tab')
    await keyboard.press('Enter')
    // The focus goes to the task, which comes into view with all that it will show.
    await page.getByRole('heading', { name: 'Generation' }).and(page.locator(':focus')).waitFor()
    await status(page, 'Completed').waitFor()
    await page.getByRole('link', { name: 'Download the codes' }).waitFor()
    const isInView = async () => {
      const { y = 0, height = 0 } =
        (await page.getByRole('region', { name: 'Generation' }).boundingBox()) ?? {}
      return y > 0 && y + height < 680
    }
    await expect.poll(isInView).toBe(true)
    expect(await tasksOf(poolId)).toEqual(['12'])
  })

  test('follows what others save, unless something has been changed here', async () => {
    const { poolId, formatId } = await poolAndFormat()
    const settings = { poolId, method: 'GENERATE', formatId }
    await done(client, 'saveReplenishment', { ...settings, quantity: 10 }, 'pool { id }')
    const { page } = await openConsole(service, { path: section(poolId) })
    await page.getByText('1,000', { exact: true }).waitFor()
    await done(client, 'saveReplenishment', { ...settings, quantity: 11 }, 'pool { id }')
    await expect.poll(() => quantityOf(page).inputValue()).toBe('11')
    await quantityOf(page).fill('500')
    await done(client, 'saveReplenishment', { ...settings, quantity: 12, refillThreshold: 3 }, 'pool { id }')
    // Everything but the quantity would be another change: the threshold that was saved is not what the form has.
    await page.getByText('Unsaved changes').waitFor()
    expect(await quantityOf(page).inputValue()).toBe('500')
    await page.getByRole('button', { name: 'Discard' }).click()
    expect(await quantityOf(page).inputValue()).toBe('12')
  })

  test('says at the switch why auto-generate cannot be turned on', async () => {
    const { poolId, name } = await poolAndFormat()
    await done(client, 'saveTerms', { poolId, validUntil: '2020-01-01T00:00:00Z' }, 'pool { id }')
    const { page } = await openConsole(service, { path: section(poolId) })
    await pick(page, name)
    await quantityOf(page).fill('50')
    await page.getByRole('switch', { name: /^Auto-generate/ }).check()
    await saveAndGenerate(page).click()
    await page.getByText(/^The codes of the pool expired at 2020-01-01/).waitFor()
    expect(await tasksOf(poolId)).toEqual([])
  })
})

describe('the Promo Codes section', () => {
  test('shows how the pool refills itself while claims empty it', async () => {
    const { poolId, formatId } = await newStock(client, 3)
    const { page } = await openConsole(service, { path: section(poolId) })
    await page.getByRole('combobox', { name: 'Pick an existing format' }).waitFor()
    const settings = { poolId, method: 'GENERATE', formatId, quantity: 100, autoGenerate: true }
    await done(client, 'saveReplenishment', settings, 'pool { id }')
    await claim(client, poolId, 2)
    const refill = page.getByRole('row', { name: 'Generation of 100 codes' })
    expect(await refill.count()).toBe(0)
    await claim(client, poolId, 1)
    await refill.getByText('Auto-generate', { exact: false }).waitFor()
    await refill.getByText('Completed').waitFor()
    await refill.getByText('100 added').waitFor()
    await page.getByText('The pool refilled itself with 100 codes.').waitFor()
    await takeScreenshot(page, 'guide-refilled')
  })

  test('is a summary for a key that may not change it', async () => {
    const { poolId, formatId } = await newStock(client, 3)
    const settings = { poolId, method: 'GENERATE', formatId, quantity: 1234, autoGenerate: true }
    await done(client, 'saveReplenishment', settings, 'pool { id }')
    const { page } = await openConsole(service, { path: section(poolId), scopes: scopesToRead })
    await page.getByText('On: when the last code is handed out').waitFor()
    await page.getByText('1,234', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'Generation of 3 codes' }).waitFor()
    const main = page.getByRole('main')
    expect(await main.getByRole('button').count()).toBe(0)
    expect(await main.getByRole('textbox').count()).toBe(0)
    await takeScreenshot(page, 'guide-summary')
    await expectAccessible(page)
  })

  test('says of an archived pool that nothing can be added, and what to do', async () => {
    const poolId = await newPool(client)
    const { page } = await openConsole(service, { path: section(poolId) })
    await saveAndGenerate(page).waitFor()
    expect(await mutate(client, 'archivePool', { poolId })).not.toHaveProperty('message')
    await page.getByText('This pool is archived').waitFor()
    await page.getByRole('button', { name: 'Unarchive' }).waitFor()
    await saveAndGenerate(page).waitFor({ state: 'hidden' })
    await page.getByText('How this pool is filled').waitFor()
    await expectAccessible(page)
  })

  test('finds formats by name as somebody types, and shows how many codes each has left', async () => {
    const [poolId, formatId] = await Promise.all([newPool(client), newFormat(client)])
    await done(client, 'renameFormat', { formatId, name: 'Évergreen offers' }, 'format { id }')
    for (let i = 0; i < 24; i++) await newFormat(client)
    const { page } = await openConsole(service, { path: section(poolId) })
    const picker = page.getByRole('combobox', { name: 'Pick an existing format' })
    await picker.click()
    await page.getByRole('option').first().waitFor()
    expect(await page.getByRole('option', { name: 'Évergreen offers' }).count()).toBe(0)
    await picker.fill('everg')
    await page.getByRole('option', { name: /Évergreen offers.*63,403,380,965,376 available/ }).waitFor()
    expect(await page.getByRole('option').count()).toBe(1)
    await picker.fill('no such name')
    await page.getByText('No format has “no such name” in its name.').waitFor()
    // All of them can be reached, a page at a time.
    await picker.fill('')
    await page.getByRole('option').nth(19).scrollIntoViewIfNeeded()
    await page.getByRole('option', { name: 'Évergreen offers' }).click()
    expect(await picker.inputValue()).toBe('Évergreen offers')
  })

  // With its usual contents, each width and scheme is held by screens.test.ts.
  test('has room for the largest numbers on a phone', async () => {
    const { poolId, formatId } = await newStock(client, '12345678901234567890', { body: { length: 20 } })
    await done(client, 'saveReplenishment', { poolId, method: 'GENERATE', formatId }, 'pool { id }')
    const { page } = await openConsole(service, { path: section(poolId), scheme: 'dark', width: 390 })
    await page.getByRole('link', { name: /^Generation of/ }).waitFor()
    await quantityOf(page).fill('79228162514264337593543950337')
    await page.getByText(/^Only /).waitFor()
    await takeScreenshot(page, 'guide-large-numbers')
    await expectAccessible(page)
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
    expect(await page.evaluate(overflow)).toBe(0)
  })
})
