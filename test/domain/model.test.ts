import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Books } from '../../src/domain/books/books.ts'
import { Claims } from '../../src/domain/claim/claim.ts'
import { backfillFormat } from '../../src/domain/format/backfill.ts'
import { generateCodes } from '../../src/domain/generation/generation.ts'
import { expectBalance } from '../support/audit.ts'
import { newPlace, newSmallFormat, useBooks } from '../support/books.ts'
import * as model from '../support/model.ts'
import { redemptionsOn } from '../support/redemptions.ts'
import { startUpload } from '../support/uploads.ts'
import { claim, claimAgain } from './model/claim-steps.ts'
import { compare } from './model/compare.ts'
import { backfill, families, formatOf, makeFormat } from './model/format-steps.ts'
import { begin, beginningOf, end, finishOf, generate, generationOf, work } from './model/generation-steps.ts'
import { archive, changeTerms, makePool, restore, save, withdraw } from './model/pool-steps.ts'
import { action, type Run, Step } from './model/step.ts'
import { clearFile, completeFile, readFile, startFile, undoFile } from './model/upload-steps.ts'
import { redeem, rollBack, voidSome } from './model/usage-steps.ts'

const test = useBooks()

/** The clocks of two processes, of which the second one is slow. */
let time = Date.UTC(2027, 0, 1)
const clocks = [() => time, () => time - 1_500] as const
let here: Books
let elsewhere: Books
beforeAll(async () => {
  here = await test.another({ now: () => new Date(clocks[0]()) })
  elsewhere = await test.another({ now: () => new Date(clocks[1]()) })
})

describe('a transaction on the books', () => {
  it('notifies of its events after the commit, and of nothing after a rollback', async () => {
    // Not by createPool, which would send notifications.
    const poolId = randomUUID()
    await test.books.rows({
      text: `
        WITH pool AS (INSERT INTO pool (account_id, id, name) VALUES ($1, $2::uuid, $2::text) RETURNING account_id, id)
        INSERT INTO pool_usage (account_id, pool_id) SELECT account_id, id FROM pool`,
      values: [test.accountId, poolId],
    })
    const told: string[] = []
    const stops = (['events', 'generations', 'uploads'] as const).map((topic) =>
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
    expect(told).not.toContain('generations')
    await generateCodes(test.books, test.accountId, {
      poolId,
      formatId: await newSmallFormat(test, 2),
      quantity: 1n,
    })
    expect(told).toContain('generations')
    expect(told).not.toContain('uploads')
    await startUpload(test, poolId)
    expect(told).toContain('uploads')
    for (const stop of stops) stop()
  })
})

// ---------------------------------------------------------------- the property

const wait = fc.integer({ min: 1, max: 10 }).map(
  (seconds) =>
    new Step(`wait for ${seconds} s`, () =>
      action(
        async () => {
          time += seconds * 1_000
        },
        () => undefined,
      ),
    ),
)

const single = fc.oneof(
  { weight: 2, arbitrary: makeFormat },
  { weight: 2, arbitrary: backfill },
  { weight: 1, arbitrary: fc.constant(makePool) },
  { weight: 4, arbitrary: generate },
  { weight: 4, arbitrary: begin },
  { weight: 4, arbitrary: work },
  { weight: 2, arbitrary: end },
  { weight: 3, arbitrary: save },
  { weight: 3, arbitrary: changeTerms },
  { weight: 2, arbitrary: archive },
  { weight: 14, arbitrary: claim },
  { weight: 3, arbitrary: claimAgain },
  { weight: 14, arbitrary: redeem },
  { weight: 4, arbitrary: rollBack },
  { weight: 9, arbitrary: voidSome },
  { weight: 4, arbitrary: withdraw },
  { weight: 5, arbitrary: restore },
  { weight: 3, arbitrary: startFile },
  { weight: 7, arbitrary: readFile },
  { weight: 5, arbitrary: completeFile },
  { weight: 3, arbitrary: undoFile },
  { weight: 3, arbitrary: clearFile },
)

describe('the books', () => {
  const timeout = 400_000
  const largest = families.length - 1
  // Two pools with codes, and an upload under way for each.
  const start = fc
    .tuple(makeFormat, startFile, startFile, readFile, readFile, makeFormat)
    .map((more): Step[] => [
      formatOf(largest),
      makePool,
      makePool,
      ...[0, 1].flatMap((which) => [
        generationOf(which, 0, 30, undefined),
        beginningOf(which),
        finishOf(which),
      ]),
      ...more,
    ])

  it('agree with the model after any steps in any order', { timeout }, async () => {
    const any = fc.oneof({ weight: 12, arbitrary: single }, { weight: 1, arbitrary: wait })
    const steps = fc
      .tuple(start, fc.array(any, { minLength: 40, maxLength: 80, size: 'max' }))
      .map(([first, more]) => [...first, ...more])
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        const [run] = await newRuns()
        for (const step of steps) await perform(run, step)
        await compare(run.place, run.model)
        await expectBalance(run.place)
        await backfillAll(run)
      }),
      // The same runs every time, so a failure can be reproduced.
      { seed: 20_261_122, numRuns: 24 },
    )
  })

  it('agree with the model for one of the two orders when two steps are concurrent', {
    timeout,
  }, async () => {
    const pairs = fc
      .tuple(
        start,
        fc.array(fc.tuple(single, single, fc.nat(3)), { minLength: 20, maxLength: 40, size: 'max' }),
      )
      .map(([first, more]) => ({ first, more }))
    await fc.assert(
      fc.asyncProperty(pairs, async ({ first, more }) => {
        const runs = await newRuns()
        for (const step of first) await perform(runs[0], step)
        for (const [one, other, seconds] of more) {
          await performBoth(runs, [one, other])
          time += seconds * 1_000
        }
        await expectBalance(runs[0].place)
        await backfillAll(runs[0])
      }),
      { seed: 20_261_125, numRuns: 12 },
    )
  })

  /** A new account, as two processes see it. Both have the same model. */
  async function newRuns(): Promise<[Run, Run]> {
    const { accountId } = await newPlace(test)
    const now = model.emptyModel()
    const run = (books: Books, clock: () => number): Run => ({
      place: { books, accountId },
      clock,
      claims: new Claims(books),
      redemptions: redemptionsOn(books),
      model: now,
    })
    return [run(here, clocks[0]), run(elsewhere, clocks[1])]
  }

  async function perform(run: Run, step: Step): Promise<void> {
    const action = step.bind(run)
    if (action === undefined) return
    const outcome = await action.perform()
    run.model.now = run.clock()
    action.predict(run.model, outcome)
  }

  /** Formats that are not ready become so in the end. */
  async function backfillAll({ place, model: now }: Run): Promise<void> {
    const { books, accountId } = place
    for (const format of now.formats) {
      while (await backfillFormat(books, { accountId, formatId: format.id }, 3)) model.lookOn(now, format, 3)
      expect(format.lookedAt).toBeUndefined()
    }
    await compare(place, now)
    await expectBalance(place)
  }

  /**
   * Does two things at the same moment, by two processes: claims of one could be served as one group. The outcome must be that of
   * one of the two orders.
   */
  async function performBoth(runs: [Run, Run], steps: readonly [Step, Step]): Promise<void> {
    const bound = runs.flatMap((run, i) => {
      const action = steps[i]?.bind(run)
      return action === undefined ? [] : [{ ...action, clock: run.clock }]
    })
    const done = await Promise.all(
      bound.map(async (action) => ({ ...action, outcome: await action.perform() })),
    )
    const failures: unknown[] = []
    for (const order of done.length === 2 ? [done, done.toReversed()] : [done]) {
      const now = structuredClone(runs[0].model)
      try {
        for (const { predict, outcome, clock } of order) {
          now.now = clock()
          predict(now, outcome)
        }
        await compare(runs[0].place, now)
        for (const run of runs) run.model = now
        return
      } catch (error) {
        failures.push(error)
      }
    }
    throw new AggregateError(failures, `Neither order leads to this: ${steps.join(' + ')}`)
  }
})
