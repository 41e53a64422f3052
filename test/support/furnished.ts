import { claim, done, generate, mutate, newPool, newWebhook, withScopes } from './api.ts'
import type { Client } from './client.ts'
import { letHoursPass } from './past.ts'
import type { TestService } from './service.ts'
import { postCodes } from './upload-api.ts'

/** An account in which there is something of everything, with the longest names and the largest numbers that are possible. */
export interface Furnished {
  poolId: string
  hugePoolId: string
  archivedPoolId: string
  barePoolId: string
  formatId: string
  longFormatId: string
  generationId: string
  uploadId: string
  failedUploadId: string
  failingWebhookId: string
  disabledWebhookId: string
}

// Some languages are written from right to left; some have long words; and some people like pictures.
const longName =
  'Donaudampfschifffahrtsgesellschaftskapitänsmützen🎁🎉بيع الصيف – Rindfleischetikettierung'.padEnd(100, 'x')

/** The service allows the network of 127.0.0.1 for webhooks. */
export async function furnish(service: TestService, client: Client): Promise<Furnished> {
  const failingWebhookId = await newWebhook(client, { url: `http://127.0.0.1:1/${'x'.repeat(1_900)}` })
  const newFormat = async (name: string, length: number, prefix: string) => {
    const shape = { prefix, body: { length }, characters: { set: 'UNAMBIGUOUS' } }
    return (await done<{ format: { id: string } }>(client, 'createFormat', { name, shape }, 'format { id }'))
      .format.id
  }
  const formatId = await newFormat('Summer letters', 6, 'SUMMER-')
  const longFormatId = await newFormat(longName, 20, '')
  const [poolId, hugePoolId, archivedPoolId] = [
    await newPool(client, 'Summer sale'),
    await newPool(client, longName),
    await newPool(client, 'Winter sale'),
  ]
  const description = `For the newsletter. ${'A long story. '.repeat(70)}`.slice(0, 1_000)
  await done(
    client,
    'updatePool',
    { poolId: hugePoolId, description, externalId: 'x'.repeat(255) },
    'pool { id }',
  )
  const generationId = await generate(client, { poolId, formatId, quantity: 12_345 })
  await generate(client, { poolId: hugePoolId, formatId: longFormatId, quantity: `${10n ** 27n}` })
  await generate(client, { poolId: archivedPoolId, formatId, quantity: 3 })
  await done(client, 'archivePool', { poolId: archivedPoolId }, 'pool { id }')
  const settings = { method: 'GENERATE', formatId, quantity: 500, refillThreshold: 10, autoGenerate: true }
  await done(client, 'saveReplenishment', { poolId, ...settings }, 'pool { id }')

  for (const [hours, count] of [
    [400, 700],
    [30, 80],
    [5, 200],
    [1, 55],
    [0, 21],
  ] as const) {
    await claim(client, poolId, count)
    await claim(client, hugePoolId, count * 10)
    await letHoursPass(service, hours)
  }
  await claimFor(client, poolId, ['anna@example.com', longName.repeat(2), '🎁'])
  const [redeemed, voided, ...others] = await claim(client, poolId, 6)
  await done(
    client,
    'redeemCode',
    { code: redeemed?.code, reference: 'Order 1017', place: 'Berlin' },
    'redemption { id }',
  )
  await done(client, 'voidCodes', { select: { codeIds: [voided?.id] }, reason: 'Abuse' }, 'voidedCount')

  const post = async (file: string, search = {}) => {
    const { task } = await postCodes(service, client, poolId, file, { search })
    const id = task?.id ?? ''
    await ended(client, id)
    return id
  }
  const codes = Array.from({ length: 300 }, (_, i) => `FILE-${i}`)
  const uploadId = await post(
    ['code', ...codes, 'FILE-1', '', others[0]?.code ?? '', 'x'.repeat(300)].join('\n'),
  )
  const failedUploadId = await post('Anna,B-1\nBen,B-2\n')
  await post('DRY-1\nDRY-2\n', { dryRun: 'true' })
  await done(
    client,
    'withdrawCodes',
    { poolId, taskId: uploadId, reason: 'The file leaked' },
    'withdrawnCount',
  )

  await withScopes(service, client, ['CLAIM'])
  const { keyId } = await withScopes(service, client, ['READ', 'REDEEM'])
  await done(client, 'revokeApiKey', { apiKeyId: keyId }, 'apiKey { id }')
  const disabledWebhookId = await newWebhook(client, {
    kinds: ['POOL_LOW', 'POOL_EMPTY'],
    poolId: hugePoolId,
  })
  await done(client, 'updateWebhook', { webhookId: disabledWebhookId, enabled: false }, 'webhook { id }')
  const barePoolId = await newPool(client, 'Autumn sale')
  return {
    poolId,
    hugePoolId,
    archivedPoolId,
    barePoolId,
    formatId,
    longFormatId,
    generationId,
    uploadId,
    failedUploadId,
    failingWebhookId,
    disabledWebhookId,
  }
}

async function claimFor(client: Client, poolId: string, recipients: readonly string[]): Promise<void> {
  for (const recipient of recipients) await mutate(client, 'claimCodes', { poolId, recipient, count: 2 })
}

/** Resolves when a task has ended, however. */
async function ended(client: Client, id: string): Promise<void> {
  const updates = client.subscribe('subscription ($id: ID!) { taskUpdated(id: $id) { status } }', { id })
  for await (const _ of updates);
}
