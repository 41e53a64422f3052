import { randomUUID } from 'node:crypto'
import { execute, parse } from 'graphql'
import type { QueryResultRow } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Statement } from '../../src/database/transaction.ts'
import { Books } from '../../src/domain/books/books.ts'
import { Claims } from '../../src/domain/claim/claim.ts'
import { readQueuedGenerations, runGeneration } from '../../src/domain/generation/generation.ts'
import { cancelTask, markRunning } from '../../src/domain/generation/task.ts'
import { lockPool } from '../../src/domain/pool/pool.ts'
import { completeUpload } from '../../src/domain/upload/finish.ts'
import type { PrismaClient } from '../../src/generated/prisma/client.ts'
import { createContext, type Services } from '../../src/graphql/context.ts'
import { FormFile } from '../../src/graphql/form-file.ts'
import { encodeId, uuidOf } from '../../src/graphql/ids.ts'
import { schema } from '../../src/graphql/schema.ts'
import { Lifecycle } from '../../src/lifecycle.ts'
import { Networks } from '../../src/outgoing/networks.ts'
import { openServices } from '../../src/roles/api.ts'
import { RequestRecord } from '../../src/telemetry/request-record.ts'
import { newFormat, newPool, openBooks, silent, type TestBooks } from '../support/books.ts'
import { addCodes } from '../support/uploads.ts'

// Others make changes between the commit of a mutation and each read of its answer, so no test passes by luck.

let place: TestBooks
let services: Services
const lifecycle = new Lifecycle()
/** Runs before each read outside a transaction: Prisma reads tasks, statements read the other nodes of an answer. */
let meanwhile: () => Promise<void> = async () => {}

class MovingBooks extends Books {
  override actingAs(): Books {
    return this
  }

  override async rows<Row extends QueryResultRow>(statement: Statement): Promise<Row[]> {
    await meanwhile()
    return await super.rows<Row>(statement)
  }
}

beforeAll(async () => {
  place = await lifecycle.open('books', openBooks, (opened) => opened.close())
  const { connections, prisma, notifications } = place.books
  const moving = prisma.$extends({
    query: {
      $allOperations: async ({ args, query }) => {
        await meanwhile()
        return await query(args)
      },
    },
  })
  const books = new MovingBooks({
    connections,
    prisma: moving as unknown as PrismaClient,
    notifications,
    log: silent,
  })
  const options = {
    maxUploadBytes: 1_000,
    failedLookUpsPerMinute: 0,
    maxRedemptionAgeDays: 7,
    webhookAllowedNetworks: Networks.none,
    log: silent,
  }
  services = (await openServices(lifecycle, books, options)).services
})

beforeEach(() => {
  meanwhile = async () => {}
})

afterAll(() => lifecycle.close())

async function ask<Data>(operation: string, variableValues: Record<string, unknown>): Promise<Data> {
  const result = await execute({
    schema,
    document: parse(operation),
    variableValues,
    contextValue: createContext(
      services,
      { accountId: place.accountId, keyId: randomUUID(), scopes: ['READ', 'MANAGE', 'CLAIM'] },
      { requestLength: operation.length, record: new RequestRecord() },
    ),
  })
  if (result.errors !== undefined) throw new AggregateError(result.errors, result.errors[0]?.message)
  return result.data as Data
}

/** Runs all waiting tasks, as a worker does. */
async function work(): Promise<void> {
  for (const task of await readQueuedGenerations(place.books, place.accountId, 10))
    await runGeneration(place.books, task)
}

const counts = 'availableCount claimedCount status'
const generating = `mutation ($input: GenerateCodesInput!) {
  result: generateCodes(input: $input) {
    ... on UserError { message }
    ... on GenerateCodesPayload {
      task {
        id status addedCount
        pool { ${counts} replenishment { format { reservedCount } } tasks { edges { node { status pool { ${counts} } } } } }
        format { availableForGeneration reservedCount generatedCount }
      }
    }
  }
}`

test('the answer about a task that a worker has finished meanwhile shows task, pool and format in one state', async () => {
  const [poolId, formatId] = [await newPool(place), await newFormat(place, { length: 2 })]
  meanwhile = work
  const { result } = await ask<{ result: object }>(generating, {
    input: {
      poolId: encodeId('Pool', poolId),
      formatId: encodeId('Format', formatId),
      quantity: 5,
      saveSettings: {},
    },
  })
  const pool = { availableCount: '0', claimedCount: '0', status: 'EMPTY' }
  expect(result).toEqual({
    task: {
      id: expect.any(String),
      status: 'AWAITING_EXECUTION',
      addedCount: '0',
      pool: {
        ...pool,
        replenishment: { format: { reservedCount: '5' } },
        tasks: { edges: [{ node: { status: 'AWAITING_EXECUTION', pool } }] },
      },
      format: { availableForGeneration: '571', reservedCount: '5', generatedCount: '0' },
    },
  })
  // By now it has finished.
  const { total } = await place.books.prisma.pool.findFirstOrThrow({ where: { id: poolId } })
  expect(total.toFixed()).toBe('5')
})

test('the answer about an upload that a worker has finished meanwhile shows task and pool in one state', async () => {
  const poolId = await newPool(place)
  meanwhile = async () => {
    const { accountId, books } = place
    const waiting = await books.prisma.task.findFirst({ where: { poolId, status: 'AWAITING_EXECUTION' } })
    if (waiting === null) return
    await books.write(accountId, async (tx) => {
      await lockPool(tx, poolId)
      await markRunning(tx, waiting.id)
    })
    await addCodes(place, waiting.id, [`${randomUUID()}`])
    await completeUpload(books, { accountId, taskId: waiting.id })
  }
  const file = new FormFile(
    (async function* () {
      yield Buffer.from('code')
    })(),
  )
  const { result } = await ask<{ result: { task: object } }>(
    `mutation ($input: UploadCodesInput!) {
      result: uploadCodes(input: $input) {
        ... on UploadCodesPayload { task { status progress addedCount upload { accepted rowsRead } pool { ${counts} } } }
      }
    }`,
    { input: { poolId: encodeId('Pool', poolId), file } },
  )
  expect(result.task).toEqual({
    status: 'AWAITING_EXECUTION',
    progress: 0,
    addedCount: '0',
    upload: { accepted: '0', rowsRead: '0' },
    pool: { availableCount: '0', claimedCount: '0', status: 'EMPTY' },
  })
})

test('an error about too few codes shows what there was, although there are more by now', async () => {
  const [poolId, formatId] = [await newPool(place), await newFormat(place, { length: 1 })]
  const input = { poolId: encodeId('Pool', poolId), formatId: encodeId('Format', formatId), quantity: 20 }
  const { result: accepted } = await ask<{ result: { task: { id: string } } }>(generating, { input })
  meanwhile = work
  const claimed = await ask(
    `mutation ($id: ID!) { result: claimCodes(input: { poolId: $id }) {
      ... on NotEnoughCodesError { available pool { ${counts} } }
    } }`,
    { id: input.poolId },
  )
  expect(claimed).toEqual({
    result: { available: '0', pool: { availableCount: '0', claimedCount: '0', status: 'EMPTY' } },
  })
  expect(accepted.task.id).toEqual(expect.any(String))

  meanwhile = async () => {}
  const waiting = await ask<{ result: { task: { id: string } } }>(generating, {
    input: { ...input, quantity: 3 },
  })
  meanwhile = async () =>
    void (await cancelTask(place.books, place.accountId, uuidOf('Task', waiting.result.task.id)))
  const refused = await ask(
    `mutation ($input: GenerateCodesInput!) { result: generateCodes(input: $input) {
      ... on QuantityExceedsAvailableError {
        availableForGeneration format { availableForGeneration reservedCount }
      }
    } }`,
    { input: { ...input, quantity: 4 } },
  )
  expect(refused).toEqual({
    result: { availableForGeneration: '1', format: { availableForGeneration: '1', reservedCount: '3' } },
  })
})

test('a pool that others keep claiming from has one state in one answer, and the next one in the next', async () => {
  const [poolId, formatId] = [await newPool(place), await newFormat(place)]
  const id = encodeId('Pool', poolId)
  await ask(generating, { input: { poolId: id, formatId: encodeId('Format', formatId), quantity: 1_000 } })
  await work()
  const others = new Claims(place.books)
  meanwhile = async () => void (await others.claim(place.accountId, { poolId, count: 1 }))
  const told = `pool { ${counts} tasks { edges { node { pool { ${counts} } } } } }`
  const payload = `
    ... on ClaimCodesPayload { codes { pool { ${counts} } } ${told} }
    ... on SaveReplenishmentPayload { ${told} refill { pool { ${counts} } } }
    ... on RenamePoolPayload { ${told} }`
  const answer = await ask<Record<string, unknown>>(
    `mutation ($id: ID!, $format: ID!, $name: String!) {
      a: claimCodes(input: { poolId: $id }) { ${payload} }
      b: renamePool(input: { poolId: $id, name: $name }) { ${payload} }
      c: saveReplenishment(input: {
        poolId: $id, method: GENERATE, formatId: $format, quantity: 10, autoGenerate: true, refillThreshold: 2000
      }) { ${payload} }
      d: claimCodes(input: { poolId: $id }) { ${payload} }
    }`,
    { id, format: encodeId('Format', formatId), name: randomUUID() },
  )
  const states = Object.values(answer).map((one) => {
    const found: string[] = []
    JSON.stringify(one, (_key, value) => {
      if (value?.availableCount !== undefined) found.push(`${value.availableCount} and ${value.claimedCount}`)
      return value
    })
    expect(found.length).toBeGreaterThan(1)
    expect(new Set(found).size).toBe(1)
    return found[0]
  })
  expect(new Set(states).size).toBe(4)
})
