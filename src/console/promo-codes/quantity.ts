import { readWhole } from '../intl.ts'
import { text } from '../text.ts'

/** What is wrong with a quantity as it is typed. `available`: how many codes the format can generate, if it is known. */
export function quantityProblem(typed: string, available: string | undefined): string | undefined {
  if (typed.trim() === '') return text.promoCodes.noQuantity
  const quantity = readWhole(typed)
  if (quantity === undefined) return text.promoCodes.notWhole
  if (quantity < 1n) return text.promoCodes.tooFew
  if (available !== undefined && quantity > BigInt(available)) return text.promoCodes.tooMany(available)
  return undefined
}

/** What is wrong with a threshold as it is typed. */
export function thresholdProblem(typed: string): string | undefined {
  const threshold = readWhole(typed)
  if (threshold === undefined) return text.promoCodes.notWhole
  return threshold < 0n ? text.promoCodes.negative : undefined
}

interface Stock {
  /** How many codes the pool has. */
  available: bigint
  threshold: bigint
  quantity: bigint
}

/**
 * How many codes are generated at once if auto-generate is saved: the smallest multiple of the quantity that brings the
 * pool above its threshold. 0 if it is above.
 */
export function refillAtOnce({ available, threshold, quantity }: Stock): bigint {
  if (available > threshold) return 0n
  const missing = threshold + 1n - available
  return ((missing + quantity - 1n) / quantity) * quantity
}
