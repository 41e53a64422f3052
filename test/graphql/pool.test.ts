import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  claim,
  done,
  finished,
  generate,
  mutate,
  newFormat,
  newPool,
  newStock,
  stranger,
} from '../support/api.ts'
import { useClient, useService } from '../support/service.ts'
import { postCodes, uploadByForm } from '../support/upload-api.ts'

const service = useService()
const client = useClient(service)

const section = `
  status availableCount
  replenishment { method format { id } quantity autoGenerate refillThreshold }`

describe('names', () => {
  const operations: [mutation: string, input: (name: string) => Promise<Record<string, unknown>>][] = [
    ['createPool', async (name) => ({ name })],
    ['renamePool', async (name) => ({ name, poolId: await newPool(client) })],
    ['renameFormat', async (name) => ({ name, formatId: await newFormat(client) })],
    [
      'createFormat',
      async (name) => ({
        name,
        shape: { prefix: randomUUID(), body: { length: 5 }, characters: { set: 'DIGITS' } },
      }),
    ],
    ['createApiKey', async (name) => ({ name, scopes: ['READ'] })],
  ]

  test.each(operations)('%s refuses unreadable ones', async (mutation, input) => {
    for (const [name, message] of [
      ['', /empty/],
      [' \t ', /empty/],
      ['\u00a0\u2003', /empty/],
      ['A'.repeat(101), /101 characters.*100/],
      ['A'.repeat(10_000), /10,000 characters/],
      ['A\nB', /line break|control/],
      ['A\0B', /control/],
      ['A\u202eB', /control|invisible/],
      ['A\ud800B', /./],
    ] as const) {
      const refused = await mutate(client, mutation, await input(name))
      expect(refused).toMatchObject({ __typename: 'InvalidInputError', path: ['name'] })
      expect(refused.message).toMatch(message)
    }
  })

  test.each(operations)(
    '%s keeps any other unchanged, except for surrounding spaces',
    async (mutation, input) => {
      for (const name of ['ß', '夏のキャンペーン', '👨‍👩‍👧', "Robert'); DROP TABLE pool;--", '<b>&amp;']) {
        const unique = `${name} ${randomUUID()}`
        expect((await mutate(client, mutation, await input(`  ${unique} `))).message).toBeUndefined()
      }
      const longest = randomUUID().padEnd(100, 'A')
      expect((await mutate(client, mutation, await input(longest))).message).toBeUndefined()
    },
  )

  test('are compared as people see them: a letter with an accent in one code point or two is the same', async () => {
    const name = randomUUID()
    await newPool(client, `Cafe\u0301 ${name}`)
    const taken = await mutate(client, 'createPool', { name: ` Caf\u00e9 ${name}` })
    expect(taken).toMatchObject({ __typename: 'NameTakenError', code: 'NAME_TAKEN', path: ['name'] })
    expect(taken.message).toContain(`Caf\u00e9 ${name}`)
  })

  test('are unique among the pools and among the formats of an account, and nowhere else', async () => {
    await using other = await stranger(service)
    const name = randomUUID()
    const shape = () => ({ prefix: randomUUID(), body: { length: 5 }, characters: { set: 'DIGITS' } })
    await newPool(client, name)
    await newPool(other, name)
    const formatId = await newFormat(client)
    await done(client, 'renameFormat', { formatId, name }, 'format { id }')
    await done(other, 'createFormat', { name, shape: shape() }, 'format { id }')
    const taken = { __typename: 'NameTakenError', path: ['name'] }
    expect(await mutate(client, 'createPool', { name })).toMatchObject(taken)
    expect(await mutate(client, 'createFormat', { name, shape: shape() })).toMatchObject(taken)
    expect(await mutate(client, 'renamePool', { name, poolId: await newPool(client) })).toMatchObject(taken)
    expect(await mutate(client, 'renameFormat', { name, formatId: await newFormat(client) })).toMatchObject(
      taken,
    )
  })

  test('that two requests ask for at the same moment go to one of them', async () => {
    const name = randomUUID()
    const answers = await Promise.all(Array.from({ length: 8 }, () => mutate(client, 'createPool', { name })))
    expect(answers.map((answer) => answer.__typename).sort()).toEqual([
      'CreatePoolPayload',
      ...Array.from({ length: 7 }, () => 'NameTakenError'),
    ])
  })
})

describe('a new pool', () => {
  test('is empty, and nothing fills it', async () => {
    const { pool } = await done<{ pool: object }>(
      client,
      'createPool',
      { name: randomUUID() },
      `pool { ${section} claimedCount tasks { totalCount edges { cursor } } codes(status: CLAIMED) { totalCount } }`,
    )
    expect(pool).toEqual({
      status: 'EMPTY',
      availableCount: '0',
      claimedCount: '0',
      replenishment: {
        method: 'GENERATE',
        format: null,
        quantity: null,
        autoGenerate: false,
        refillThreshold: '0',
      },
      tasks: { totalCount: '0', edges: [] },
      codes: { totalCount: '0' },
    })
  })
})

describe('what an account says of a pool', () => {
  const about = 'pool { name description externalId }'
  const update = (input: Record<string, unknown>) =>
    mutate<{ pool: object }>(client, 'updatePool', input, about)

  test('is given and changed field by field; null clears, except for the name', async () => {
    const [name, externalId] = [randomUUID(), randomUUID()]
    const created = await done<{ pool: { id: string } }>(
      client,
      'createPool',
      { name, description: 'Summer', externalId },
      `pool { id name description externalId }`,
    )
    const { id: poolId, ...pool } = created.pool
    expect(pool).toEqual({ name, description: 'Summer', externalId })
    expect((await update({ poolId, description: 'Autumn' })).pool).toEqual({
      name,
      description: 'Autumn',
      externalId,
    })
    expect((await update({ poolId, description: null })).pool).toEqual({
      name,
      description: null,
      externalId,
    })
    const renamed = randomUUID()
    expect((await update({ poolId, name: renamed, externalId: null })).pool).toEqual({
      name: renamed,
      description: null,
      externalId: null,
    })
    const refused = await update({ poolId, name: null, description: 'Not this' })
    expect(refused).toMatchObject({ __typename: 'InvalidInputError', path: ['name'] })
    expect(await update({ poolId, externalId: '' })).toMatchObject({
      path: ['externalId'],
      message: expect.stringContaining('or null to remove it'),
    })
    expect((await update({ poolId })).pool).toEqual({ name: renamed, description: null, externalId: null })
  })

  test('leads to its pool by the external id, and an error to the pool that has it already', async () => {
    const externalId = ` ${randomUUID()} "ß" `
    const [poolId, other] = [await newPool(client), await newPool(client)]
    await update({ poolId, externalId })
    const query = 'query ($x: String!) { poolByExternalId(externalId: $x) { id } }'
    expect(await client.ask(query, { x: externalId })).toEqual({ poolByExternalId: { id: poolId } })
    for (const x of ['', '\0', externalId.trim(), 'x'.repeat(10_000)])
      expect(await client.ask(query, { x })).toEqual({ poolByExternalId: null })
    const { result } = await client.ask<{ result: object }>(
      `mutation ($input: UpdatePoolInput!) { result: updatePool(input: $input) {
        ... on ExternalIdTakenError { code path message pool { id } }
      } }`,
      { input: { poolId: other, externalId } },
    )
    expect(result).toMatchObject({ code: 'EXTERNAL_ID_TAKEN', path: ['externalId'], pool: { id: poolId } })
  })
})

describe('the terms', () => {
  const terms = 'terms { issueFrom issueUntil validUntil validFor onePerRecipient renewAfter }'
  const save = (input: Record<string, unknown>) =>
    mutate<{ pool: { terms: object } }>(client, 'saveTerms', input, `pool { ${terms} }`)
  const none = {
    issueFrom: null,
    issueUntil: null,
    validUntil: null,
    validFor: null,
    onePerRecipient: false,
    renewAfter: [],
  }

  test('are saved as a whole, and read back in UTC and in days and hours', async () => {
    const poolId = await newPool(client)
    const { pool } = await save({
      poolId,
      issueFrom: '2027-03-01T00:00:00+01:00',
      issueUntil: '2027-04-01T00:00:00+02:00',
      validUntil: '2027-12-31T23:59:59.999Z',
      validFor: 'P2WT36H',
      onePerRecipient: true,
      renewAfter: ['VOIDED', 'EXPIRED', 'VOIDED'],
    })
    expect(pool.terms).toEqual({
      issueFrom: '2027-02-28T23:00:00.000Z',
      issueUntil: '2027-03-31T22:00:00.000Z',
      validUntil: '2027-12-31T23:59:59.999Z',
      validFor: 'P15DT12H',
      onePerRecipient: true,
      renewAfter: ['EXPIRED', 'VOIDED'],
    })
    expect(await client.ask(`{ pool(id: "${poolId}") { ${terms} } }`)).toEqual({ pool })
    expect((await save({ poolId, validFor: null })).pool.terms).toEqual(none)
  })

  test.each([
    [{ validFor: 'P0D' }, ['validFor'], /longer than zero/],
    [{ validFor: '-P1D' }, ['validFor'], /longer than zero/],
    [{ validFor: 'P36501D' }, ['validFor'], /36,500 days/],
    [{ issueFrom: '2027-01-02T00:00:00Z', issueUntil: '2027-01-01T00:00:00Z' }, ['issueUntil'], /later/],
    [{ issueFrom: '2027-01-01T00:00:00Z', issueUntil: '2027-01-01T01:00:00+01:00' }, ['issueUntil'], /later/],
  ])('%j is invalid input', async (input, path, message) => {
    const poolId = await newPool(client)
    const refused = await save({ poolId, ...input })
    expect(refused).toMatchObject({ __typename: 'InvalidInputError', path })
    expect(refused.message).toMatch(message)
    expect(await client.ask(`{ pool(id: "${poolId}") { ${terms} } }`)).toEqual({ pool: { terms: none } })
  })

  test.each([
    [{ validFor: 'P1Y' }, /P365D/],
    [{ validFor: 'P1M' }, /P30D/],
    [{ validFor: `P${'9'.repeat(400)}D` }, /too large/],
    [{ validFor: 'P99999999999999999D' }, /too large/],
    [{ validFor: 30 }, /ISO 8601/],
    [{ validUntil: '2027-01-01' }, /RFC 3339/],
    [{ validUntil: '2027-01-01T00:00:00' }, /offset/],
    [{ validUntil: '12027-01-01T00:00:00Z' }, /RFC 3339/],
    [{ validUntil: 1_800_000_000 }, /RFC 3339/],
    [{ renewAfter: ['SOLD'] }, /RenewAfter/],
  ])('%j is no valid operation, as a variable or written out', async (input, message) => {
    const poolId = await newPool(client)
    const written = JSON.stringify({ poolId, ...input })
      .replace(/"(\w+)":/g, '$1: ')
      .replace('"SOLD"', 'SOLD')
    for (const [operation, variables] of [
      [
        'mutation ($input: SaveTermsInput!) { saveTerms(input: $input) { __typename } }',
        { input: { poolId, ...input } },
      ],
      [`mutation { saveTerms(input: ${written}) { __typename } }`, {}],
    ] as const) {
      const { errors } = await client.send(operation, variables)
      expect(errors?.map((error) => error.extensions.code)).toEqual(['GRAPHQL_VALIDATION_FAILED'])
      expect(errors?.[0]?.message).toMatch(message)
    }
  })
})

describe('an archived pool', () => {
  const archive = (poolId: string) =>
    done<{ pool: { archivedAt: string } }>(client, 'archivePool', { poolId }, 'pool { archivedAt }')

  test('is in the list only for those who ask, and is found by its id and its external id', async () => {
    const name = randomUUID()
    const [kept, archived] = [await newPool(client, `${name} A`), await newPool(client, `${name} B`)]
    await done(client, 'updatePool', { poolId: archived, externalId: name }, 'pool { id }')
    const { pool } = await archive(archived)
    expect(pool.archivedAt).toMatch(/^\d{4}-/)
    const found = async (filter: string) => {
      const { pools } = await client.ask<{
        pools: { totalCount: string; edges: { node: { id: string } }[] }
      }>(`{ pools(search: "${name}" ${filter}) { totalCount edges { node { id } } } }`)
      expect(pools.totalCount).toBe(String(pools.edges.length))
      return pools.edges.map(({ node }) => node.id)
    }
    expect(await found('')).toEqual([kept])
    expect(await found('archived: false')).toEqual([kept])
    expect(await found('archived: true')).toEqual([archived])
    expect(await found('archived: null')).toEqual([archived, kept])
    expect(
      await client.ask(
        'query ($id: ID!, $x: String!) { pool(id: $id) { id } poolByExternalId(externalId: $x) { id } }',
        { id: archived, x: name },
      ),
    ).toEqual({ pool: { id: archived }, poolByExternalId: { id: archived } })
    await done(client, 'unarchivePool', { poolId: archived }, 'pool { id }')
    expect(await found('')).toEqual([archived, kept])
  })

  test('refuses claims and new codes, and says that it is archived', async () => {
    const { poolId, formatId } = await newStock(client, 3)
    const { pool } = await archive(poolId)
    expect((await archive(poolId)).pool).toEqual(pool)
    for (const [mutation, input] of [
      ['claimCodes', { poolId }],
      ['generateCodes', { poolId, formatId, quantity: 1 }],
    ] as const) {
      const { result } = await client.ask<{ result: object }>(
        `mutation ($input: ${mutation === 'claimCodes' ? 'ClaimCodesInput' : 'GenerateCodesInput'}!) {
          result: ${mutation}(input: $input) {
            ... on PoolArchivedError { code path message pool { id archivedAt availableCount } }
          }
        }`,
        { input },
      )
      expect(result).toEqual({
        code: 'POOL_ARCHIVED',
        path: ['poolId'],
        message: expect.stringMatching(/is archived, so nothing was/),
        pool: { id: poolId, archivedAt: pool.archivedAt, availableCount: '3' },
      })
    }
    const form = await uploadByForm(service, client, { poolId }, 'code\nONE\n')
    expect(form).toMatchObject({ __typename: 'PoolArchivedError', code: 'POOL_ARCHIVED' })
    const posted = await postCodes(service, client, poolId, 'code\nONE\n')
    expect([posted.status, posted.errors?.[0]?.extensions.code]).toEqual([409, 'POOL_ARCHIVED'])
    const codes = await client.ask(`{ pool(id: "${poolId}") { availableCount tasks { totalCount } } }`)
    expect(codes).toEqual({ pool: { availableCount: '3', tasks: { totalCount: '1' } } })
    await done(client, 'unarchivePool', { poolId }, 'pool { id }')
    await claim(client, poolId, 3)
  })
})

describe('the Promo Codes section', () => {
  const save = (input: Record<string, unknown>) =>
    mutate<{
      pool: object
      refill: { id: string; status: string; trigger: string; quantity: string } | null
    }>(client, 'saveReplenishment', input, `pool { ${section} } refill { id status trigger quantity }`)

  test('is saved as a whole and read back, with defaults for what is left out', async () => {
    const { poolId, formatId } = await newStock(client, 10)
    const full = await save({
      poolId,
      method: 'GENERATE',
      formatId,
      quantity: '79228162514264337593543950336',
      autoGenerate: true,
      refillThreshold: 9,
    })
    expect(full.refill).toBeNull()
    expect(full.pool).toEqual({
      status: 'READY',
      availableCount: '10',
      replenishment: {
        method: 'GENERATE',
        format: { id: formatId },
        quantity: '79228162514264337593543950336',
        autoGenerate: true,
        refillThreshold: '9',
      },
    })
    const bare = await save({ poolId, method: 'UPLOAD' })
    expect(bare.pool).toMatchObject({
      replenishment: {
        method: 'UPLOAD',
        format: null,
        quantity: null,
        autoGenerate: false,
        refillThreshold: '0',
      },
    })
  })

  test('refills immediately if the pool is at its threshold, and returns the task', async () => {
    const [poolId, formatId] = [await newPool(client), await newFormat(client)]
    const saved = await save({
      poolId,
      method: 'GENERATE',
      formatId,
      quantity: 5,
      autoGenerate: true,
      refillThreshold: 5,
    })
    expect(saved.refill).toMatchObject({ trigger: 'AUTO_GENERATE', quantity: '10', status: 'COMPLETED' })
    expect(saved.pool).toMatchObject({ availableCount: '10', status: 'READY' })
  })

  test.each([
    ['GENERATE without a format', { method: 'GENERATE' }, ['formatId'], /format/],
    [
      'auto-generation without a quantity',
      { method: 'GENERATE', formatId: 'of the test', autoGenerate: true },
      ['quantity'],
      /the number of codes/,
    ],
    [
      'auto-generation of uploads',
      { method: 'UPLOAD', autoGenerate: true, quantity: 1 },
      ['autoGenerate'],
      /UPLOAD/,
    ],
    ['a quantity of 0', { method: 'UPLOAD', quantity: 0 }, ['quantity'], /It is 0\. .*at least 1/],
    ['a negative quantity', { method: 'UPLOAD', quantity: '-5' }, ['quantity'], /-5/],
    [
      'more than any format has',
      { method: 'UPLOAD', quantity: String(2n ** 96n + 1n) },
      ['quantity'],
      /2\^96/,
    ],
    ['a negative threshold', { method: 'UPLOAD', refillThreshold: -1 }, ['refillThreshold'], /-1/],
    [
      'a huge threshold',
      { method: 'UPLOAD', refillThreshold: String(10n ** 39n) },
      ['refillThreshold'],
      /2\^96/,
    ],
  ])('refuses %s', async (_what, input, path, message) => {
    const poolId = await newPool(client)
    const formatId = await newFormat(client)
    const refused = await save({ poolId, ...input, ...('formatId' in input ? { formatId } : {}) })
    expect(refused).toMatchObject({ __typename: 'InvalidInputError', path })
    expect(refused.message).toMatch(message)
    const { pool } = await client.ask<{ pool: object }>(`query ($id: ID!) { pool(id: $id) { ${section} } }`, {
      id: poolId,
    })
    expect(pool).toMatchObject({ replenishment: { method: 'GENERATE', format: null } })
  })

  test('accepts null for optional settings, and refuses it where there is a default', async () => {
    const poolId = await newPool(client)
    expect(await save({ poolId, method: 'UPLOAD', formatId: null, quantity: null })).toMatchObject({
      refill: null,
    })
    for (const field of ['autoGenerate', 'refillThreshold']) {
      const { errors } = await client.send(
        'mutation ($input: SaveReplenishmentInput!) { saveReplenishment(input: $input) { __typename } }',
        { input: { poolId, method: 'UPLOAD', [field]: null } },
      )
      expect(errors?.map((error) => error.extensions.code)).toEqual(['GRAPHQL_VALIDATION_FAILED'])
      expect(errors?.[0]?.message).toContain(field)
    }
  })
})

describe('a pool is', () => {
  test('READY above its threshold, LOW at it, EMPTY without codes, and found by its status', async () => {
    const { poolId, formatId } = await newStock(client, 3)
    await done(
      client,
      'saveReplenishment',
      { poolId, method: 'GENERATE', formatId, refillThreshold: 2 },
      'pool { id }',
    )
    const seen: string[] = []
    for (let left = 3; left >= 0; left--) {
      const { pool } = await client.ask<{ pool: { status: string; availableCount: string; name: string } }>(
        'query ($id: ID!) { pool(id: $id) { status availableCount name } }',
        { id: poolId },
      )
      seen.push(`${pool.availableCount} ${pool.status}`)
      const { pools } = await client.ask<{
        pools: { totalCount: string; edges: { node: { id: string } }[] }
      }>(
        'query ($name: String, $status: [PoolStatus!]) { pools(search: $name, status: $status) { totalCount edges { node { id } } } }',
        { name: pool.name, status: [pool.status] },
      )
      expect(pools).toEqual({ totalCount: '1', edges: [{ node: { id: poolId } }] })
      const others = ['READY', 'LOW', 'EMPTY'].filter((status) => status !== pool.status)
      expect(
        await client.ask(
          'query ($name: String, $status: [PoolStatus!]) { pools(search: $name, status: $status) { totalCount } }',
          {
            name: pool.name,
            status: others,
          },
        ),
      ).toEqual({ pools: { totalCount: '0' } })
      if (left > 0) await claim(client, poolId)
    }
    expect(seen).toEqual(['3 READY', '2 LOW', '1 LOW', '0 EMPTY'])
  })

  test('returned in its state after each mutation of one request', async () => {
    const { poolId } = await newStock(client, 10)
    const claimAs = (alias: string, count: number) =>
      `${alias}: claimCodes(input: { poolId: $id, count: ${count} }) {
        ... on ClaimCodesPayload { codes { code } pool { availableCount claimedCount } }
      }`
    const answer = await client.ask<Record<string, { pool: object; codes: { code: string }[] }>>(
      `mutation ($id: ID!) { ${claimAs('a', 1)} ${claimAs('b', 2)} ${claimAs('c', 3)} }`,
      { id: poolId },
    )
    expect(Object.values(answer).map(({ pool }) => pool)).toEqual([
      { availableCount: '9', claimedCount: '1' },
      { availableCount: '7', claimedCount: '3' },
      { availableCount: '4', claimedCount: '6' },
    ])
    expect(new Set(Object.values(answer).flatMap(({ codes }) => codes.map(({ code }) => code))).size).toBe(6)
  })

  test('filled by several tasks from several formats, in the order in which they completed', async () => {
    const poolId = await newPool(client)
    const formats = [await newFormat(client), await newFormat(client)]
    for (const formatId of [...formats, ...formats]) await generate(client, { poolId, formatId, quantity: 2 })
    const { codes } = await done<{ codes: { format: { id: string } }[] }>(
      client,
      'claimCodes',
      { poolId, count: 8 },
      'codes { format { id } }',
    )
    const [a, b] = formats
    expect(codes.map((code) => code.format.id)).toEqual([a, a, b, b, a, a, b, b])
  })

  test('watched live: its current state, then every change', async () => {
    const { poolId, formatId } = await newStock(client, 2)
    const updates = client.subscribe<{
      poolUpdated: { availableCount: string; status: string; name: string }
    }>('subscription ($id: ID!) { poolUpdated(id: $id) { availableCount status name } }', { id: poolId })
    const next = async () => (await updates.next()).value?.data?.poolUpdated
    const { name, ...first } = (await next()) ?? {}
    expect(first).toEqual({ availableCount: '2', status: 'READY' })
    await claim(client, poolId, 2)
    expect(await next()).toEqual({ availableCount: '0', status: 'EMPTY', name })
    const renamed = randomUUID()
    await done(client, 'renamePool', { poolId, name: renamed }, 'pool { id }')
    expect(await next()).toEqual({ availableCount: '0', status: 'EMPTY', name: renamed })
    const { task } = await done<{ task: { id: string } }>(
      client,
      'generateCodes',
      { poolId, formatId, quantity: 7 },
      'task { id }',
    )
    await finished(client, task.id)
    expect(await next()).toEqual({ availableCount: '7', status: 'READY', name: renamed })
    await updates.return?.()
  })

  test('watched live: also when what is said of it, its terms or its archiving change', async () => {
    const poolId = await newPool(client)
    const fields = 'description externalId archivedAt terms { validUntil renewAfter }'
    const updates = client.subscribe<{ poolUpdated: Record<string, unknown> }>(
      `subscription ($id: ID!) { poolUpdated(id: $id) { ${fields} } }`,
      { id: poolId },
    )
    const next = async () => (await updates.next()).value?.data?.poolUpdated
    const none = {
      description: null,
      externalId: null,
      archivedAt: null,
      terms: { validUntil: null, renewAfter: [] },
    }
    expect(await next()).toEqual(none)
    await done(client, 'updatePool', { poolId, description: 'New' }, 'pool { id }')
    expect(await next()).toEqual({ ...none, description: 'New' })
    const externalId = randomUUID()
    await done(client, 'updatePool', { poolId, description: null, externalId }, 'pool { id }')
    expect(await next()).toEqual({ ...none, externalId })
    const validUntil = '2030-01-01T00:00:00.000Z'
    await done(client, 'saveTerms', { poolId, validUntil, renewAfter: ['VOIDED'] }, 'pool { id }')
    expect(await next()).toEqual({ ...none, externalId, terms: { validUntil, renewAfter: ['VOIDED'] } })
    await done(client, 'archivePool', { poolId }, 'pool { id }')
    expect(await next()).toMatchObject({ externalId, archivedAt: expect.stringMatching(/Z$/) })
    await done(client, 'unarchivePool', { poolId }, 'pool { id }')
    expect(await next()).toMatchObject({ externalId, archivedAt: null })
    await updates.return?.()
  })
})
