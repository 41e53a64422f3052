import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { claim, done, mutate, newPool, newStock, withScopes } from '../support/api.ts'
import type { Client } from '../support/client.ts'
import { runSql } from '../support/database.ts'
import { useClient, useService } from '../support/service.ts'
import { postCodes } from '../support/upload-api.ts'

const service = useService()
const client = useClient(service)
/** A till: its key can do nothing but redeem. */
let till: Client
beforeAll(async () => {
  till = await withScopes(service, client, ['REDEEM'])
})

interface Redemption {
  id: string
  code: { id: string; code: string; validity: string }
  reference: string
  place: string | null
  at: string
  rolledBackAt: string | null
}
const redemptionFields = 'id code { id code validity } reference place at rolledBackAt'

interface Redeemed {
  redemption: Redemption
  alreadyRedeemed: boolean
}

function redeem(input: Record<string, unknown>, from = till) {
  return mutate<Redeemed>(
    from,
    'redeemCode',
    { reference: 'order 1', ...input },
    `redemption { ${redemptionFields} } alreadyRedeemed`,
  )
}

function rollBack(redemptionId: string, from = till) {
  return mutate<{ redemption: Redemption }>(
    from,
    'rollBackRedemption',
    { redemptionId },
    `redemption { ${redemptionFields} }`,
  )
}

async function claimed(
  input: Record<string, unknown> = {},
): Promise<{ id: string; code: string; poolId: string }> {
  const { poolId } = await newStock(client, 1)
  const { codes } = await done<{ codes: { id: string; code: string }[] }>(
    client,
    'claimCodes',
    { poolId, ...input },
    'codes { id code }',
  )
  const [code] = codes
  if (code === undefined) throw new Error('Nothing was claimed.')
  return { ...code, poolId }
}

/** The fields of a refusal, with those that its type has. */
async function refusal(input: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { redeemCode } = await till.ask<{ redeemCode: Record<string, unknown> }>(
    `mutation ($input: RedeemCodeInput!) { redeemCode(input: $input) {
      __typename
      ... on UserError { code path message }
      ... on CodeExpiredError { expiredAt }
      ... on CodeRedeemedError { redemption { ${redemptionFields} } }
      ... on CodeVoidedError { void { at reason } }
    } }`,
    { input: { reference: 'order 1', ...input } },
  )
  return redeemCode
}

const anyTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)

describe('redeemCode', () => {
  test('lets a till redeem a code, with a key that can do nothing else', async () => {
    const { id, code, poolId } = await claimed()
    const typed = code.toLowerCase().replaceAll('-', ' ')
    const redeemed = await redeem({ code: typed, reference: 'order 7', place: 'Till 3' })
    expect(redeemed).toEqual({
      __typename: 'RedeemCodePayload',
      alreadyRedeemed: false,
      redemption: {
        id: expect.any(String),
        code: { id, code, validity: 'REDEEMED' },
        reference: 'order 7',
        place: 'Till 3',
        at: anyTime,
        rolledBackAt: null,
      },
    })
    expect(await redeem({ code, reference: 'order 7' })).toEqual({ ...redeemed, alreadyRedeemed: true })
    const { pool, found } = await client.ask<{ pool: object; found: object }>(
      `query ($id: ID!, $code: String!) {
        pool(id: $id) { redeemedCount claimedCount }
        found: code(code: $code) { validity redemption { id } }
      }`,
      { id: poolId, code },
    )
    expect(pool).toEqual({ redeemedCount: '1', claimedCount: '1' })
    expect(found).toEqual({ validity: 'REDEEMED', redemption: { id: redeemed.redemption.id } })
    for (const forbidden of [
      `mutation { claimCodes(input: { poolId: "${poolId}" }) { __typename } }`,
      `{ node(id: "${redeemed.redemption.id}") { id } }`,
      '{ redemptions(reference: "order 7") { edges { cursor } } }',
    ])
      expect((await till.send(forbidden)).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  })

  test('shows a till nothing of who a code is for, and redeems nothing for one that asks', async () => {
    const { id, code } = await claimed({ recipient: 'ada@example.com' })
    const asking = [
      ['RedeemCodePayload', 'redemption { code { recipient } }', 'Code.recipient'],
      ['RedeemCodePayload', 'redemption { code { claim { id } } }', 'Code.claim'],
      ['CodeRedeemedError', 'redemption { code { claim { recipient } } }', 'Code.claim'],
    ]
    const ask = (from: Client, type: string | undefined, selection: string | undefined) =>
      from.send(
        `mutation ($input: RedeemCodeInput!) { redeemCode(input: $input) { ... on ${type} { ${selection} } } }`,
        { input: { code, reference: 'order 1' } },
      )
    for (const [type, selection, field] of asking) {
      const { data, errors } = await ask(till, type, selection)
      expect(data).toBeUndefined()
      expect(errors).toMatchObject([
        {
          message: `This API key lacks a scope that ${field} needs: READ or CLAIM.`,
          extensions: { code: 'FORBIDDEN' },
        },
      ])
    }
    const found = await client.ask(`{ node(id: "${id}") { ... on Code { validity } } }`)
    expect(found).toEqual({ node: { validity: 'VALID' } })
    for (const other of ['READ', 'CLAIM']) {
      const from = await withScopes(service, client, ['REDEEM', other])
      const selection = 'redemption { code { recipient claim { recipient } } }'
      const { data } = await ask(from, 'RedeemCodePayload', selection)
      const recipient = 'ada@example.com'
      expect(data).toEqual({ redeemCode: { redemption: { code: { recipient, claim: { recipient } } } } })
    }
  })

  test('refuses a code that was redeemed for something else, and says when and where', async () => {
    const { code } = await claimed()
    const { redemption } = await redeem({ code, place: 'Till 3' })
    expect(await refusal({ code, reference: 'order 2' })).toEqual({
      __typename: 'CodeRedeemedError',
      code: 'CODE_REDEEMED',
      path: ['code'],
      message: expect.stringContaining('rollBackRedemption'),
      redemption,
    })
  })

  test('refuses a code that is void, and says since when and why', async () => {
    const { id, code } = await claimed()
    await done(client, 'voidCodes', { select: { codeIds: [id] }, reason: 'leaked' }, 'voidedCount')
    expect(await refusal({ code })).toEqual({
      __typename: 'CodeVoidedError',
      code: 'CODE_VOIDED',
      path: ['code'],
      message: expect.any(String),
      void: { at: anyTime, reason: 'leaked' },
    })
    await done(client, 'unvoidCodes', { select: { codeIds: [id] } }, 'unvoidedCount')
    expect(await redeem({ code })).toMatchObject({ alreadyRedeemed: false })
  })

  test('refuses a code that has expired, unless it was used before', async () => {
    const { code } = await claimed()
    const [row] = await runSql<{ at: Date; expires_at: Date }>(
      service.databaseUrl,
      `UPDATE claim SET expires_at = at + interval '1 ms'
       WHERE pool_id = (SELECT id FROM pool ORDER BY id DESC LIMIT 1) RETURNING at, expires_at`,
    )
    const expiredAt = row?.expires_at.toISOString()
    expect(await refusal({ code })).toEqual({
      __typename: 'CodeExpiredError',
      code: 'CODE_EXPIRED',
      path: ['code'],
      message: expect.stringContaining(expiredAt ?? ''),
      expiredAt,
    })
    const at = row?.at.toISOString()
    expect(await redeem({ code, at })).toMatchObject({ alreadyRedeemed: false, redemption: { at } })
  })

  test('refuses a code that nobody has, and one that was withdrawn', async () => {
    const { poolId } = await newStock(client, 1)
    const { pool } = await client.ask<{ pool: { codes: { edges: { node: { code: string } }[] } } }>(
      'query ($id: ID!) { pool(id: $id) { codes(status: AVAILABLE) { edges { node { code } } } } }',
      { id: poolId },
    )
    const code = pool.codes.edges[0]?.node.code
    const refused = { __typename: 'CodeNotClaimedError', code: 'CODE_NOT_CLAIMED', path: ['code'] }
    expect(await refusal({ code })).toEqual({
      ...refused,
      message: expect.stringContaining('not been handed out'),
    })
    await done(client, 'withdrawCodes', { poolId }, 'pool { withdrawnCount }')
    expect(await refusal({ code })).toEqual({ ...refused, message: expect.stringContaining('withdrawn') })
  })

  test('refuses another recipient without saying whose code it is', async () => {
    const { code } = await claimed({ recipient: 'ada@example.com' })
    const refused = await refusal({ code, recipient: 'Ada@example.com' })
    expect(refused).toEqual({
      __typename: 'RecipientMismatchError',
      code: 'RECIPIENT_MISMATCH',
      path: ['recipient'],
      message: expect.any(String),
    })
    expect(JSON.stringify(refused)).not.toContain('ada@')
    expect(await redeem({ code, recipient: 'ada@example.com' })).toMatchObject({ alreadyRedeemed: false })
  })

  test('with several mistakes says which fields they are in, also to those who select only the message', async () => {
    const refused = await refusal({ code: 'x', reference: '', place: '' })
    expect(refused).toMatchObject({
      path: [],
      message:
        'reference: It is blank. Give the number of the order, for example. ' +
        'place: It is empty. Leave it out, or give it at least one character.',
    })
  })

  test.each([
    [{ reference: '' }, ['reference'], /blank/],
    [{ reference: ' ' }, ['reference'], /blank/],
    [{ reference: 'x'.repeat(256) }, ['reference'], /256.*255/],
    [{ reference: 'a\0' }, ['reference'], /NUL/],
    [{ place: '' }, ['place'], /empty/],
    [{ place: 'x'.repeat(256) }, ['place'], /256.*255/],
    [{ recipient: 'x'.repeat(10_000) }, ['recipient'], /10,000.*1,000/],
    [{ at: '2999-01-01T00:00:00Z' }, ['at'], /in the future/],
    [{ at: '2016-01-01T00:00:00+01:00' }, ['at'], /too long ago/],
  ])('with %j is refused, and redeems nothing', async (wrong, path, message) => {
    const { code, poolId } = await claimed()
    const refused = await refusal({ code, ...wrong })
    expect(refused).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT', path })
    expect(refused['message']).toMatch(message)
    const { pool } = await client.ask<{ pool: object }>(
      'query ($id: ID!) { pool(id: $id) { redeemedCount } }',
      {
        id: poolId,
      },
    )
    expect(pool).toEqual({ redeemedCount: '0' })
  })

  test.each(['yesterday', '2026-02-30T00:00:00Z', '2026-01-01', 0])(
    'with the time %j is refused before anything is done',
    async (at) => {
      const { errors } = await till.send(
        'mutation ($input: RedeemCodeInput!) { redeemCode(input: $input) { __typename } }',
        { input: { code: 'x', reference: 'x', at } },
      )
      expect(errors?.map((error) => error.extensions.code)).toEqual(['GRAPHQL_VALIDATION_FAILED'])
    },
  )

  test('takes null as left out', async () => {
    const { code } = await claimed()
    expect(await redeem({ code, place: null, at: null, recipient: null })).toMatchObject({
      redemption: { place: null, at: anyTime },
    })
  })

  test('changes what poolUpdated shows', async () => {
    const { code, poolId } = await claimed()
    const updates = client.subscribe<{ poolUpdated: { redeemedCount: string } }>(
      'subscription ($id: ID!) { poolUpdated(id: $id) { redeemedCount } }',
      { id: poolId },
    )
    const seen: (string | undefined)[] = []
    for await (const { data } of updates) {
      seen.push(data?.poolUpdated.redeemedCount)
      if (seen.length === 1) await redeem({ code })
      else break
    }
    expect(seen).toEqual(['0', '1'])
  })

  test('of several codes in one request redeems each', async () => {
    const { poolId } = await newStock(client, 3)
    const codes = await claim(client, poolId, 3)
    const fields = codes.map(
      ({ code }, i) =>
        `a${i}: redeemCode(input: { code: "${code}", reference: "basket" }) { ... on RedeemCodePayload { redemption { code { code } } } }`,
    )
    expect(await till.ask(`mutation { ${fields.join(' ')} }`)).toEqual(
      Object.fromEntries(codes.map(({ code }, i) => [`a${i}`, { redemption: { code: { code } } }])),
    )
  })
})

describe('guessing codes at a till', () => {
  const strict = useService({ failedLookUpsPerMinute: 3 })
  const owner = useClient(strict)

  test('is limited like other look-ups, together with them', async () => {
    const guesser = await withScopes(strict, owner, ['REDEEM', 'READ'])
    const { poolId } = await newStock(owner, 1)
    const [code] = await claim(owner, poolId)
    for (let i = 0; i < 2; i++)
      expect(await redeem({ code: `no ${i}` }, guesser)).toMatchObject({
        __typename: 'NotFoundError',
        code: 'NOT_FOUND',
        path: ['code'],
      })
    expect(await guesser.ask('{ code(code: "no") { id } }')).toEqual({ code: null })
    const answer = await guesser.send(
      'mutation ($input: RedeemCodeInput!) { redeemCode(input: $input) { __typename } }',
      { input: { code: code?.code, reference: 'order 1' } },
    )
    expect(answer.data).toEqual({ redeemCode: null })
    expect(answer.errors).toMatchObject([
      { extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) } },
    ])
    expect(await redeem({ code: code?.code }, owner)).toMatchObject({ alreadyRedeemed: false })
  })
})

describe('rollBackRedemption', () => {
  test('frees the code, once, and keeps the redemption', async () => {
    const { code, poolId } = await claimed()
    const { redemption } = await redeem({ code })
    const rolledBack = await rollBack(redemption.id)
    expect(rolledBack).toEqual({
      __typename: 'RollBackRedemptionPayload',
      redemption: { ...redemption, code: { ...redemption.code, validity: 'VALID' }, rolledBackAt: anyTime },
    })
    expect(await rollBack(redemption.id)).toEqual(rolledBack)
    const again = await redeem({ code, reference: 'order 2' })
    expect(again).toMatchObject({ alreadyRedeemed: false, redemption: { reference: 'order 2' } })
    const { pool } = await client.ask<{ pool: object }>(
      'query ($id: ID!) { pool(id: $id) { redeemedCount redemptions { edges { node { id rolledBackAt } } } } }',
      { id: poolId },
    )
    expect(pool).toEqual({
      redeemedCount: '1',
      redemptions: {
        edges: [
          { node: { id: again.redemption.id, rolledBackAt: null } },
          { node: { id: redemption.id, rolledBackAt: anyTime } },
        ],
      },
    })
  })
})

describe('redemptions', () => {
  const query = `query ($reference: String!, $first: Int, $after: String, $last: Int, $before: String) {
    redemptions(reference: $reference, first: $first, after: $after, last: $last, before: $before) {
      edges { node { code { code } } } pageInfo { hasNextPage endCursor startCursor }
    }
  }`
  interface Page {
    redemptions: {
      edges: { node: { code: { code: string } } }[]
      pageInfo: { hasNextPage: boolean; endCursor: string; startCursor: string }
    }
  }
  const textsOf = ({ redemptions }: Page) => redemptions.edges.map(({ node }) => node.code.code)

  test('of a reference are listed newest first, over all pools and origins of codes', async () => {
    const reference = `Café ${randomUUID()}`
    const uploaded = await newPool(client)
    const texts = Array.from({ length: 3 }, (_, i) => `up-${randomUUID().slice(0, 8)}-${i}`)
    await postCodes(service, client, uploaded, texts.join('\n'))
    const codes: { code: string }[] = []
    await expect
      .poll(async () => {
        const outcome = await mutate<{ codes: { code: string }[] }>(
          client,
          'claimCodes',
          { poolId: uploaded, count: 3 },
          'codes { code }',
        )
        codes.push(...(outcome.codes ?? []))
        return codes.length
      })
      .toBe(3)
    for (let i = 0; i < 2; i++) {
      const { poolId } = await newStock(client, 2)
      codes.push(...(await claim(client, poolId, 2)))
    }
    for (const { code } of codes) await redeem({ code, reference: reference.normalize('NFD') })
    const other = await claimed()
    await redeem({ code: other.code, reference: reference.toUpperCase() })
    const newest = codes.map(({ code }) => code).reverse()
    const all = await client.ask<Page>(query, { reference })
    expect(textsOf(all)).toEqual(newest)
    const first = await client.ask<Page>(query, { reference, first: 3 })
    expect(textsOf(first)).toEqual(newest.slice(0, 3))
    expect(first.redemptions.pageInfo.hasNextPage).toBe(true)
    const { endCursor } = first.redemptions.pageInfo
    expect(textsOf(await client.ask<Page>(query, { reference, after: endCursor }))).toEqual(newest.slice(3))
    const last = await client.ask<Page>(query, { reference, last: 2 })
    expect(textsOf(last)).toEqual(newest.slice(-2))
    const { startCursor } = last.redemptions.pageInfo
    expect(textsOf(await client.ask<Page>(query, { reference, last: 2, before: startCursor }))).toEqual(
      newest.slice(-4, -2),
    )
  })

  test.each(['', ' ', 'a\0', '\ud800', 'x'.repeat(256), '\u0301'.repeat(100_000)])(
    'of a reference that none has are BAD_USER_INPUT',
    async (reference) => {
      const { errors } = await client.send(query, { reference })
      expect(errors?.map((error) => error.extensions.code)).toEqual(['BAD_USER_INPUT'])
      expect(errors?.[0]?.message).toMatch(/^reference: /)
    },
  )

  test('are nodes', async () => {
    const { code } = await claimed()
    const { redemption } = await redeem({ code })
    const { node, nodes } = await client.ask<{ node: object; nodes: object[] }>(
      `query ($id: ID!) {
        node(id: $id) { __typename ... on Redemption { ${redemptionFields} } }
        nodes(ids: [$id, "x"]) { ... on Redemption { reference } }
      }`,
      { id: redemption.id },
    )
    expect(node).toEqual({ __typename: 'Redemption', ...redemption })
    expect(nodes).toEqual([{ reference: 'order 1' }, null])
  })

  test('of a pool need READ on every path', async () => {
    const { code } = await claimed()
    const { errors } = await till.send(
      `mutation ($input: RedeemCodeInput!) { redeemCode(input: $input) {
        ... on RedeemCodePayload { redemption { code { pool { redemptions { edges { cursor } } } } } }
      } }`,
      { input: { code, reference: 'order 1' } },
    )
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
    // It was refused before anything was done.
    expect(await redeem({ code })).toMatchObject({ alreadyRedeemed: false })
  })
})
