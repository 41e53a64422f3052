import { claimAt } from './pools.ts'
import type { Model, PoolModel, RedemptionModel } from './state.ts'

/** The redemption of a code that stands. */
export function redemptionAt(model: Model, poolId: string, position: number): RedemptionModel | undefined {
  return model.redemptions.find(
    (one) => one.poolId === poolId && one.position === position && !one.rolledBack,
  )
}

export type Validity = 'VALID' | 'NOT_CLAIMED' | 'EXPIRED' | 'REDEEMED' | 'VOIDED'

/** Of a code of the line. */
export function validityAt(model: Model, pool: PoolModel, position: number): Validity {
  const claim = claimAt(pool, position)
  if (claim === undefined) return 'NOT_CLAIMED'
  if (redemptionAt(model, pool.id, position) !== undefined) return 'REDEEMED'
  if (pool.voided.has(position)) return 'VOIDED'
  return (claim.expiresAt ?? Infinity) <= model.now ? 'EXPIRED' : 'VALID'
}

export interface RedeemWish {
  reference: string
  recipient: string | undefined
}

/** What comes of redeeming a code of the line: the redemption that stands, a refusal, or undefined if it is to be made. */
export function redeem(
  model: Model,
  pool: PoolModel,
  position: number,
  { reference, recipient }: RedeemWish,
): { redemption: RedemptionModel } | { refused: string } | undefined {
  const claim = claimAt(pool, position)
  if (claim === undefined) return { refused: 'CODE_NOT_CLAIMED' }
  if (recipient !== undefined && claim.recipient !== undefined && recipient !== claim.recipient)
    return { refused: 'RECIPIENT_MISMATCH' }
  const redemption = redemptionAt(model, pool.id, position)
  if (redemption?.reference === reference) return { redemption }
  const validity = validityAt(model, pool, position)
  return validity === 'VALID' ? undefined : { refused: `CODE_${validity}` }
}

/** Claimed codes, by pool and position. */
export type Chosen = { poolId: string; position: number }[]

/** Voids claimed codes. Returns how many were voided and how many are redeemed. */
export function voidCodes(model: Model, chosen: Chosen): { voided: number; redeemed: number } {
  const redeemed = chosen.filter(({ poolId, position }) => redemptionAt(model, poolId, position))
  const fresh = chosen.filter((one) => !redeemed.includes(one) && !isVoid(model, one))
  change(model, fresh, 'CODES_VOIDED', (voided, position) => voided.add(position))
  return { voided: fresh.length, redeemed: redeemed.length }
}

/** Unvoids codes. Returns how many were void. */
export function unvoidCodes(model: Model, chosen: Chosen): number {
  const void_ = chosen.filter((one) => isVoid(model, one))
  change(model, void_, 'CODES_UNVOIDED', (voided, position) => voided.delete(position))
  return void_.length
}

function isVoid(model: Model, { poolId, position }: Chosen[number]): boolean {
  return model.pools.some(({ id, voided }) => id === poolId && voided.has(position))
}

function change(
  model: Model,
  codes: Chosen,
  event: string,
  how: (voided: Set<number>, position: number) => unknown,
): void {
  for (const pool of model.pools) {
    const own = codes.filter(({ poolId }) => poolId === pool.id)
    for (const { position } of own) how(pool.voided, position)
    if (own.length > 0) model.events.push(event)
  }
}
