import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Books } from '../../../src/domain/books/books.ts'
import {
  IdempotencyConflictError,
  NotFoundError,
  TaskFinishedError,
} from '../../../src/domain/books/errors.ts'
import { readHistory } from '../../../src/domain/books/event-log.ts'
import { readCode } from '../../../src/domain/code/code.ts'
import { availableForGeneration, QuantityExceedsAvailableError } from '../../../src/domain/format/format.ts'
import {
  failGeneration,
  type GenerateCodesInput,
  generateCodes,
  readQueuedGenerations,
  runGeneration,
} from '../../../src/domain/generation/generation.ts'
import { cancelTask, markRunning, readTask } from '../../../src/domain/generation/task.ts'
import { lockPool } from '../../../src/domain/pool/pool.ts'
import { expectBalance } from '../../support/audit.ts'
import {
  fill,
  formatNow,
  newAccount,
  newFormat,
  newPlace,
  newPool,
  newSmallFormat,
  poolNow,
  useBooks,
} from '../../support/books.ts'

const test = useBooks()
let elsewhere: Books
beforeAll(async () => {
  elsewhere = await test.another()
})

function generate(
  input: Pick<GenerateCodesInput, 'poolId' | 'formatId'> & Partial<GenerateCodesInput>,
  books = test.books,
): Promise<string> {
  return generateCodes(books, test.accountId, { quantity: 1n, ...input })
}

/** Runs a task as a worker does. */
function work(taskId: string, books = test.books): Promise<boolean> {
  return runGeneration(books, { accountId: test.accountId, taskId })
}

/** Leaves a task as a worker that dies after the first of its two steps. */
async function startOnly(taskId: string, poolId: string): Promise<void> {
  await test.books.write(test.accountId, async (tx) => {
    await lockPool(tx, poolId)
    await markRunning(tx, taskId)
  })
}

async function statusOf(taskId: string): Promise<string | undefined> {
  return (await readTask(test.books, test.accountId, taskId))?.status
}

/** The statuses that a task has had, from its events. */
async function statusesOf(taskId: string): Promise<string[]> {
  const events = await readHistory(test.books, test.accountId, { limit: 100_000, fromOldest: true })
  return events
    .reverse()
    .flatMap((event) =>
      event.kind === 'TASK_STATUS_CHANGED' && event.payload.taskId === taskId ? [event.payload.status] : [],
    )
}

describe('a generation', () => {
  it('reserves its quantity when it is requested, and adds the codes when a worker runs it', async () => {
    const formatId = await newSmallFormat(test, 50)
    const poolId = await newPool(test)
    const taskId = await generate({ poolId, formatId, quantity: 20n })
    expect(await statusOf(taskId)).toBe('AWAITING_EXECUTION')
    expect(await formatNow(test, formatId)).toMatchObject({ next: 0n, reserved: 20n })
    expect(availableForGeneration(await formatNow(test, formatId))).toBe(30n)
    expect(await poolNow(test, poolId)).toMatchObject({ total: 0n })

    expect(await work(taskId)).toBe(true)
    expect(await statusOf(taskId)).toBe('COMPLETED')
    expect(await formatNow(test, formatId)).toMatchObject({ next: 20n, reserved: 0n })
    expect(await poolNow(test, poolId)).toMatchObject({ total: 20n, claimed: 0n })
    expect(await statusesOf(taskId)).toEqual(['AWAITING_EXECUTION', 'RUNNING', 'COMPLETED'])

    expect(await work(taskId)).toBe(false)
    expect(await poolNow(test, poolId)).toMatchObject({ total: 20n })
    await expectBalance(test)
  })

  it('of 2^96 codes is like any other', async () => {
    const formatId = await newFormat(test, { length: 48, characters: { list: 'ABCD' } })
    const poolId = await newPool(test)
    await work(await generate({ poolId, formatId, quantity: 2n ** 96n }))
    expect(await poolNow(test, poolId)).toMatchObject({ total: 2n ** 96n })
    expect(availableForGeneration(await formatNow(test, formatId))).toBe(0n)
    await expect(generate({ poolId, formatId })).rejects.toMatchObject({ availableForGeneration: 0n })
    await expectBalance(test)
  })

  it.each([0n, -1n, 2n ** 96n + 1n])('of %s codes is refused', async (quantity) => {
    const formatId = await newFormat(test, { length: 48, characters: { list: 'ABCD' } })
    const refused = generate({ poolId: await newPool(test), formatId, quantity })
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['quantity'] })
    await expect(refused).rejects.toThrow(quantity.toLocaleString('en'))
  })

  it.each([11n, 2n ** 63n, 2n ** 96n])(
    'of %s codes out of 10 is refused with the figure',
    async (quantity) => {
      const formatId = await newSmallFormat(test, 12)
      const poolId = await newPool(test)
      await work(await generate({ poolId, formatId }))
      await generate({ poolId, formatId })
      const refused = generate({ poolId, formatId, quantity })
      await expect(refused).rejects.toThrow(QuantityExceedsAvailableError)
      await expect(refused).rejects.toMatchObject({
        path: ['quantity'],
        formatId,
        availableForGeneration: 10n,
        message: expect.stringContaining('10'),
      })
      await expect(generate({ poolId, formatId, quantity: 10n })).resolves.toBeTypeOf('string')
    },
  )

  it('needs a pool and a format of the account', async () => {
    const theirs = await newPlace(test)
    const [poolId, formatId] = [await newPool(test), await newFormat(test)]
    for (const id of [randomUUID(), await newPool(theirs)])
      await expect(generate({ poolId: id, formatId })).rejects.toMatchObject({
        code: 'NOT_FOUND',
        path: ['poolId'],
      })
    for (const id of [randomUUID(), await newFormat(theirs)])
      await expect(generate({ poolId, formatId: id })).rejects.toMatchObject({
        code: 'NOT_FOUND',
        path: ['formatId'],
      })
  })

  it('saves the settings in the same transaction, or neither', async () => {
    const formatId = await newSmallFormat(test, 10)
    const poolId = await newPool(test, { formatId, refillThreshold: 3n })
    const saveSettings = { autoGenerate: true, refillThreshold: 9n }
    await expect(generate({ poolId, formatId, quantity: 11n, saveSettings })).rejects.toThrow(
      QuantityExceedsAvailableError,
    )
    expect(await poolNow(test, poolId)).toMatchObject({ refillThreshold: 3n, autoGenerate: false })
    await expect(
      generate({ poolId, formatId, saveSettings: { autoGenerate: true, refillThreshold: -1n } }),
    ).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['saveSettings', 'refillThreshold'] })

    await generate({ poolId, formatId, quantity: 4n, saveSettings })
    expect(await poolNow(test, poolId)).toMatchObject({
      method: 'GENERATE',
      formatId,
      quantity: 4n,
      ...saveSettings,
      // The stock is at the threshold, but the task itself is about to fill it.
      total: 0n,
    })
    expect(await formatNow(test, formatId)).toMatchObject({ next: 0n, reserved: 4n })
  })
})

describe('generations that are requested at the same time', () => {
  it('never reserve more than the format has, and can use up its last code', async () => {
    const formatId = await newSmallFormat(test, 100)
    const pools = await Promise.all(Array.from({ length: 5 }, () => newPool(test)))
    const outcomes = await Promise.allSettled(
      Array.from({ length: 60 }, (_, i) =>
        generate(
          { poolId: pools[i % 5] ?? '', formatId, quantity: BigInt(1 + (i % 7)) },
          i % 2 === 0 ? test.books : elsewhere,
        ),
      ),
    )
    const tasks = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(QuantityExceedsAvailableError)
    const rest = availableForGeneration(await formatNow(test, formatId))
    expect(rest).toBeLessThan(7n)
    if (rest > 0n) tasks.push(await generate({ poolId: pools[0] ?? '', formatId, quantity: rest }))

    await Promise.all(tasks.map((taskId, i) => work(taskId, i % 2 === 0 ? test.books : elsewhere)))
    expect(await formatNow(test, formatId)).toMatchObject({ next: 100n, reserved: 0n })
    await expectBalance(test)

    const codes = new Set<string>()
    for (let index = 0n; index < 100n; index++) {
      const code = await readCode(test.books, test.accountId, { formatId, index })
      expect(pools).toContain(code?.poolId)
      codes.add(code?.code ?? '')
    }
    expect(codes.size).toBe(100)
  })
})

describe('workers', () => {
  it('share a queue, oldest first, and run each task once', async () => {
    const formatId = await newFormat(test)
    const pools = await Promise.all(Array.from({ length: 3 }, () => newPool(test)))
    const tasks: string[] = []
    for (let i = 0; i < 12; i++) tasks.push(await generate({ poolId: pools[i % 3] ?? '', formatId }))
    const queue = (await readQueuedGenerations(test.books, test.accountId, 1_000)).map(({ taskId }) => taskId)
    expect(queue.filter((taskId) => tasks.includes(taskId))).toEqual(tasks)

    const done = await Promise.all(
      [test.books, elsewhere, test.books, elsewhere].map((books) =>
        Promise.all(tasks.map((taskId) => work(taskId, books))),
      ),
    )
    // A worker skips a task that another one is running. In the end, all are done.
    for (const i of tasks.keys()) expect(done.map((own) => own[i])).toContain(true)
    for (const taskId of tasks) {
      await work(taskId)
      expect(await statusesOf(taskId)).toEqual(['AWAITING_EXECUTION', 'RUNNING', 'COMPLETED'])
    }
    expect(
      (await readQueuedGenerations(test.books, test.accountId, 1_000)).filter(({ taskId }) =>
        tasks.includes(taskId),
      ),
    ).toEqual([])
    await expectBalance(test)
  })

  it('finish a task whose worker has died', async () => {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    const taskId = await generate({ poolId, formatId, quantity: 5n })
    await startOnly(taskId, poolId)
    expect(await statusOf(taskId)).toBe('RUNNING')
    expect(await formatNow(test, formatId)).toMatchObject({ next: 0n, reserved: 5n })
    const queued = await readQueuedGenerations(elsewhere, test.accountId, 1_000)
    expect(queued.map((task) => task.taskId)).toContain(taskId)
    expect(await work(taskId, elsewhere)).toBe(true)
    expect(await statusesOf(taskId)).toEqual(['AWAITING_EXECUTION', 'RUNNING', 'COMPLETED'])
    expect(await poolNow(test, poolId)).toMatchObject({ total: 5n })
    await expectBalance(test)
  })

  it('skip a task that another one is running, and take over when that one dies', async () => {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    const taskId = await generate({ poolId, formatId })
    const colleague = await elsewhere.connections.connect()
    await colleague.query('BEGIN')
    await colleague.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [taskId])
    expect(await work(taskId)).toBe(false)
    expect(await statusOf(taskId)).toBe('AWAITING_EXECUTION')
    // As when its process is killed.
    colleague.release(true)
    await expect.poll(() => work(taskId)).toBe(true)
    expect(await statusOf(taskId)).toBe('COMPLETED')
  })

  it('release the reservation of a task that cannot be run', async () => {
    const formatId = await newSmallFormat(test, 10)
    const poolId = await newPool(test)
    for (const begun of [false, true]) {
      const taskId = await generate({ poolId, formatId, quantity: 10n })
      if (begun) await startOnly(taskId, poolId)
      const task = { accountId: test.accountId, taskId }
      expect(await failGeneration(test.books, task)).toBe(true)
      expect(await statusOf(taskId)).toBe('FAILED')
      expect(await formatNow(test, formatId)).toMatchObject({ next: 0n, reserved: 0n })
      expect(await failGeneration(test.books, task)).toBe(false)
      expect(await work(taskId)).toBe(false)
      const row = await test.books.prisma.task.findFirstOrThrow({ where: { id: taskId } })
      expect(row).toMatchObject({ failureCode: 'INTERNAL', failureMessage: expect.stringContaining('again') })
    }
    await expectBalance(test)
  })
})

describe('a cancellation', () => {
  async function waiting(quantity = 10n) {
    const formatId = await newSmallFormat(test, 10)
    const poolId = await newPool(test)
    return { formatId, poolId, taskId: await generate({ poolId, formatId, quantity }) }
  }

  it('before the execution releases the reserved quantity', async () => {
    const { formatId, poolId, taskId } = await waiting()
    await cancelTask(test.books, test.accountId, taskId)
    expect(await statusOf(taskId)).toBe('CANCELLED')
    expect(await formatNow(test, formatId)).toMatchObject({ next: 0n, reserved: 0n })
    expect(await work(taskId)).toBe(false)
    expect(await poolNow(test, poolId)).toMatchObject({ total: 0n })
    expect(await statusesOf(taskId)).toEqual(['AWAITING_EXECUTION', 'CANCELLED'])
    await expect(generate({ poolId, formatId, quantity: 10n })).resolves.toBeTypeOf('string')
  })

  it('is possible until the task has finished', async () => {
    const { formatId, poolId, taskId } = await waiting()
    await startOnly(taskId, poolId)
    await cancelTask(test.books, test.accountId, taskId)
    expect(await statusesOf(taskId)).toEqual(['AWAITING_EXECUTION', 'RUNNING', 'CANCELLED'])
    expect(await formatNow(test, formatId)).toMatchObject({ next: 0n, reserved: 0n })
  })

  it('of a cancelled task changes nothing', async () => {
    const { formatId, taskId } = await waiting(4n)
    await Promise.all(Array.from({ length: 4 }, () => cancelTask(test.books, test.accountId, taskId)))
    await cancelTask(test.books, test.accountId, taskId)
    expect(await formatNow(test, formatId)).toMatchObject({ reserved: 0n })
    expect(await statusesOf(taskId)).toEqual(['AWAITING_EXECUTION', 'CANCELLED'])
  })

  it.each([
    ['completed', (taskId: string) => work(taskId)],
    ['failed', (taskId: string) => failGeneration(test.books, { accountId: test.accountId, taskId })],
  ])('of a %s task is refused', async (status, end) => {
    const { taskId } = await waiting()
    await end(taskId)
    const refused = cancelTask(test.books, test.accountId, taskId)
    await expect(refused).rejects.toThrow(TaskFinishedError)
    await expect(refused).rejects.toMatchObject({
      path: ['taskId'],
      taskId,
      message: expect.stringContaining(status),
    })
  })

  it('is possible only for the account itself', async () => {
    const { taskId } = await waiting()
    await expect(cancelTask(test.books, await newAccount(test.books), taskId)).rejects.toThrow(NotFoundError)
    await expect(cancelTask(test.books, test.accountId, randomUUID())).rejects.toThrow(NotFoundError)
    expect(await statusOf(taskId)).toBe('AWAITING_EXECUTION')
  })

  it('competes with a worker: one of them wins, and the books balance', async () => {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    for (let round = 0; round < 60; round++) {
      const taskId = await generate({ poolId, formatId, quantity: 3n })
      const before = (await poolNow(test, poolId)).total
      const working = work(taskId, elsewhere)
      // At another point of the worker's transactions each time: they have about as many statements.
      for (let i = 0; i < round % 30; i++) await test.books.connections.query('SELECT 1')
      const cancelled = await cancelTask(test.books, test.accountId, taskId).then(
        () => true,
        (error: unknown) => {
          expect(error).toBeInstanceOf(TaskFinishedError)
          return false
        },
      )
      await working
      const status = await statusOf(taskId)
      expect(status).toBe(cancelled ? 'CANCELLED' : 'COMPLETED')
      expect((await poolNow(test, poolId)).total - before).toBe(cancelled ? 0n : 3n)
    }
    expect(await formatNow(test, formatId)).toMatchObject({ reserved: 0n })
    await expectBalance(test)
  })
})

describe('an idempotency key of a generation', () => {
  it('returns the same task again, whatever its status is by then', async () => {
    const formatId = await newSmallFormat(test, 10)
    const poolId = await newPool(test)
    const input = { poolId, formatId, quantity: 10n, idempotencyKey: randomUUID() }
    const taskId = await generate(input)
    expect(await generate(input)).toBe(taskId)
    expect(await formatNow(test, formatId)).toMatchObject({ reserved: 10n })
    await work(taskId)
    expect(await generate(input, elsewhere)).toBe(taskId)
    expect(await poolNow(test, poolId)).toMatchObject({ total: 10n })
  })

  it('conflicts with any other input', async () => {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    const input = { poolId, formatId, quantity: 2n, idempotencyKey: randomUUID() }
    await generate(input)
    const saveSettings = { autoGenerate: false, refillThreshold: 0n }
    for (const other of [
      { quantity: 3n },
      { poolId: await newPool(test) },
      { formatId: await newFormat(test) },
      { saveSettings },
    ])
      await expect(generate({ ...input, ...other })).rejects.toThrow(IdempotencyConflictError)
    expect(await formatNow(test, formatId)).toMatchObject({ reserved: 2n })
  })

  it('is not used up by an error', async () => {
    const formatId = await newSmallFormat(test, 5)
    const poolId = await newPool(test)
    const idempotencyKey = randomUUID()
    await expect(generate({ poolId, formatId, quantity: 6n, idempotencyKey })).rejects.toThrow(
      QuantityExceedsAvailableError,
    )
    await expect(generate({ poolId, formatId, quantity: 5n, idempotencyKey })).resolves.toBeTypeOf('string')
  })

  it('belongs to its account', async () => {
    const theirs = await newPlace(test)
    const idempotencyKey = randomUUID()
    await generate({ poolId: await newPool(test), formatId: await newFormat(test), idempotencyKey })
    const input = {
      poolId: await newPool(theirs),
      formatId: await newFormat(theirs),
      quantity: 1n,
      idempotencyKey,
    }
    await expect(generateCodes(test.books, theirs.accountId, input)).resolves.toBeTypeOf('string')
  })

  it('makes one task when it is used many times simultaneously', async () => {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    const input = { poolId, formatId, quantity: 2n, idempotencyKey: randomUUID() }
    const tasks = await Promise.all(
      Array.from({ length: 10 }, (_, i) => generate(input, i % 2 === 0 ? test.books : elsewhere)),
    )
    expect(new Set(tasks).size).toBe(1)
    expect(await formatNow(test, formatId)).toMatchObject({ reserved: 2n })
  })

  it('makes one task when it is used for several pools and formats simultaneously', async () => {
    const inputs = await Promise.all(
      Array.from({ length: 6 }, async () => ({
        poolId: await newPool(test),
        formatId: await newFormat(test),
      })),
    )
    const idempotencyKey = randomUUID()
    const outcomes = await Promise.allSettled(
      inputs.map((input, i) => generate({ ...input, idempotencyKey }, i % 2 === 0 ? test.books : elsewhere)),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(IdempotencyConflictError)
    await expectBalance(test)
  })
})

describe('a pool filled from several formats of maximum size', () => {
  it('holds all of their codes', async () => {
    const poolId = await newPool(test)
    for (let i = 0; i < 13; i++) {
      const formatId = await newFormat(test, { length: 48, characters: { list: 'ABCD' } })
      await fill(test, poolId, formatId, 2n ** 96n)
    }
    expect(await poolNow(test, poolId)).toMatchObject({ total: 13n * 2n ** 96n })
  })
})
