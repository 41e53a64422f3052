import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Books } from '../../src/domain/books/books.ts'
import { UserError } from '../../src/domain/books/errors.ts'
import { readEventsAfter } from '../../src/domain/books/event-log.ts'
import type { TaskRef } from '../../src/domain/books/task-ref.ts'
import { Claims } from '../../src/domain/claim/claim.ts'
import { type CodeOrigin, computeCodes } from '../../src/domain/code/code.ts'
import { backfillFormat } from '../../src/domain/format/backfill.ts'
import { createFormat } from '../../src/domain/format/create.ts'
import { availableForGeneration } from '../../src/domain/format/format.ts'
import { failGeneration, generateCodes, runGeneration } from '../../src/domain/generation/generation.ts'
import { saveReplenishment } from '../../src/domain/generation/replenishment.ts'
import { cancelTask, markFailed, markRunning } from '../../src/domain/generation/task.ts'
import { readBatches } from '../../src/domain/pool/batch.ts'
import { createPool, lockPool } from '../../src/domain/pool/pool.ts'
import { addChunk } from '../../src/domain/upload/add-chunk.ts'
import { clearUpload } from '../../src/domain/upload/clear.ts'
import { completeUpload, undoUpload } from '../../src/domain/upload/finish.ts'
import { expectBalance } from '../support/audit.ts'
import { formatNow, newPlace, newSmallFormat, type Place, poolNow, useBooks } from '../support/books.ts'
import type { Model } from '../support/model.ts'
import * as model from '../support/model.ts'
import { chunkOf, startUpload } from '../support/uploads.ts'

const test = useBooks()
let elsewhere: Books
beforeAll(async () => {
  elsewhere = await test.another()
})

describe('a transaction on the books', () => {
  it('notifies of its events after the commit, and of nothing after a rollback', async () => {
    // Not by createPool, which would send notifications.
    const poolId = randomUUID()
    await test.books.rows({
      text: 'INSERT INTO pool (account_id, id, name) VALUES ($1, $2::uuid, $2::text)',
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

// ---------------------------------------------------------------- steps

/** The books, the model, and what is done to both. */
interface Run {
  place: Place
  claiming: Claims
  model: Model
}

/** Something that is done to the books, and what the model predicts. */
interface Action<Outcome = unknown> {
  perform: () => Promise<Outcome>
  /** Changes the model. Throws when the outcome is a different one. */
  predict: (now: Model, outcome: Outcome) => void
}

/** A step of a run. Its name is shown when the property fails. */
class Step {
  readonly #name: string
  /** Chooses what it is done to; undefined if there is nothing. */
  readonly bind: (run: Run) => Action | undefined

  constructor(name: string, bind: (run: Run) => Action | undefined) {
    this.#name = name
    this.bind = bind
  }

  toString(): string {
    return this.#name
  }
}

function action<Outcome>(
  perform: () => Promise<Outcome>,
  predict: (now: Model, outcome: Outcome) => void,
): Action {
  return { perform, predict: predict as (now: Model, outcome: unknown) => void }
}

/** An item of a list, chosen by any number; undefined if it is empty. */
function pick<T>(list: readonly T[], choice: number): T | undefined {
  return list[choice % list.length]
}

/** What a promise resolves to, or the code of the UserError that it is rejected with. */
async function outcomeOf<T>(promise: Promise<T>): Promise<{ value?: T; refused?: string }> {
  try {
    return { value: await promise }
  } catch (error) {
    if (error instanceof UserError) return { refused: error.code }
    throw error
  }
}

const choice = fc.nat(11)
const amount = fc.integer({ min: 1, max: 12 })

/** Sets of codes that a format can have, and that can be uploaded before it is created. */
const families = [2, 5, 9, 14, 30].map((size, at) => ({
  prefix: `${'ABCDE'[at]}-`,
  characters: Array.from({ length: size }, (_, i) => String.fromCodePoint(0x4e00 + i)).join(''),
}))

// So few that most formats over uploaded codes are not ready at first.
const takenAtOnce = 1

const makeFormat = fc.nat(families.length - 1).map(
  (which) =>
    new Step(`make format ${families[which]?.prefix}`, ({ place: { books, accountId } }) => {
      const { prefix, characters } = families[which] as (typeof families)[number]
      const shape = { prefix, suffix: '', body: { length: 1 }, characters: { list: characters } }
      return action(
        () => outcomeOf(createCodes()),
        (now, { value, refused }) => {
          const exists = now.formats.some(({ codes }) => codes[0]?.startsWith(prefix))
          expect(refused).toBe(exists ? 'FORMAT_OVERLAP' : undefined)
          if (value !== undefined) model.addFormat(now, value.id, value.codes, takenAtOnce)
        },
      )

      async function createCodes() {
        const id = await createFormat(books, accountId, { name: randomUUID(), shape }, takenAtOnce)
        const space = await books.codeSpaces.get(books, accountId, id)
        return { id, codes: space.codesAt(0n, characters.length) }
      }
    }),
)

/** A worker backfills a format that was created over uploaded codes, step by step. */
const backfill = fc.tuple(choice, fc.integer({ min: 1, max: 3 })).map(
  ([which, limit]) =>
    new Step(
      `backfill format ${which} with the next ${limit} earlier codes`,
      ({ place: { books, accountId }, model: { formats } }) => {
        const unready = formats.filter(({ lookedAt }) => lookedAt !== undefined)
        const formatId = pick(unready.length > 0 ? unready : formats, which)?.id
        if (formatId === undefined) return undefined
        return action(
          () => backfillFormat(books, { accountId, formatId }, limit),
          (now, done) => {
            const format = model.the(now.formats, formatId)
            // One of two at the same moment may leave it to the other.
            if (format.lookedAt === undefined) expect(done).toBe(false)
            if (done) model.lookOn(now, format, limit)
          },
        )
      },
    ),
)

const makePool = fc.constant(
  new Step('make a pool', ({ place: { books, accountId } }) =>
    action(
      () => createPool(books, accountId, { name: randomUUID() }),
      (now, id) => model.addPool(now, id),
    ),
  ),
)

const generate = fc.tuple(choice, choice, amount, fc.option(fc.nat(5), { nil: undefined })).map(
  ([whichPool, whichFormat, quantity, threshold]) =>
    new Step(
      `generate ${quantity} of format ${whichFormat} into pool ${whichPool}, threshold ${threshold}`,
      ({ place: { books, accountId }, model: { pools, formats } }) => {
        const [pool, format] = [pick(pools, whichPool), pick(formats, whichFormat)]
        if (pool === undefined || format === undefined) return undefined
        const [poolId, formatId] = [pool.id, format.id]
        const saveSettings =
          threshold === undefined ? undefined : { autoGenerate: true, refillThreshold: BigInt(threshold) }
        return action(
          () =>
            outcomeOf(
              generateCodes(books, accountId, { poolId, formatId, quantity: BigInt(quantity), saveSettings }),
            ),
          (now, { value: id, refused }) => {
            const format = model.the(now.formats, formatId)
            expect(refused).toBe(
              quantity > model.availableForGeneration(format) ? 'QUANTITY_EXCEEDS_AVAILABLE' : undefined,
            )
            if (id === undefined) return
            const section = { formatId, quantity, threshold: threshold ?? 0, autoGenerate: true }
            if (threshold !== undefined) model.saveSection(now, model.the(now.pools, poolId), section)
            now.generations.push({ id, poolId, formatId, quantity, status: 'AWAITING_EXECUTION' })
            now.events.push('TASK_STATUS_CHANGED')
            format.reserved += quantity
          },
        )
      },
    ),
)

/** The first of the two transactions of a generation. */
const begin = choice.map(
  (which) =>
    new Step(`begin generation ${which}`, ({ place: { books, accountId }, model: { generations } }) => {
      const task = pick(generations, which)
      if (task === undefined) return undefined
      const { id, poolId } = task
      return action(
        () =>
          books.write(accountId, async (tx) => {
            await lockPool(tx, poolId)
            return (await markRunning(tx, id)) !== undefined
          }),
        (now, begun) => {
          const task = model.the(now.generations, id)
          expect(begun).toBe(task.status === 'AWAITING_EXECUTION')
          if (!begun) return
          task.status = 'RUNNING'
          now.events.push('TASK_STATUS_CHANGED')
        },
      )
    }),
)

/** The second one. */
const work = choice.map(
  (which) =>
    new Step(`finish generation ${which}`, ({ place: { books, accountId }, model: { generations } }) => {
      const task = pick(
        generations.filter(({ status }) => status !== 'AWAITING_EXECUTION'),
        which,
      )
      if (task === undefined) return undefined
      const taskId = task.id
      return action(
        () => runGeneration(books, { accountId, taskId }),
        (now, done) => {
          const task = model.the(now.generations, taskId)
          const [pool, format] = [model.the(now.pools, task.poolId), model.the(now.formats, task.formatId)]
          // It waits for the backfill of the format.
          expect(done).toBe(task.status === 'RUNNING' && format.lookedAt === undefined)
          if (!done) return
          task.status = 'COMPLETED'
          format.reserved -= task.quantity
          model.lay(pool, format, task.quantity)
          pool.refillFailed = false
          now.events.push('TASK_STATUS_CHANGED', 'POOL_REFILLED')
        },
      )
    }),
)

const end = fc.tuple(choice, fc.boolean(), fc.boolean()).map(
  ([which, cancels, isUpload]) =>
    new Step(
      `${cancels ? 'cancel' : 'fail'} ${isUpload ? 'upload' : 'generation'} ${which}`,
      ({ place: { books, accountId }, model: { generations, uploads } }) => {
        const task = isUpload ? pick(uploads, which) : pick(generations, which)
        if (task === undefined) return undefined
        const { id: taskId, poolId } = task
        const fail = () =>
          isUpload
            ? books.write(accountId, async (tx) => {
                await lockPool(tx, poolId)
                const failure = { code: 'UNREADABLE_FILE', message: 'No.' } as const
                return (await markFailed(tx, taskId, failure)) !== undefined
              })
            : failGeneration(books, { accountId, taskId })
        return action(
          () => outcomeOf<unknown>(cancels ? cancelTask(books, accountId, taskId) : fail()),
          (now, { value, refused }) => {
            const task = isUpload ? model.the(now.uploads, taskId) : model.the(now.generations, taskId)
            const isOpen = task.status === 'AWAITING_EXECUTION' || task.status === 'RUNNING'
            if (cancels)
              expect(refused).toBe(isOpen || task.status === 'CANCELLED' ? undefined : 'TASK_FINISHED')
            else expect(value).toBe(isOpen)
            if (!isOpen) return
            task.status = cancels ? 'CANCELLED' : 'FAILED'
            if ('quantity' in task) model.the(now.formats, task.formatId).reserved -= task.quantity
            now.events.push('TASK_STATUS_CHANGED')
          },
        )
      },
    ),
)

const save = fc.tuple(choice, choice, amount, fc.nat(5), fc.boolean()).map(
  ([whichPool, whichFormat, quantity, threshold, autoGenerate]) =>
    new Step(
      `save pool ${whichPool}: ${quantity} of format ${whichFormat}, threshold ${threshold}, ${autoGenerate ? 'auto' : 'by hand'}`,
      ({ place: { books, accountId }, model: { pools, formats } }) => {
        const [pool, format] = [pick(pools, whichPool), pick(formats, whichFormat)]
        if (pool === undefined || format === undefined) return undefined
        const [poolId, formatId] = [pool.id, format.id]
        return action(
          () =>
            saveReplenishment(books, accountId, {
              poolId,
              method: 'GENERATE',
              formatId,
              quantity: BigInt(quantity),
              autoGenerate,
              refillThreshold: BigInt(threshold),
            }),
          (now) => {
            const pool = model.the(now.pools, poolId)
            model.saveSection(now, pool, { formatId, quantity, threshold, autoGenerate })
            model.refill(now, pool, 0)
          },
        )
      },
    ),
)

/** Claims that come together are served as one group, in their order. */
const claim = fc.tuple(choice, fc.array(fc.tuple(amount, fc.boolean()), { minLength: 1, maxLength: 4 })).map(
  ([which, wishes]) =>
    new Step(`claim ${JSON.stringify(wishes)} of pool ${which}`, ({ place, claiming, model: { pools } }) => {
      const poolId = pick(pools, which)?.id
      if (poolId === undefined) return undefined
      const asked = wishes.map(([count, hasKey]) => ({
        poolId,
        count,
        idempotencyKey: hasKey ? randomUUID() : undefined,
      }))
      return action(
        () => Promise.allSettled(asked.map((input) => claiming.claim(place.accountId, input))),
        (now, outcomes) => {
          const pool = model.the(now.pools, poolId)
          const demand = asked.reduce((sum, { count }) => sum + count, 0)
          const before = model.available(pool)
          const asks = model.asksForMore(now, pool, before - demand)
          const supply =
            before +
            (asks && pool.settings
              ? model.availableForGeneration(model.the(now.formats, pool.settings.formatId))
              : 0)
          let needed = 0
          const served = asked.map(({ count }) => {
            const serves = needed + count <= supply
            if (serves) needed += count
            return serves
          })
          if (asks) model.refill(now, pool, needed)
          let position = pool.claimed
          pool.claimed += needed
          model.tellShortage(now, pool, before)
          for (const [i, outcome] of outcomes.entries()) {
            const { count = 0, idempotencyKey: key } = asked[i] ?? {}
            if (!served[i]) {
              const available = BigInt(model.available(pool))
              expect(outcome).toMatchObject({ reason: { code: 'NOT_ENOUGH_CODES', available } })
              continue
            }
            if (outcome.status === 'rejected') throw outcome.reason
            const codes = pool.line.slice(position, position + count)
            position += count
            expect(outcome.value.codes.map(positionOf)).toEqual(codes)
            if (key !== undefined) now.claims.push({ poolId, count, key, codes })
          }
        },
      )
    }),
)

function positionOf(code: CodeOrigin & { code: string }): model.PositionModel {
  return { source: code.formatId ?? code.uploadId, index: Number(code.index), code: code.code }
}

const claimAgain = fc.tuple(choice, fc.boolean()).map(
  ([which, changes]) =>
    new Step(
      `claim ${which} again${changes ? ', changed' : ''}`,
      ({ place, claiming, model: { claims } }) => {
        const earlier = pick(claims, which)
        if (earlier === undefined) return undefined
        const { poolId, key, codes } = earlier
        const count = earlier.count + (changes ? 1 : 0)
        return action(
          () => outcomeOf(claiming.claim(place.accountId, { poolId, count, idempotencyKey: key })),
          (_now, { value, refused }) => {
            expect(refused).toBe(changes ? 'IDEMPOTENCY_CONFLICT' : undefined)
            if (!changes) expect(value?.codes.map(positionOf)).toEqual(codes)
          },
        )
      },
    ),
)

const startFile = fc.tuple(choice, fc.nat(3)).map(
  ([which, dry]) =>
    new Step(`upload ${dry === 0 ? 'a dry run ' : ''}into pool ${which}`, ({ place, model: { pools } }) => {
      const poolId = pick(pools, which)?.id
      if (poolId === undefined) return undefined
      const dryRun = dry === 0
      return action(
        () => startUpload(place, poolId, { dryRun }),
        (now, id) => model.addUpload(now, id, poolId, dryRun),
      )
    }),
)

/** Codes of the families, or of none. */
const fileCode = fc.tuple(fc.nat(families.length), fc.nat(29)).map(([which, at]) => {
  const family = families[which]
  return family ? family.prefix + family.characters[at % family.characters.length] : `other-${at}`
})

const readFile = fc.tuple(choice, fc.array(fileCode, { minLength: 1, maxLength: 12 }), fc.nat(2)).map(
  ([which, codes, noCodes]) =>
    new Step(
      `read ${codes} and ${noCodes} rows without a code of upload ${which}`,
      ({ place: { books, accountId }, model: { uploads } }) => {
        const upload = pick(uploads, which)
        if (upload === undefined) return undefined
        const taskId = upload.id
        const from = BigInt(rowsRead(upload))
        const refused = Array.from({ length: noCodes }, () => ({ text: '?', reason: 'It is no code.' }))
        return action(
          () => addChunk(books, { accountId, taskId }, from, chunkOf(codes, from, refused)),
          (now, added) => {
            const upload = model.the(now.uploads, taskId)
            expect(added).toBe(upload.status === 'RUNNING' && BigInt(rowsRead(upload)) === from)
            if (!added) return
            upload.refused += noCodes
            model.readRows(now, upload, codes)
          },
        )
      },
    ),
)

function rowsRead(upload: model.UploadModel): number {
  const { accepted, duplicatesInFile, duplicatesInAccount, refused } = upload
  return accepted.length + duplicatesInFile + duplicatesInAccount + refused
}

/** A step with one of the uploads. */
function uploadStep<Result>(
  what: string,
  which: number,
  attempt: (books: Books, ref: TaskRef) => Promise<Result>,
  check: (now: Model, upload: model.UploadModel, result: Result) => void,
) {
  return new Step(`${what} of upload ${which}`, ({ place: { books, accountId }, model: { uploads } }) => {
    const taskId = pick(uploads, which)?.id
    if (taskId === undefined) return undefined
    return action(
      () => attempt(books, { accountId, taskId }),
      (now, result) => check(now, model.the(now.uploads, taskId), result),
    )
  })
}

const completeFile = choice.map((which) =>
  uploadStep('completion', which, completeUpload, (now, upload, done) => {
    expect(done).toBe(upload.status === 'RUNNING')
    if (done) model.complete(now, upload)
  }),
)

const undoFile = choice.map((which) =>
  uploadStep(
    'undoing',
    which,
    (books, { accountId, taskId }) => outcomeOf(undoUpload(books, accountId, taskId)),
    (now, upload, { refused }) => {
      if (upload.status === 'UNDONE') return expect(refused).toBeUndefined()
      const can = model.canUndo(now, upload)
      expect(refused).toBe(can ? undefined : 'UPLOAD_NOT_UNDONE')
      if (can) model.undo(now, upload)
    },
  ),
)

const clearFile = fc.tuple(choice, fc.integer({ min: 1, max: 8 })).map(([which, limit]) =>
  uploadStep(
    `clearing ${limit} rows`,
    which,
    (books, ref) => clearUpload(books, ref, limit),
    (now, upload, more) => expect(more).toBe(model.clear(now, upload, limit)),
  ),
)

const single = fc.oneof(
  { weight: 3, arbitrary: makeFormat },
  { weight: 4, arbitrary: backfill },
  { weight: 1, arbitrary: makePool },
  { weight: 5, arbitrary: generate },
  { weight: 5, arbitrary: begin },
  { weight: 5, arbitrary: work },
  { weight: 3, arbitrary: end },
  { weight: 3, arbitrary: save },
  { weight: 8, arbitrary: claim },
  { weight: 2, arbitrary: claimAgain },
  { weight: 3, arbitrary: startFile },
  { weight: 10, arbitrary: readFile },
  { weight: 5, arbitrary: completeFile },
  { weight: 3, arbitrary: undoFile },
  { weight: 4, arbitrary: clearFile },
)

// ---------------------------------------------------------------- the property

describe('the books', () => {
  const timeout = 240_000
  const start = [
    makeFormat,
    makePool,
    makePool,
    startFile,
    startFile,
    readFile,
    readFile,
    makeFormat,
    makeFormat,
  ] as const

  it('agree with the model after any steps in any order', { timeout }, async () => {
    const steps = fc
      .tuple(fc.tuple(...start), fc.array(single, { minLength: 20, maxLength: 80 }))
      .map(([first, more]) => [...first, ...more])
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        const run = await newRun()
        for (const step of steps) await perform(run, step)
        await compare(run.place, run.model)
        await expectBalance(run.place)
        await backfillAll(run)
      }),
      // The same runs every time, so a failure can be reproduced.
      { seed: 20_261_122, numRuns: 30 },
    )
  })

  it('agree with the model for one of the two orders when two steps are concurrent', {
    timeout,
  }, async () => {
    const pairs = fc
      .tuple(fc.tuple(...start), fc.array(fc.tuple(single, single), { minLength: 10, maxLength: 40 }))
      .map(([first, more]) => ({ first, more }))
    await fc.assert(
      fc.asyncProperty(pairs, async ({ first, more }) => {
        const run = await newRun()
        for (const step of first) await perform(run, step)
        for (const pair of more) await performBoth(run, pair)
        await expectBalance(run.place)
        await backfillAll(run)
      }),
      { seed: 20_261_125, numRuns: 15 },
    )
  })

  async function newRun(): Promise<Run> {
    const place = await newPlace(test)
    return { place, claiming: new Claims(test.books), model: model.emptyModel() }
  }

  async function perform(run: Run, step: Step): Promise<void> {
    const action = step.bind(run)
    if (action !== undefined) action.predict(run.model, await action.perform())
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

  /** Does two things at the same moment. The outcome must be that of one of the two orders. */
  async function performBoth(run: Run, steps: readonly [Step, Step]): Promise<void> {
    // By two processes: claims of one process could be served as one group.
    const place = { ...run.place, books: elsewhere }
    const processes = [run, { ...run, place, claiming: new Claims(elsewhere) }]
    const actions = processes
      .map((process, i) => steps[i]?.bind(process))
      .filter((action) => action !== undefined)
    const done = await Promise.all(
      actions.map(async (action) => ({ ...action, outcome: await action.perform() })),
    )
    const failures: unknown[] = []
    for (const order of done.length === 2 ? [done, done.toReversed()] : [done]) {
      const now = structuredClone(run.model)
      try {
        for (const { predict, outcome } of order) predict(now, outcome)
        await compare(run.place, now)
        run.model = now
        return
      } catch (error) {
        failures.push(error)
      }
    }
    throw new AggregateError(failures, `Neither order leads to this: ${steps.join(' + ')}`)
  }

  async function compare(place: Place, now: Model): Promise<void> {
    const { books, accountId } = place
    for (const format of now.formats) {
      const row = await formatNow(place, format.id)
      expect(row).toMatchObject({
        capacity: BigInt(format.codes.length),
        next: BigInt(format.next),
        reserved: BigInt(format.reserved),
        takenAhead: BigInt(model.takenAheadOf(format)),
        takenTo: format.lookedAt,
      })
      expect(availableForGeneration(row)).toBe(BigInt(model.availableForGeneration(format)))
      const { generated } = await books.prisma.format.findFirstOrThrow({ where: { id: format.id } })
      expect(Number(generated)).toBe(model.generatedOf(format))
      const taken = await books.prisma.taken.findMany({ where: { formatId: format.id } })
      expect(taken.map(({ index }) => Number(index)).sort((a, b) => a - b)).toEqual(model.takenOf(format))
    }
    for (const pool of now.pools) {
      const row = await poolNow(place, pool.id)
      expect(row).toMatchObject({
        total: BigInt(pool.line.length),
        claimed: BigInt(pool.claimed),
        refillThreshold: BigInt(pool.threshold),
        refillFailed: pool.refillFailed,
      })
      const batches = await readBatches(books, accountId, pool.id, 0n, row.total)
      const line = await computeCodes(books, accountId, batches, 0n, row.total)
      expect(line.map(positionOf)).toEqual(pool.line)
    }
    const everywhere = now.pools.flatMap(({ line }) => line.map(({ code }) => code))
    expect(new Set(everywhere).size).toBe(everywhere.length)
    const tasks = await books.prisma.task.findMany({
      where: { accountId, trigger: 'MANUAL' },
      orderBy: { id: 'asc' },
    })
    const expected = [...now.generations.map(generationRow), ...now.uploads.map(uploadRow)]
    expect(tasks.map((task) => ({ ...task, added: Number(task.added) }))).toEqual(
      expected.sort((a, b) => (a.id < b.id ? -1 : 1)).map((row) => expect.objectContaining(row)),
    )
    const uploaded = await books.prisma.uploadedCode.findMany({ where: { accountId } })
    expect(new Map(uploaded.map(({ code, taskId }) => [code, taskId]))).toEqual(now.uploaded)
    const rejected = await books.prisma.rejectedRow.count({ where: { accountId } })
    expect(rejected).toBe(now.uploads.reduce((sum, one) => sum + rowsRead(one) - one.accepted.length, 0))
    const events = await readEventsAfter(books, accountId, 0n, 10_000)
    expect(events.map(({ kind }) => kind)).toEqual(now.events)
  }

  function generationRow({ id, status, quantity }: model.GenerationModel) {
    return { id, status, added: status === 'COMPLETED' ? quantity : 0 }
  }

  function uploadRow(upload: model.UploadModel) {
    const { id, status, dryRun, accepted, hasWork } = upload
    return {
      id,
      status,
      hasWork,
      added: status === 'COMPLETED' && !dryRun ? accepted.length : 0,
      accepted: BigInt(accepted.length),
      duplicatesInFile: BigInt(upload.duplicatesInFile),
      duplicatesInAccount: BigInt(upload.duplicatesInAccount),
      refused: BigInt(upload.refused),
      rowsRead: BigInt(rowsRead(upload)),
    }
  }
})
