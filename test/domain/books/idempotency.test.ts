import { describe, expect, it } from 'vitest'
import { checkIdempotencyKey, hashInput } from '../../../src/domain/books/idempotency.ts'
import { InputCheck } from '../../../src/domain/books/input.ts'

describe('an idempotency key', () => {
  function check(key: string | undefined): () => void {
    const check = new InputCheck()
    checkIdempotencyKey(check, key)
    return () => check.done()
  }

  it.each([undefined, 'x', ' ', 'x'.repeat(255), 'Bestellung 17 – 🎄'])('can be %j', (key) => {
    expect(check(key)).not.toThrow()
  })

  it.each(['', 'x'.repeat(256), 'a\0b', 'half \ud83c'])('cannot be %j', (key) => {
    expect(check(key)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', path: ['idempotencyKey'] }))
  })
})

describe('the hash of an input', () => {
  it('does not depend on the order of the fields, nor on those that are left out', () => {
    const hash = hashInput({ poolId: 'p', count: 1 })
    expect(hashInput({ count: 1, poolId: 'p' })).toBe(hash)
    expect(hashInput({ poolId: 'p', count: 1, recipient: undefined })).toBe(hash)
  })

  it('differs whenever a field does', () => {
    const inputs = [
      { a: 'x', b: 'y' },
      { a: 'xy', b: '' },
      { a: 'x","b', b: 'y' },
      { a: 'x' },
      { a: '' },
      {},
      { a: true },
      { a: 0 },
      { a: 2n ** 96n },
      { a: 2n ** 96n - 1n },
    ]
    expect(new Set(inputs.map((input) => hashInput(input))).size).toBe(inputs.length)
  })
})
