import { availableForGeneration } from './formats.ts'
import { asksForMore, available, lineTime, refill, tellShortage } from './pools.ts'
import { type ClaimModel, type GrantModel, type Model, type PoolModel, the, type Wish } from './state.ts'
import { validityAt } from './usage.ts'

export type Decision = { grants: GrantModel[]; refused?: never } | { grants?: never; refused: string }

/** Decides on wishes that are served together, in their order. None of them has a key that has been used. */
export function claim(model: Model, pool: PoolModel, wishes: readonly Wish[]): Decision[] {
  const at = lineTime(model, pool)
  const before = available(pool)
  const demand = wishes
    .filter((wish) => refusal(model, pool, wish) === undefined)
    .reduce(
      (sum, { count, recipients }) =>
        sum + count * recipients.filter((one) => !held(model, pool, one)).length,
      0,
    )
  const asks = demand > 0 && asksForMore(model, pool, before - demand)
  const supply =
    before + (asks && pool.section ? availableForGeneration(the(model.formats, pool.section.formatId)) : 0)
  let claimed = pool.claimed
  const decisions = wishes.map((wish): Decision => {
    const refused = misuse(pool, wish)
    if (refused !== undefined) return { refused }
    const claims: ClaimModel[] = []
    const grants = wish.recipients.map((recipient): GrantModel => {
      const own = held(model, pool, recipient) ?? ownIn(claims, pool, recipient)
      if (own !== undefined) return { first: own.first, alreadyHeld: true }
      const first = claimed + claims.length * wish.count
      const expiresAt = wish.expiresAt ?? validityEnds(pool, at)
      claims.push({ first, count: wish.count, recipient, at, expiresAt })
      return { first, alreadyHeld: false }
    })
    const end = claimed + claims.length * wish.count
    const reason = claims.length > 0 ? refusal(model, pool, wish) : undefined
    if (reason !== undefined) return { refused: reason }
    if (end > pool.claimed + supply) return { refused: 'NOT_ENOUGH_CODES' }
    pool.claims.push(...claims)
    claimed = end
    return { grants }
  })
  const needed = claimed - pool.claimed
  if (asks) refill(model, pool, needed)
  pool.claimed = claimed
  if (asks || needed > 0) pool.lastChangeAt = at
  tellShortage(model, pool, before)
  return decisions
}

/** The claim that a recipient of a pool with one code for each holds, unless it can be renewed. */
function held(model: Model, pool: PoolModel, recipient: string | undefined): ClaimModel | undefined {
  if (!pool.terms.onePerRecipient || recipient === undefined) return undefined
  const newest = pool.claims.findLast((one) => one.recipient === recipient)
  if (newest === undefined) return undefined
  const validity = validityAt(model, pool, newest.first)
  return pool.terms.renewAfter.some((outcome) => outcome === validity) ? undefined : newest
}

/** The code that a recipient gets by an earlier place of the same list. */
function ownIn(claims: readonly ClaimModel[], pool: PoolModel, recipient: string | undefined) {
  if (!pool.terms.onePerRecipient || recipient === undefined) return undefined
  return claims.find((one) => one.recipient === recipient)
}

function misuse(pool: PoolModel, { operation, count, recipients }: Wish): string | undefined {
  if (!pool.terms.onePerRecipient) return undefined
  const isForOne = operation !== 'claimFile' && count === 1 && !recipients.includes(undefined)
  return isForOne ? undefined : 'INVALID_INPUT'
}

/** Why a wish gets nothing new, apart from a lack of codes. */
function refusal(model: Model, pool: PoolModel, wish: Wish): string | undefined {
  const { issueFrom = -Infinity, issueUntil = Infinity, validUntil = Infinity } = pool.terms
  const { now } = model
  const wrong = misuse(pool, wish)
  if (wrong !== undefined) return wrong
  if (pool.archived) return 'POOL_ARCHIVED'
  if (now < issueFrom || now >= issueUntil || now >= validUntil) return 'POOL_NOT_ISSUING'
  if (wish.expiresAt === undefined) return undefined
  const latest = validityEnds(pool, lineTime(model, pool)) ?? Infinity
  return wish.expiresAt <= now || wish.expiresAt > latest ? 'INVALID_INPUT' : undefined
}

/** Until when a code is good by the terms if it is claimed at the time `at`. */
function validityEnds({ terms: { validUntil, validFor } }: PoolModel, at: number): number | undefined {
  const end = Math.min(validUntil ?? Infinity, validFor === undefined ? Infinity : at + validFor)
  return end === Infinity ? undefined : end
}
