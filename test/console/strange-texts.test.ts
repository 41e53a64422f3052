import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { Networks } from '../../src/outgoing/networks.ts'
import { claim, done, mutate, newStock, newWebhook } from '../support/api.ts'
import { openConsole, takeScreenshot } from '../support/console.ts'
import { useClient, useService } from '../support/service.ts'

const markup = '<img/src=x/onerror=document.title="broken"><script>document.title="broken"</script>'

/** Names without a place to break a line, nearly all as long as they may be. */
const names = [markup.padEnd(100, '-'), 'W'.repeat(100), '👩‍👩‍👧‍👦🎁בדיקהبيعالصيف'.padEnd(60, '🎉')]

/** What texts that are no names may also contain: characters that turn the direction of what follows, without an end. */
const turned = (what: string) => `\u202e${what}\u2067Zoë${names.join('').slice(0, 230)}`

const width = 390

describe('texts that somebody has written', () => {
  const service = useService({ webhookAllowedNetworks: Networks.parse('127.0.0.1') })
  const client = useClient(service)

  test('are shown as they are, and do not break a screen of a phone', async () => {
    const [recipient, reason, reference, place, description] = [
      'recipient',
      'reason',
      'reference',
      'place',
      'description',
    ].map(turned)
    let [poolId, formatId] = ['', '']
    for (const name of names) {
      ;({ poolId, formatId } = await newStock(client, 5))
      await done(client, 'updatePool', { poolId, name, description, externalId: name }, 'pool { id }')
      await done(client, 'renameFormat', { formatId, name }, 'format { id }')
      await done(client, 'createApiKey', { name, scopes: ['CLAIM'] }, 'secret')
    }
    const webhookId = await newWebhook(client, { poolId })
    await mutate(client, 'claimCodes', { poolId, recipient, count: 1 })
    const [redeemed, voided] = await claim(client, poolId, 2)
    await done(client, 'redeemCode', { code: redeemed?.code, reference, place }, 'redemption { id }')
    await done(client, 'voidCodes', { select: { codeIds: [voided?.id] }, reason }, 'voidedCount')

    const { page } = await openConsole(service, { width })
    const faults: string[] = []
    const look = async (at: string, texts: readonly (string | undefined)[]) => {
      for (const text of texts)
        await page
          .getByRole('main')
          .getByText(text ?? '')
          .first()
          .waitFor()
      faults.push(...(await faultsOf(page, at)))
    }
    for (const [at, path, texts] of [
      ['pools', '/', [...names, description]],
      ['settings', `/pools/${poolId}/settings`, [names.at(-1), description]],
      ['codes', `/pools/${poolId}/all-codes`, [names.at(-1), recipient]],
      ['activity of a pool', `/pools/${poolId}/activity`, [names.at(-1), reason]],
      ['formats', '/formats', names],
      ['format', `/formats/${formatId}`, [names.at(-1)]],
      ['activity', '/activity', [...names, reason]],
      ['keys', '/keys', names],
      ['webhooks', '/webhooks', [names.at(-1)]],
      ['webhook', `/webhooks/${webhookId}`, [names.at(-1)]],
    ] as const) {
      await page.goto(path)
      await look(at, texts)
    }
    await page.goto('/codes')
    await page.getByRole('textbox', { name: 'Code', exact: true }).fill(redeemed?.code ?? '')
    await look('look-up', [names.at(-1), reference, place])
    expect(faults).toEqual([])
  })
})

/** What was taken for more than text, and what makes the page scroll sideways. */
async function faultsOf(page: Page, at: string): Promise<string[]> {
  await takeScreenshot(page, `strange-${at}`)
  const needed = Number(await page.evaluate('document.documentElement.scrollWidth'))
  const title = await page.title()
  return [
    ...(needed > width ? [`${at}: ${needed} pixels wide`] : []),
    ...(title === 'broken' ? [`${at}: ran a script`] : []),
    ...((await page.locator('#root img, #root script').count()) > 0 ? [`${at}: has elements of a text`] : []),
  ]
}
