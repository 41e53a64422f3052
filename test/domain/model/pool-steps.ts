import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect } from 'vitest'
import { saveReplenishment } from '../../../src/domain/generation/replenishment.ts'
import { archivePool, unarchivePool } from '../../../src/domain/pool/archive.ts'
import { createPool } from '../../../src/domain/pool/pool.ts'
import { saveTerms } from '../../../src/domain/pool/terms.ts'
import { restoreCodes } from '../../../src/domain/stock/restore.ts'
import { withdrawCodes } from '../../../src/domain/stock/withdraw.ts'
import type { Model } from '../../support/model.ts'
import * as model from '../../support/model.ts'
import { action, amount, choice, dateOf, offset, outcomeOf, pick, Step, timeIn, whichPool } from './step.ts'

export const makePool = new Step('make a pool', ({ place: { books, accountId } }) =>
  action(
    () => createPool(books, accountId, { name: randomUUID() }),
    (now, id) => model.addPool(now, id),
  ),
)

export const save = fc.tuple(whichPool, choice, amount, fc.nat(5), fc.boolean()).map(
  ([which, whichFormat, quantity, threshold, autoGenerate]) =>
    new Step(
      `save pool ${which}: ${quantity} of format ${whichFormat}, threshold ${threshold}, ${autoGenerate ? 'auto' : 'by hand'}`,
      ({ place: { books, accountId }, model: { pools, formats } }) => {
        const [pool, format] = [pick(pools, which), pick(formats, whichFormat)]
        if (pool === undefined || format === undefined) return undefined
        const [poolId, formatId] = [pool.id, format.id]
        const input = { poolId, method: 'GENERATE', formatId, autoGenerate } as const
        return action(
          () =>
            outcomeOf(
              saveReplenishment(books, accountId, {
                ...input,
                quantity: BigInt(quantity),
                refillThreshold: BigInt(threshold),
              }),
            ),
          (now, { refused }) => {
            const pool = model.the(now.pools, poolId)
            expect(refused).toBe(autoGenerate && model.isOver(now, pool.terms) ? 'INVALID_INPUT' : undefined)
            if (refused !== undefined) return
            model.saveSection(now, pool, { formatId, quantity, threshold, autoGenerate })
            model.refill(now, pool, 0)
          },
        )
      },
    ),
)

const termsOffsets = fc.record({
  issueFrom: offset(-30, -1, 5),
  issueUntil: offset(-5, 20, 100),
  validUntil: offset(-5, 20, 200),
  validFor: offset(1, 60),
  onePerRecipient: fc.nat(2).map((one) => one > 0),
  renewAfter: fc.subarray<model.RenewAfter>(['EXPIRED', 'REDEEMED', 'VOIDED']),
})

export const changeTerms = fc.tuple(whichPool, termsOffsets).map(
  ([which, offsets]) =>
    new Step(
      `save terms of pool ${which}: ${JSON.stringify(offsets)}`,
      ({ place, clock, model: { pools } }) => {
        const poolId = pick(pools, which)?.id
        if (poolId === undefined) return undefined
        const terms: model.TermsModel = {
          issueFrom: timeIn(clock, offsets.issueFrom),
          issueUntil: timeIn(clock, offsets.issueUntil),
          validUntil: timeIn(clock, offsets.validUntil),
          validFor: offsets.validFor,
          onePerRecipient: offsets.onePerRecipient,
          renewAfter: offsets.renewAfter,
        }
        const { validFor, ...others } = terms
        return action(
          () =>
            outcomeOf(
              saveTerms(place.books, place.accountId, {
                poolId,
                ...others,
                issueFrom: dateOf(terms.issueFrom),
                issueUntil: dateOf(terms.issueUntil),
                validUntil: dateOf(terms.validUntil),
                validForMs: validFor === undefined ? undefined : BigInt(validFor),
              }),
            ),
          (now, { refused }) => {
            const accepted = model.saveTerms(now, model.the(now.pools, poolId), terms)
            expect(refused).toBe(accepted ? undefined : 'INVALID_INPUT')
          },
        )
      },
    ),
)

export const archive = fc.tuple(whichPool, fc.nat(2)).map(
  // Unarchived more often than archived.
  ([which, how]) =>
    poolStep(`${how === 0 ? 'archive' : 'unarchive'} pool ${which}`, which, ({ books, accountId }, poolId) =>
      action(
        () => (how === 0 ? archivePool : unarchivePool)(books, accountId, poolId),
        (now) => model.setArchived(now, model.the(now.pools, poolId), how === 0),
      ),
    ),
)

/** Of all tasks, or of one of those that have ended up in the pool. */
const task = fc.option(choice, { nil: undefined })

export const withdraw = fc.tuple(whichPool, task, fc.boolean()).map(
  ([which, whichTask, keepAutoGenerate]) =>
    new Step(
      `withdraw ${whichTask === undefined ? 'all' : `task ${whichTask}`} of pool ${which}${keepAutoGenerate ? ', keeping auto-generation' : ''}`,
      ({ place: { books, accountId }, model: now }) => {
        const poolId = pick(now.pools, which)?.id
        if (poolId === undefined) return undefined
        const taskId = taskOf(now, poolId, whichTask, ({ line, claimed }) => line.slice(claimed))
        return action(
          () => withdrawCodes(books, accountId, { poolId, taskId, keepAutoGenerate }),
          (now, { count }) => {
            const pool = model.the(now.pools, poolId)
            expect(Number(count)).toBe(model.withdraw(now, pool, { task: taskId, keepAutoGenerate }))
          },
        )
      },
    ),
)

export const restore = fc.tuple(whichPool, task).map(
  ([which, whichTask]) =>
    new Step(
      `restore ${whichTask === undefined ? 'all' : `task ${whichTask}`} of pool ${which}`,
      ({ place: { books, accountId }, model: now }) => {
        const poolId = pick(now.pools, which)?.id
        if (poolId === undefined) return undefined
        const taskId = taskOf(now, poolId, whichTask, ({ withdrawn }) => withdrawn)
        return action(
          () => restoreCodes(books, accountId, { poolId, taskId }),
          (now, { count }) =>
            expect(Number(count)).toBe(model.restore(now, model.the(now.pools, poolId), taskId)),
        )
      },
    ),
)

/** The id of a task of a pool, if one was chosen and there is one: one of those whose codes could move, if any. */
function taskOf(
  now: Model,
  poolId: string,
  which: number | undefined,
  couldMove: (pool: model.PoolModel) => model.PositionModel[],
): string | undefined {
  if (which === undefined) return undefined
  const own = [...now.generations, ...now.uploads].filter((task) => task.poolId === poolId)
  const codes = couldMove(model.the(now.pools, poolId))
  const useful = own.filter(({ id }) => codes.some(({ task }) => task === id))
  return pick(useful.length > 0 ? useful : own, which)?.id
}

/** A step with one of the pools. */
function poolStep(
  name: string,
  which: number,
  bind: (place: Parameters<Step['bind']>[0]['place'], poolId: string) => ReturnType<Step['bind']>,
): Step {
  return new Step(name, ({ place, model: { pools } }) => {
    const poolId = pick(pools, which)?.id
    return poolId === undefined ? undefined : bind(place, poolId)
  })
}
