import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { encodeId } from '../../src/graphql/ids.ts'
import {
  claim,
  done,
  finished,
  generate,
  mutate,
  newFormat,
  newPool,
  newStock,
  withScopes,
} from '../support/api.ts'
import { Client } from '../support/client.ts'
import { startService, useClient, useService } from '../support/service.ts'
import { codesFile, upload } from '../support/upload-api.ts'

const service = useService()
const client = useClient(service)

const taskFields = `
  id kind trigger status quantity generatedCount addedCount progress
  failure { code message } startedAt finishedAt pool { id } format { id }`

interface Task {
  id: string
  status: string
  quantity: string
  generatedCount: string
  addedCount: string
  progress: number
  startedAt: string | null
  finishedAt: string | null
}

async function ready(shape: Parameters<typeof newFormat>[1] = {}) {
  return { poolId: await newPool(client), formatId: await newFormat(client, shape) }
}

const start = (from: Client, input: Record<string, unknown>) =>
  mutate<{ task: Task; availableForGeneration?: string }>(
    from,
    'generateCodes',
    input,
    `task { ${taskFields} }`,
  )

describe("'Save and generate'", () => {
  test('returns the task as accepted, which then runs and completes, and reports each status once', async () => {
    const { poolId, formatId } = await ready({ body: { length: 16 } })
    const { task } = await start(client, { poolId, formatId, quantity: '9007199254740993' })
    expect(task).toMatchObject({
      kind: 'GENERATION',
      trigger: 'MANUAL',
      status: 'AWAITING_EXECUTION',
      quantity: '9007199254740993',
      generatedCount: '0',
      addedCount: '0',
      progress: 0,
      failure: null,
      startedAt: null,
      finishedAt: null,
      pool: { id: poolId },
      format: { id: formatId },
    })
    const statuses: string[] = []
    let last: Task | undefined
    const updates = client.subscribe<{ taskUpdated: Task }>(
      `subscription ($id: ID!) { taskUpdated(id: $id) { ${taskFields} } }`,
      { id: task.id },
    )
    for await (const { data } of updates) {
      last = data?.taskUpdated
      statuses.push(last?.status ?? '')
    }
    // It may have progressed before the subscription began, but it never goes back, and always ends like this.
    expect(['AWAITING_EXECUTION', 'RUNNING', 'COMPLETED'].slice(-statuses.length)).toEqual(statuses)
    expect(last).toMatchObject({
      status: 'COMPLETED',
      generatedCount: '9007199254740993',
      addedCount: '9007199254740993',
      progress: 1,
    })
    const { startedAt, finishedAt } = last as { startedAt: string; finishedAt: string }
    expect(Date.parse(startedAt)).toBeLessThanOrEqual(Date.parse(finishedAt))
    const read = await client.ask<{ task: Task }>(`query ($id: ID!) { task(id: $id) { ${taskFields} } }`, {
      id: task.id,
    })
    expect(read.task).toEqual(last)
  })

  test('saves the settings in the same transaction, without a refill', async () => {
    const { poolId, formatId } = await ready()
    await generate(client, {
      poolId,
      formatId,
      quantity: 5,
      saveSettings: { autoGenerate: true, refillThreshold: '3' },
    })
    const { pool } = await client.ask<{ pool: object }>(
      `query ($id: ID!) {
        pool(id: $id) {
          availableCount
          tasks { totalCount }
          replenishment { method format { id } quantity autoGenerate refillThreshold }
        }
      }`,
      { id: poolId },
    )
    expect(pool).toEqual({
      availableCount: '5',
      tasks: { totalCount: '1' },
      replenishment: {
        method: 'GENERATE',
        format: { id: formatId },
        quantity: '5',
        autoGenerate: true,
        refillThreshold: '3',
      },
    })
  })

  test('leaves the settings unchanged without saveSettings, and when it is an error', async () => {
    const { poolId, formatId } = await ready({ body: { length: 3 }, characters: { set: 'DIGITS' } })
    await generate(client, { poolId, formatId, quantity: 1 })
    const refused = await start(client, {
      poolId,
      formatId,
      quantity: 1_000,
      saveSettings: { autoGenerate: true },
    })
    expect(refused.__typename).toBe('QuantityExceedsAvailableError')
    const { pool } = await client.ask<{ pool: object }>(
      'query ($id: ID!) { pool(id: $id) { replenishment { format { id } quantity autoGenerate } } }',
      { id: poolId },
    )
    expect(pool).toEqual({ replenishment: { format: null, quantity: null, autoGenerate: false } })
  })

  test.each([
    ['0', /It is 0\. .*at least 1/],
    ['-1', /It is -1\./],
    ['-9223372036854775809', /-9,223,372,036,854,775,809/],
    [String(2n ** 96n + 1n), /2\^96/],
    [String(10n ** 39n), /2\^96/],
  ])('refuses the quantity %s', async (quantity, message) => {
    const refused = await start(client, { ...(await ready()), quantity })
    expect(refused).toMatchObject({
      __typename: 'InvalidInputError',
      code: 'INVALID_INPUT',
      path: ['quantity'],
    })
    expect(refused.issues).toEqual([{ path: ['quantity'], message: refused.message }])
    expect(refused.message).toMatch(message)
  })

  test.each(['1001', '9223372036854775808', String(2n ** 96n)])(
    'refuses %s, which is more than the format has left, and says how many are left',
    async (quantity) => {
      const { poolId, formatId } = await ready({ body: { length: 3 }, characters: { set: 'DIGITS' } })
      const { generateCodes } = await client.ask<{ generateCodes: Record<string, unknown> }>(
        `mutation ($input: GenerateCodesInput!) {
          generateCodes(input: $input) {
            __typename
            ... on UserError { code path message }
            ... on QuantityExceedsAvailableError { availableForGeneration format { id availableForGeneration } }
          }
        }`,
        { input: { poolId, formatId, quantity } },
      )
      expect(generateCodes).toMatchObject({
        __typename: 'QuantityExceedsAvailableError',
        code: 'QUANTITY_EXCEEDS_AVAILABLE',
        path: ['quantity'],
        availableForGeneration: '1000',
        format: { id: formatId, availableForGeneration: '1000' },
      })
      expect(generateCodes['message']).toContain('1,000 codes')
    },
  )

  test('accepts a quantity as a string, as an integer, and as a literal of any size', async () => {
    const { poolId, formatId } = await ready({ body: { length: 16 } })
    await generate(client, { poolId, formatId, quantity: 5 })
    await generate(client, { poolId, formatId, quantity: '5' })
    const { generateCodes } = await client.ask<{ generateCodes: { task: Task } }>(
      `mutation ($poolId: ID!, $formatId: ID!) {
        generateCodes(input: { poolId: $poolId, formatId: $formatId, quantity: 9007199254740993 }) {
          ... on GenerateCodesPayload { task { id quantity } }
        }
      }`,
      { poolId, formatId },
    )
    expect(generateCodes.task.quantity).toBe('9007199254740993')
    await finished(client, generateCodes.task.id)
  })

  test('quotes no number in the error if an integer may have lost digits', async () => {
    const { poolId, formatId } = await ready({ body: { length: 16 } })
    const { errors } = await client.send(
      'mutation ($input: GenerateCodesInput!) { generateCodes(input: $input) { __typename } }',
      { input: { poolId, formatId, quantity: 2 ** 60 } },
    )
    expect(errors?.[0]?.message).toContain('Send it as a string of digits, in quotes.')
    expect(errors?.[0]?.message).not.toMatch(/\d{4,}/)
  })

  test('accepts one of several concurrent requests for all codes of a format', async () => {
    const { poolId, formatId } = await ready({ body: { length: 4 }, characters: { set: 'DIGITS' } })
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => start(client, { poolId, formatId, quantity: 10_000 })),
    )
    expect(answers.map((answer) => answer.__typename).sort()).toEqual([
      'GenerateCodesPayload',
      ...Array.from({ length: 5 }, () => 'QuantityExceedsAvailableError'),
    ])
    const accepted = answers.find((answer) => answer.task !== undefined)
    await finished(client, accepted?.task.id ?? '')
  })

  test('returns the same task for the same key, as accepted, and generates nothing more', async () => {
    const { poolId, formatId } = await ready()
    const input = { poolId, formatId, quantity: 4, idempotencyKey: randomUUID() }
    const first = await start(client, input)
    await finished(client, first.task.id)
    // The same input, written differently.
    const again = await start(client, { ...input, quantity: '4' })
    expect(again).toEqual(first)
    const together = await Promise.all(Array.from({ length: 5 }, () => start(client, input)))
    for (const answer of together) expect(answer).toEqual(first)
    const { pool } = await client.ask<{ pool: object }>(
      'query ($id: ID!) { pool(id: $id) { availableCount } }',
      { id: poolId },
    )
    expect(pool).toEqual({ availableCount: '4' })
  })

  test('makes one task of concurrent requests with one new key', async () => {
    const { poolId, formatId } = await ready()
    const input = { poolId, formatId, quantity: 4, idempotencyKey: randomUUID() }
    const answers = await Promise.all(Array.from({ length: 8 }, () => start(client, input)))
    expect(new Set(answers.map((answer) => answer.task.id)).size).toBe(1)
    await finished(client, answers[0]?.task.id ?? '')
  })

  test('treats default settings as the same input whether they are written out or not, and no settings as another', async () => {
    const { poolId, formatId } = await ready()
    const input = { poolId, formatId, quantity: 4, idempotencyKey: randomUUID() }
    const first = await start(client, { ...input, saveSettings: {} })
    await finished(client, first.task.id)
    expect(
      await start(client, { ...input, saveSettings: { autoGenerate: false, refillThreshold: 0 } }),
    ).toEqual(first)
    expect((await start(client, input)).__typename).toBe('IdempotencyConflictError')
  })

  test('refuses a key that was used for another input', async () => {
    const { poolId, formatId } = await ready()
    const input = { poolId, formatId, quantity: 4, idempotencyKey: randomUUID() }
    const { task } = await start(client, input)
    await finished(client, task.id)
    for (const other of [
      { quantity: 5 },
      { saveSettings: {} },
      { poolId: await newPool(client) },
      { formatId: await newFormat(client) },
    ])
      expect(await start(client, { ...input, ...other })).toMatchObject({
        __typename: 'IdempotencyConflictError',
        code: 'IDEMPOTENCY_CONFLICT',
        path: ['idempotencyKey'],
      })
  })

  test('keeps no errors under a key: a corrected request works', async () => {
    const { poolId, formatId } = await ready({ body: { length: 1 }, characters: { set: 'DIGITS' } })
    const input = { poolId, formatId, quantity: 11, idempotencyKey: randomUUID() }
    expect((await start(client, input)).__typename).toBe('QuantityExceedsAvailableError')
    const { task } = await start(client, { ...input, quantity: 10 })
    await finished(client, task.id)
  })

  test.each([
    ['', /empty/],
    ['k'.repeat(256), /256.*255/],
    ['a\0b', /NUL/],
  ])('refuses the key %j', async (idempotencyKey, message) => {
    const refused = await start(client, { ...(await ready()), quantity: 1, idempotencyKey })
    expect(refused).toMatchObject({ __typename: 'InvalidInputError', path: ['idempotencyKey'] })
    expect(refused.message).toMatch(message)
  })

  test('says which of the ids is not found', async () => {
    const { poolId, formatId } = await ready()
    for (const wrong of ['', 'x', '!!!!', formatId.slice(2), `${formatId}!`, '9'.repeat(10_000), poolId])
      expect(await start(client, { poolId, formatId: wrong, quantity: 1 })).toMatchObject({
        __typename: 'NotFoundError',
        code: 'NOT_FOUND',
        path: ['formatId'],
      })
    for (const wrong of ['', 'x', '!!!!', formatId])
      expect(await start(client, { poolId: wrong, formatId, quantity: 1 })).toMatchObject({
        __typename: 'NotFoundError',
        path: ['poolId'],
      })
  })
})

describe('cancelling', () => {
  const cancel = (taskId: string) =>
    mutate<{ task: Task }>(client, 'cancelTask', { taskId }, `task { ${taskFields} }`)

  test('is an error once the task has finished, and shows the task', async () => {
    const { taskId } = await newStock(client, 1)
    const refused = await client.ask<{ cancelTask: object }>(
      `mutation ($id: ID!) {
        cancelTask(input: { taskId: $id }) {
          __typename ... on UserError { code path message } ... on TaskFinishedError { task { id status } }
        }
      }`,
      { id: taskId },
    )
    expect(refused.cancelTask).toMatchObject({
      __typename: 'TaskFinishedError',
      code: 'TASK_FINISHED',
      path: ['taskId'],
      message: expect.stringMatching(/completed/),
      task: { id: taskId, status: 'COMPLETED' },
    })
  })

  test('before a worker starts the task returns the codes; repeating it is not an error', async () => {
    // A process that only serves the API: its tasks wait.
    await using api = await startService({ role: 'api' })
    await using there = new Client(api)
    const [poolId, formatId] = [await newPool(there), await newFormat(there)]
    const { task } = await start(there, { poolId, formatId, quantity: 7 })
    const updates = there.subscribe<{ taskUpdated: Task }>(
      'subscription ($id: ID!) { taskUpdated(id: $id) { status finishedAt } }',
      { id: task.id },
    )
    expect((await updates.next()).value?.data?.taskUpdated.status).toBe('AWAITING_EXECUTION')
    const format = () =>
      there.ask('query ($id: ID!) { format(id: $id) { reservedCount generatedCount } }', { id: formatId })
    expect(await format()).toEqual({ format: { reservedCount: '7', generatedCount: '0' } })
    const input = { taskId: task.id }
    const cancelled = await mutate<{ task: Task }>(there, 'cancelTask', input, `task { ${taskFields} }`)
    expect(cancelled.task).toMatchObject({
      status: 'CANCELLED',
      progress: 0,
      addedCount: '0',
      startedAt: null,
    })
    expect(cancelled.task.finishedAt).not.toBeNull()
    expect(await mutate<{ task: Task }>(there, 'cancelTask', input, `task { ${taskFields} }`)).toEqual(
      cancelled,
    )
    expect((await updates.next()).value?.data?.taskUpdated.status).toBe('CANCELLED')
    expect((await updates.next()).done).toBe(true)
    expect(await format()).toEqual({ format: { reservedCount: '0', generatedCount: '0' } })
  })

  test('of a task that does not exist is a NotFoundError', async () => {
    for (const id of ['', 'x', await newPool(client)])
      expect(await cancel(id)).toMatchObject({ __typename: 'NotFoundError', path: ['taskId'] })
  })
})

test('tasks are listed by pool and by status, newest first, with an exact count', async () => {
  await using api = await startService({ role: 'api' })
  await using there = new Client(api)
  const formatId = await newFormat(there)
  const pools = [await newPool(there), await newPool(there)]
  const ids: string[] = []
  for (const poolId of [...pools, ...pools])
    ids.push((await start(there, { poolId, formatId, quantity: 1 })).task.id)
  await done(there, 'cancelTask', { taskId: ids[0] }, 'task { id }')
  const list = async (args: string) => {
    const { tasks } = await there.ask<{ tasks: { totalCount: string; edges: { node: { id: string } }[] } }>(
      `{ tasks${args} { totalCount edges { node { id } } } }`,
    )
    expect(tasks.totalCount).toBe(String(tasks.edges.length))
    return tasks.edges.map((edge) => ids.indexOf(edge.node.id))
  }
  expect(await list('')).toEqual([3, 2, 1, 0])
  expect(await list(`(poolId: "${pools[0]}")`)).toEqual([2, 0])
  expect(await list('(status: [CANCELLED])')).toEqual([0])
  expect(await list('(status: CANCELLED)')).toEqual([0])
  expect(await list(`(status: [AWAITING_EXECUTION, CANCELLED], poolId: "${pools[0]}")`)).toEqual([2, 0])
  expect(await list('(status: [])')).toEqual([])
  expect(await list('(status: null)')).toEqual([3, 2, 1, 0])
  expect(await list(`(poolId: "${encodeId('Pool', randomUUID())}")`)).toEqual([])
  const { pool } = await there.ask<{ pool: { tasks: { totalCount: string; edges: object[] } } }>(
    'query ($id: ID!) { pool(id: $id) { tasks(status: [AWAITING_EXECUTION]) { totalCount edges { node { id } } } } }',
    { id: pools[0] },
  )
  expect(pool.tasks).toEqual({ totalCount: '1', edges: [{ node: { id: ids[2] } }] })
})

describe('the codes that a task has added', () => {
  const added = async (id: string) => {
    const { task } = await client.ask<{ task: { addedCodes: object } }>(
      'query ($id: ID!) { task(id: $id) { addedCodes { availableCount claimedCount withdrawnCount } } }',
      { id },
    )
    return task.addedCodes
  }
  const counts = (available: number, claimed: number, withdrawn: number) => ({
    availableCount: String(available),
    claimedCount: String(claimed),
    withdrawnCount: String(withdrawn),
  })

  test('are counted where they are now, apart from those of other tasks of the pool', async () => {
    const { poolId, formatId, taskId } = await newStock(client, 10)
    const second = await generate(client, { poolId, formatId, quantity: 5 })
    expect([await added(taskId), await added(second)]).toEqual([counts(10, 0, 0), counts(5, 0, 0)])
    await claim(client, poolId, 4)
    expect([await added(taskId), await added(second)]).toEqual([counts(6, 4, 0), counts(5, 0, 0)])
    await done(client, 'withdrawCodes', { poolId, taskId }, 'withdrawnCount')
    expect([await added(taskId), await added(second)]).toEqual([counts(0, 4, 6), counts(5, 0, 0)])
    await claim(client, poolId, 2)
    await done(client, 'restoreCodes', { poolId, taskId }, 'restoredCount')
    expect([await added(taskId), await added(second)]).toEqual([counts(6, 4, 0), counts(3, 2, 0)])
  })

  test('are none once an upload is undone', async () => {
    const poolId = await newPool(client)
    const taskId = await upload(service, client, poolId, codesFile(randomUUID(), 3))
    await finished(client, taskId)
    expect(await added(taskId)).toEqual(counts(3, 0, 0))
    await done(client, 'undoUpload', { taskId }, 'task { id }')
    expect(await added(taskId)).toEqual(counts(0, 0, 0))
  })
})

test('a task names the key whose request created it, also for a refill that a claim started', async () => {
  const manager = await withScopes(service, client, ['MANAGE'])
  const poolId = await newPool(manager)
  const formatId = await newFormat(manager)
  const saveSettings = { autoGenerate: true }
  await done(manager, 'generateCodes', { poolId, formatId, quantity: 1, saveSettings }, 'task { id }')
  await expect
    .poll(async () => await mutate(client, 'claimCodes', { poolId }, 'claim { id }'))
    .toMatchObject({ __typename: 'ClaimCodesPayload' })
  const { pool } = await client.ask<{ pool: { tasks: { edges: { node: object }[] } } }>(
    'query ($id: ID!) { pool(id: $id) { tasks { edges { node { trigger actor { name hint } } } } } }',
    { id: poolId },
  )
  const { apiKey } = await client.ask<{ apiKey: object }>('{ apiKey { name hint } }')
  expect(pool.tasks.edges.map(({ node }) => node)).toEqual([
    { trigger: 'AUTO_GENERATE', actor: apiKey },
    { trigger: 'MANUAL', actor: { name: 'MANAGE', hint: expect.any(String) } },
  ])
})
