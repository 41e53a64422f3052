import fc from 'fast-check'
import { expect } from 'vitest'
import { failGeneration, generateCodes, runGeneration } from '../../../src/domain/generation/generation.ts'
import { cancelTask, markFailed, markRunning } from '../../../src/domain/generation/task.ts'
import { lockPool } from '../../../src/domain/pool/pool.ts'
import * as model from '../../support/model.ts'
import { action, amount, choice, outcomeOf, pick, pickUseful, Step, whichPool } from './step.ts'

export const generate = fc
  .tuple(whichPool, choice, amount, fc.option(fc.nat(5), { nil: undefined }))
  .map((input) => generationOf(...input))

/** Asks for a generation. With a threshold, it saves the Promo Codes section of the pool, too. */
export function generationOf(
  which: number,
  whichFormat: number,
  quantity: number,
  threshold: number | undefined,
): Step {
  return new Step(
    `generate ${quantity} of format ${whichFormat} into pool ${which}, threshold ${threshold}`,
    ({ place: { books, accountId }, model: { pools, formats } }) => {
      const [pool, format] = [pick(pools, which), pick(formats, whichFormat)]
      if (pool === undefined || format === undefined) return undefined
      const [poolId, formatId] = [pool.id, format.id]
      const saveSettings =
        threshold === undefined ? undefined : { autoGenerate: true, refillThreshold: BigInt(threshold) }
      const input = { poolId, formatId, quantity: BigInt(quantity), saveSettings }
      return action(
        () => outcomeOf(generateCodes(books, accountId, input)),
        (now, { value: id, refused }) => {
          const [pool, format] = [model.the(now.pools, poolId), model.the(now.formats, formatId)]
          expect(refused).toBe(refusal())
          if (id === undefined) return
          const section = { formatId, quantity, threshold: threshold ?? 0, autoGenerate: true }
          if (threshold !== undefined) model.saveSection(now, pool, section)
          now.generations.push({ id, poolId, formatId, quantity, status: 'AWAITING_EXECUTION' })
          now.events.push('TASK_STATUS_CHANGED')
          format.reserved += quantity

          function refusal(): string | undefined {
            if (pool.archived) return 'POOL_ARCHIVED'
            if (quantity > model.availableForGeneration(format)) return 'QUANTITY_EXCEEDS_AVAILABLE'
            return threshold !== undefined && model.isOver(now, pool.terms) ? 'INVALID_INPUT' : undefined
          }
        },
      )
    },
  )
}

/** The first of the two transactions of a generation. */
export const begin = choice.map(beginningOf)

export function beginningOf(which: number): Step {
  return new Step(`begin generation ${which}`, ({ place: { books, accountId }, model: { generations } }) => {
    const task = pickUseful(generations, which, ({ status }) => status === 'AWAITING_EXECUTION')
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
  })
}

/** The second one. */
export const work = choice.map(finishOf)

export function finishOf(which: number): Step {
  return new Step(`finish generation ${which}`, ({ place: { books, accountId }, model: { generations } }) => {
    const begun = generations.filter(({ status }) => status !== 'AWAITING_EXECUTION')
    const task = pickUseful(begun, which, ({ status }) => status === 'RUNNING')
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
        model.lay(now, pool, format, { quantity: task.quantity, task: taskId })
        pool.refillFailed = false
        now.events.push('TASK_STATUS_CHANGED', 'POOL_REFILLED')
      },
    )
  })
}

export const end = fc.tuple(choice, fc.boolean(), fc.boolean()).map(
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
