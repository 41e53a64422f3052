import { describe, expect, test } from 'vitest'
import { defaultMargin, effectOf, type FormatUse } from '../../../src/domain/rewind/margin.ts'

const unused: FormatUse = {
  capacity: 10n ** 12n,
  next: 0n,
  reserved: 0n,
  takenAhead: 0n,
  generated: 0n,
  quantities: 0n,
  largest: 0n,
}

describe('the margin of a format', () => {
  test.each([
    ['an eighth of what it has left, rounded up', { capacity: 8_000_001n }, 1_000_001n],
    ['at least 100,000', { capacity: 10_000n }, 100_000n],
    [
      'twice of what it has generated, pools ask for, and tasks wait for',
      { capacity: 10n ** 6n, next: 300_000n, generated: 200_000n, quantities: 30_000n, reserved: 4_000n },
      468_000n,
    ],
    ['twice the largest task of the account', { capacity: 10n ** 6n, largest: 250_000n }, 500_000n],
  ])('is %s', (_what, use, margin) => {
    expect(defaultMargin({ ...unused, ...use })).toBe(margin)
  })

  test('leaves what is more than the margin, reserved, or taken', () => {
    const use = { ...unused, capacity: 1_000n, next: 100n, reserved: 50n, takenAhead: 7n }
    expect(effectOf(use, 843n)).toEqual({ margin: 843n, left: 0n, isUsedUp: false })
    expect(effectOf(use, 800n)).toEqual({ margin: 800n, left: 43n, isUsedUp: false })
  })

  test('uses the format up if it has less, with what is reserved', () => {
    const use = { ...unused, capacity: 1_000n, next: 100n, reserved: 50n, takenAhead: 7n }
    expect(effectOf(use, 844n)).toEqual({ margin: 893n, left: 0n, isUsedUp: true })
  })
})
