import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { claim, done, generate, mutate, newFormat, newPool, newStock, withScopes } from '../support/api.ts'
import type { Client } from '../support/client.ts'
import { useClient, useService } from '../support/service.ts'
import { codesFile, ended, upload } from '../support/upload-api.ts'

const service = useService()
const client = useClient(service)
let formatId: string
beforeAll(async () => {
  formatId = await newFormat(client)
})

const counts = 'availableCount claimedCount withdrawnCount status replenishment { autoGenerate }'

interface Withdrawn {
  withdrawnCount: string
  pool: Record<string, unknown>
}

const withdraw = (input: Record<string, unknown>) =>
  done<Withdrawn>(client, 'withdrawCodes', input, `withdrawnCount pool { ${counts} }`)

const restore = (input: Record<string, unknown>) =>
  done<{ restoredCount: string; pool: Record<string, unknown> }>(
    client,
    'restoreCodes',
    input,
    `restoredCount pool { ${counts} }`,
  )

async function list(poolId: string, status: string, by: Client = client): Promise<string[]> {
  const { pool } = await by.ask<{
    pool: { codes: { totalCount: string; edges: { node: { id: string; status: string } }[] } }
  }>(
    `query ($id: ID!, $status: CodeStatus!) {
      pool(id: $id) { codes(status: $status, first: 100) { totalCount edges { node { id status } } } }
    }`,
    { id: poolId, status },
  )
  expect(pool.codes.totalCount).toBe(String(pool.codes.edges.length))
  return pool.codes.edges.map(({ node }) => {
    expect(node.status).toBe(status)
    return node.id
  })
}

test('withdrawn codes are counted and listed apart, and come back when they are restored', async () => {
  const { poolId, taskId } = await newStock(client, 5)
  const more = await generate(client, { poolId, formatId, quantity: 3 })
  const codes = await list(poolId, 'AVAILABLE')
  await claim(client, poolId, 2)
  expect(await withdraw({ poolId, taskId, reason: 'leaked' })).toEqual({
    __typename: 'WithdrawCodesPayload',
    withdrawnCount: '3',
    pool: {
      availableCount: '3',
      claimedCount: '2',
      withdrawnCount: '3',
      status: 'READY',
      replenishment: { autoGenerate: false },
    },
  })
  expect(await list(poolId, 'WITHDRAWN')).toEqual(codes.slice(2, 5))
  expect(await withdraw({ poolId })).toMatchObject({
    withdrawnCount: '3',
    pool: { availableCount: '0', withdrawnCount: '6', status: 'EMPTY' },
  })
  expect(await mutate(client, 'claimCodes', { poolId })).toMatchObject({ __typename: 'NotEnoughCodesError' })
  expect(await restore({ poolId, taskId: more })).toMatchObject({
    restoredCount: '3',
    pool: { availableCount: '3', withdrawnCount: '3' },
  })
  expect(await restore({ poolId })).toMatchObject({ restoredCount: '3', pool: { withdrawnCount: '0' } })
  expect(await list(poolId, 'AVAILABLE')).toEqual([...codes.slice(5), ...codes.slice(2, 5)])
  expect(await restore({ poolId })).toMatchObject({ restoredCount: '0' })
})

test('auto-generation is turned off, unless it is to be kept', async () => {
  const poolId = await newPool(client)
  const settings = { poolId, method: 'GENERATE', formatId, quantity: 4, autoGenerate: true }
  await done(client, 'saveReplenishment', settings, '__typename')
  expect(await withdraw({ poolId, keepAutoGenerate: true })).toMatchObject({
    withdrawnCount: '4',
    pool: { availableCount: '4', withdrawnCount: '4', replenishment: { autoGenerate: true } },
  })
  expect(await withdraw({ poolId })).toMatchObject({
    withdrawnCount: '4',
    pool: { availableCount: '0', withdrawnCount: '8', replenishment: { autoGenerate: false } },
  })
  expect(await restore({ poolId })).toMatchObject({
    restoredCount: '8',
    pool: { replenishment: { autoGenerate: false } },
  })
})

test('the history says how many codes were withdrawn and restored, why, and by whom', async () => {
  const { poolId, taskId } = await newStock(client, 5)
  const manager = await withScopes(service, client, ['MANAGE'])
  const input = { poolId, taskId, reason: 'The file has leaked.' }
  await done(manager, 'withdrawCodes', input, 'withdrawnCount')
  await restore({ poolId })
  const { poolEvents, account } = await client.ask<{
    poolEvents: { edges: { node: { actor: { id: string } } }[] }
    account: { apiKeys: { id: string }[] }
  }>(
    `query ($poolId: ID!) { account { apiKeys { id } } poolEvents(poolId: $poolId, first: 3) { edges { node {
      __typename actor { id }
      ... on CodesWithdrawnEvent { count reason task { id } }
      ... on CodesRestoredEvent { count reason task { id } }
    } } } }`,
    { poolId },
  )
  const own = account.apiKeys.map(({ id }) => id).find((id) => id !== manager.keyId)
  expect(poolEvents.edges.map(({ node }) => node)).toEqual([
    { __typename: 'CodesRestoredEvent', actor: { id: own }, count: '5', reason: null, task: null },
    { __typename: 'PoolEmptyEvent', actor: { id: manager.keyId } },
    {
      __typename: 'CodesWithdrawnEvent',
      actor: { id: manager.keyId },
      count: '5',
      reason: 'The file has leaked.',
      task: { id: taskId },
    },
  ])
})

test('whoever follows the pool sees the counts', async () => {
  const { poolId } = await newStock(client, 5)
  const seen: object[] = []
  let next = () => withdraw({ poolId }) as Promise<unknown>
  for await (const { data } of client.subscribe<{ poolUpdated: object }>(
    'subscription ($id: ID!) { poolUpdated(id: $id) { availableCount withdrawnCount } }',
    { id: poolId },
  )) {
    if (data == null) throw new Error('The subscription has failed.')
    seen.push(data.poolUpdated)
    if (seen.length === 3) break
    await next()
    next = () => restore({ poolId })
  }
  expect(seen).toEqual([
    { availableCount: '5', withdrawnCount: '0' },
    { availableCount: '0', withdrawnCount: '5' },
    { availableCount: '5', withdrawnCount: '0' },
  ])
})

test('an upload that was withdrawn can be undone', async () => {
  const poolId = await newPool(client)
  const taskId = await upload(service, client, poolId, codesFile(randomUUID().slice(0, 13), 30))
  await ended(client, taskId)
  await withdraw({ poolId })
  const undone = await done(client, 'undoUpload', { taskId }, `task { status pool { ${counts} } }`)
  expect(undone).toMatchObject({ task: { status: 'UNDONE', pool: { withdrawnCount: '0' } } })
})

describe('a withdrawn code', () => {
  test('needs MANAGE to be listed or read, and READ to be looked up by whoever has it', async () => {
    const { poolId } = await newStock(client, 2)
    const { pool } = await client.ask<{
      pool: { codes: { edges: { node: { id: string; code: string } }[] } }
    }>('query ($id: ID!) { pool(id: $id) { codes(status: AVAILABLE) { edges { node { id code } } } } }', {
      id: poolId,
    })
    const [{ node } = { node: { id: '', code: '' } }] = pool.codes.edges
    await withdraw({ poolId })
    const [reader, manager] = [
      await withScopes(service, client, ['READ']),
      await withScopes(service, client, ['READ', 'MANAGE']),
    ]
    expect(await list(poolId, 'WITHDRAWN', manager)).toHaveLength(2)
    await expect(list(poolId, 'WITHDRAWN', reader)).rejects.toThrow(/MANAGE/)
    await expect(
      reader.ask('query ($id: ID!) { node(id: $id) { ... on Code { code } } }', { id: node.id }),
    ).rejects.toThrow(/MANAGE/)
    const found = await reader.ask(
      'query ($code: String!) { code(code: $code) { id status validity recipient claimedAt pool { id } } }',
      { code: node.code.toLowerCase() },
    )
    expect(found).toEqual({
      code: {
        id: node.id,
        status: 'WITHDRAWN',
        validity: 'WITHDRAWN',
        recipient: null,
        claimedAt: null,
        pool: { id: poolId },
      },
    })
  })

  test('is no longer a cursor of the available ones', async () => {
    const { poolId } = await newStock(client, 3)
    const [cursor] = await list(poolId, 'AVAILABLE')
    await withdraw({ poolId })
    const page = `query ($id: ID!, $status: CodeStatus!, $after: String) {
      pool(id: $id) { codes(status: $status, after: $after) { edges { cursor } } } }`
    const of = async (status: string) =>
      (await client.send(page, { id: poolId, status, after: cursor })).errors?.map(
        ({ extensions }) => extensions.code,
      )
    expect(await of('AVAILABLE')).toEqual(['BAD_USER_INPUT'])
    expect(await of('WITHDRAWN')).toBeUndefined()
    await restore({ poolId })
    expect(await of('AVAILABLE')).toBeUndefined()
  })
})

test.each([
  ['withdrawCodes', { reason: '' }, 'InvalidInputError', ['reason']],
  ['withdrawCodes', { reason: 'x'.repeat(1_001) }, 'InvalidInputError', ['reason']],
  ['withdrawCodes', { reason: 'a\0' }, 'InvalidInputError', ['reason']],
  ['withdrawCodes', { poolId: 'x' }, 'NotFoundError', ['poolId']],
  ['restoreCodes', { poolId: 'x' }, 'NotFoundError', ['poolId']],
  ['withdrawCodes', { taskId: 'x' }, 'NotFoundError', ['taskId']],
  ['restoreCodes', { taskId: 'x' }, 'NotFoundError', ['taskId']],
])('%s with %j is refused', async (mutation, input, __typename, path) => {
  const { poolId } = await newStock(client, 1)
  expect(await mutate(client, mutation, { poolId, ...input })).toMatchObject({ __typename, path })
  expect(await list(poolId, 'AVAILABLE')).toHaveLength(1)
})

test('the task of another pool is refused, and nothing changes', async () => {
  const [{ poolId }, { taskId }] = [await newStock(client, 1), await newStock(client, 1)]
  for (const mutation of ['withdrawCodes', 'restoreCodes'])
    expect(await mutate(client, mutation, { poolId, taskId })).toMatchObject({
      __typename: 'NotFoundError',
      path: ['taskId'],
      message: 'There is no task of this pool with this id in your account.',
    })
  expect(await list(poolId, 'AVAILABLE')).toHaveLength(1)
})
