import { randomUUID } from 'node:crypto'
import { type GraphQLInputType, getNamedType, isInputObjectType } from 'graphql'
import { beforeAll, describe, expect, test } from 'vitest'
import { encodeId, uuidOf } from '../../src/graphql/ids.ts'
import { schema } from '../../src/graphql/schema.ts'
import { Networks } from '../../src/outgoing/networks.ts'
import { claim, done, mutate, newStock, newWebhook } from '../support/api.ts'
import { useClient, useService } from '../support/service.ts'
import { postCodes, uploadByForm } from '../support/upload-api.ts'

const service = useService({ webhookAllowedNetworks: Networks.parse('127.0.0.1') })
const client = useClient(service)
/** The id of an existing object of each type. */
let ids: Record<string, string>

beforeAll(async () => {
  const { poolId, formatId, taskId } = await newStock(client, 1)
  const { account } = await client.ask<{ account: { id: string; apiKeys: { id: string }[] } }>(
    '{ account { id apiKeys { id } } }',
  )
  const { pool } = await client.ask<{ pool: { codes: { edges: { node: { id: string } }[] } } }>(
    'query ($id: ID!) { pool(id: $id) { codes(status: AVAILABLE) { edges { node { id } } } } }',
    { id: poolId },
  )
  const sold = await newStock(client, 1)
  const [claimed] = await claim(client, sold.poolId)
  const { redemption } = await done<{ redemption: { id: string } }>(
    client,
    'redeemCode',
    { code: claimed?.code, reference: 'order 1' },
    'redemption { id }',
  )
  ids = {
    pool: poolId,
    format: formatId,
    task: taskId,
    account: account.id,
    'API key': account.apiKeys[0]?.id ?? '',
    code: pool.codes.edges[0]?.node.id ?? '',
    claim: encodeId('Claim', `${uuidOf('Pool', poolId)}:0`),
    redemption: redemption.id,
    webhook: await newWebhook(client),
  }
})

/** The other fields of a mutation's input, besides the id under test. */
const rest: Record<string, () => Record<string, unknown>> = {
  renamePool: () => ({ name: randomUUID() }),
  renameFormat: () => ({ name: randomUUID() }),
  saveReplenishment: () => ({ poolId: ids['pool'], method: 'GENERATE', formatId: ids['format'] }),
  withdrawCodes: () => ({ poolId: ids['pool'] }),
  restoreCodes: () => ({ poolId: ids['pool'] }),
  createWebhook: () => ({ url: 'http://127.0.0.1:1/' }),
  updateWebhook: () => ({ webhookId: ids['webhook'] }),
  claimFile: () => ({ count: 1 }),
  claimForRecipients: () => ({ recipients: ['Ada'] }),
  generateCodes: () => ({ poolId: ids['pool'], formatId: ids['format'], quantity: 1 }),
}

/** The type that each id must have, by the place where it is given. */
const inputs: Record<string, string> = {
  'archivePool poolId': 'pool',
  'cancelTask taskId': 'task',
  'claimCodes poolId': 'pool',
  'claimFile poolId': 'pool',
  'claimForRecipients poolId': 'pool',
  'createWebhook poolId': 'pool',
  'deleteWebhook webhookId': 'webhook',
  'generateCodes formatId': 'format',
  'generateCodes poolId': 'pool',
  'renameFormat formatId': 'format',
  'renamePool poolId': 'pool',
  'restoreCodes poolId': 'pool',
  'restoreCodes taskId': 'task',
  'revokeApiKey apiKeyId': 'API key',
  'rollBackRedemption redemptionId': 'redemption',
  'rotateWebhookSecret webhookId': 'webhook',
  'saveReplenishment formatId': 'format',
  'saveReplenishment poolId': 'pool',
  'saveTerms poolId': 'pool',
  'sendTestDelivery webhookId': 'webhook',
  'unarchivePool poolId': 'pool',
  'undoUpload taskId': 'task',
  'updatePool poolId': 'pool',
  'updateWebhook poolId': 'pool',
  'updateWebhook webhookId': 'webhook',
  'unvoidCodes claimId': 'claim',
  'unvoidCodes codeIds': 'code',
  'unvoidCodes poolId': 'pool',
  'unvoidCodes taskId': 'task',
  'uploadCodes poolId': 'pool',
  'withdrawCodes poolId': 'pool',
  'withdrawCodes taskId': 'task',
  'voidCodes claimId': 'claim',
  'voidCodes codeIds': 'code',
  'voidCodes poolId': 'pool',
  'voidCodes taskId': 'task',
}

/** How an id in a choice of codes is given, and the path of an error about it. */
const choices: Record<string, (id: string | undefined) => [select: object, path: string[]]> = {
  claimId: (claimId) => [{ claimId }, ['select', 'claimId']],
  codeIds: (id) => [{ codeIds: [ids['code'], id] }, ['select', 'codeIds', '1']],
  poolId: (poolId) => [{ recipient: { recipient: 'Ada', poolId } }, ['select', 'recipient', 'poolId']],
  taskId: (taskId) => [{ taskId }, ['select', 'taskId']],
}

const args: Record<string, { wanted: string; operation: string }> = {
  'Query.claims poolId': {
    wanted: 'pool',
    operation: 'query ($id: ID!) { claims(recipient: "Ada", poolId: $id) { edges { cursor } } }',
  },
  'Query.tasks poolId': {
    wanted: 'pool',
    operation: 'query ($id: ID!) { tasks(poolId: $id) { totalCount } }',
  },
  'Query.poolEvents poolId': {
    wanted: 'pool',
    operation: 'query ($id: ID!) { poolEvents(poolId: $id) { edges { cursor } } }',
  },
  'Subscription.poolEvents poolId': {
    wanted: 'pool',
    operation: 'subscription ($id: ID!) { poolEvents(poolId: $id) { cursor } }',
  },
  'Subscription.poolUpdated id': {
    wanted: 'pool',
    operation: 'subscription ($id: ID!) { poolUpdated(id: $id) { id } }',
  },
  'Subscription.taskUpdated id': {
    wanted: 'task',
    operation: 'subscription ($id: ID!) { taskUpdated(id: $id) { id } }',
  },
}

// These return null, as Relay requires of `node`.
const lookUps = [
  'Query.format id',
  'Query.node id',
  'Query.nodes ids',
  'Query.pool id',
  'Query.task id',
  'Query.webhook id',
]

test('every field of the schema that takes an id is tested here', () => {
  const found: string[] = []
  const collect = (place: string, name: string, type: GraphQLInputType) => {
    const named = getNamedType(type)
    if (named.name === 'ID') found.push(`${place} ${name}`)
    else if (isInputObjectType(named))
      for (const field of Object.values(named.getFields())) collect(place, field.name, field.type)
  }
  for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()])
    for (const field of Object.values(root?.getFields() ?? {})) {
      const place = root === schema.getMutationType() ? field.name : `${root?.name}.${field.name}`
      for (const arg of field.args) collect(place, arg.name, arg.type)
    }
  expect(found.sort()).toEqual([...Object.keys(inputs), ...Object.keys(args), ...lookUps].sort())
})

const uuid = randomUUID()

/** What people send instead of an id, and the message that they get. */
const mistakes: [what: string, text: () => string, told: RegExp][] = [
  ['a name', () => 'Spring sale', /is not an id: it may be a name/],
  ['a bare UUID', () => uuid, /is a bare UUID, which is only part of an id/],
  ['a bare UUID in capitals', () => uuid.toUpperCase(), /bare UUID/],
  ['nothing', () => '', /is empty/],
  ['spaces', () => '  ', /is empty/],
  ['what is not quite base64', () => '%%%!', /cut off or changed/],
  ['an unknown type', () => encodeId('Campaign', uuid), /cut off or changed/],
  ['a type without a UUID', () => encodeId('Pool', 'spring'), /cut off or changed/],
  ['a very long text', () => 'x'.repeat(10_000), /cut off or changed/],
]

/** The message about a text that is given as an id, in any place. */
async function told(place: string, text: string): Promise<string> {
  const operation = args[place]?.operation
  if (operation?.startsWith('subscription')) {
    const updates = client.subscribe(operation, { id: text })
    const first = await updates.next()
    await updates.return?.()
    const [error] = first.value?.errors ?? []
    expect(error?.extensions['code']).toBe('NOT_FOUND')
    return error?.message ?? ''
  }
  if (operation !== undefined) {
    const { errors } = await client.send(operation, { id: text })
    expect(errors?.map((error) => error.extensions.code)).toEqual(['NOT_FOUND'])
    return errors?.[0]?.message ?? ''
  }
  const [mutation = '', field = ''] = place.split(' ')
  const [select, path = [field]] = /^(un)?voidCodes$/.test(mutation) ? (choices[field]?.(text) ?? []) : []
  const input = select === undefined ? { ...rest[mutation]?.(), [field]: text } : { select }
  const refused =
    mutation === 'uploadCodes'
      ? await uploadByForm(service, client, { poolId: text }, 'code')
      : await mutate(client, mutation, input)
  expect(refused).toMatchObject({ __typename: 'NotFoundError', code: 'NOT_FOUND', path })
  return refused.message ?? ''
}

describe.each([...Object.keys(inputs), ...Object.keys(args)])('%s', (place) => {
  const wanted = inputs[place] ?? args[place]?.wanted ?? ''
  const name = place.split(' ')[1]

  test('of another type is named, with the type that is needed', async () => {
    for (const [noun, id] of Object.entries(ids)) {
      if (noun === wanted) continue
      expect(await told(place, id)).toMatch(
        new RegExp(`^${name} is the id of an? ${noun}, not of an? ${wanted}\\.`),
      )
    }
  })

  test.each(mistakes)(
    'that is %s gets a message with what an id looks like and where to find it',
    async (_what, text, says) => {
      const message = await told(place, text())
      expect(message).toMatch(says)
      expect(message).toMatch(new RegExp(`The id of an? ${wanted} looks like "[A-Za-z0-9]+…".*as in \\{`))
      expect(message.length).toBeLessThan(300)
    },
  )

  test('with spaces around it says so', async () => {
    expect(await told(place, `${ids[wanted]}\n`)).toMatch(/spaces or line breaks/)
  })
})

test('the examples of ids in messages look like ids', async () => {
  for (const [noun, id] of Object.entries(ids)) {
    const place = Object.keys(inputs).find((one) => inputs[one] === noun)
    if (place === undefined) continue
    const [, shown = ''] = /looks like "([^"]+)…"/.exec(await told(place, 'x')) ?? []
    expect(id.startsWith(shown)).toBe(true)
  }
})

test('ids in URLs get the same messages', async () => {
  const get = async (path: string) => {
    const response = await fetch(`${service.url}${path}`, { headers: client.authorization() })
    const { errors } = (await response.json()) as { errors: { message: string }[] }
    return [response.status, errors[0]?.message]
  }
  const format = encodeURIComponent(ids['format'] ?? '')
  const pool = encodeURIComponent(ids['pool'] ?? '')
  expect(await get(`/pools/${format}/codes.csv?status=ALL`)).toEqual([
    404,
    expect.stringMatching(/^The pool id in the address is the id of a format, not of a pool\./),
  ])
  expect(await get(`/pools/${pool}/codes.csv?status=ALL&task=${format}`)).toEqual([
    404,
    expect.stringMatching(/^task is the id of a format, not of a task\./),
  ])
  expect(await get(`/pools/Spring/codes.csv?status=ALL`)).toEqual([
    404,
    expect.stringMatching(/^The pool id in the address is not an id/),
  ])
  expect(await get('/pools/%/codes.csv?status=ALL')).toEqual([
    404,
    expect.stringMatching(/^The pool id in the address is not an id/),
  ])
  expect(await get('/tasks/%20/rejected.csv')).toEqual([
    404,
    expect.stringMatching(/^The task id in the address is empty/),
  ])
  const { status, errors } = await postCodes(service, client, ids['format'] ?? '', 'code')
  expect([status, errors?.[0]?.message]).toEqual([
    404,
    expect.stringMatching(/^The pool id in the address is the id of a format/),
  ])
})
