import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { done, mutate, newPool, newStock, type Outcome, withScopes } from '../support/api.ts'
import { useBooks } from '../support/books.ts'
import { useClient, useService } from '../support/service.ts'
import { setTerms } from '../support/terms.ts'

const service = useService()
const client = useClient(service)

interface Claim {
  id: string
  recipient: string | null
  count: string
  at: string
  expiresAt: string | null
}
const claimFields = 'id recipient count at expiresAt'

interface Page<Node> {
  edges: { cursor: string; node: Node }[]
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean }
}
const badUserInput = { code: 'BAD_USER_INPUT' }
const page = (fields: string) =>
  `edges { cursor node { ${fields} } } pageInfo { hasNextPage hasPreviousPage }`

const claimCodes = (input: Record<string, unknown>) =>
  mutate<{ claim: Claim; alreadyHeld: boolean; codes: { id: string; code: string }[] }>(
    client,
    'claimCodes',
    input,
    `claim { ${claimFields} } alreadyHeld codes { id code }`,
  )

async function claimsOf(recipient: string, args = ''): Promise<Page<Claim>> {
  const query = `query ($recipient: String!) { claims(recipient: $recipient ${args}) { ${page(claimFields)} } }`
  return (await client.ask<{ claims: Page<Claim> }>(query, { recipient })).claims
}

describe('a claim', () => {
  test('is a node with its codes in order, which leads to its file, and its codes lead back to it', async () => {
    const { poolId } = await newStock(client, 10)
    await claimCodes({ poolId })
    const expiresAt = '2999-01-01T01:00:00+01:00'
    const { claim, codes, alreadyHeld } = await claimCodes({ poolId, count: 5, recipient: 'ada', expiresAt })
    expect(alreadyHeld).toBe(false)
    expect(claim).toMatchObject({ recipient: 'ada', count: '5', expiresAt: '2999-01-01T00:00:00.000Z' })
    const read = async (args: string) => {
      const query = `query ($id: ID!) { node(id: $id) { ... on Claim {
        ${claimFields} codesUrl pool { id } codes${args} { totalCount ${page('id code claim { id }')} }
      } } }`
      return (
        await client.ask<{ node: Claim & { codesUrl: string; codes: Page<{ id: string }> } }>(query, {
          id: claim.id,
        })
      ).node
    }
    const { codesUrl, codes: all, ...node } = await read('')
    expect(node).toEqual({ ...claim, pool: { id: poolId } })
    const url = new URL(codesUrl, 'http://localhost')
    expect(decodeURIComponent(url.pathname)).toBe(`/pools/${poolId}/codes.csv`)
    expect(Object.fromEntries(url.searchParams)).toEqual({ status: 'CLAIMED', claim: claim.id })
    expect(all).toMatchObject({ totalCount: '5', pageInfo: { hasNextPage: false, hasPreviousPage: false } })
    expect(all.edges.map((edge) => edge.node)).toEqual(
      codes.map((code) => ({ ...code, claim: { id: claim.id } })),
    )
    const ids = async (args: string) =>
      (await read(args)).codes.edges.map((edge) => codes.findIndex(({ id }) => id === edge.node.id))
    const [, second, , fourth] = all.edges.map(({ cursor }) => cursor)
    expect(await ids('(first: 2)')).toEqual([0, 1])
    expect(await ids(`(first: 2, after: "${second}")`)).toEqual([2, 3])
    expect(await ids(`(last: 2, before: "${fourth}")`)).toEqual([1, 2])
    expect(await ids(`(after: "${second}", before: "${fourth}")`)).toEqual([2])
    expect(await ids(`(after: "${fourth}", before: "${second}")`)).toEqual([])
    expect(all.edges.map(({ cursor }) => cursor)).toEqual(codes.map(({ id }) => id))
  })

  test('takes only its own codes as cursors', async () => {
    const { poolId } = await newStock(client, 6)
    const [before, claim, behind, elsewhere] = [
      await claimCodes({ poolId, count: 2 }),
      await claimCodes({ poolId, count: 2 }),
      await claimCodes({ poolId }),
      await claimCodes({ poolId: (await newStock(client, 2)).poolId, count: 2 }),
    ]
    const page = (args: string) => `codes(${args}) { totalCount edges { cursor } }`
    const available = await client.ask<{ pool: { codes: Page<object> } }>(
      'query ($id: ID!) { pool(id: $id) { codes(status: AVAILABLE) { edges { cursor } } } }',
      { id: poolId },
    )
    const foreign = [
      before.codes[1]?.id,
      behind.codes[0]?.id,
      elsewhere.codes[0]?.id,
      available.pool.codes.edges[0]?.cursor,
      claim.claim.id,
      'x',
      btoa('1'),
    ]
    for (const cursor of foreign)
      for (const name of ['after', 'before']) {
        const query = `{ node(id: "${claim.claim.id}") { ... on Claim { ${page(`${name}: "${cursor}"`)} } } }`
        expect((await client.send(query)).errors).toMatchObject([
          { message: expect.stringContaining('not a cursor of this list'), extensions: badUserInput },
        ])
      }
    // An error would hide the claim that was made.
    const { claim: made } = await done<{ claim: object }>(
      client,
      'claimCodes',
      { poolId },
      `claim { ${page(`after: "${claim.codes[0]?.id}"`)} }`,
    )
    expect(made).toEqual({ codes: { totalCount: '1', edges: [] } })
  })

  test('has a code only if it was handed out', async () => {
    const { poolId } = await newStock(client, 2)
    const { pool } = await client.ask<{ pool: object }>(
      'query ($id: ID!) { pool(id: $id) { codes(status: AVAILABLE) { edges { node { claim { id } } } } } }',
      { id: poolId },
    )
    expect(pool).toEqual({ codes: { edges: [{ node: { claim: null } }, { node: { claim: null } }] } })
  })

  test('that is no claim is not found', async () => {
    const { poolId } = await newStock(client, 3)
    await claimCodes({ poolId, count: 2 })
    const uuid = Buffer.from(poolId, 'base64').toString().slice('Pool:'.length)
    for (const key of [`${uuid}:1`, `${uuid}:2`, `${uuid}:${'9'.repeat(40)}`, `${uuid}:-1`, uuid]) {
      const id = Buffer.from(`Claim:${key}`).toString('base64')
      expect(await client.ask('query ($id: ID!) { node(id: $id) { id } }', { id })).toEqual({ node: null })
    }
  })
})

describe('the claims of a pool', () => {
  test('are listed newest first, in pages from both ends', async () => {
    const { poolId } = await newStock(client, 20)
    const made: Claim[] = []
    for (const count of [1, 4, 2, 3]) made.unshift((await claimCodes({ poolId, count })).claim)
    const list = async (args: string) => {
      const query = `query ($id: ID!) { pool(id: $id) { claims${args} { ${page(claimFields)} } } }`
      return (await client.ask<{ pool: { claims: Page<Claim> } }>(query, { id: poolId })).pool.claims
    }
    const all = await list('')
    expect(all.edges).toEqual(made.map((node) => ({ cursor: node.id, node })))
    const counts = async (args: string) => (await list(args)).edges.map(({ node }) => node.count)
    expect(await counts('(first: 2)')).toEqual(['3', '2'])
    expect(await counts(`(first: 2, after: "${made[1]?.id}")`)).toEqual(['4', '1'])
    expect(await counts(`(last: 2)`)).toEqual(['4', '1'])
    expect(await counts(`(last: 1, before: "${made[2]?.id}")`)).toEqual(['2'])
    expect((await list('(first: 3)')).pageInfo).toEqual({ hasNextPage: true, hasPreviousPage: false })
  })

  test('are no cursors of those of another pool', async () => {
    const { poolId } = await newStock(client, 2)
    await claimCodes({ poolId })
    const { claim } = await claimCodes({ poolId: (await newStock(client, 1)).poolId })
    for (const page of [
      `after: "${claim.id}"`,
      `before: "${claim.id}"`,
      `last: 1, after: "${claim.id}"`,
      'after: "x"',
    ])
      expect(
        (await client.send(`{ pool(id: "${poolId}") { claims(${page}) { edges { cursor } } } }`)).errors,
      ).toMatchObject([
        { message: expect.stringContaining('not a cursor of this list'), extensions: badUserInput },
      ])
    // An error would hide the code that was claimed.
    const { pool } = await done<{ pool: object }>(
      client,
      'claimCodes',
      { poolId },
      `pool { claimedCount claims(after: "${claim.id}") { edges { cursor } } }`,
    )
    expect(pool).toEqual({ claimedCount: '2', claims: { edges: [] } })
  })
})

describe('the claims of a recipient', () => {
  test('are found in all pools and in one, newest first', async () => {
    const [a, b] = [await newStock(client, 10), await newStock(client, 10)]
    const recipient = `Zoe\u0308 ${randomUUID()}`
    const made: Claim[] = []
    for (const [poolId, count] of [
      [a.poolId, 1],
      [b.poolId, 2],
      [a.poolId, 3],
    ] as const)
      made.unshift((await claimCodes({ poolId, count, recipient })).claim)
    for (const written of [recipient, recipient.normalize('NFC')])
      expect((await claimsOf(written)).edges.map(({ node }) => node)).toEqual(made)
    expect(
      (await claimsOf(recipient, `, poolId: "${a.poolId}"`)).edges.map(({ node }) => node.count),
    ).toEqual(['3', '1'])
    const next = await claimsOf(recipient, `, first: 1, after: "${made[0]?.id}"`)
    expect(next).toMatchObject({ edges: [{ node: { count: '2' } }], pageInfo: { hasNextPage: true } })
    expect(
      (await claimsOf(recipient, `, last: 1, before: "${made[2]?.id}"`)).edges.map(({ node }) => node.count),
    ).toEqual(['2'])
    for (const other of [recipient.toLowerCase(), `${recipient} `, 'nobody'])
      expect((await claimsOf(other)).edges).toEqual([])
  })

  test.each(['', '  ', '\0', 'x'.repeat(1_001)])('cannot be asked for with %j', async (recipient) => {
    const query = 'query ($recipient: String!) { claims(recipient: $recipient) { edges { cursor } } }'
    const { errors } = await client.send(query, { recipient })
    expect(errors?.[0]).toMatchObject({
      extensions: { code: 'BAD_USER_INPUT' },
      message: expect.stringContaining('1,000'),
    })
  })

  test('are erased by forgetRecipient, and their codes stay', async () => {
    const { poolId } = await newStock(client, 10)
    const recipient = randomUUID()
    const { claim, codes } = await claimCodes({ poolId, count: 2, recipient })
    await claimCodes({ poolId, recipient })
    const forget = () => done<{ claimCount: string }>(client, 'forgetRecipient', { recipient }, 'claimCount')
    expect((await forget()).claimCount).toBe('2')
    expect((await forget()).claimCount).toBe('0')
    expect((await claimsOf(recipient)).edges).toEqual([])
    const { node } = await client.ask<{ node: object }>(
      'query ($id: ID!) { node(id: $id) { ... on Claim { recipient codes { edges { node { code recipient } } } } } }',
      { id: claim.id },
    )
    expect(node).toEqual({
      recipient: null,
      codes: { edges: codes.map(({ code }) => ({ node: { code, recipient: null } })) },
    })
    expect(await mutate(client, 'forgetRecipient', { recipient: '' })).toMatchObject({
      code: 'INVALID_INPUT',
      message: 'It is empty. Give it at least one character.',
    })
  })
})

describe('claimForRecipients', () => {
  test('answers 10,000 recipients with their codes, and again with the same key', async () => {
    const { poolId } = await newStock(client, 10_000)
    const recipients = Array.from({ length: 10_000 }, (_, i) => `customer-${i}@example.com`)
    const input = { poolId, recipients, idempotencyKey: randomUUID() }
    const ask = () =>
      done<{
        claims: { recipient: string; alreadyHeld: boolean; code: { code: string; recipient: string } }[]
        pool: object
      }>(
        client,
        'claimForRecipients',
        input,
        'claims { recipient alreadyHeld code { id code recipient validity claim { id recipient expiresAt } } } pool { availableCount }',
      )
    const first = await ask()
    expect(first.pool).toEqual({ availableCount: '0' })
    expect(first.claims.map(({ recipient }) => recipient)).toEqual(recipients)
    expect(first.claims.map(({ code }) => code.recipient)).toEqual(recipients)
    expect(new Set(first.claims.map(({ code }) => code.code)).size).toBe(10_000)
    expect((await ask()).claims).toEqual(first.claims)
  })

  test('weighs the recipients that are given, not the longest that could be', async () => {
    const { poolId } = await newStock(client, 1_000)
    const recipients = ['x'.repeat(1_000), ...Array.from({ length: 999 }, (_, i) => String(i))]
    const { claims } = await done<{ claims: object[] }>(
      client,
      'claimForRecipients',
      { poolId, recipients },
      'claims { recipient code { recipient claim { recipient } } }',
    )
    expect(claims).toHaveLength(1_000)
  })

  test('refuses none, more than 10,000, and wrong ones, and claims nothing', async () => {
    const { poolId } = await newStock(client, 10)
    const refused = (recipients: readonly string[]) =>
      mutate(client, 'claimForRecipients', { poolId, recipients })
    expect(await refused([])).toMatchObject({ code: 'INVALID_INPUT', path: ['recipients'] })
    expect(await refused(Array.from({ length: 10_001 }, () => 'x'))).toMatchObject({ path: ['recipients'] })
    expect(await refused(['a', ' ', 'b\0'])).toMatchObject({
      issues: [{ path: ['recipients', '1'] }, { path: ['recipients', '2'] }],
    })
    expect(await refused(Array.from({ length: 11 }, () => 'x'))).toMatchObject({
      code: 'NOT_ENOUGH_CODES',
      path: ['recipients'],
    })
  })
})

describe('claimFile', () => {
  const claimFile = (input: Record<string, unknown>) =>
    mutate<{ claim: Claim & { codesUrl: string }; pool: object }>(
      client,
      'claimFile',
      input,
      `claim { ${claimFields} codesUrl codes(last: 1) { totalCount } } pool { claimedCount }`,
    )

  test('claims any number of codes as one claim', async () => {
    const { poolId } = await newStock(client, '100000000000')
    const input = { poolId, count: '99999999999', recipient: 'Print shop', idempotencyKey: randomUUID() }
    const { claim, pool } = await claimFile(input)
    expect(claim).toMatchObject({
      count: '99999999999',
      recipient: 'Print shop',
      codes: { totalCount: '99999999999' },
    })
    expect(pool).toEqual({ claimedCount: '99999999999' })
    expect((await claimFile(input)).claim).toEqual(claim)
  })

  test.each([
    ['0', 'INVALID_INPUT'],
    ['-1', 'INVALID_INPUT'],
    [String(2n ** 63n), 'NOT_ENOUGH_CODES'],
    [String(2n ** 100n), 'INVALID_INPUT'],
    ['11', 'NOT_ENOUGH_CODES'],
  ])('of %s codes out of ten is %s', async (count, code) => {
    const { poolId } = await newStock(client, 10)
    expect(await claimFile({ poolId, count })).toMatchObject({ code, path: ['count'] })
  })

  test('of 2^200 codes is no number of this API', async () => {
    const poolId = await newPool(client)
    const query = 'mutation ($input: ClaimFileInput!) { claimFile(input: $input) { __typename } }'
    const { errors } = await client.send(query, { input: { poolId, count: String(2n ** 200n) } })
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'GRAPHQL_VALIDATION_FAILED' })
  })
})

describe('terms', () => {
  const books = useBooks(service)

  test('refuse with what a client needs to act, and let a holder have the code again', async () => {
    const { poolId } = await newStock(client, 10)
    const uuid = Buffer.from(poolId, 'base64').toString().slice('Pool:'.length)
    const { account } = await client.ask<{ account: { id: string } }>('{ account { id } }')
    const place = {
      books: books.books,
      accountId: Buffer.from(account.id, 'base64').toString().slice('Account:'.length),
    }
    await setTerms(place, uuid, { onePerRecipient: true })
    const first = await claimCodes({ poolId, recipient: 'ada' })
    const issueUntil = new Date('2026-01-01')
    await setTerms(place, uuid, { onePerRecipient: true, issueUntil, validForMs: 60_000n })
    const query = `mutation ($input: ClaimCodesInput!) { result: claimCodes(input: $input) { __typename
      ... on PoolNotIssuingError { message issueFrom issueUntil pool { name } } ... on PoolArchivedError { message pool { name } } } }`
    const refused = async (input: object) =>
      (await client.ask<{ result: Outcome }>(query, { input: { poolId, ...input } })).result
    expect(await refused({ recipient: 'bob' })).toMatchObject({
      __typename: 'PoolNotIssuingError',
      issueFrom: null,
      issueUntil: issueUntil.toISOString(),
    })
    await setTerms(place, uuid, { onePerRecipient: true, archivedAt: new Date() })
    expect(await refused({ recipient: 'bob' })).toMatchObject({ __typename: 'PoolArchivedError' })
    expect(await claimCodes({ poolId, recipient: 'ada' })).toEqual({ ...first, alreadyHeld: true })
    await setTerms(place, uuid, { validForMs: 60_000n })
    expect(await claimCodes({ poolId, expiresAt: '2999-01-01T00:00:00Z' })).toMatchObject({
      code: 'INVALID_INPUT',
      path: ['expiresAt'],
    })
  })
})

test('a key that can only claim sees the claim, but reads no lists', async () => {
  const { poolId } = await newStock(client, 5)
  const claims = await withScopes(service, client, ['CLAIM'])
  const { claim } = await done<{ claim: Claim }>(
    claims,
    'claimCodes',
    { poolId, recipient: 'ada' },
    `claim { ${claimFields} codesUrl }`,
  )
  expect(claim.recipient).toBe('ada')
  for (const operation of [
    `mutation { claimCodes(input: { poolId: "${poolId}" }) { ... on ClaimCodesPayload { claim { codes { totalCount } } } } }`,
    `mutation { claimCodes(input: { poolId: "${poolId}" }) { ... on ClaimCodesPayload { pool { claims { edges { cursor } } } } } }`,
    '{ claims(recipient: "ada") { edges { cursor } } }',
    'mutation { forgetRecipient(input: { recipient: "ada" }) { __typename } }',
  ])
    expect((await claims.send(operation)).errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' })
  const { pool } = await client.ask<{ pool: object }>('query ($id: ID!) { pool(id: $id) { claimedCount } }', {
    id: poolId,
  })
  expect(pool).toEqual({ claimedCount: '1' })
})
