import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Networks } from '../../src/outgoing/networks.ts'
import {
  claim,
  done,
  mutate,
  newFormat,
  newPool,
  newStock,
  newWebhook,
  stranger,
  withScopes,
} from '../support/api.ts'
import type { Client } from '../support/client.ts'
import { useClient, useService } from '../support/service.ts'

const service = useService({ webhookAllowedNetworks: Networks.parse('127.0.0.1') })
/** The client of the account that asks. */
const mine = useClient(service)
/** The client of the account that owns what is asked for. */
let theirs: Client

/** What the other account has, each with a counterpart that does not exist. */
let secrets: Record<string, { theirs: string; nobodys: string }>
let own: { poolId: string; formatId: string; taskId: string; webhookId: string }

const globalId = (type: string, id: string) => Buffer.from(`${type}:${id}`).toString('base64')

beforeAll(async () => {
  theirs = await stranger(service)
  own = { ...(await newStock(mine, 3)), webhookId: await newWebhook(mine) }
  const { poolId, formatId, taskId } = await newStock(theirs, 5)
  const externalId = randomUUID()
  await done(theirs, 'updatePool', { poolId, externalId }, 'pool { id }')
  const recipient = randomUUID()
  const { codes } = await done<{ codes: { id: string; code: string }[] }>(
    theirs,
    'claimCodes',
    { poolId, recipient },
    'codes { id code }',
  )
  const [claimed] = codes
  const { redemption } = await done<{ redemption: { id: string; reference: string } }>(
    theirs,
    'redeemCode',
    { code: claimed?.code, reference: randomUUID() },
    'redemption { id reference }',
  )
  const key = await withScopes(service, theirs, ['READ'])
  const seen = await theirs.ask<{
    account: { id: string }
    eventCursor: string
    pool: {
      name: string
      claims: { edges: { node: { id: string } }[] }
      codes: { edges: { node: { id: string; code: string } }[] }
    }
  }>(
    'query ($id: ID!) { account { id } eventCursor pool(id: $id) { name claims { edges { node { id } } } codes(status: AVAILABLE) { edges { node { id code } } } } }',
    { id: poolId },
  )
  const [available] = seen.pool.codes.edges
  const no = (type: string) => globalId(type, randomUUID())
  const noCode = globalId('Code', `${randomUUID()}:0`)
  secrets = {
    pool: { theirs: poolId, nobodys: no('Pool') },
    format: { theirs: formatId, nobodys: no('Format') },
    task: { theirs: taskId, nobodys: no('Task') },
    redemption: { theirs: redemption.id, nobodys: no('Redemption') },
    reference: { theirs: redemption.reference, nobodys: randomUUID() },
    webhook: { theirs: await newWebhook(theirs), nobodys: no('Webhook') },
    key: { theirs: key.keyId, nobodys: no('ApiKey') },
    account: { theirs: seen.account.id, nobodys: no('Account') },
    availableCode: { theirs: available?.node.id ?? '', nobodys: noCode },
    claimedCode: { theirs: claimed?.id ?? '', nobodys: noCode },
    availableText: { theirs: available?.node.code ?? '', nobodys: 'NEVER-GENERATED' },
    claimedText: { theirs: claimed?.code ?? '', nobodys: 'NEVER-GENERATED' },
    eventCursor: {
      theirs: seen.eventCursor,
      nobodys: Buffer.from(`${randomUUID()}:1`).toString('base64url'),
    },
    claim: {
      theirs: seen.pool.claims.edges[0]?.node.id ?? '',
      nobodys: globalId('Claim', `${randomUUID()}:0`),
    },
    recipient: { theirs: recipient, nobodys: randomUUID() },
    name: { theirs: seen.pool.name, nobodys: randomUUID() },
    externalId: { theirs: externalId, nobodys: randomUUID() },
  }
})

afterAll(async () => {
  await theirs[Symbol.asyncDispose]()
})

const kinds = [
  'pool',
  'format',
  'task',
  'redemption',
  'webhook',
  'claim',
  'key',
  'account',
  'availableCode',
  'claimedCode',
]
const errors = '__typename ... on UserError { message code path }'

/** Every place of the API that takes an id, a cursor, a name or a code as `$x`; `$mine…` belong to the caller. */
const probes: [kind: string, operation: string][] = [
  ...kinds.flatMap((kind): [string, string][] => [
    [kind, 'query ($x: ID!) { node(id: $x) { __typename id } }'],
    [kind, 'query ($x: ID!) { nodes(ids: [$x, $x]) { __typename id } }'],
    [kind, 'query ($x: ID!) { pool(id: $x) { id name } }'],
    [kind, 'query ($x: ID!) { format(id: $x) { id name } }'],
    [kind, 'query ($x: ID!) { task(id: $x) { id status } }'],
    [kind, 'query ($x: ID!) { tasks(poolId: $x) { totalCount edges { node { id } } } }'],
    [
      kind,
      'query ($x: ID!) { poolEvents(poolId: $x) { edges { cursor } pageInfo { hasNextPage hasPreviousPage } } }',
    ],
    [kind, `mutation ($x: ID!) { renamePool(input: { poolId: $x, name: "n" }) { ${errors} } }`],
    [kind, `mutation ($x: ID!) { updatePool(input: { poolId: $x, description: "d" }) { ${errors} } }`],
    [kind, `mutation ($x: ID!) { saveTerms(input: { poolId: $x }) { ${errors} } }`],
    [kind, `mutation ($x: ID!) { archivePool(input: { poolId: $x }) { ${errors} } }`],
    [kind, `mutation ($x: ID!) { unarchivePool(input: { poolId: $x }) { ${errors} } }`],
    [kind, `mutation ($x: ID!) { renameFormat(input: { formatId: $x, name: "n" }) { ${errors} } }`],
    [kind, `mutation ($x: ID!) { cancelTask(input: { taskId: $x }) { ${errors} } }`],
    [kind, `mutation ($x: ID!) { revokeApiKey(input: { apiKeyId: $x }) { ${errors} } }`],
    [kind, `mutation ($x: ID!) { claimCodes(input: { poolId: $x }) { ${errors} } }`],
    [kind, `mutation ($x: ID!) { claimFile(input: { poolId: $x, count: 1 }) { ${errors} } }`],
    [
      kind,
      `mutation ($x: ID!) { claimForRecipients(input: { poolId: $x, recipients: ["Ada"] }) { ${errors} } }`,
    ],
    [kind, `query ($x: ID!) { claims(recipient: "Ada", poolId: $x) { edges { node { id } } } }`],
    [kind, `mutation ($x: ID!) { rollBackRedemption(input: { redemptionId: $x }) { ${errors} } }`],
    [
      kind,
      `mutation ($x: ID!) { claimCodes(input: { poolId: $x, count: 10000, idempotencyKey: "k" }) { ${errors} } }`,
    ],
    [kind, `mutation ($x: ID!) { saveReplenishment(input: { poolId: $x, method: UPLOAD }) { ${errors} } }`],
    [
      kind,
      `mutation ($x: ID!, $minePool: ID!) {
        saveReplenishment(input: { poolId: $minePool, method: GENERATE, formatId: $x, quantity: 1, autoGenerate: true }) { ${errors} }
      }`,
    ],
    [
      kind,
      `mutation ($x: ID!, $mineFormat: ID!) {
        generateCodes(input: { poolId: $x, formatId: $mineFormat, quantity: 1 }) { ${errors} }
      }`,
    ],
    [
      kind,
      `mutation ($x: ID!, $minePool: ID!) {
        generateCodes(input: { poolId: $minePool, formatId: $x, quantity: 1, idempotencyKey: "k" }) { ${errors} }
      }`,
    ],
    ...['withdrawCodes', 'restoreCodes'].flatMap((change): [string, string][] => [
      [kind, `mutation ($x: ID!) { ${change}(input: { poolId: $x }) { ${errors} } }`],
      [
        kind,
        `mutation ($x: ID!, $minePool: ID!) { ${change}(input: { poolId: $minePool, taskId: $x }) { ${errors} } }`,
      ],
    ]),
    ...['voidCodes', 'unvoidCodes'].flatMap((act) =>
      [
        '{ codeIds: [$x] }',
        '{ claimId: $x }',
        '{ taskId: $x }',
        '{ recipient: { recipient: "Ada", poolId: $x } }',
      ].map((select): [string, string] => [
        kind,
        `mutation ($x: ID!) { ${act}(input: { select: ${select} }) { ${errors} } }`,
      ]),
    ),
    [kind, 'query ($x: ID!) { webhook(id: $x) { id status } }'],
    [
      kind,
      `mutation ($x: ID!) { createWebhook(input: { url: "http://127.0.0.1:1/", poolId: $x }) { ${errors} } }`,
    ],
    [kind, `mutation ($x: ID!) { updateWebhook(input: { webhookId: $x, kinds: [POOL_LOW] }) { ${errors} } }`],
    [
      kind,
      `mutation ($x: ID!, $mineWebhook: ID!) {
        updateWebhook(input: { webhookId: $mineWebhook, poolId: $x }) { ${errors} }
      }`,
    ],
    ...['deleteWebhook', 'rotateWebhookSecret', 'sendTestDelivery'].map((change): [string, string] => [
      kind,
      `mutation ($x: ID!) { ${change}(input: { webhookId: $x }) { ${errors} } }`,
    ]),
    [kind, 'subscription ($x: ID!) { taskUpdated(id: $x) { id } }'],
    [kind, 'subscription ($x: ID!) { poolUpdated(id: $x) { id } }'],
    [kind, 'subscription ($x: ID!) { poolEvents(poolId: $x) { cursor } }'],
  ]),
  ...['availableCode', 'claimedCode'].flatMap((kind): [string, string][] =>
    ['after', 'before'].map((name) => [
      kind,
      `query ($x: String!, $minePool: ID!) {
        pool(id: $minePool) { codes(status: AVAILABLE, ${name}: $x) { edges { node { id } } } }
      }`,
    ]),
  ),
  ['availableText', 'query ($x: String!) { code(code: $x) { id status } }'],
  ['claimedText', 'query ($x: String!) { code(code: $x) { id status recipient } }'],
  ...['availableText', 'claimedText'].map((kind): [string, string] => [
    kind,
    `mutation ($x: String!) { redeemCode(input: { code: $x, reference: "r" }) { ${errors} } }`,
  ]),
  ['reference', 'query ($x: String!) { redemptions(reference: $x) { edges { node { id } } } }'],
  ['recipient', 'query ($x: String!) { claims(recipient: $x) { edges { node { id } } } }'],
  [
    'recipient',
    'mutation ($x: String!) { forgetRecipient(input: { recipient: $x }) { ... on ForgetRecipientPayload { claimCount } } }',
  ],
  ['claim', 'query ($x: String!) { claims(recipient: "Ada", after: $x) { edges { node { id } } } }'],
  [
    'claim',
    'query ($x: String!, $minePool: ID!) { pool(id: $minePool) { claims(after: $x) { edges { node { id } } } } }',
  ],
  ['eventCursor', 'query ($x: String!) { poolEvents(after: $x) { edges { cursor } } }'],
  ['eventCursor', 'query ($x: String!) { poolEvents(before: $x) { edges { cursor } } }'],
  ['eventCursor', 'subscription ($x: String!) { poolEvents(after: $x) { cursor } }'],
  ['eventCursor', 'subscription ($x: String!) { webhookDisabled(after: $x) { cursor } }'],
  [
    'eventCursor',
    `mutation ($x: String!) { createWebhook(input: { url: "http://127.0.0.1:1/", after: $x }) { ${errors} } }`,
  ],
  ['externalId', 'query ($x: String!) { poolByExternalId(externalId: $x) { id } }'],
  [
    'recipient',
    `mutation ($x: String!) { voidCodes(input: { select: { recipient: { recipient: $x } } }) {
      ... on VoidCodesPayload { voidedCount alreadyVoidCount pools { id } }
    } }`,
  ],
  [
    'recipient',
    `mutation ($x: String!) { unvoidCodes(input: { select: { recipient: { recipient: $x } } }) {
      ... on UnvoidCodesPayload { unvoidedCount notVoidCount pools { id } }
    } }`,
  ],
  ['name', 'query ($x: String!) { pools(search: $x) { totalCount } formats(search: $x) { totalCount } }'],
]

/** The answer to an operation, over whichever transport it takes. */
async function answer(operation: string, x: string): Promise<string> {
  const variables: Record<string, string> = { x }
  if (operation.includes('$minePool')) variables['minePool'] = own.poolId
  if (operation.includes('$mineWebhook')) variables['mineWebhook'] = own.webhookId
  if (operation.includes('$mineFormat')) variables['mineFormat'] = own.formatId
  if (!operation.startsWith('subscription')) return asText(await mine.send(operation, variables))
  const updates = mine.subscribe(operation, variables)
  const first = await updates.next()
  await updates.return?.()
  return asText(first)
}

/** An answer as JSON, without the id of its request. */
function asText(answer: unknown): string {
  return JSON.stringify(answer, (name, value) => (name === 'requestId' ? undefined : value))
}

describe('what belongs to another account', () => {
  test.each(probes)(
    'as a %s gets the same answer as what does not exist from %s',
    async (kind, operation) => {
      const secret = secrets[kind]
      const asked = await answer(operation, secret?.theirs ?? '')
      expect(asked).toBe(await answer(operation, secret?.nobodys ?? ''))
      expect(asked).not.toContain(secret?.theirs)
      expect(asked).not.toContain('INTERNAL')
    },
  )

  test('is found by its owner with the same operations', async () => {
    const { node } = await theirs.ask<{ node: { status: string } }>(
      'query ($x: ID!) { node(id: $x) { ... on Code { status } } }',
      { x: secrets['claimedCode']?.theirs },
    )
    expect(node).toEqual({ status: 'CLAIMED' })
    for (const kind of kinds) {
      const found = await theirs.ask<{ node: { id: string } }>('query ($x: ID!) { node(id: $x) { id } }', {
        x: secrets[kind]?.theirs,
      })
      expect(found.node.id).toBe(secrets[kind]?.theirs)
    }
    const found = await theirs.ask<{ code: object }>('query ($x: String!) { code(code: $x) { id } }', {
      x: secrets['claimedText']?.theirs,
    })
    expect(found.code).toEqual({ id: secrets['claimedCode']?.theirs })
  })

  test('does not change, whatever is tried', async () => {
    const { pool, format, account } = await theirs.ask<{
      pool: object
      format: object
      account: { apiKeys: { revokedAt: string | null }[]; webhooks: object[] }
    }>(
      `query ($pool: ID!, $format: ID!) {
        pool(id: $pool) {
          name description archivedAt availableCount claimedCount withdrawnCount voidedCount replenishment { method autoGenerate } tasks { totalCount }
          redemptions { edges { node { rolledBackAt } } }
        }
        format(id: $format) { generatedCount reservedCount }
        account { apiKeys { revokedAt } webhooks { kinds disabledAt overlapUntil deliveries { edges { cursor } } } }
      }`,
      { pool: secrets['pool']?.theirs, format: secrets['format']?.theirs },
    )
    expect(pool).toEqual({
      name: secrets['name']?.theirs,
      description: null,
      archivedAt: null,
      availableCount: '4',
      claimedCount: '1',
      withdrawnCount: '0',
      voidedCount: '0',
      replenishment: { method: 'GENERATE', autoGenerate: false },
      tasks: { totalCount: '1' },
      redemptions: { edges: [{ node: { rolledBackAt: null } }] },
    })
    expect(format).toEqual({ generatedCount: '5', reservedCount: '0' })
    expect(account.apiKeys.map((key) => key.revokedAt)).toEqual([null, null])
    expect(account.webhooks).toEqual([
      { kinds: [], disabledAt: null, overlapUntil: null, deliveries: { edges: [] } },
    ])
  })

  test('is in no list and no count', async () => {
    const lists = await mine.ask<Record<string, { totalCount: string; edges: { node: { id: string } }[] }>>(
      `{
        pools { totalCount edges { node { id } } }
        formats { totalCount edges { node { id } } }
        tasks { totalCount edges { node { id } } }
      }`,
    )
    expect(lists['pools']).toEqual({ totalCount: '1', edges: [{ node: { id: own.poolId } }] })
    expect(lists['formats']).toEqual({ totalCount: '1', edges: [{ node: { id: own.formatId } }] })
    expect(lists['tasks']).toEqual({ totalCount: '1', edges: [{ node: { id: own.taskId } }] })
    const { poolEvents, account } = await mine.ask<{
      poolEvents: { edges: { node: { pool: { id: string } } }[] }
      account: { apiKeys: { name: string }[]; webhooks: { id: string }[] }
    }>('{ poolEvents { edges { node { pool { id } } } } account { apiKeys { name } webhooks { id } } }')
    expect(new Set(poolEvents.edges.map((edge) => edge.node.pool.id))).toEqual(new Set([own.poolId]))
    expect(account.apiKeys.map((key) => key.name)).toEqual(['First key'])
    expect(account.webhooks).toEqual([{ id: own.webhookId }])
  })

  test('is in no live event', async () => {
    const { eventCursor } = await mine.ask<{ eventCursor: string }>('{ eventCursor }')
    const stocks = [await newStock(mine, 1)]
    const events = mine.subscribe<{ poolEvents: { __typename: string; pool: { id: string } } }>(
      'subscription ($after: String) { poolEvents(after: $after) { __typename pool { id } } }',
      { after: eventCursor },
    )
    const seen: (string | undefined)[] = []
    for await (const { data } of events) {
      seen.push(data?.poolEvents.pool.id)
      if (data?.poolEvents.__typename !== 'PoolRefilledEvent') continue
      // Events from here on are live.
      if (stocks.length === 3) break
      await newStock(theirs, 1)
      stocks.push(await newStock(mine, 1))
    }
    expect(seen).toEqual(stocks.flatMap(({ poolId }) => [poolId, poolId, poolId, poolId, poolId]))
  })
})

describe('two accounts', () => {
  test('may have formats of the same shape with unrelated codes', async () => {
    const shape = { prefix: `${randomUUID()}-`, body: { length: 3 }, characters: { set: 'DIGITS' } }
    const [here, there] = [await newStock(mine, 1_000, shape), await newStock(theirs, 1_000, shape)]
    const [a, b] = [await claim(mine, here.poolId, 20), await claim(theirs, there.poolId, 20)]
    // They are equal by chance once in 1000^20 runs.
    expect(a.map((code) => code.code)).not.toEqual(b.map((code) => code.code))
    const [code] = a
    const asking = 'query ($code: String!) { code(code: $code) { id pool { id } } }'
    expect(await mine.ask(asking, { code: code?.code })).toEqual({
      code: { id: code?.id, pool: { id: here.poolId } },
    })
    const other = await theirs.ask<{ code: { pool: { id: string } } }>(asking, { code: code?.code })
    expect(other.code.pool.id).toBe(there.poolId)
  })

  test('learn nothing about each other from a preview', async () => {
    const prefix = randomUUID()
    await newFormat(theirs, { prefix, body: { length: 5 }, characters: { set: 'DIGITS' } })
    const { previewFormat } = await mine.ask<{ previewFormat: object }>(
      'query ($shape: FormatShapeInput!) { previewFormat(shape: $shape) { ... on FormatPreview { overlaps { id } } } }',
      { shape: { prefix, body: { length: 5 }, characters: { set: 'DIGITS' } } },
    )
    expect(previewFormat).toEqual({ overlaps: [] })
  })

  test('may use the same idempotency keys', async () => {
    const idempotencyKey = randomUUID()
    const [here, there] = [await newStock(mine, 5), await newStock(theirs, 5)]
    const claimed = async (from: Client, poolId: string, count: number) =>
      (
        await done<{ codes: { code: string }[] }>(
          from,
          'claimCodes',
          { poolId, count, idempotencyKey },
          'codes { code }',
        )
      ).codes.map((code) => code.code)
    const a = await claimed(mine, here.poolId, 2)
    const b = await claimed(theirs, there.poolId, 3)
    expect(await claimed(mine, here.poolId, 2)).toEqual(a)
    expect(await claimed(theirs, there.poolId, 3)).toEqual(b)
    expect(a.some((code) => b.includes(code))).toBe(false)
    const task = (from: Client, stock: { poolId: string; formatId: string }) =>
      mutate<{ task: { id: string } }>(
        from,
        'generateCodes',
        { poolId: stock.poolId, formatId: stock.formatId, quantity: 1, idempotencyKey },
        'task { id }',
      )
    expect((await task(mine, here)).task.id).not.toBe((await task(theirs, there)).task.id)
  })

  test('may use the same names', async () => {
    const name = randomUUID()
    await newPool(mine, name)
    await newPool(theirs, name)
    for (const from of [mine, theirs])
      expect(
        await from.ask('query ($name: String) { pools(search: $name) { totalCount } }', { name }),
      ).toEqual({
        pools: { totalCount: '1' },
      })
  })
})
