import { FF1 } from '@noble/ciphers/ff1.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinNumber, Permutation, splitNumbers, splitRange } from '../../src/codespace/permutation.ts'
import { bitsOf, numberOf, textbookDecrypt, textbookEncrypt } from './textbook-ff1.ts'

const key = Buffer.from('2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94', 'hex')
const noTweak = new Uint8Array()

function permute(permutation: Permutation, numbers: bigint[]): bigint[] {
  const split = splitNumbers(numbers, permutation.rightBits)
  permutation.permute(split)
  return numbers.map((_, at) => joinNumber(split, at))
}

function invert(permutation: Permutation, numbers: bigint[]): bigint[] {
  const split = splitNumbers(numbers, permutation.rightBits)
  permutation.invert(split)
  return numbers.map((_, at) => joinNumber(split, at))
}

/** The ends of 0 … 2^bits - 1, the places where halves and words of them meet, and some between. */
function samplesOf(bits: number): bigint[] {
  const size = 1n << BigInt(bits)
  const half = 1n << BigInt(Math.ceil(bits / 2))
  const spread = Array.from({ length: 8 }, (_, at) => (size * BigInt(2 * at + 1)) / 16n)
  const samples = [
    0n,
    1n,
    half - 1n,
    half,
    half + 1n,
    2n ** 32n - 1n,
    2n ** 32n,
    size - 2n,
    size - 1n,
    ...spread,
  ]
  return [...new Set(samples.filter((sample) => sample < size))]
}

// The samples for FF1 that NIST published with SP 800-38G.
const aes128 = '2b7e151628aed2a6abf7158809cf4f3c'
const aes192 = '2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f'
const aes256 = '2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94'
const digits = '0123456789'
const alphanumeric = '0123456789abcdefghi'
const published = [
  { sample: 1, key: aes128, radix: 10, tweak: '', plain: digits, encrypted: '2433477484' },
  {
    sample: 2,
    key: aes128,
    radix: 10,
    tweak: '39383736353433323130',
    plain: digits,
    encrypted: '6124200773',
  },
  {
    sample: 3,
    key: aes128,
    radix: 36,
    tweak: '3737373770717273373737',
    plain: alphanumeric,
    encrypted: 'a9tv40mll9kdu509eum',
  },
  { sample: 4, key: aes192, radix: 10, tweak: '', plain: digits, encrypted: '2830668132' },
  {
    sample: 5,
    key: aes192,
    radix: 10,
    tweak: '39383736353433323130',
    plain: digits,
    encrypted: '2496655549',
  },
  {
    sample: 6,
    key: aes192,
    radix: 36,
    tweak: '3737373770717273373737',
    plain: alphanumeric,
    encrypted: 'xbj3kv35jrawxv32ysr',
  },
  { sample: 7, key: aes256, radix: 10, tweak: '', plain: digits, encrypted: '6657667009' },
  {
    sample: 8,
    key: aes256,
    radix: 10,
    tweak: '39383736353433323130',
    plain: digits,
    encrypted: '1001623463',
  },
  {
    sample: 9,
    key: aes256,
    radix: 36,
    tweak: '3737373770717273373737',
    plain: alphanumeric,
    encrypted: 'xs8a0azh2avyalyzuwd',
  },
]

describe('what the permutation is compared with', () => {
  it.each(published)(
    'agrees with sample $sample of the standard',
    ({ key, radix, tweak, plain, encrypted }) => {
      const numerals = (text: string) => [...text].map((character) => Number.parseInt(character, 36))
      const [keyBytes, tweakBytes] = [Buffer.from(key, 'hex'), Buffer.from(tweak, 'hex')]
      const noble = FF1(radix, keyBytes, tweakBytes)
      expect(noble.encrypt(numerals(plain))).toEqual(numerals(encrypted))
      expect(noble.decrypt(numerals(encrypted))).toEqual(numerals(plain))
      expect(textbookEncrypt(keyBytes, tweakBytes, radix, numerals(plain))).toEqual(numerals(encrypted))
      expect(textbookDecrypt(keyBytes, tweakBytes, radix, numerals(encrypted))).toEqual(numerals(plain))
    },
  )

  it('agrees in radix 2 between the textbook and the library', () => {
    const noble = FF1(2, key)
    for (const bits of [7, 8, 31, 32, 33, 63, 64, 65, 66, 80, 95, 96]) {
      for (const number of samplesOf(bits).slice(0, 6)) {
        const encrypted = noble.encrypt(bitsOf(number, bits))
        expect(textbookEncrypt(key, noTweak, 2, bitsOf(number, bits))).toEqual(encrypted)
        expect(textbookDecrypt(key, noTweak, 2, encrypted)).toEqual(bitsOf(number, bits))
      }
    }
  })
})

describe('the permutation', () => {
  const bitLengths = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

  it.each(bitLengths(7, 96))('is FF1 as in the library on %i bits', (bits) => {
    const samples = samplesOf(bits)
    const noble = FF1(2, key)
    const expected = samples.map((number) => numberOf(noble.encrypt(bitsOf(number, bits))))
    const permutation = new Permutation(key, 1n << BigInt(bits))
    expect(permute(permutation, samples)).toEqual(expected)
    expect(invert(permutation, expected)).toEqual(samples)
  })

  it.each(bitLengths(2, 6))('is FF1 as in the textbook on %i bits, which libraries refuse', (bits) => {
    const all = Array.from({ length: 2 ** bits }, (_, number) => BigInt(number))
    const expected = all.map((number) => numberOf(textbookEncrypt(key, noTweak, 2, bitsOf(number, bits))))
    const permutation = new Permutation(key, 1n << BigInt(bits))
    expect(permute(permutation, all)).toEqual(expected)
    expect(invert(permutation, expected)).toEqual(all)
  })

  it.each([2n, 3n, 5n, 129n, 1_000_003n, 2n ** 50n + 1n, 10n ** 15n, 2n ** 95n + 1n, 62n ** 16n])(
    'walks on into the range where %i is no power of two',
    (size) => {
      const bits = Math.max(2, (size - 1n).toString(2).length)
      const walk = (number: bigint): bigint => {
        const next = numberOf(textbookEncrypt(key, noTweak, 2, bitsOf(number, bits)))
        return next < size ? next : walk(next)
      }
      const samples = samplesOf(bits).filter((number) => number < size)
      const expected = samples.map(walk)
      const permutation = new Permutation(key, size)
      expect(permute(permutation, samples)).toEqual(expected)
      expect(invert(permutation, expected)).toEqual(samples)
    },
  )

  it('maps a small range onto itself, each number exactly once, and back', () => {
    for (let size = 2; size <= 300; size++) {
      const permutation = new Permutation(key, BigInt(size))
      const numbers = splitRange(0n, size, permutation.rightBits)
      permutation.permute(numbers)
      const images = Array.from({ length: size }, (_, at) => joinNumber(numbers, at))
      const all = Array.from({ length: size }, (_, at) => BigInt(at))
      expect(images.toSorted((a, b) => Number(a - b))).toEqual(all)
      expect(invert(permutation, images)).toEqual(all)
    }
  })

  it('is inverted for any number of any range up to 2^96', () => {
    const sizes = fc.bigInt({ min: 1n, max: 96n }).chain((bits) => fc.bigInt({ min: 2n, max: 2n ** bits }))
    const cases = sizes.chain((size) =>
      fc.record({
        size: fc.constant(size),
        numbers: fc.array(fc.bigInt({ min: 0n, max: size - 1n }), { maxLength: 5 }),
        key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      }),
    )
    fc.assert(
      fc.property(cases, ({ size, numbers, key }) => {
        const permutation = new Permutation(key, size)
        const images = permute(permutation, numbers)
        expect(images.every((image) => image >= 0n && image < size)).toBe(true)
        expect(invert(permutation, images)).toEqual(numbers)
      }),
      { numRuns: 300 },
    )
  })

  it('differs for another key', () => {
    const otherKey = Buffer.from(key)
    otherKey[31] = (otherKey[31] as number) ^ 1
    const numbers = [0n, 1n, 2n, 3n]
    const images = permute(new Permutation(key, 2n ** 40n), numbers)
    expect(permute(new Permutation(otherKey, 2n ** 40n), numbers)).not.toEqual(images)
  })

  it('accepts 32-byte keys and 2 to 2^96 numbers', () => {
    expect(() => new Permutation(new Uint8Array(16), 10n)).toThrow(RangeError)
    expect(() => new Permutation(key, 1n)).toThrow(RangeError)
    expect(() => new Permutation(key, 2n ** 96n + 1n)).toThrow(RangeError)
  })
})

describe('split numbers', () => {
  it('count through a carry from the right half into the left', () => {
    const numbers = splitRange(2n ** 40n - 2n, 4, 40)
    expect([0, 1, 2, 3].map((at) => joinNumber(numbers, at))).toEqual(
      [-2n, -1n, 0n, 1n].map((by) => 2n ** 40n + by),
    )
  })

  it('are the same numbers when joined', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n ** 96n - 1n })), (numbers) => {
        const split = splitNumbers(numbers, 48)
        expect(numbers.map((_, at) => joinNumber(split, at))).toEqual(numbers)
      }),
    )
  })
})
