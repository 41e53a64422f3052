import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { claim, done, generate, newPool, newStock, withScopes } from '../support/api.ts'
import { expectAccessible, expectUsableInAllLooks, openConsole, takeScreenshot } from '../support/console.ts'
import { useClient, useService } from '../support/service.ts'

const service = useService()
const client = useClient(service)

const addressOf = (poolId: string, show?: string) =>
  `/pools/${poolId}/all-codes${show === undefined ? '' : `?show=${show}`}`

/** Codes of a new pool that somebody has. */
async function newClaimed(count = 1, recipient: string = randomUUID()) {
  const { poolId, taskId } = await newStock(client, count + 5)
  const { codes } = await done<{ codes: { id: string; code: string }[] }>(
    client,
    'claimCodes',
    { poolId, count, recipient },
    'codes { id code }',
  )
  return { poolId, taskId, recipient, codes, code: codes[0]?.code ?? '' }
}

interface CodeFacts {
  status: string
  validity: string
  recipient: string | null
}

async function factsOf(code: string): Promise<CodeFacts> {
  const query = 'query ($code: String!) { code(code: $code) { status validity recipient } }'
  return (await client.ask<{ code: CodeFacts }>(query, { code })).code
}

const rowOf = (page: Page, text: string) => page.getByRole('row').filter({ hasText: text })
const codeField = (page: Page) => page.getByRole('textbox', { name: 'Code', exact: true })
const said = (page: Page, text: string) => page.getByRole('alert').filter({ hasText: text }).waitFor()
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()

describe('the codes of a pool', () => {
  test('show who has which, live, a page at a time', async () => {
    const { poolId } = await newStock(client, 80)
    await claim(client, poolId, 30)
    const { page } = await openConsole(service, { path: addressOf(poolId) })
    await page.getByRole('tab', { name: 'Claimed (30)' }).waitFor()
    const rows = page.getByRole('row')
    await rows.nth(25).waitFor()
    expect(await rows.count()).toBe(26)
    await takeScreenshot(page, 'codes-claimed')
    await expectAccessible(page)
    await press(page, 'Next')
    await rows.nth(6).waitFor({ state: 'detached' })
    expect(await rows.count()).toBe(6)
    await press(page, 'Previous')
    await rows.nth(25).waitFor()

    const [newest] = await claim(client, poolId)
    await rowOf(page, newest?.code ?? '').waitFor()
    await page.getByRole('tab', { name: 'Claimed (31)' }).waitFor()
    await page.getByRole('tab', { name: 'Available (49)' }).click()
    await page.getByText('In the order in which they will be claimed').waitFor()
    await takeScreenshot(page, 'codes-available')
    await expectAccessible(page)
  })

  test('of a pool without any say what to do', async () => {
    const { page } = await openConsole(service, { path: addressOf(await newPool(client)) })
    await page.getByRole('link', { name: 'Add codes in the Promo Codes section' }).click()
    await page.getByRole('radio', { name: 'Generate promo codes' }).waitFor()
  })

  test('are found by recipient, exactly, with any characters and of any length', async () => {
    const { poolId } = await newStock(client, 10)
    const recipient = `Zoë 🎉 ${'x'.repeat(900)}`
    const [code] = (
      await done<{ codes: { code: string }[] }>(client, 'claimCodes', { poolId, recipient }, 'codes { code }')
    ).codes
    await claim(client, poolId, 6)
    const { page } = await openConsole(service, { path: addressOf(poolId, 'claims'), width: 390 })
    await press(page, '6 codes')
    await takeScreenshot(page, 'codes-claims')
    await expectAccessible(page)
    const search = page.getByRole('textbox', { name: 'Find a recipient' })
    await search.fill(recipient.toLowerCase())
    await page.getByText('This recipient has no codes of this pool.').waitFor()
    await search.fill(recipient)
    await rowOf(page, code?.code ?? '').waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
    await press(page, 'Void all of them')
    await page.getByRole('textbox', { name: 'Reason' }).fill('shared in a forum')
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Void all codes of/ })
      .click()
    await said(page, '1 code was voided.')
    await rowOf(page, code?.code ?? '')
      .getByText('Void', { exact: true })
      .waitFor()
    await page.getByRole('button', { name: 'Unvoid all of them' }).waitFor()
    expect(await page.getByRole('button', { name: 'Void all of them', exact: true }).count()).toBe(0)
    expect(await factsOf(code?.code ?? '')).toMatchObject({ validity: 'VOIDED' })
  })

  test('of a recipient are found by another spelling, together, and only what is void can be unvoided', async () => {
    const { poolId } = await newStock(client, 10)
    const claimFor = (recipient: string) =>
      done<{ codes: { code: string }[] }>(client, 'claimCodes', { poolId, recipient }, 'codes { code }')
    const [first] = (await claimFor('Anna Berg')).codes
    await claimFor('Bo')
    const [second] = (await claimFor('Anna Berg')).codes
    const { page } = await openConsole(service, { path: addressOf(poolId, 'claims') })
    const rows = page.getByRole('row')
    await rowOf(page, first?.code ?? '').waitFor()
    expect(await rows.nth(1).textContent()).toContain(second?.code)
    expect(await rows.nth(2).textContent()).toContain(first?.code)
    await page.getByRole('textbox', { name: 'Find a recipient' }).fill('anna berg')
    await press(page, 'Search for “Anna Berg”')
    await rowOf(page, 'Bo').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Void all of them' }).waitFor()
    expect(await page.getByRole('button', { name: /Unvoid/ }).count()).toBe(0)
    // Whoever looks at a code comes back to what they have searched.
    await page.getByRole('link', { name: first?.code ?? '' }).click()
    await page.getByRole('heading', { name: first?.code ?? '' }).waitFor()
    await page.goBack()
    await page.getByRole('button', { name: 'Void all of them' }).waitFor()
    await page.getByRole('tab', { name: 'By recipient' }).click()
    expect(await page.getByRole('textbox', { name: 'Find a recipient' }).inputValue()).toBe('Anna Berg')
    expect(await rowOf(page, 'Bo').count()).toBe(0)
  })

  test('are kept, without the recipient, when a recipient is forgotten', async () => {
    const { poolId, code, recipient } = await newClaimed()
    const { page } = await openConsole(service, { path: addressOf(poolId, 'claims') })
    await page.getByRole('textbox', { name: 'Find a recipient' }).fill(recipient)
    await press(page, 'Forget this recipient')
    await press(page, 'Forget the recipient')
    await said(page, 'The recipient was erased from 1 claim.')
    await page.getByText('This recipient has no codes of this pool.').waitFor()
    expect(await factsOf(code)).toMatchObject({ status: 'CLAIMED', recipient: null })
  })

  test('are not open to keys that may only read, beyond those that somebody has', async () => {
    const { poolId } = await newClaimed()
    const { page } = await openConsole(service, { path: addressOf(poolId, 'available'), scopes: ['READ'] })
    await page.getByRole('tab', { name: 'Claimed (1)' }).waitFor()
    expect(await page.getByRole('tab').count()).toBe(2)
    expect(await page.getByRole('checkbox').count()).toBe(0)
    expect(await page.getByRole('button', { name: 'Claim codes' }).count()).toBe(0)
    await press(page, 'Download')
    await page.getByRole('menuitem', { name: 'Claimed codes (1)' }).waitFor()
    expect(await page.getByRole('menuitem').count()).toBe(1)
  })

  test('can be downloaded, each file with what it says', async () => {
    const { poolId, code, recipient } = await newClaimed()
    const { page } = await openConsole(service, { path: addressOf(poolId) })
    await press(page, 'Download')
    const downloading = page.waitForEvent('download')
    await page.getByRole('menuitem', { name: 'Claimed codes (1)' }).click()
    const file = await readFile(await (await downloading).path(), 'utf8')
    expect(file).toContain(`${code},CLAIMED,${recipient}`)
  })
})

describe('claiming by hand', () => {
  test('gives each recipient of a list a code, to copy and to keep as a file', async () => {
    const { poolId } = await newStock(client, 10)
    const { page } = await openConsole(service, { path: addressOf(poolId) })
    await press(page, 'Claim codes')
    await page.getByRole('tab', { name: 'For a list of recipients' }).click()
    await page
      .getByRole('textbox', { name: 'Recipients' })
      .fill('Ada 🎉\n\n =1+1 \nBob, "the boss"\nAda 🎉\n')
    await page.getByText('3 recipients · 4 codes · 1 line repeats an earlier one').waitFor()
    await takeScreenshot(page, 'claim-list')
    await expectAccessible(page)
    await press(page, 'Claim for 3 recipients')
    await page.getByText('4 codes were claimed.').waitFor()
    await expectAccessible(page)
    const downloading = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Save as CSV' }).click()
    const lines = (await readFile(await (await downloading).path(), 'utf8')).split('\r\n')
    expect(lines.map((line) => line.replace(/^[^,]*,/, ''))).toEqual([
      'recipient,already_held',
      'Ada 🎉,false',
      "'=1+1,false",
      '"Bob, ""the boss""",false',
      'Ada 🎉,false',
      '',
    ])
    const [, first = ''] = lines
    expect(await factsOf(first.split(',')[0] ?? '')).toMatchObject({ status: 'CLAIMED', recipient: 'Ada 🎉' })
  })

  test('splits a list that was pasted on one line, and removes repeats', async () => {
    const { page } = await openConsole(service, { path: addressOf((await newStock(client, 5)).poolId) })
    await press(page, 'Claim codes')
    await page.getByRole('tab', { name: 'For a list of recipients' }).click()
    const list = page.getByRole('textbox', { name: 'Recipients' })
    await list.fill('a@example.com, b@example.com; a@example.com')
    await press(page, 'Split into 3 recipients')
    await page.getByText('2 recipients · 3 codes · 1 line repeats an earlier one').waitFor()
    await press(page, 'Remove the repeat')
    expect(await list.inputValue()).toBe('a@example.com\nb@example.com')
    await list.fill('Doe, Jane\nRoe, Richard')
    await page.getByText('2 recipients · 2 codes').waitFor()
    expect(await page.getByRole('button', { name: /Split/ }).count()).toBe(0)
  })

  test('begins anew with an empty form', async () => {
    const { page } = await openConsole(service, { path: addressOf((await newStock(client, 5)).poolId) })
    await press(page, 'Claim codes')
    await page.getByRole('textbox', { name: 'Recipient' }).fill('Anna Berg')
    await press(page, 'Claim')
    await press(page, 'Claim more')
    expect(await page.getByRole('textbox', { name: 'Recipient' }).inputValue()).toBe('')
  })

  test('says while a list is typed what is wrong with it', async () => {
    const { page } = await openConsole(service, { path: addressOf((await newStock(client, 1)).poolId) })
    await press(page, 'Claim codes')
    await page.getByRole('tab', { name: 'For a list of recipients' }).click()
    const list = page.getByRole('textbox', { name: 'Recipients' })
    await list.fill('x'.repeat(1_001))
    await page.getByText('has more than 1,000 characters').waitFor()
    expect(await page.getByRole('button', { name: 'Claim for 1 recipient' }).isDisabled()).toBe(true)
    const buffer = Buffer.from(Array.from({ length: 10_001 }, (_, i) => i).join('\n'))
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'recipients.txt', mimeType: 'text/plain', buffer })
    await page.getByText('At most 10,000 recipients').waitFor()
    await list.fill('a\nb')
    await press(page, 'Claim for 2 recipients')
    await page.getByText('has 1 code available').waitFor()
  })

  test('checks the number of codes, and shows what the service says about it', async () => {
    const { poolId } = await newStock(client, 3)
    const { page } = await openConsole(service, { path: addressOf(poolId) })
    await press(page, 'Claim codes')
    const number = page.getByRole('textbox', { name: 'Number of codes' })
    for (const [typed, problem] of [
      ['0', 'Claim at least one code.'],
      ['🎉', 'Give a whole number'],
      ['-1', 'Claim at least one code.'],
      ['10,001', 'Claim at most 10,000 here.'],
    ] as const) {
      await number.fill(typed)
      await press(page, 'Claim')
      await page.getByText(problem).waitFor()
    }
    await number.fill('4')
    await press(page, 'Claim')
    await page.getByText('has 3 codes available').waitFor()
    expect(await page.getByRole('tab', { name: 'Available (3)' }).count()).toBe(1)
  })

  test('claims nothing twice when the answer was lost and somebody presses again', async () => {
    const { poolId } = await newStock(client, 10)
    const { page } = await openConsole(service, { path: addressOf(poolId), tolerated: [/ERR_FAILED/] })
    await press(page, 'Claim codes')
    await page.getByRole('textbox', { name: 'Number of codes' }).fill('2')
    let lost = 0
    await page.route('**/graphql', async (route) => {
      if (lost > 0 || route.request().postData()?.includes('mutation') !== true) return route.fallback()
      lost += 1
      await route.fetch()
      await route.abort()
    })
    await press(page, 'Claim')
    await said(page, 'it is not known whether this was done')
    await press(page, 'Claim')
    await page.getByText('2 codes were claimed.').waitFor()
    await page.getByRole('tab', { name: 'Available (8)' }).waitFor()
  })

  test('gives a recipient the same code again where each gets only one, and says so', async () => {
    const { poolId } = await newStock(client, 10)
    await done(client, 'saveTerms', { poolId, onePerRecipient: true }, 'pool { id }')
    const [held] = (
      await done<{ codes: { code: string }[] }>(
        client,
        'claimCodes',
        { poolId, recipient: 'ada@example.com' },
        'codes { code }',
      )
    ).codes
    const { page } = await openConsole(service, { path: addressOf(poolId) })
    await press(page, 'Claim codes')
    await press(page, 'Claim')
    await page.getByText('say who it is for').waitFor()
    await page.getByRole('textbox', { name: 'Recipient' }).fill('ada@example.com')
    await press(page, 'Claim')
    await page.getByText('1 recipient already had a code and keeps it.').waitFor()
    await page
      .getByRole('dialog')
      .getByRole('link', { name: held?.code ?? '' })
      .waitFor()
  })

  test('claims any number of codes as a file', async () => {
    const { poolId } = await newStock(client, 20_000)
    const { page } = await openConsole(service, { path: addressOf(poolId) })
    await press(page, 'Claim codes')
    await page.getByRole('tab', { name: 'As a file' }).click()
    await page.getByRole('textbox', { name: 'Number of codes' }).fill('15000')
    await page.getByRole('textbox', { name: 'Recipient' }).fill('Print shop Maier')
    await press(page, 'Claim')
    await page.getByText('15,000 codes were claimed.').waitFor()
    const downloading = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download the codes' }).click()
    const file = await readFile(await (await downloading).path(), 'utf8')
    expect(file.trim().split('\n')).toHaveLength(15_001)
  })
})

describe('many codes at once', () => {
  test('are withdrawn and restored, with their number named before and after', async () => {
    const { poolId } = await newStock(client, 1_234)
    const { page } = await openConsole(service, { path: addressOf(poolId, 'available') })
    await press(page, 'Withdraw codes')
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Withdraw available codes' }).click()
    await dialog.getByText('Say which codes.').waitFor()
    await dialog.getByRole('radio', { name: 'All 1,234 available codes' }).check()
    await page.getByRole('textbox', { name: 'Reason' }).fill('the file has leaked')
    await takeScreenshot(page, 'codes-withdraw')
    await expectAccessible(page)
    await press(page, 'Withdraw 1,234 codes')
    await said(page, '1,234 codes were withdrawn.')
    await page.getByRole('tab', { name: 'Withdrawn (1,234)' }).click()
    await press(page, 'Restore codes')
    await press(page, 'Restore 1,234 codes')
    await said(page, '1,234 codes were restored.')
    await page.getByRole('tab', { name: 'Available (1,234)' }).waitFor()
  })

  test('of one task are withdrawn without the others', async () => {
    const { poolId, formatId } = await newStock(client, 10)
    await generate(client, { poolId, formatId, quantity: 5 })
    const { page } = await openConsole(service, { path: addressOf(poolId, 'available') })
    await page.getByRole('tab', { name: 'Available (15)' }).waitFor()
    await press(page, 'Withdraw codes')
    await page.getByRole('radio', { name: 'Only those that one task has added' }).check()
    await page.getByRole('combobox', { name: 'Task' }).click()
    await page.getByRole('option', { name: /5 codes generated/ }).click()
    await press(page, 'Withdraw 5 codes')
    await said(page, '5 codes were withdrawn.')
    await page.getByRole('tab', { name: 'Available (10)' }).waitFor()
  })

  test('are chosen and voided, and unvoided, with what became of each', async () => {
    const { poolId, codes } = await newClaimed(3)
    const [redeemed, other] = codes
    await done(client, 'redeemCode', { code: redeemed?.code, reference: 'order 1' }, 'redemption { id }')
    const { page } = await openConsole(service, { path: addressOf(poolId) })
    for (const code of [redeemed, other])
      await page.getByRole('checkbox', { name: `Choose ${code?.code}` }).check()
    await page.getByText('2 codes chosen').waitFor()
    await press(page, 'Void')
    await press(page, 'Void 2 codes')
    await said(page, '1 code was voided and 1 is redeemed and stays so.')
    await rowOf(page, other?.code ?? '')
      .getByText('Void', { exact: true })
      .waitFor()
    await page.getByRole('checkbox', { name: `Choose ${other?.code}` }).check()
    await press(page, 'Unvoid')
    await press(page, 'Unvoid 1 code')
    await rowOf(page, other?.code ?? '')
      .getByText('Good')
      .waitFor()
  })
})

describe('looking a code up', () => {
  test('finds it as somebody types it, with one look-up, and shows all that is known', async () => {
    const { code, recipient } = await newClaimed(3)
    const { page } = await openConsole(service, { path: '/codes' })
    let lookUps = 0
    page.on('request', (request) => {
      if (request.postData()?.includes('query LookUp') === true) lookUps += 1
    })
    await codeField(page).pressSequentially(code.toLowerCase().replaceAll('-', ' '))
    await page.getByRole('heading', { name: code }).waitFor()
    await page.getByText('Somebody has it, and it can be redeemed.').waitFor()
    await page.getByText(recipient).waitFor()
    await page.getByText('with 2 other codes').waitFor()
    expect(lookUps).toBe(1)
    await takeScreenshot(page, 'look-up')
    await expectAccessible(page)
  })

  test('redeems it, says what for, and rolls that back', async () => {
    const { code } = await newClaimed()
    const { page } = await openConsole(service, { path: '/codes' })
    await codeField(page).fill(code)
    await press(page, 'Redeem')
    await press(page, 'Redeem')
    await page.getByText('Give a reference').waitFor()
    await page.getByRole('textbox', { name: 'Reference' }).fill('order 4711')
    await page.getByRole('textbox', { name: 'Place' }).fill('Till 7')
    await press(page, 'Redeem')
    await page.getByText('It has been used, and cannot be used again.').waitFor()
    await page.getByText('order 4711').waitFor()
    await press(page, 'Roll back')
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click()
    await page.getByText('Somebody has it, and it can be redeemed.').waitFor()
    expect(await factsOf(code)).toMatchObject({ validity: 'VALID' })
  })

  test('begins with the focus in its field, and a double click on Redeem goes on in its form', async () => {
    const { code } = await newClaimed()
    const { page } = await openConsole(service)
    await page.getByRole('link', { name: 'Look up a code' }).click()
    await codeField(page).waitFor()
    await page.keyboard.type(code)
    await page.getByRole('button', { name: 'Redeem' }).dblclick()
    await page.keyboard.type('order 1')
    expect(await page.getByRole('textbox', { name: 'Reference' }).inputValue()).toBe('order 1')
    expect(await page.getByRole('button', { name: 'Void' }).count()).toBe(0)
  })

  test('finds a customer in all pools, by email address or by name', async () => {
    const recipient = `${randomUUID()}@example.com`
    const [one, two] = [await newClaimed(1, recipient), await newClaimed(1, recipient)]
    const { page } = await openConsole(service, { path: '/codes', width: 390 })
    await codeField(page).fill(recipient)
    await rowOf(page, one.code).waitFor()
    await rowOf(page, two.code).waitFor()
    await takeScreenshot(page, 'look-up-customer')
    await expectAccessible(page)
    const { code, recipient: name } = await newClaimed(1, `Lena ${randomUUID()}`)
    await page.getByText('Code', { exact: true }).first().click()
    await codeField(page).fill(name)
    await press(page, `See the codes of the customer “${name}”`)
    await rowOf(page, code).getByRole('link', { name: code }).click()
    await page.getByRole('heading', { name: code }).waitFor()
    // What was searched is there again, and is not in the address.
    const customer = page.getByRole('textbox', { name: 'Customer', exact: true })
    for (const comeBack of [() => page.goBack(), () => page.reload()]) {
      await comeBack()
      await rowOf(page, code).waitFor()
      expect(await customer.inputValue()).toBe(name)
      expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/codes')
    }
    await page.goForward()
    await page.getByRole('heading', { name: code }).waitFor()
    expect(await codeField(page).inputValue()).toBe(code)
    // Nor is it there for whoever signs in next in this tab.
    const other = await withScopes(service, client, ['READ'])
    const answer = await page.request.post('/session', {
      headers: { ...other.authorization(), origin: service.url },
    })
    expect(answer.status()).toBe(204)
    await page.reload()
    expect(await codeField(page).inputValue()).toBe('')
  })

  test('finds what was redeemed for an order, in all pools, and rolls back what is chosen', async () => {
    const reference = `Order ${randomUUID()}`
    const claimed = [await newClaimed(), await newClaimed(), await newClaimed()]
    const [first, second, third] = claimed.map(({ code }) => code)
    const redeem = (code: string | undefined, extra = {}) =>
      done<{ redemption: { id: string } }>(
        client,
        'redeemCode',
        { code, reference, ...extra },
        'redemption { id }',
      )
    await redeem(first, { place: 'Till 7' })
    await redeem(second)
    const { redemption } = await redeem(third)
    await done(client, 'rollBackRedemption', { redemptionId: redemption.id }, 'redemption { id }')
    const { page } = await openConsole(service, { path: '/codes' })
    await page.getByText('Order', { exact: true }).click()
    const field = page.getByRole('textbox', { name: 'Order' })
    await field.fill(reference.toLowerCase())
    await page.getByText('No code was redeemed for exactly this reference.').waitFor()
    await field.fill(`${reference} `)
    await press(page, `Search for “${reference}”`)
    await rowOf(page, first ?? '')
      .getByText('Till 7')
      .waitFor()
    await rowOf(page, third ?? '')
      .getByText('Rolled back')
      .waitFor()
    expect(
      await rowOf(page, third ?? '')
        .getByRole('button', { name: 'Roll back' })
        .count(),
    ).toBe(0)
    await expectUsableInAllLooks(page, 'look-up-order')
    await rowOf(page, second ?? '')
      .getByRole('button', { name: 'Roll back' })
      .click()
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click()
    await said(page, `The redemption of ${second} was rolled back.`)
    await rowOf(page, second ?? '')
      .getByText('Rolled back')
      .waitFor()
    expect(await Promise.all(claimed.map(({ code }) => factsOf(code)))).toMatchObject([
      { validity: 'REDEEMED' },
      { validity: 'VALID' },
      { validity: 'VALID' },
    ])
    const poolId = claimed[0]?.poolId ?? ''
    expect(await page.locator(`main a[href="/pools/${poolId}"]`).count()).toBe(1)
    await rowOf(page, first ?? '')
      .getByRole('link', { name: first ?? '' })
      .click()
    await page.getByRole('heading', { name: first ?? '' }).waitFor()
    await page.goBack()
    await rowOf(page, first ?? '').waitFor()
    expect(await field.inputValue()).toBe(reference)
    await page.getByRole('link', { name: 'Look up a code' }).click()
    await rowOf(page, first ?? '').waitFor({ state: 'detached' })
    expect(await codeField(page).inputValue()).toBe('')
  })

  test('finds an order from the field for codes, all of it, with a key that may only read', async () => {
    const { codes } = await newClaimed(21)
    const reference = `Order ${randomUUID()}`
    for (const { code } of codes) await done(client, 'redeemCode', { code, reference }, 'redemption { id }')
    const { page } = await openConsole(service, { path: '/codes', scopes: ['READ'] })
    await codeField(page).fill(reference)
    await press(page, `See what was redeemed for the order “${reference}”`)
    const rows = page.getByRole('row')
    await rowOf(page, codes[20]?.code ?? '').waitFor()
    await press(page, 'Show more')
    await rowOf(page, codes[0]?.code ?? '').waitFor()
    expect(await rows.count()).toBe(22)
    expect(await page.getByRole('button', { name: 'Roll back' }).count()).toBe(0)
  })

  test('voids it with a reason, and unvoids it', async () => {
    const { code } = await newClaimed()
    const { page } = await openConsole(service, { path: '/codes' })
    await codeField(page).fill(code)
    await press(page, 'Void')
    await page.getByRole('textbox', { name: 'Reason' }).fill('a screenshot in a forum')
    await press(page, `Void ${code}`)
    await page.getByText('a screenshot in a forum').waitFor()
    await press(page, 'Unvoid')
    await press(page, `Unvoid ${code}`)
    await page.getByText('Somebody has it, and it can be redeemed.').waitFor()
  })

  test('leads there from lists without showing the code in the address', async () => {
    const { poolId, code } = await newClaimed()
    const { page } = await openConsole(service, { path: addressOf(poolId) })
    await page.getByRole('link', { name: code }).click()
    await page.getByRole('heading', { name: code }).waitFor()
    expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/codes')
  })

  test('with a key that may only read offers nothing else', async () => {
    const { code } = await newClaimed()
    const { page } = await openConsole(service, { path: '/codes', scopes: ['READ'] })
    await codeField(page).fill(code)
    await page.getByRole('heading', { name: code }).waitFor()
    expect(await page.getByRole('button', { name: /Redeem|Void/ }).count()).toBe(0)
  })
})

describe('where look-ups that find nothing are limited', () => {
  const strict = useService({ failedLookUpsPerMinute: 1 })
  test('the page says how long to wait, and what it looks up then', async () => {
    const { page } = await openConsole(strict, { path: '/codes' })
    await codeField(page).fill('nothing-like-it')
    await page.getByText('There is no such code').waitFor()
    await takeScreenshot(page, 'look-up-none')
    await codeField(page).fill('neither-this')
    await page.getByText('Too many look-ups have found nothing').waitFor()
    await page.getByText(/This code is looked up in \d+ seconds\./).waitFor()
    await takeScreenshot(page, 'look-up-limited')
    await expectAccessible(page)
  })
})

describe('a till, whose key only redeems', () => {
  test('redeems one code after the other, and is not told who has them', async () => {
    const { codes, recipient } = await newClaimed(2)
    const { page } = await openConsole(service, { path: '/codes', scopes: ['REDEEM'], width: 390 })
    for (const [i, { code }] of codes.entries()) {
      await codeField(page).fill(code.toLowerCase())
      await page.getByRole('textbox', { name: 'Reference' }).fill(`order ${i}`)
      await page.keyboard.press('Enter')
      await page.getByText(`${code} is redeemed`).waitFor()
      expect(await codeField(page).inputValue()).toBe('')
    }
    await takeScreenshot(page, 'till')
    await expectAccessible(page)
    expect(await page.content()).not.toContain(recipient)
    expect(await Promise.all(codes.map(({ code }) => factsOf(code)))).toMatchObject([
      { validity: 'REDEEMED' },
      { validity: 'REDEEMED' },
    ])
  })

  test('says why a code is not redeemed, at the field where it matters', async () => {
    const { codes, code } = await newClaimed(2)
    await done(client, 'redeemCode', { code, reference: 'order 1', place: 'Till 1' }, 'redemption { id }')
    const { page } = await openConsole(service, { path: '/codes', scopes: ['REDEEM'] })
    await codeField(page).fill(code)
    await press(page, 'Redeem')
    await page.getByText('Give a reference').waitFor()
    await page.getByRole('textbox', { name: 'Reference' }).fill('order 2')
    await press(page, 'Redeem')
    await page.getByText(/already been redeemed/).waitFor()
    expect(await codeField(page).inputValue()).toBe(code)
    await codeField(page).fill(codes[1]?.code ?? '')
    await press(page, 'Redeem')
    await page.getByText(`${codes[1]?.code} is redeemed`).waitFor()
    await press(page, 'Roll back')
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click()
    await said(page, 'was rolled back')
  })
})
