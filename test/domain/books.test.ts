import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Claims } from '../../src/domain/claim.ts'
import type { Code } from '../../src/domain/code.ts'
import { UserError } from '../../src/domain/errors.ts'
import { readEventsAfter } from '../../src/domain/event.ts'
import { availableForGeneration, createFormat } from '../../src/domain/format.ts'
import { carryOn, failTask, generateCodes } from '../../src/domain/generation.ts'
import { createPool } from '../../src/domain/pool.ts'
import { saveReplenishment } from '../../src/domain/replenishment.ts'
import { cancelTask } from '../../src/domain/task.ts'
import { expectBalance } from '../support/audit.ts'
import {
  formatNow,
  newAccount,
  newPool,
  newSmallFormat,
  openBooks,
  type Place,
  poolNow,
  type TestBooks,
} from '../support/books.ts'

let test: TestBooks
beforeAll(async () => {
  test = await openBooks()
})
afterAll(() => test.close())

describe('a transaction on the books', () => {
  it('tells of its events when it has committed, and of nothing when it has not', async () => {
    const poolId = await newPool(test)
    const told: string[] = []
    const stops = (['events', 'tasks'] as const).map((topic) =>
      test.books.notifications.on(topic, () => told.push(topic)),
    )
    await test.books.write(test.accountId, async () => undefined)
    await test.books
      .write(test.accountId, async (tx) => {
        tx.record({ poolId, kind: 'POOL_EMPTY', payload: {} })
        throw new RangeError('changed its mind')
      })
      .catch((error: unknown) => expect(error).toBeInstanceOf(RangeError))
    expect(told).toEqual([])
    await test.books.write(test.accountId, async (tx) =>
      tx.record({ poolId, kind: 'POOL_EMPTY', payload: {} }),
    )
    expect(told).toContain('events')
    expect(told).not.toContain('tasks')
    await generateCodes(test.books, test.accountId, {
      poolId,
      formatId: await newSmallFormat(test, 2),
      quantity: 1n,
    })
    expect(told).toContain('tasks')
    for (const stop of stops) stop()
  })
})

// ---------------------------------------------------------------- a model

/** What the books should say: arithmetic on small numbers, without any of the service's own. */
interface FormatModel {
  id: string
  capacity: number
  next: number
  reserved: number
}

interface PoolModel {
  id: string
  /** The origin of every position of its line, in order. */
  line: { format: FormatModel; index: number }[]
  claimed: number
  settings: { format: FormatModel; quantity: number; threshold: number } | undefined
  threshold: number
  refillFailed: boolean
}

interface TaskModel {
  id: string
  pool: PoolModel
  format: FormatModel
  quantity: number
  status: 'AWAITING_EXECUTION' | 'COMPLETED' | 'FAILED' | 'CANCELLED'
}

interface Model {
  formats: FormatModel[]
  pools: PoolModel[]
  tasks: TaskModel[]
  /** The answers to claims with a key. */
  claims: { pool: PoolModel; count: number; key: string; codes: Code[] }[]
  events: string[]
}

/** Both, and what is done to both. */
interface Run extends Model {
  place: Place
  claiming: Claims
}

/** Something that is done, with the name by which it is shown when the property fails. */
class Step {
  readonly #name: string
  readonly take: (run: Run) => Promise<void>

  constructor(name: string, take: (run: Run) => Promise<void>) {
    this.#name = name
    this.take = take
  }

  toString(): string {
    return this.#name
  }
}

function room(format: FormatModel): number {
  return format.capacity - format.next - format.reserved
}

function available(pool: PoolModel): number {
  return pool.line.length - pool.claimed
}

function lay(pool: PoolModel, format: FormatModel, quantity: number): void {
  for (let i = 0; i < quantity; i++) pool.line.push({ format, index: format.next++ })
}

/** Refills a pool from which `needed` are about to be claimed, one quantity after the other. */
function refillModel(run: Model, pool: PoolModel, needed: number): void {
  if (pool.settings === undefined) return
  const { format, quantity } = pool.settings
  let wanted = 0
  while (available(pool) + wanted - needed <= pool.threshold) wanted += quantity
  if (wanted === 0) return
  const given = Math.min(wanted, room(format))
  if (given > 0) {
    lay(pool, format, given)
    run.events.push('TASK_STATUS_CHANGED', 'POOL_REFILLED')
  }
  if (given === wanted) pool.refillFailed = false
  else if (!pool.refillFailed) {
    pool.refillFailed = true
    run.events.push('POOL_REFILL_FAILED')
  }
}

/** One of a list, chosen by any number; nothing of an empty one. */
function pick<T>(list: readonly T[], choice: number): T | undefined {
  return list[choice % list.length]
}

/** The code of a UserError that a promise is rejected with; nothing when it is not. */
async function refusal(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    if (error instanceof UserError) return error.code
    throw error
  }
}

// ---------------------------------------------------------------- steps

const choice = fc.nat(11)
const amount = fc.integer({ min: 1, max: 12 })

const makeFormat = fc.integer({ min: 2, max: 30 }).map(
  (capacity) =>
    new Step(`make a format of ${capacity}`, async (run) => {
      const id = await newSmallFormat(run.place, capacity)
      run.formats.push({ id, capacity, next: 0, reserved: 0 })
    }),
)

const makeOverlap = fc.tuple(choice).map(
  ([which]) =>
    new Step(`overlap with format ${which}`, async (run) => {
      const format = pick(run.formats, which)
      if (format === undefined) return
      const { books, accountId } = run.place
      const { pattern, characters } = await books.prisma.format.findFirstOrThrow({ where: { id: format.id } })
      const created = createFormat(books, accountId, {
        name: randomUUID(),
        shape: { prefix: '', suffix: '', body: { pattern }, characters: { list: `${characters}Z` } },
      })
      expect(await refusal(created)).toBe('FORMAT_OVERLAP')
    }),
)

const makePool = fc.constant(
  new Step('make a pool', async (run) => {
    const { books, accountId } = run.place
    const id = await createPool(books, accountId, { name: randomUUID() })
    run.pools.push({ id, line: [], claimed: 0, settings: undefined, threshold: 0, refillFailed: false })
  }),
)

const generate = fc.tuple(choice, choice, amount, fc.option(fc.nat(5))).map(
  ([whichPool, whichFormat, quantity, threshold]) =>
    new Step(
      `generate ${quantity} of format ${whichFormat} into pool ${whichPool}, threshold ${threshold}`,
      async (run) => {
        const [pool, format] = [pick(run.pools, whichPool), pick(run.formats, whichFormat)]
        if (pool === undefined || format === undefined) return
        const asked = generateCodes(run.place.books, run.place.accountId, {
          poolId: pool.id,
          formatId: format.id,
          quantity: BigInt(quantity),
          saveSettings:
            threshold === null ? undefined : { autoGenerate: true, refillThreshold: BigInt(threshold) },
        })
        if (quantity > room(format)) {
          expect(await refusal(asked)).toBe('QUANTITY_EXCEEDS_AVAILABLE')
          return
        }
        run.tasks.push({ id: await asked, pool, format, quantity, status: 'AWAITING_EXECUTION' })
        run.events.push('TASK_STATUS_CHANGED')
        format.reserved += quantity
        if (threshold === null) return
        Object.assign(pool, { settings: { format, quantity, threshold }, threshold, refillFailed: false })
      },
    ),
)

const work = choice.map(
  (which) =>
    new Step(`work on task ${which}`, async (run) => {
      const task = pick(run.tasks, which)
      if (task === undefined) return
      const { books, accountId } = run.place
      const waiting = task.status === 'AWAITING_EXECUTION'
      expect(await carryOn(books, { accountId, taskId: task.id })).toBe(waiting)
      if (!waiting) return
      task.status = 'COMPLETED'
      task.format.reserved -= task.quantity
      lay(task.pool, task.format, task.quantity)
      task.pool.refillFailed = false
      run.events.push('TASK_STATUS_CHANGED', 'TASK_STATUS_CHANGED', 'POOL_REFILLED')
    }),
)

const end = fc.tuple(choice, fc.boolean()).map(
  ([which, cancels]) =>
    new Step(`${cancels ? 'cancel' : 'fail'} task ${which}`, async (run) => {
      const task = pick(run.tasks, which)
      if (task === undefined) return
      const { books, accountId } = run.place
      const waiting = task.status === 'AWAITING_EXECUTION'
      if (cancels) {
        const refused = await refusal(cancelTask(books, accountId, task.id))
        expect(refused).toBe(waiting || task.status === 'CANCELLED' ? undefined : 'TASK_FINISHED')
      } else expect(await failTask(books, { accountId, taskId: task.id })).toBe(waiting)
      if (!waiting) return
      task.status = cancels ? 'CANCELLED' : 'FAILED'
      task.format.reserved -= task.quantity
      run.events.push('TASK_STATUS_CHANGED')
    }),
)

const save = fc.tuple(choice, choice, amount, fc.nat(5), fc.boolean()).map(
  ([whichPool, whichFormat, quantity, threshold, autoGenerate]) =>
    new Step(
      `save pool ${whichPool}: ${quantity} of format ${whichFormat}, threshold ${threshold}, ${autoGenerate ? 'auto' : 'by hand'}`,
      async (run) => {
        const [pool, format] = [pick(run.pools, whichPool), pick(run.formats, whichFormat)]
        if (pool === undefined || format === undefined) return
        await saveReplenishment(run.place.books, run.place.accountId, {
          poolId: pool.id,
          method: 'GENERATE',
          formatId: format.id,
          quantity: BigInt(quantity),
          autoGenerate,
          refillThreshold: BigInt(threshold),
        })
        const settings = autoGenerate ? { format, quantity, threshold } : undefined
        Object.assign(pool, { settings, threshold, refillFailed: false })
        refillModel(run, pool, 0)
      },
    ),
)

/** Claims that come together are served as one group, in their order. */
const claim = fc.tuple(choice, fc.array(fc.tuple(amount, fc.boolean()), { minLength: 1, maxLength: 4 })).map(
  ([which, wishes]) =>
    new Step(`claim ${JSON.stringify(wishes)} of pool ${which}`, async (run) => {
      const pool = pick(run.pools, which)
      if (pool === undefined) return
      const { accountId } = run.place
      const asked = wishes.map(([count, hasKey]) => ({
        poolId: pool.id,
        count,
        idempotencyKey: hasKey ? randomUUID() : undefined,
      }))
      const outcomes = await Promise.allSettled(asked.map((input) => run.claiming.claim(accountId, input)))

      const demand = asked.reduce((sum, { count }) => sum + count, 0)
      const before = available(pool)
      const canRefill = pool.settings !== undefined && before - demand <= pool.threshold
      const supply = before + (canRefill && pool.settings ? room(pool.settings.format) : 0)
      let needed = 0
      const served = asked.map(({ count }) => {
        const serves = needed + count <= supply
        if (serves) needed += count
        return serves
      })
      if (canRefill && !(pool.refillFailed && pool.settings && room(pool.settings.format) === 0))
        refillModel(run, pool, needed)
      const from = pool.claimed
      pool.claimed += needed
      const after = available(pool)
      if (pool.threshold > 0 && before > pool.threshold && after <= pool.threshold)
        run.events.push('POOL_LOW')
      if (before > 0 && after === 0) run.events.push('POOL_EMPTY')

      let position = from
      for (const [i, outcome] of outcomes.entries()) {
        const { count = 0, idempotencyKey: key } = asked[i] ?? {}
        if (!served[i]) {
          expect(outcome).toMatchObject({ reason: { code: 'NOT_ENOUGH_CODES', available: BigInt(after) } })
          continue
        }
        if (outcome.status === 'rejected') throw outcome.reason
        const expected = pool.line.slice(position, position + count)
        position += count
        expect(outcome.value.map(({ formatId, index }) => [formatId, Number(index)])).toEqual(
          expected.map(({ format, index }) => [format.id, index]),
        )
        if (key !== undefined) run.claims.push({ pool, count, key, codes: outcome.value })
      }
    }),
)

const claimAgain = fc.tuple(choice, fc.boolean()).map(
  ([which, changes]) =>
    new Step(`claim ${which} again${changes ? ', changed' : ''}`, async (run) => {
      const earlier = pick(run.claims, which)
      if (earlier === undefined) return
      const { pool, key, codes } = earlier
      const count = earlier.count + (changes ? 1 : 0)
      const again = run.claiming.claim(run.place.accountId, { poolId: pool.id, count, idempotencyKey: key })
      if (changes) expect(await refusal(again)).toBe('IDEMPOTENCY_CONFLICT')
      else expect(await again).toEqual(codes)
    }),
)

// ---------------------------------------------------------------- the property

describe('the books', () => {
  it('say what plain arithmetic says, whatever is done in whatever order', async () => {
    const step = fc.oneof(
      { weight: 1, arbitrary: makeFormat },
      { weight: 1, arbitrary: makeOverlap },
      { weight: 1, arbitrary: makePool },
      { weight: 5, arbitrary: generate },
      { weight: 5, arbitrary: work },
      { weight: 2, arbitrary: end },
      { weight: 3, arbitrary: save },
      { weight: 8, arbitrary: claim },
      { weight: 2, arbitrary: claimAgain },
    )
    const steps = fc
      .tuple(makeFormat, makeFormat, makePool, makePool, fc.array(step, { minLength: 10, maxLength: 40 }))
      .map(([one, two, three, four, more]) => [one, two, three, four, ...more])
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        const place = { books: test.books, accountId: await newAccount(test.books) }
        const claiming = new Claims(test.books)
        const run: Run = { place, claiming, formats: [], pools: [], tasks: [], claims: [], events: [] }
        for (const step of steps) await step.take(run)
        await compare(run)
        await expectBalance(place)
      }),
      // The same runs every time; what fails once fails again.
      { seed: 20_261_122, numRuns: 30 },
    )
  })

  async function compare(run: Run): Promise<void> {
    const { books, accountId } = run.place
    for (const format of run.formats) {
      const now = await formatNow(run.place, format.id)
      expect(now).toMatchObject({
        capacity: BigInt(format.capacity),
        next: BigInt(format.next),
        reserved: BigInt(format.reserved),
      })
      expect(availableForGeneration(now)).toBe(BigInt(room(format)))
    }
    for (const pool of run.pools)
      expect(await poolNow(run.place, pool.id)).toMatchObject({
        total: BigInt(pool.line.length),
        claimed: BigInt(pool.claimed),
        refillThreshold: BigInt(pool.threshold),
        refillFailed: pool.refillFailed,
      })
    for (const task of run.tasks)
      expect(await books.prisma.task.findFirst({ where: { id: task.id } })).toMatchObject({
        status: task.status,
      })
    const events = await readEventsAfter(books, accountId, 0n, 10_000)
    expect(events.map(({ kind }) => kind)).toEqual(run.events)
  }
})
