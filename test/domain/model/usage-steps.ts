import fc from 'fast-check'
import { expect } from 'vitest'
import type { CodeOrigin } from '../../../src/domain/code/code.ts'
import { rollBackRedemption } from '../../../src/domain/redemption/roll-back.ts'
import type { Select } from '../../../src/domain/void/select.ts'
import { unvoidCodes, voidCodes } from '../../../src/domain/void/void.ts'
import type { Model } from '../../support/model.ts'
import * as model from '../../support/model.ts'
import { action, choice, outcomeOf, pick, pickUseful, recipient, Step, whichPool } from './step.ts'

/** Mostly one of the first few, so that the same code meets different steps. */
const place = fc.oneof(fc.nat(3), fc.nat(3), fc.nat(40))

const redemption = fc.record({
  pool: whichPool,
  at: place,
  isClaimed: fc.nat(9).map((one) => one > 0),
  reference: fc.constantFrom('order 1', 'order 2'),
  recipient: fc.oneof(fc.constant(undefined), fc.constant(undefined), recipient),
})

export const redeem = redemption.map(
  ({ pool: which, at, isClaimed, reference, recipient }) =>
    new Step(
      `redeem ${isClaimed ? 'claimed' : 'any'} code ${at} of pool ${which} for ${reference} of ${recipient}`,
      ({ place: { accountId }, redemptions, model: { pools } }) => {
        const pool = pick(pools, which)
        if (pool === undefined) return undefined
        const { id: poolId, line, claimed } = pool
        const code = pick(isClaimed ? line.slice(0, claimed) : line, at)?.code
        if (code === undefined) return undefined
        return action(
          () => outcomeOf(redemptions.redeem(accountId, poolId, { code, reference, recipient })),
          (now, { value, refused }) => {
            const pool = model.the(now.pools, poolId)
            const position = pool.line.findIndex((one) => one.code === code)
            const isWithdrawn = pool.withdrawn.some((one) => one.code === code)
            const expected =
              position < 0
                ? { refused: isWithdrawn ? 'CODE_NOT_CLAIMED' : 'NOT_FOUND' }
                : model.redeem(now, pool, position, { reference, recipient })
            expect(refused).toBe(expected && 'refused' in expected ? expected.refused : undefined)
            if (value === undefined) return
            const { id } = value.redemption
            expect(value.alreadyRedeemed).toBe(expected !== undefined)
            if (expected === undefined)
              now.redemptions.push({ id, poolId, position, reference, rolledBack: false })
            else expect('redemption' in expected && expected.redemption.id).toBe(id)
          },
        )
      },
    ),
)

export const rollBack = choice.map(
  (which) =>
    new Step(`roll back redemption ${which}`, ({ place: { books, accountId }, model: { redemptions } }) => {
      const id = pickUseful(redemptions, which, ({ rolledBack }) => !rolledBack)?.id
      if (id === undefined) return undefined
      return action(
        () => rollBackRedemption(books, accountId, id),
        (now, { rolledBackAt }) => {
          expect(rolledBackAt).toBeDefined()
          model.the(now.redemptions, id).rolledBack = true
        },
      )
    }),
)

const chosen = fc.oneof(
  fc.record({ recipient, pool: fc.option(whichPool, { nil: undefined }) }),
  fc.record({ codes: fc.array(place, { minLength: 1, maxLength: 5 }), pool: whichPool }),
  fc.record({ claim: choice, pool: whichPool }),
  fc.record({ task: choice }),
  fc.record({ recipient, pool: fc.option(whichPool, { nil: undefined }) }),
)

type Chosen = typeof chosen extends fc.Arbitrary<infer T> ? T : never

/** The choice of a step: which codes the service is asked for, and how the model finds them. */
interface Selection {
  select: Select
  /** Undefined if they are no longer there. */
  find: (now: Model) => Found | undefined
}

interface Found {
  claimed: model.Chosen
  notClaimed: number
}

export const voidSome = fc.tuple(chosen, fc.boolean()).map(
  ([chosen, unvoids]) =>
    new Step(
      `${unvoids ? 'unvoid' : 'void'} ${JSON.stringify(chosen)}`,
      ({ place: { books, accountId }, model: now }) => {
        const selection = selectionOf(now, chosen, unvoids)
        if (selection === undefined) return undefined
        const { select, find } = selection
        if (unvoids)
          return action(
            () => outcomeOf(unvoidCodes(books, accountId, { select })),
            (now, { value, refused }) => {
              const found = find(now)
              expect(refused).toBe(found === undefined ? 'NOT_FOUND' : undefined)
              if (found === undefined) return
              const unvoided = model.unvoidCodes(now, found.claimed)
              const notVoid = found.claimed.length + found.notClaimed - unvoided
              expect(value).toMatchObject({ unvoided: BigInt(unvoided), notVoid: BigInt(notVoid) })
            },
          )
        return action(
          () => outcomeOf(voidCodes(books, accountId, { select, reason: 'leaked' })),
          (now, { value, refused }) => {
            const found = find(now)
            expect(refused).toBe(found === undefined ? 'NOT_FOUND' : undefined)
            if (found === undefined) return
            const { voided, redeemed } = model.voidCodes(now, found.claimed)
            expect(value).toMatchObject({
              voided: BigInt(voided),
              redeemed: BigInt(redeemed),
              alreadyVoid: BigInt(found.claimed.length - voided - redeemed),
              notClaimed: BigInt(found.notClaimed),
            })
          },
        )
      },
    ),
)

/** `isVoid`: rather of codes that are void. */
function selectionOf(now: Model, chosen: Chosen, isVoid: boolean): Selection | undefined {
  if ('task' in chosen) {
    const task = pick([...now.generations, ...now.uploads], chosen.task)
    return (
      task && { select: { taskId: task.id }, find: (now) => codesOf(now, (code) => code.task === task.id) }
    )
  }
  const pool = chosen.pool === undefined ? undefined : pick(now.pools, chosen.pool)
  if ('recipient' in chosen) {
    const { recipient } = chosen
    const isHeld = (claim: model.ClaimModel | undefined) => claim?.recipient === recipient
    return {
      select: { recipient, poolId: pool?.id },
      find: (now) =>
        claimedOf(now, (one, claim) => isHeld(claim) && (pool === undefined || one.id === pool.id)),
    }
  }
  if (pool === undefined) return undefined
  if ('claim' in chosen) {
    const claim = pickUseful(pool.claims, chosen.claim, ({ first }) => !isVoid || pool.voided.has(first))
    if (claim === undefined) return undefined
    return {
      select: { claim: { poolId: pool.id, first: BigInt(claim.first) } },
      find: (now) => claimedOf(now, (one, { first }) => one.id === pool.id && first === claim.first),
    }
  }
  const all = [...pool.line, ...pool.withdrawn]
  const voided = pool.line.filter((_, position) => pool.voided.has(position))
  const from = isVoid && voided.length > 0 ? voided : all
  const codes = chosen.codes.map((at) => pick(from, at)).filter((code) => code !== undefined)
  if (codes.length === 0) return undefined
  const isChosen = (code: model.PositionModel) =>
    codes.some(({ source, index }) => source === code.source && index === code.index)
  const count = all.filter(isChosen).length
  return {
    select: { codes: codes.map((code) => originOf(now, code)) },
    // Of an upload that was undone meanwhile, they are gone.
    find: (now) => {
      const found = codesOf(now, isChosen)
      return found.claimed.length + found.notClaimed === count ? found : undefined
    },
  }
}

function originOf({ formats }: Model, { source, index }: model.PositionModel): CodeOrigin {
  const isFormat = formats.some(({ id }) => id === source)
  return isFormat ? { formatId: source, index: BigInt(index) } : { uploadId: source, index: BigInt(index) }
}

/** The codes of all pools that fulfil a condition. */
function codesOf({ pools }: Model, isChosen: (code: model.PositionModel) => boolean): Found {
  const claimed = pools.flatMap(({ id, line, claimed }) =>
    line.slice(0, claimed).flatMap((code, position) => (isChosen(code) ? [{ poolId: id, position }] : [])),
  )
  const all = pools.flatMap(({ line, withdrawn }) => [...line, ...withdrawn]).filter(isChosen)
  return { claimed, notClaimed: all.length - claimed.length }
}

/** The claimed codes of all pools whose claim fulfils a condition. */
function claimedOf(
  { pools }: Model,
  isChosen: (pool: model.PoolModel, claim: model.ClaimModel) => boolean,
): Found {
  const claimed = pools.flatMap((pool) =>
    pool.claims
      .filter((claim) => isChosen(pool, claim))
      .flatMap(({ first, count }) =>
        Array.from({ length: count }, (_, at) => ({ poolId: pool.id, position: first + at })),
      ),
  )
  return { claimed, notClaimed: 0 }
}
