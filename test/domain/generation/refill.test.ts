import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { refillQuantity } from '../../../src/domain/generation/refill.ts'

describe('the size of a refill', () => {
  it('is nothing while the stock stays above the threshold', () => {
    expect(refillQuantity({ available: 11n, needed: 0n, threshold: 10n, quantity: 5n })).toBe(0n)
    expect(refillQuantity({ available: 2n, needed: 1n, threshold: 0n, quantity: 5n })).toBe(0n)
  })

  it('is the quantity when the last code is claimed', () => {
    expect(refillQuantity({ available: 1n, needed: 1n, threshold: 0n, quantity: 5n })).toBe(5n)
  })

  it('serves a claim that is larger than the quantity, and leaves more than the threshold', () => {
    expect(refillQuantity({ available: 3n, needed: 23n, threshold: 10n, quantity: 7n })).toBe(35n)
  })

  it('is always the smallest multiple that serves the claims and leaves more than the threshold', () => {
    const amount = fc.bigInt(0n, 2n ** 96n)
    fc.assert(
      fc.property(
        amount,
        amount,
        amount,
        fc.bigInt(1n, 2n ** 96n),
        (available, needed, threshold, quantity) => {
          const added = refillQuantity({ available, needed, threshold, quantity })
          const left = available + added - needed
          expect(added % quantity).toBe(0n)
          expect(left).toBeGreaterThan(threshold)
          if (added > 0n) expect(left - quantity).toBeLessThanOrEqual(threshold)
        },
      ),
    )
  })
})
