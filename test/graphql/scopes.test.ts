import { randomUUID } from 'node:crypto'
import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  getNamedType,
  isAbstractType,
  isEnumType,
  isLeafType,
  isObjectType,
} from 'graphql'
import { beforeAll, describe, expect, test } from 'vitest'
import { allScopes } from '../../src/domain/account/account.ts'
import type { Scope } from '../../src/generated/prisma/client.ts'
import type { Context } from '../../src/graphql/context.ts'
import { rulesOf } from '../../src/graphql/field-rules.ts'
import { schema } from '../../src/graphql/schema.ts'
import { Networks } from '../../src/outgoing/networks.ts'
import { done, newPool, newWebhook, withScopes } from '../support/api.ts'
import { Client } from '../support/client.ts'
import { useClient, useService } from '../support/service.ts'
import { codesFile, ended, postCodes } from '../support/upload-api.ts'

const everybody = 'READ MANAGE CLAIM REDEEM ADMIN'

/**
 * With which scopes, each alone, a text or an object of the schema can be read, on whatever path leads to it. Numbers, times and
 * statuses are left out, and so are the payloads, which a mutation's own scope covers. A field that is new has to be added here,
 * where it shows who can read it: should they?
 */
const readableWith: Record<string, Record<string, string>> = {
  [everybody]: {
    Format: 'characters examples name pattern',
    InputIssue: 'message path',
    InvalidInputError: 'issues',
    Pool: 'codesUrl description externalId name replenishment terms',
    Replenishment: 'format',
    UserError: 'message path',
  },
  'READ MANAGE CLAIM REDEEM': {
    // Without READ, a claim and a redemption lead to their own codes, MANAGE to those that nobody has.
    Code: 'code format pool redemption void',
    CodeVoid: 'reason',
    Redemption: 'code place reference',
  },
  'READ CLAIM': {
    Claim: 'codesUrl pool recipient',
    Code: 'claim recipient',
  },
  'READ MANAGE': {
    FormatWarning: 'message',
    Pool: 'tasks',
    Task: 'actor addedCodes codesUrl failure format pool rejectedRowsUrl upload',
    // Only MANAGE is shown rows of the file in these: see below.
    TaskFailure: 'message',
    Upload: 'column layout warnings',
    UploadLayout: 'delimiter header',
  },
  'READ MANAGE ADMIN': {
    ApiKey: 'hint name',
  },
  'READ ADMIN': {
    Account: 'name webhooks',
    Webhook: 'createdBy host pool',
  },
  READ: {
    Claim: 'codes',
    CodesRestoredEvent: 'reason task',
    CodesUnvoidedEvent: 'reason task',
    CodesVoidedEvent: 'reason task',
    CodesWithdrawnEvent: 'reason task',
    FormatPreview: 'characters examples overlaps pattern warnings',
    Pool: 'activity claims codes/CLAIMED forecast redemptions',
    PoolChangedEvent: 'name',
    PoolCreatedEvent: 'name',
    PoolEvent: 'actor cursor pool',
    PoolRefillFailedEvent: 'failure',
    PoolRefilledEvent: 'task',
    RefillFailure: 'format message',
    TaskStatusChangedEvent: 'task',
    WebhookDisabledEvent: 'actor cursor message webhook',
  },
  MANAGE: {
    ExternalIdTakenError: 'pool',
    FileRow: 'cells',
    FormatOverlapError: 'format',
    Pool: 'codes/AVAILABLE codes/WITHDRAWN',
    QuantityExceedsAvailableError: 'format',
    RejectedRow: 'code reason',
    TaskFinishedError: 'task',
    Upload: 'beginning rejectedRows',
    UploadBeginning: 'codes rows',
    UploadNotUndoneError: 'task',
  },
  'MANAGE CLAIM': {
    PoolArchivedError: 'pool',
  },
  CLAIM: {
    NotEnoughCodesError: 'pool',
    PoolNotIssuingError: 'pool',
    RecipientClaim: 'code recipient',
  },
  REDEEM: {
    CodeRedeemedError: 'redemption',
    CodeVoidedError: 'void',
  },
  ADMIN: {
    Account: 'apiKeys',
    Webhook: 'deliveries url',
    WebhookDelivery: 'answer error messageId type',
  },
}

/** What a key may read of itself. This is the only way to a key without a scope. */
const ofTheKeyItself = 'Query.apiKey'

interface ReadableField {
  type: GraphQLObjectType
  field: GraphQLField<unknown, unknown>
  /** The argument that decides which scope the field needs, if one does. */
  args: Record<string, string>
}

/** The fields of a type that a key with only this scope may read. */
function fieldsOf(type: GraphQLObjectType, scope: Scope): ReadableField[] {
  return Object.values(type.getFields()).flatMap((field) =>
    choicesOf(field)
      .filter((args) => {
        const needed = rulesOf(field)?.neededScopes(args, { scopes: [scope] } as unknown as Context)
        return needed === undefined || needed.includes(scope)
      })
      .filter(() => `${type.name}.${field.name}` !== ofTheKeyItself)
      .map((args) => ({ type, field, args })),
  )
}

/** The values of the argument `status` of a field, where it has to be given; otherwise no argument. */
function choicesOf({ args }: GraphQLField<unknown, unknown>): Record<string, string>[] {
  const status = args.find(({ name }) => name === 'status')
  const type = status && getNamedType(status.type)
  if (!isEnumType(type) || String(status?.type) !== `${type.name}!`) return [{}]
  return type.getValues().map(({ name }) => ({ status: name }))
}

/** All fields that a key with only this scope may read, on any path from a query, a mutation or a subscription. */
function reachable(scope: Scope): ReadableField[] {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  const types = new Set<GraphQLNamedType>(roots.filter((type) => type != null))
  const found: ReadableField[] = []
  // The set grows while it is walked.
  for (const type of types) {
    if (isAbstractType(type)) for (const member of schema.getPossibleTypes(type)) types.add(member)
    if (!isObjectType(type)) continue
    const fields = fieldsOf(type, scope)
    found.push(...fields)
    for (const { field } of fields) types.add(getNamedType(field.type))
  }
  return found
}

const plumbing = /^(?:Query|Mutation|Subscription|PageInfo)$|(?:Connection|Edge|Payload)$/

/** `readableWith`, as the schema has it. */
function decided(): Record<string, Record<string, string>> {
  const scopesOf = new Map<string, Set<Scope>>()
  for (const scope of allScopes)
    for (const { type, field, args } of reachable(scope)) {
      const kind = getNamedType(field.type)
      if (plumbing.test(type.name) || (isLeafType(kind) && kind.name !== 'String')) continue
      const owner = type.getInterfaces().find((each) => each.getFields()[field.name] !== undefined) ?? type
      const name = [field.name, ...Object.values(args)].join('/')
      const key = `${owner.name} ${name}`
      scopesOf.set(key, (scopesOf.get(key) ?? new Set()).add(scope))
    }
  const all: Record<string, Record<string, string>> = {}
  for (const [key, scopes] of [...scopesOf].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [type = '', name = ''] = key.split(' ')
    const ofScopes = all[[...scopes].join(' ')] ?? {}
    ofScopes[type] = type in ofScopes ? `${ofScopes[type]} ${name}` : name
    all[[...scopes].join(' ')] = ofScopes
  }
  return all
}

test('it is decided for each text and each object with which scopes it can be read', () => {
  expect(decided()).toEqual(readableWith)
})

const service = useService({ webhookAllowedNetworks: Networks.parse('127.0.0.1') })
const client = useClient(service)
let reader: Client
let manager: Client
/** The codes of a file that was uploaded twice, and the task of the second time. */
let codes: string[]
let repeated: string
/** A file of which it is not clear whether its first row is a header, and the task that has failed because of that. */
let unclear: { codes: string[]; task: string }
let poolId: string
let recipient: string
/** The texts that a key with CLAIM or REDEEM alone must not get. */
let secrets: string[]

/** The id of the task that has read a file. */
async function taskOf(from: Client, file: string, search: Record<string, string> = {}): Promise<string> {
  const { task } = await postCodes(service, from, poolId, file, { search })
  const { id } = await ended(client, task?.id ?? '')
  return id
}

beforeAll(async () => {
  poolId = await newPool(client)
  reader = await withScopes(service, client, ['READ'])
  const name = `Anna ${randomUUID()}`
  const { secret, apiKey } = await done<{ secret: string; apiKey: { hint: string } }>(
    client,
    'createApiKey',
    { name, scopes: ['MANAGE'] },
    'secret apiKey { hint }',
  )
  manager = new Client({ url: service.url, key: secret })
  const file = codesFile(`K${randomUUID()}`, 20)
  codes = file.trim().split('\n')
  await taskOf(manager, file)
  repeated = await taskOf(manager, file)
  const begin = `K${randomUUID().toUpperCase()}`
  unclear = { codes: [`${begin}1`, `${begin}2`], task: '' }
  unclear.task = await taskOf(manager, `Zorgbon\n${unclear.codes.join('\n')}\n`)
  const webhookId = await newWebhook(client, { url: 'http://127.0.0.1:1/secret-path', poolId })
  await done(client, 'updateWebhook', { webhookId, enabled: false }, 'webhook { id }')
  recipient = randomUUID()
  await done(client, 'claimCodes', { poolId, count: 2, recipient }, 'claim { id }')
  secrets = [...codes.slice(7), ...unclear.codes, recipient, name, apiKey.hint, '127.0.0.1:1', 'secret-path']
})

describe('rows of an uploaded file', () => {
  const document = `query ($id: ID!) { task(id: $id) { status upload {
    rowsRead duplicatesInAccount rejectedRows { totalCount edges { node { code reason } } }
  } } }`

  test('that were not added are not for READ, which cannot tell them from available codes; their number is', async () => {
    const { data, errors } = await reader.send<{ task: object }>(document, { id: repeated })
    expect(data.task).toEqual({
      status: 'COMPLETED',
      upload: { rowsRead: '20', duplicatesInAccount: '20', rejectedRows: null },
    })
    expect(errors?.map((error) => [error.extensions.code, error.path?.at(-1)])).toEqual([
      ['FORBIDDEN', 'rejectedRows'],
    ])
    const address = `${service.url}/tasks/${repeated}/rejected.csv`
    const refused = await fetch(address, { headers: reader.authorization() })
    expect(refused.status).toBe(403)
    const answers = JSON.stringify([data, errors]) + (await refused.text())
    expect(codes.filter((code) => answers.includes(code))).toEqual([])

    const given = await fetch(address, { headers: manager.authorization() })
    expect(given.status).toBe(200)
    const text = await given.text()
    expect(codes.filter((code) => text.includes(code))).toEqual(codes)
    const both = await withScopes(service, client, ['READ', 'MANAGE'])
    const { task } = await both.ask<{ task: { upload: { rejectedRows: { edges: object[] } } } }>(document, {
      id: repeated,
    })
    expect(task.upload.rejectedRows.edges).toHaveLength(20)
  })

  const failureOf = async (from: Client) =>
    (
      await from.ask<{ task: { failure: { code: string; message: string } } }>(
        'query ($id: ID!) { task(id: $id) { failure { code message } } }',
        { id: unclear.task },
      )
    ).task.failure

  test('are quoted in the message of a failure to MANAGE alone', async () => {
    expect((await failureOf(client)).message).toContain(unclear.codes[0])
    expect(await failureOf(reader)).toEqual({
      code: 'HEADER_UNCLEAR',
      message: expect.stringMatching(/^The first row of the file may be a header or a code\. .*MANAGE/),
    })
    for (const [from, isShown] of [
      [client, true],
      [reader, false],
    ] as const) {
      const live = from.subscribe<{ taskUpdated: { failure: { message: string } } }>(
        'subscription ($id: ID!) { taskUpdated(id: $id) { failure { message } } }',
        { id: unclear.task },
      )
      const told: boolean[] = []
      for await (const { data } of live)
        told.push(data?.taskUpdated.failure.message.includes(unclear.codes[0] ?? '') ?? false)
      expect(told).toEqual([isShown])
    }
    const { cancelTask } = await manager.ask<{ cancelTask: object }>(
      `mutation ($id: ID!) { cancelTask(input: { taskId: $id }) {
        ... on TaskFinishedError { task { failure { message } actor { name } } }
      } }`,
      { id: unclear.task },
    )
    expect(cancelTask).toMatchObject({
      task: { failure: { message: expect.stringContaining(unclear.codes[0] ?? '') } },
    })
  })

  test('are quoted to READ neither as a header nor in a warning', async () => {
    const name = `K${randomUUID().toUpperCase()}`
    const rows = [1, 2, 3, 4, 5].map((n) => `${name}${n}`)
    const shown = async (from: Client, id: string) =>
      (
        await from.ask<{ task: { upload: { warnings: string[]; layout: object } } }>(
          'query ($id: ID!) { task(id: $id) { upload { warnings layout { headerRow header } } } }',
          { id },
        )
      ).task.upload
    // Either may be a code of its own: one that looks like no other, and one that somebody has taken for the header.
    const unlike = await taskOf(manager, `Zorgbon\n${rows.join('\n')}\n`, { dryRun: 'true' })
    const first = await taskOf(manager, `${rows.join('\n')}\n`, { dryRun: 'true', header: 'true' })
    expect(await shown(client, unlike)).toEqual({
      warnings: [expect.stringContaining('Row 1, "Zorgbon", was taken for the header')],
      layout: { headerRow: 1, header: ['Zorgbon'] },
    })
    expect(await shown(reader, unlike)).toEqual({
      warnings: [expect.stringContaining('Row 1 was taken for the header')],
      layout: { headerRow: 1, header: null },
    })
    expect((await shown(client, first)).layout).toEqual({ headerRow: 1, header: [rows[0]] })
    expect((await shown(reader, first)).layout).toEqual({ headerRow: 1, header: null })
    const usual = await taskOf(manager, `Nr;Gutscheincode\n1;${rows[0]}\n`, { dryRun: 'true' })
    expect((await shown(reader, usual)).layout).toEqual({ headerRow: 1, header: ['Nr', 'Gutscheincode'] })
  })
})

describe('a key that only hands codes out or redeems them', () => {
  const tasks = 'pool { tasks(first: 8) { edges { node { failure { message } actor { name hint } } } } }'
  const claiming = `mutation ($poolId: ID!) { result: claimCodes(input: { poolId: $poolId, count: 500 }) {
    ... on NotEnoughCodesError { ${tasks} }
  } }`
  const redeeming = `mutation ($code: String!) { result: redeemCode(input: { code: $code, reference: "r" }) {
    ... on RedeemCodePayload { redemption { code { ${tasks} } } }
  } }`

  test.each([
    ['CLAIM', claiming],
    ['REDEEM', redeeming],
  ])('with %s alone cannot read tasks, and so neither files nor other keys', async (scope, operation) => {
    const variables = { poolId, code: codes[0] }
    const only = await withScopes(service, client, [scope])
    const { data, errors } = await only.send(operation, variables)
    expect(data).toBeUndefined()
    expect(errors?.map(({ message }) => message)).toEqual([
      'This API key lacks a scope that Pool.tasks needs: READ or MANAGE.',
    ])
    // With READ, the same operation shows them, though no rows of the file.
    const both = await withScopes(service, client, [scope, 'READ'])
    const seen = JSON.stringify(await both.ask(operation, variables))
    expect(seen).toContain('"name":"Anna ')
    expect(seen).toContain('The first row of the file may be a header or a code.')
    expect(unclear.codes.filter((code) => seen.includes(code))).toEqual([])
  })

  /** All that a key with this scope may read of a type, each type once on a path. */
  function everything(type: GraphQLNamedType, scope: Scope, above: readonly GraphQLNamedType[] = []): string {
    if (isAbstractType(type))
      return schema
        .getPossibleTypes(type)
        .map((member) => `... on ${member.name} { __typename ${everything(member, scope, above)} }`)
        .join(' ')
    if (!isObjectType(type)) throw new Error(`${type.name} has no fields.`)
    const within = [...above, type]
    return fieldsOf(type, scope)
      .flatMap(({ field: { name, type: kind } }) => {
        const inner = getNamedType(kind)
        if (isLeafType(inner)) return [name]
        return within.includes(inner) ? [] : [`${name} { ${everything(inner, scope, within)} }`]
      })
      .join(' ')
  }

  /** The answer to a mutation, with all that a key with this scope may read in it. */
  async function answerTo(from: Client, scope: Scope, mutation: string, input: Record<string, unknown>) {
    const type = schema.getMutationType()?.getFields()[mutation]?.type
    if (type === undefined) throw new Error(`There is no mutation ${mutation}.`)
    const inputType = `${mutation.slice(0, 1).toUpperCase()}${mutation.slice(1)}Input`
    return await from.ask<{ result: { __typename: string; redemption?: { id: string } } }>(
      `mutation ($input: ${inputType}!) { result: ${mutation}(input: $input) { ${everything(getNamedType(type), scope)} } }`,
      { input },
    )
  }

  const secretsIn = (answer: object) => secrets.filter((secret) => JSON.stringify(answer).includes(secret))

  test('with CLAIM alone finds in no answer who else has codes, which are left, which keys there are, and where events go', async () => {
    const only = await withScopes(service, client, ['CLAIM'])
    const attempts: [mutation: string, input: object, answer: string][] = [
      ['claimCodes', { recipient: 'Bob' }, 'ClaimCodesPayload'],
      ['claimForRecipients', { recipients: ['Eve'] }, 'ClaimForRecipientsPayload'],
      ['claimFile', { count: 1 }, 'ClaimFilePayload'],
      ['claimCodes', { count: 500 }, 'NotEnoughCodesError'],
      ['claimForRecipients', { recipients: [''] }, 'InvalidInputError'],
    ]
    for (const [mutation, input, typename] of attempts) {
      const answer = await answerTo(only, 'CLAIM', mutation, { poolId, ...input })
      expect([answer.result.__typename, secretsIn(answer)]).toEqual([typename, []])
    }
    await done(client, 'saveTerms', { poolId, issueFrom: '2099-01-01T00:00:00Z' }, 'pool { id }')
    const early = await answerTo(only, 'CLAIM', 'claimCodes', { poolId })
    expect([early.result.__typename, secretsIn(early)]).toEqual(['PoolNotIssuingError', []])
    await done(client, 'saveTerms', { poolId }, 'pool { id }')
    await done(client, 'archivePool', { poolId }, 'pool { id }')
    const archived = await answerTo(only, 'CLAIM', 'claimCodes', { poolId })
    expect([archived.result.__typename, secretsIn(archived)]).toEqual(['PoolArchivedError', []])
    await done(client, 'unarchivePool', { poolId }, 'pool { id }')
  })

  test('with REDEEM alone finds in no answer who a code is for, which are left, which keys there are, and where events go', async () => {
    const only = await withScopes(service, client, ['REDEEM'])
    const redeem = async (input: object) => {
      const answer = await answerTo(only, 'REDEEM', 'redeemCode', { reference: 'order', ...input })
      expect(secretsIn(answer)).toEqual([])
      return answer.result
    }
    const [, code] = codes
    expect(await redeem({ code: codes[6] })).toMatchObject({ __typename: 'CodeNotClaimedError' })
    expect(await redeem({ code: 'NOBODY-HAS-THIS' })).toMatchObject({ __typename: 'NotFoundError' })
    expect(await redeem({ code, recipient: 'Eve' })).toMatchObject({ __typename: 'RecipientMismatchError' })
    const { __typename, redemption } = await redeem({ code })
    expect(__typename).toBe('RedeemCodePayload')
    expect(await redeem({ code, reference: 'another' })).toMatchObject({ __typename: 'CodeRedeemedError' })
    const rolledBack = await answerTo(only, 'REDEEM', 'rollBackRedemption', { redemptionId: redemption?.id })
    expect([rolledBack.result.__typename, secretsIn(rolledBack)]).toEqual(['RollBackRedemptionPayload', []])
    const select = { recipient: { recipient } }
    await done(client, 'voidCodes', { select, reason: 'It was published.' }, 'voidedCount')
    expect(await redeem({ code })).toMatchObject({ __typename: 'CodeVoidedError' })
  })
})
