import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Claims } from '../../../src/domain/claim/claim.ts'
import type { CodeOrigin } from '../../../src/domain/code/code.ts'
import * as model from '../../support/model.ts'
import {
  action,
  amount,
  anyRecipient,
  choice,
  dateOf,
  offset,
  outcomeOf,
  pick,
  recipient,
  Step,
  timeIn,
  whichPool,
} from './step.ts'

const count = fc.oneof(fc.constant(1), fc.constant(1), fc.constantFrom(2, 3), amount)
const wish = fc.record({
  operation: fc.constantFrom('claimCodes', 'claimCodes', 'claimCodes', 'claimFile', 'claimForRecipients'),
  count,
  recipient: anyRecipient,
  recipients: fc.array(recipient, { minLength: 1, maxLength: 4 }),
  expires: offset(-3, 8, 100),
  hasKey: fc.boolean(),
})

/** What somebody sees of the codes that they get. */
interface Seen {
  alreadyHeld: boolean
  first: number
  codes: Omit<model.PositionModel, 'task'>[] | undefined
}

/** Claims that come together are served as one group, in their order. */
export const claim = fc.tuple(whichPool, fc.array(wish, { minLength: 1, maxLength: 4 })).map(
  ([which, asked]) =>
    new Step(
      `claim ${JSON.stringify(asked)} of pool ${which}`,
      ({ place, clock, claims, model: { pools } }) => {
        const poolId = pick(pools, which)?.id
        if (poolId === undefined) return undefined
        const wishes = asked
          .map(({ operation, count, recipient, recipients, expires, hasKey }): model.Wish => {
            const isList = operation === 'claimForRecipients'
            return {
              operation,
              count: isList ? 1 : count,
              recipients: isList ? recipients : [recipient],
              expiresAt: timeIn(clock, expires),
              key: hasKey ? randomUUID() : undefined,
            }
          })
          // Lists join a group after the others, as they are checked piece by piece.
          .toSorted((a, b) => Number(isList(a)) - Number(isList(b)))
        return action(
          () => Promise.all(wishes.map((wish) => outcomeOf(make(claims, place.accountId, poolId, wish)))),
          (now, outcomes) => {
            const pool = model.the(now.pools, poolId)
            const decisions = model.claim(now, pool, wishes)
            for (const [i, wish] of wishes.entries()) {
              const { grants, refused } = decisions[i] as model.Decision
              expect(outcomes[i]?.refused).toBe(refused)
              if (grants === undefined) continue
              expect(outcomes[i]?.value).toEqual(seen(pool, wish, grants))
              if (wish.key !== undefined) now.keys.push({ poolId, wish, grants })
            }
          },
        )
      },
    ),
)

export const claimAgain = fc.tuple(choice, fc.boolean()).map(
  ([which, changes]) =>
    new Step(`claim ${which} again${changes ? ', changed' : ''}`, ({ place, claims, model: { keys } }) => {
      const earlier = pick(keys, which)
      if (earlier === undefined) return undefined
      const { poolId, wish, grants } = earlier
      const again = changes
        ? { ...wish, count: wish.count + 1, recipients: [...wish.recipients, 'Eve'] }
        : wish
      return action(
        () => outcomeOf(make(claims, place.accountId, poolId, again)),
        (now, { value, refused }) => {
          expect(refused).toBe(changes ? 'IDEMPOTENCY_CONFLICT' : undefined)
          if (!changes) expect(value).toEqual(seen(model.the(now.pools, poolId), wish, grants))
        },
      )
    }),
)

function isList({ operation }: model.Wish): boolean {
  return operation === 'claimForRecipients'
}

async function make(
  claims: Claims,
  accountId: string,
  poolId: string,
  { operation, count, recipients, expiresAt, key }: model.Wish,
): Promise<Seen[]> {
  const common = { poolId, expiresAt: dateOf(expiresAt), idempotencyKey: key }
  const [recipient] = recipients
  if (operation === 'claimFile') {
    const { first } = await claims.claimFile(accountId, { ...common, count: BigInt(count), recipient })
    return [{ alreadyHeld: false, first: Number(first), codes: undefined }]
  }
  if (operation === 'claimCodes') {
    const { codes, alreadyHeld } = await claims.claim(accountId, { ...common, count, recipient })
    return [{ alreadyHeld, first: Number(codes[0]?.position), codes: codes.map(positionOf) }]
  }
  const list = recipients.filter((one) => one !== undefined)
  const given = await claims.claimForRecipients(accountId, { ...common, recipients: list })
  expect(given.map((one) => one.recipient)).toEqual(list)
  return given.map(({ alreadyHeld, code }) => ({
    alreadyHeld,
    first: Number(code.position),
    codes: [positionOf(code)],
  }))
}

function seen(
  pool: model.PoolModel,
  { operation, count }: model.Wish,
  grants: readonly model.GrantModel[],
): Seen[] {
  return grants.map(({ first, alreadyHeld }) => ({
    alreadyHeld,
    first,
    codes: operation === 'claimFile' ? undefined : pool.line.slice(first, first + count).map(withoutTask),
  }))
}

export function withoutTask({ task: _task, ...position }: model.PositionModel) {
  return position
}

export function positionOf(code: CodeOrigin & { code: string }): Omit<model.PositionModel, 'task'> {
  return { source: code.formatId ?? code.uploadId, index: Number(code.index), code: code.code }
}
