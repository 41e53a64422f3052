import { randomBytes } from 'node:crypto'
import { GraphQLError } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RateLimitedError } from '../../../src/domain/books/errors.ts'
import { publicError } from '../../../src/graphql/errors/top-level.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { claim, done, mutate, newStock, stranger, withScopes } from '../../support/api.ts'
import { silent } from '../../support/books.ts'
import { Client } from '../../support/client.ts'
import { runSql } from '../../support/database.ts'
import { type StreamResult, streamed } from '../../support/event-stream.ts'
import { useClient, useService } from '../../support/service.ts'
import { Socket } from '../../support/socket.ts'

const service = useService()
const client = useClient(service)
/** A client of an account that no other test in this file uses. */
let lonely: Client

beforeAll(async () => {
  lonely = await stranger(service)
})

afterAll(async () => {
  await lonely[Symbol.asyncDispose]()
})

type Result = StreamResult<Record<string, unknown>>
type Errors = NonNullable<Result['errors']>

/** The transports for an operation, each with its first answer. */
const ways = {
  HTTP: async (from: Client, query: string, variables = {}): Promise<Result> =>
    await from.send(query, variables),
  WebSocket: async (from: Client, query: string, variables = {}): Promise<Result> => {
    await using socket = await Socket.connect(service, from.authorization())
    socket.subscribe('only', query, variables)
    const { type, payload } = await socket.next('only')
    return type === 'error' ? { errors: payload as Errors } : (payload as Result)
  },
  'server-sent events': async (from: Client, query: string, variables = {}): Promise<Result> => {
    const [first] = await streamed<Record<string, unknown>>(service, from, query, variables)
    if (first === undefined) throw new Error('The stream had no result.')
    return first
  },
}

async function codes(
  way: keyof typeof ways,
  query: string,
  variables = {},
  from = client,
): Promise<string[]> {
  return ((await ways[way](from, query, variables)).errors ?? []).map((error) => error.extensions.code)
}

const everyWay = Object.keys(ways) as (keyof typeof ways)[]
const streaming = everyWay.filter((way) => way !== 'HTTP')

const preview = (body: string, characters: string) =>
  `{ previewFormat(shape: { body: ${body}, characters: ${characters} }) { __typename } }`

describe.each(everyWay)('over %s', (way) => {
  test.each([
    ['an operation that is cut off', '{ account {'],
    ['nothing at all', ' '],
    ['a malformed number', '{ pools(first: 1a) { totalCount } }'],
    ['more tokens than a request may have', `{ ${'a: account { id } '.repeat(2_000)} }`],
    ['a document that is nested too deeply', `{ ${'a { '.repeat(4_500)}`],
    ['a value that is nested too deeply', `{ pools(search: ${'['.repeat(9_000)}`],
  ])('%s is GRAPHQL_PARSE_FAILED', async (_what, query) => {
    expect(await codes(way, query)).toEqual(['GRAPHQL_PARSE_FAILED'])
  })

  test.each([
    ['a field that does not exist', '{ vouchers { id } }', {}],
    ['a missing selection', '{ account }', {}],
    ['a missing argument', '{ pool { id } }', {}],
    ['an argument of another type', '{ pools(first: "x") { totalCount } }', {}],
    ['a variable of another type', 'query ($n: Int) { pools(first: $n) { totalCount } }', { n: 'x' }],
    ['a variable that is missing', 'query ($id: ID!) { pool(id: $id) { id } }', {}],
    ['a variable that is null', 'query ($id: ID!) { pool(id: $id) { id } }', { id: null }],
    ['an integer of more than 32 bits', '{ pools(first: 2147483648) { totalCount } }', {}],
    ['an enum value that does not exist', '{ pools(status: [FULL]) { totalCount } }', {}],
    ['both of two exclusive fields', preview('{ length: 5, pattern: "##" }', '{ set: DIGITS }'), {}],
    ['neither of two exclusive fields', preview('{ length: 5 }', '{}'), {}],
    ['an exclusive field that is null', preview('{ length: null }', '{ set: DIGITS }'), {}],
    [
      'both of two exclusive fields in a variable',
      `query ($body: FormatBodyInput!) ${preview('$body', '{ set: DIGITS }')}`,
      { body: { length: 5, pattern: '##' } },
    ],
    [
      'fragments that contain each other',
      '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }',
      {},
    ],
  ])('%s is GRAPHQL_VALIDATION_FAILED', async (_what, query, variables) => {
    const answered = await codes(way, query, variables)
    expect(new Set(answered)).toEqual(new Set(['GRAPHQL_VALIDATION_FAILED']))
  })

  test.each(['"abc"', '"1.5"', '"1e3"', '""', '" 5"', '"0x10"', '1.5', 'true', `"${'9'.repeat(41)}"`])(
    'the quantity %s is GRAPHQL_VALIDATION_FAILED',
    async (quantity) => {
      const input = `{ poolId: "x", formatId: "x", quantity: ${quantity} }`
      expect(await codes(way, `mutation { generateCodes(input: ${input}) { __typename } }`)).toEqual([
        'GRAPHQL_VALIDATION_FAILED',
      ])
    },
  )

  test.each([2 ** 53, 1e300, 1.5, 'abc', '1.5', '1e3', true, [1], {}])(
    'the quantity %j in a variable is GRAPHQL_VALIDATION_FAILED',
    async (quantity) => {
      const result = await ways[way](
        client,
        'mutation ($input: GenerateCodesInput!) { generateCodes(input: $input) { __typename } }',
        { input: { poolId: 'x', formatId: 'x', quantity } },
      )
      expect(result.errors?.map((error) => error.extensions.code)).toEqual(['GRAPHQL_VALIDATION_FAILED'])
      expect(result.errors?.[0]?.message).toMatch(/quantity/)
    },
  )

  test('an operation that asks for too much is BAD_USER_INPUT', async () => {
    const deep = `${'tasks { edges { node { pool { '.repeat(6)}id${' } } } }'.repeat(6)}`
    expect(await codes(way, `{ pools { edges { node { ${deep} } } } }`)).toEqual(['BAD_USER_INPUT'])
    const wide = Array.from({ length: 1_500 }, (_, i) => `a${i}: account { id }`).join(' ')
    expect(new Set(await codes(way, `{ ${wide} }`))).toEqual(new Set(['BAD_USER_INPUT']))
    const codesOfAll = 'pool { codes(status: CLAIMED, first: 100) { edges { cursor } } }'
    const tasksOfAll = `tasks(first: 100) { edges { node { ${codesOfAll} } } }`
    expect(await codes(way, `{ pools(first: 100) { edges { node { ${tasksOfAll} } } } }`)).toEqual([
      'BAD_USER_INPUT',
    ])
    const claim = (count: number, fields: string) => `mutation {
      claimCodes(input: { poolId: "x", count: ${count} }) { ... on ClaimCodesPayload { codes { ${fields} } } }
    }`
    const lookedUp = 'pool { tasks(first: 1) { edges { node { id } } } }'
    expect(await codes(way, claim(10_000, lookedUp))).toEqual(['BAD_USER_INPUT'])
    expect(await codes(way, claim(10, lookedUp))).toEqual([])
    expect(await codes(way, claim(10_000, 'id code status recipient claimedAt pool { name }'))).toEqual([])
  })

  test('without a valid key everything is UNAUTHENTICATED, whatever else is wrong', async () => {
    const revoked = await withScopes(service, client, ['READ'])
    await done(client, 'revokeApiKey', { apiKeyId: revoked.keyId }, 'apiKey { revokedAt }')
    const keyless = [new Client({ url: service.url }), revoked]
    for (const key of [randomBytes(24).toString('hex'), `${service.key}x`, service.key.slice(1), ''])
      keyless.push(new Client({ url: service.url, key }))
    for (const from of keyless)
      for (const query of [
        '{ account { id } }',
        '{',
        '{ vouchers }',
        'query ($id: ID!) { pool(id: $id) { id } }',
      ])
        expect(await codes(way, query, {}, from)).toEqual(['UNAUTHENTICATED'])
  })

  test('an ambiguous operation is BAD_USER_INPUT', async () => {
    expect(await codes(way, 'query A { account { id } } query B { account { id } }')).toEqual([
      'BAD_USER_INPUT',
    ])
    expect(await codes(way, 'fragment a on Query { account { id } }')).not.toContain('INTERNAL_SERVER_ERROR')
  })

  test('an internal error is INTERNAL_SERVER_ERROR and reveals nothing', async () => {
    await runSql(service.databaseUrl, 'ALTER TABLE event RENAME TO event_elsewhere')
    try {
      const { errors } = await ways[way](client, '{ poolEvents { edges { cursor } } }')
      expect(errors?.map((error) => [error.extensions.code, error.path])).toEqual([
        ['INTERNAL_SERVER_ERROR', ['poolEvents']],
      ])
      expect(JSON.stringify(errors)).not.toMatch(/relation|event_|SELECT|\.ts|stack|42P01/)
    } finally {
      await runSql(service.databaseUrl, 'ALTER TABLE event_elsewhere RENAME TO event')
    }
  })
})

describe.each(streaming)('a subscription over %s', (way) => {
  test.each([
    'taskUpdated(id: "$") { id }',
    'poolUpdated(id: "$") { id }',
    'poolEvents(poolId: "$") { cursor }',
  ])('%s that leads to nothing is NOT_FOUND', async (field) => {
    const { account } = await client.ask<{ account: { id: string } }>('{ account { id } }')
    for (const id of ['', 'x', account.id, 'UG9vbDp4', '9'.repeat(10_000)])
      expect(await codes(way, `subscription { ${field.replace('$', id)} }`)).toEqual(['NOT_FOUND'])
  })

  test('with a cursor that is not of the account is CURSOR_INVALID', async () => {
    const { eventCursor } = await client.ask<{ eventCursor: string }>('{ eventCursor }')
    const other = await lonely.ask<{ eventCursor: string }>('{ eventCursor }')
    const log = Buffer.from(eventCursor, 'base64url').toString().split(':')[0]
    const future = Buffer.from(`${log}:999999999`).toString('base64url')
    for (const after of ['', 'x', '!', eventCursor.slice(1), `${eventCursor}!`, other.eventCursor, future])
      expect(
        await codes(way, 'subscription ($after: String) { poolEvents(after: $after) { cursor } }', { after }),
      ).toEqual(['CURSOR_INVALID'])
  })

  test('whose events are no longer kept is CURSOR_EXPIRED', async () => {
    await using other = await stranger(service)
    const { eventCursor } = await other.ask<{ eventCursor: string }>('{ eventCursor }')
    const { poolId } = await newStock(other, 1)
    const log = Buffer.from(eventCursor, 'base64url').toString().split(':')[0]
    await runSql(service.databaseUrl, `UPDATE event_log SET floor = last WHERE log = '${log}'`)
    const query =
      'subscription ($id: ID!, $after: String) { poolEvents(poolId: $id, after: $after) { cursor } }'
    expect(await codes(way, query, { id: poolId, after: eventCursor }, other)).toEqual(['CURSOR_EXPIRED'])
  })
})

describe('a key with too many failed look-ups', () => {
  const error = new RateLimitedError(1_500)

  test('learns when to try again, also from the HTTP header if the whole request failed', () => {
    expect(publicError(error, silent).extensions).toEqual({
      code: 'RATE_LIMITED',
      retryAfterMs: 1_500,
      http: { status: 429, headers: { 'Retry-After': '2' } },
    })
  })

  test('gets no HTTP status that would hide the data of other fields', () => {
    const ofField = new GraphQLError(error.message, { originalError: error, path: ['code'] })
    expect(publicError(ofField, silent).toJSON()).toEqual({
      message: error.message,
      path: ['code'],
      extensions: { code: 'RATE_LIMITED', retryAfterMs: 1_500 },
    })
  })
})

describe('scopes', () => {
  const all = ['READ', 'MANAGE', 'CLAIM', 'REDEEM', 'ADMIN']
  // Every root field, so that a new one without a scope does not go unnoticed.
  const readings: Record<string, string> = {
    claims: 'claims(recipient: "x") { edges { cursor } }',
    code: 'code(code: "x") { id }',
    eventCursor: 'eventCursor',
    format: 'format(id: "x") { id }',
    formats: 'formats { totalCount }',
    node: 'node(id: "x") { id }',
    nodes: 'nodes(ids: ["x"]) { id }',
    pool: 'pool(id: "x") { id }',
    poolByExternalId: 'poolByExternalId(externalId: "x") { id }',
    poolEvents: 'poolEvents { edges { cursor } }',
    pools: 'pools { totalCount }',
    previewFormat:
      'previewFormat(shape: { body: { length: 0 }, characters: { set: DIGITS } }) { __typename }',
    redemptions: 'redemptions(reference: "x") { edges { cursor } }',
    task: 'task(id: "x") { id }',
    tasks: 'tasks { totalCount }',
  }
  // What a key with any scope may ask.
  const open = ['apiKey']
  // What either of two scopes is enough for.
  const ofTwo = ['account', 'webhook']
  // Inputs that change nothing.
  const changes: Record<string, [scope: string, input: string]> = {
    archivePool: ['MANAGE', '{ poolId: "x" }'],
    cancelTask: ['MANAGE', '{ taskId: "x" }'],
    claimCodes: ['CLAIM', '{ poolId: "x" }'],
    claimFile: ['CLAIM', '{ poolId: "x", count: 1 }'],
    claimForRecipients: ['CLAIM', '{ poolId: "x", recipients: [] }'],
    createApiKey: ['ADMIN', '{ name: "", scopes: [] }'],
    createFormat: ['MANAGE', '{ name: "", shape: { body: { length: 0 }, characters: { set: DIGITS } } }'],
    createPool: ['MANAGE', '{ name: "" }'],
    createWebhook: ['ADMIN', '{ url: "" }'],
    deleteWebhook: ['ADMIN', '{ webhookId: "x" }'],
    forgetRecipient: ['ADMIN', '{ recipient: "" }'],
    generateCodes: ['MANAGE', '{ poolId: "x", formatId: "x", quantity: 1 }'],
    redeemCode: ['REDEEM', '{ code: "x", reference: "x" }'],
    renameFormat: ['MANAGE', '{ formatId: "x", name: "x" }'],
    renamePool: ['MANAGE', '{ poolId: "x", name: "x" }'],
    restoreCodes: ['MANAGE', '{ poolId: "x" }'],
    revokeApiKey: ['ADMIN', '{ apiKeyId: "x" }'],
    rollBackRedemption: ['REDEEM', '{ redemptionId: "x" }'],
    rotateWebhookSecret: ['ADMIN', '{ webhookId: "x" }'],
    saveReplenishment: ['MANAGE', '{ poolId: "x", method: UPLOAD }'],
    saveTerms: ['MANAGE', '{ poolId: "x" }'],
    sendTestDelivery: ['ADMIN', '{ webhookId: "x" }'],
    unarchivePool: ['MANAGE', '{ poolId: "x" }'],
    undoUpload: ['MANAGE', '{ taskId: "x" }'],
    updatePool: ['MANAGE', '{ poolId: "x" }'],
    updateWebhook: ['ADMIN', '{ webhookId: "x" }'],
    withdrawCodes: ['MANAGE', '{ poolId: "x" }'],
    unvoidCodes: ['MANAGE', '{ select: { taskId: "x" } }'],
    voidCodes: ['MANAGE', '{ select: { taskId: "x" } }'],
  }
  const subscriptions: Record<string, string> = {
    poolEvents: 'poolEvents(after: "x") { cursor }',
    poolUpdated: 'poolUpdated(id: "x") { id }',
    taskUpdated: 'taskUpdated(id: "x") { id }',
    webhookDisabled: 'webhookDisabled(after: "x") { cursor }',
  }

  const operations: [operation: string, scope: string][] = [
    ...Object.values(readings).map((field): [string, string] => [`query { ${field} }`, 'READ']),
    ...Object.entries(changes).map(([name, [scope, input]]): [string, string] => [
      `mutation { ${name}(input: ${input}) { __typename } }`,
      scope,
    ]),
    ...Object.values(subscriptions).map((field): [string, string] => [`subscription { ${field} }`, 'READ']),
  ]

  const only = new Map<string, Client>()
  const allBut = new Map<string, Client>()

  beforeAll(async () => {
    for (const scope of all) {
      only.set(scope, await withScopes(service, client, [scope]))
      allBut.set(
        scope,
        await withScopes(
          service,
          client,
          all.filter((other) => other !== scope),
        ),
      )
    }
  })

  test('are tested for every root field', () => {
    const fields = (type: { getFields(): object } | null | undefined) => Object.keys(type?.getFields() ?? {})
    expect([...Object.keys(readings), ...open, ...ofTwo].sort()).toEqual(fields(schema.getQueryType()).sort())
    // upload.test.ts tests operations with files.
    const withFiles = ['uploadCodes']
    expect([...Object.keys(changes), ...withFiles].sort()).toEqual(fields(schema.getMutationType()).sort())
    expect(Object.keys(subscriptions).sort()).toEqual(fields(schema.getSubscriptionType()).sort())
  })

  test.each(operations)('%s needs %s, and nothing more', async (operation, scope) => {
    const way = operation.startsWith('subscription') ? 'WebSocket' : 'HTTP'
    const refused = await ways[way](allBut.get(scope) as Client, operation)
    expect(refused.errors?.map((error) => error.extensions.code)).toEqual(['FORBIDDEN'])
    expect(refused.errors?.[0]?.message).toContain(scope)
    expect(await codes(way, operation, {}, only.get(scope))).not.toContain('FORBIDDEN')
  })

  test.each(all)(
    'let a key with only %s read its account, and list the keys, as they allow',
    async (scope) => {
      const names = '{ account { name apiKeys { name } } }'
      const { data, errors } = await (only.get(scope) as Client).send<{
        account: { apiKeys: object[] | null }
      }>(names)
      if (scope === 'ADMIN') expect(data.account.apiKeys?.length).toBeGreaterThan(1)
      else if (scope === 'READ') expect(data.account).toEqual({ name: 'First account', apiKeys: null })
      else expect(errors?.map((error) => error.message)).toEqual([expect.stringContaining('READ or ADMIN')])
      if (scope !== 'ADMIN') expect(errors?.map((error) => error.extensions.code)).toEqual(['FORBIDDEN'])
    },
  )

  test('are required over server-sent events too', async () => {
    const from = allBut.get('READ') as Client
    expect(await codes('server-sent events', 'subscription { poolEvents { cursor } }', {}, from)).toEqual([
      'FORBIDDEN',
    ])
  })

  test('if one of several mutations in a request is refused, none is carried out', async () => {
    const { poolId } = await newStock(client, 3)
    const claims = only.get('CLAIM') as Client
    const { data, errors } = await claims.send(
      `mutation ($poolId: ID!) {
        first: claimCodes(input: { poolId: $poolId }) { ... on ClaimCodesPayload { codes { code } } }
        renamed: renamePool(input: { poolId: $poolId, name: "mine" }) { __typename }
        claimed: claimCodes(input: { poolId: $poolId, count: 2 }) { ... on ClaimCodesPayload { codes { code } } }
      }`,
      { poolId },
    )
    expect(data).toBeUndefined()
    expect(errors?.map((error) => error.extensions.code)).toEqual(['FORBIDDEN'])
    expect(errors?.[0]?.message).toContain('Mutation.renamePool needs: MANAGE')
    const { pool } = await client.ask<{ pool: object }>(
      'query ($id: ID!) { pool(id: $id) { claimedCount } }',
      { id: poolId },
    )
    expect(pool).toEqual({ claimedCount: '0' })
  })

  test('a payload needs no other scope for the objects in it, except for fields that say so', async () => {
    const { poolId } = await newStock(client, 1)
    const claims = only.get('CLAIM') as Client
    const result = await mutate<{ codes: object[]; pool: object }>(
      claims,
      'claimCodes',
      { poolId },
      'codes { code status format { name } pool { name terms { validFor } replenishment { format { name } } } } pool { availableCount }',
    )
    expect(result.codes).toHaveLength(1)
    expect(result.pool).toEqual({ availableCount: '0' })
    const tasks = `mutation ($poolId: ID!) { claimCodes(input: { poolId: $poolId }) {
      ... on ClaimCodesPayload { pool { tasks { totalCount } } }
    } }`
    const { data, errors } = await claims.send(tasks, { poolId })
    expect([data, errors?.map((error) => error.extensions.code)]).toEqual([undefined, ['FORBIDDEN']])
  })

  test('available codes need MANAGE, claimed ones READ, on every path to a pool', async () => {
    const { poolId } = await newStock(client, 2)
    const [claimed] = await claim(client, poolId)
    const lists = `available: codes(status: AVAILABLE) { totalCount } claimed: codes(status: CLAIMED) { totalCount }`
    const read = await (only.get('READ') as Client).send<{ pool: object }>(
      `query ($id: ID!) { pool(id: $id) { ${lists} } }`,
      { id: poolId },
    )
    expect(read.data.pool).toEqual({ available: null, claimed: { totalCount: '1' } })
    expect(read.errors?.map((error) => [error.extensions.code, error.path])).toEqual([
      ['FORBIDDEN', ['pool', 'available']],
    ])
    const rename = (selected: string) => `mutation ($id: ID!) {
      renamePool(input: { poolId: $id, name: "${poolId.slice(-20)}" }) { ... on RenamePoolPayload { pool { ${selected} } } }
    }`
    const manager = only.get('MANAGE') as Client
    const refused = await manager.send(rename(lists), { id: poolId })
    expect(refused.data).toBeUndefined()
    expect(refused.errors?.map((error) => error.extensions.code)).toEqual(['FORBIDDEN'])
    const { renamePool } = await manager.ask<{ renamePool: object }>(
      rename('available: codes(status: AVAILABLE) { totalCount }'),
      { id: poolId },
    )
    expect(renamePool).toEqual({ pool: { available: { totalCount: '1' } } })
    expect(claimed?.code).toBeDefined()
  })

  test('an available code as a node needs MANAGE, a claimed one does not', async () => {
    const { poolId } = await newStock(client, 2)
    const [claimed] = await claim(client, poolId)
    const { pool } = await client.ask<{ pool: { codes: { edges: { node: { id: string } }[] } } }>(
      'query ($id: ID!) { pool(id: $id) { codes(status: AVAILABLE) { edges { node { id } } } } }',
      { id: poolId },
    )
    const ids = [pool.codes.edges[0]?.node.id, claimed?.id]
    const reader = await (only.get('READ') as Client).send<{ nodes: unknown[]; node: null }>(
      'query ($ids: [ID!]!, $id: ID!) { nodes(ids: $ids) { ... on Code { status } } node(id: $id) { id } }',
      { ids, id: ids[0] },
    )
    expect(reader.data).toEqual({ nodes: [null, { status: 'CLAIMED' }], node: null })
    expect(reader.errors?.map((error) => [error.extensions.code, error.path?.join('.')]).sort()).toEqual([
      ['FORBIDDEN', 'node'],
      ['FORBIDDEN', 'nodes.0'],
    ])
  })

  test('keys need ADMIN, in the account and as nodes', async () => {
    const some = await withScopes(service, client, ['CLAIM'])
    const asking =
      'query ($id: ID!) { account { name apiKeys { name } } node(id: $id) { ... on ApiKey { name } } }'
    const reader = await (allBut.get('ADMIN') as Client).send<{ account: object; node: null }>(asking, {
      id: some.keyId,
    })
    expect(reader.data).toEqual({ account: { name: 'First account', apiKeys: null }, node: null })
    expect(reader.errors?.map((error) => error.extensions.code)).toEqual(['FORBIDDEN', 'FORBIDDEN'])
    const admin = await withScopes(service, client, ['READ', 'ADMIN'])
    const { node } = await admin.ask<{ node: object }>(asking, { id: some.keyId })
    expect(node).toEqual({ name: 'CLAIM' })
  })
})
