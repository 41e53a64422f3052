import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { claim, done, mutate, newPool, newStock } from '../support/api.ts'
import { useClient, useService } from '../support/service.ts'

const service = useService()
const client = useClient(service)

interface Voided {
  voidedCount: string
  alreadyVoidCount: string
  redeemedCount: string
  notClaimedCount: string
  pools: { id: string; voidedCount: string }[]
}
const voidedFields = 'voidedCount alreadyVoidCount redeemedCount notClaimedCount pools { id voidedCount }'

interface Code {
  validity: string
  expiresAt: string | null
  void: { at: string; reason: string | null } | null
}

async function codeById(id: string | undefined): Promise<Code> {
  const { node } = await client.ask<{ node: Code }>(
    'query ($id: ID!) { node(id: $id) { ... on Code { validity expiresAt void { at reason } } } }',
    { id },
  )
  return node
}

const good = { validity: 'VALID', expiresAt: null, void: null }

describe('voidCodes and unvoidCodes', () => {
  test('end and restore the validity of codes, and say what became of each', async () => {
    const { poolId } = await newStock(client, 5)
    const codes = await claim(client, poolId, 3)
    const { pool } = await client.ask<{
      pool: { codes: { edges: { node: { id: string; validity: string } }[] } }
    }>(
      'query ($id: ID!) { pool(id: $id) { codes(status: AVAILABLE, first: 1) { edges { node { id validity } } } } }',
      { id: poolId },
    )
    const [available] = pool.codes.edges
    expect(available?.node.validity).toBe('NOT_CLAIMED')
    const [first, second, third] = codes.map(({ id }) => id)
    expect(await codeById(first)).toEqual(good)
    const before = Date.now()
    const codeIds = [first, second, first, available?.node.id]
    const select = { codeIds }
    expect(await mutate<Voided>(client, 'voidCodes', { select, reason: 'leak' }, voidedFields)).toEqual({
      __typename: 'VoidCodesPayload',
      voidedCount: '2',
      alreadyVoidCount: '0',
      redeemedCount: '0',
      notClaimedCount: '1',
      pools: [{ id: poolId, voidedCount: '2' }],
    })
    const code = await codeById(first)
    expect(code).toEqual({
      validity: 'VOIDED',
      expiresAt: null,
      void: { at: expect.any(String), reason: 'leak' },
    })
    expect(Date.parse(code.void?.at ?? '')).toBeGreaterThanOrEqual(before)
    expect(await codeById(third)).toEqual(good)

    expect(await done<Voided>(client, 'voidCodes', { select, reason: 'other' }, voidedFields)).toMatchObject({
      voidedCount: '0',
      alreadyVoidCount: '2',
      pools: [],
    })
    expect(await codeById(first)).toEqual(code)

    const unvoid = { select: { codeIds: [second, third] } }
    const fields = 'unvoidedCount notVoidCount pools { id voidedCount }'
    expect(await mutate(client, 'unvoidCodes', unvoid, fields)).toEqual({
      __typename: 'UnvoidCodesPayload',
      unvoidedCount: '1',
      notVoidCount: '1',
      pools: [{ id: poolId, voidedCount: '1' }],
    })
    expect(await codeById(first)).toEqual(code)
    expect(await codeById(second)).toEqual(good)
  })

  test('are in the history and in poolUpdated', async () => {
    const { poolId, taskId } = await newStock(client, 3)
    await claim(client, poolId, 2)
    const seen: string[] = []
    const query = 'subscription ($id: ID!) { poolUpdated(id: $id) { voidedCount } }'
    for await (const { data } of client.subscribe<{ poolUpdated: { voidedCount: string } }>(query, {
      id: poolId,
    })) {
      seen.push(data?.poolUpdated.voidedCount ?? '')
      if (seen.length === 1)
        await done(client, 'voidCodes', { select: { taskId }, reason: 'leak' }, 'voidedCount')
      else if (seen.length === 2) await done(client, 'unvoidCodes', { select: { taskId } }, 'unvoidedCount')
      else break
    }
    expect(seen).toEqual(['0', '2', '0'])
    const { poolEvents } = await client.ask<{ poolEvents: { edges: { node: object }[] } }>(
      `query ($id: ID!) { poolEvents(poolId: $id, first: 2) { edges { node {
        __typename pool { id }
        ... on CodesVoidedEvent { count reason task { id } }
        ... on CodesUnvoidedEvent { count reason task { id } }
      } } } }`,
      { id: poolId },
    )
    const about = { pool: { id: poolId }, count: '2', task: { id: taskId } }
    expect(poolEvents.edges.map(({ node }) => node)).toEqual([
      { __typename: 'CodesUnvoidedEvent', ...about, reason: null },
      { __typename: 'CodesVoidedEvent', ...about, reason: 'leak' },
    ])
  })

  test('take 10,000 codes at a time, whose fields can all be read at once', async () => {
    const { poolId } = await newStock(client, 10_000)
    const { codes } = await done<{ codes: { id: string; validity: string; void: null }[] }>(
      client,
      'claimCodes',
      { poolId, count: 10_000 },
      'codes { id validity void { at } }',
    )
    expect(new Set(codes.map(({ validity }) => validity))).toEqual(new Set(['VALID']))
    const codeIds = codes.map(({ id }) => id)
    const voided = await done<Voided>(client, 'voidCodes', { select: { codeIds } }, voidedFields)
    expect(voided).toMatchObject({ voidedCount: '10000', pools: [{ voidedCount: '10000' }] })
    const refused = await mutate(client, 'voidCodes', {
      select: { codeIds: [...codeIds, ...codeIds.slice(0, 1)] },
    })
    expect(refused).toMatchObject({ __typename: 'InvalidInputError', path: ['select', 'codeIds'] })
  })

  test.each([
    [{ select: { codeIds: [] } }, 'INVALID_INPUT', ['select', 'codeIds'], /0 ids\. Give from 1 to 10,000/],
    [
      { select: { recipient: { recipient: '' } } },
      'INVALID_INPUT',
      ['select', 'recipient', 'recipient'],
      /^It is empty\. Give it/,
    ],
    [{ select: { recipient: { recipient: 'Ada' } }, reason: '' }, 'INVALID_INPUT', ['reason'], /empty/],
    [{ select: { taskId: 'x' } }, 'NOT_FOUND', ['select', 'taskId'], /not an id/],
  ])('of %j are refused', async (input, code, path, message) => {
    const refused = await mutate(client, 'voidCodes', input)
    expect(refused).toMatchObject({ code, path })
    expect(refused.message).toMatch(message)
  })

  test.each(['{}', '{ taskId: "x", claimId: "x" }', '{ taskId: null }', '{ codeIds: null }'])(
    'of the choice %s are no valid operation',
    async (select) => {
      const { errors } = await client.send(
        `mutation { voidCodes(input: { select: ${select} }) { __typename } }`,
      )
      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['GRAPHQL_VALIDATION_FAILED'])
    },
  )

  test('of a recipient without claims void nothing', async () => {
    const poolId = await newPool(client)
    for (const recipient of [{ recipient: randomUUID() }, { recipient: 'Ada', poolId }])
      expect(await done<Voided>(client, 'voidCodes', { select: { recipient } }, voidedFields)).toMatchObject({
        voidedCount: '0',
        pools: [],
      })
  })
})
