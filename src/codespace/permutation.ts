import { type Cipheriv, createCipheriv } from 'node:crypto'
import { endianness } from 'node:os'
import { countOfRuns, type IndexRun } from './index-run.ts'

const rounds = 10
const wordsPerBlock = 4
const keyBytes = 32
const maxSize = 1n << 96n
const hostIsBigEndian = endianness() === 'BE'

/**
 * A list of whole numbers below 2^96, each split into two halves of at most 48 bits: left · 2^rightBits + right. The
 * permutation works on the 32-bit words of the halves, which keeps BigInt out of the hot loops.
 */
export interface SplitNumbers {
  readonly rightBits: number
  readonly left: Halves
  readonly right: Halves
}

/** One half of every number of a list: high · 2^32 + low. */
interface Halves {
  readonly high: Uint32Array
  readonly low: Uint32Array
}

/** Forwards through the rounds to encrypt, backwards to decrypt. */
type Direction = 1 | -1

interface Step {
  readonly round: number
  readonly direction: Direction
}

/**
 * A secret order of the numbers 0 … size - 1: FF1 of NIST SP 800-38G (algorithms 7 and 8, with the PRF of
 * algorithm 6) over AES-256, in radix 2, with an empty tweak and cycle walking. The construction is specified at
 * `currentVersion` in codespace.ts; existing formats depend on every bit of it.
 *
 * In the standard's terms: n = bits, u = leftBits, v = rightBits, b = numeralBytes; A and B are the halves.
 */
export class Permutation {
  /** Where numbers for `permute` and `invert` must be split. */
  readonly rightBits: number
  readonly #leftBits: number
  readonly #numeralBytes: number
  readonly #sizeLeft: number
  readonly #sizeRight: number
  readonly #cipher: Cipheriv
  /** CIPH(P), encrypted once: the PRF's first block is the same for all numbers and rounds. */
  readonly #firstBlock: readonly [number, number, number, number]

  /** Throws a RangeError unless `key` has 32 bytes and `size` is 2 … 2^96. */
  constructor(key: Uint8Array, size: bigint) {
    if (key.length !== keyBytes)
      throw new RangeError(`The key must have ${keyBytes} bytes, not ${key.length}`)
    if (size < 2n || size > maxSize) throw new RangeError(`The size must be 2 to 2^96, not ${size}`)
    const bits = Math.max(2, (size - 1n).toString(2).length)
    this.#leftBits = Math.floor(bits / 2)
    this.rightBits = bits - this.#leftBits
    this.#numeralBytes = Math.ceil(this.rightBits / 8)
    this.#sizeLeft = Number(size >> BigInt(this.rightBits))
    this.#sizeRight = Number(BigInt.asUintN(this.rightBits, size))
    this.#cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
    const p = Buffer.from([1, 2, 1, 0, 0, 2, rounds, this.#leftBits, 0, 0, 0, bits, 0, 0, 0, 0])
    const [word0 = 0, word1 = 0, word2 = 0, word3 = 0] = wordsOf(this.#cipher.update(p))
    this.#firstBlock = [word0, word1, word2, word3]
  }

  /** Replaces each number, all in 0 … size - 1, by the one at its place in the secret order. */
  permute(numbers: SplitNumbers): void {
    this.#walk(numbers, 1)
  }

  /** Undoes `permute`. */
  invert(numbers: SplitNumbers): void {
    this.#walk(numbers, -1)
  }

  #walk(numbers: SplitNumbers, direction: Direction): void {
    this.#applyRounds(numbers, direction)
    let outside = this.#placesOutside(numbers)
    // Only numbers outside of the range take another step: on average less than half of them, each time.
    while (outside.length > 0) {
      const walking = pickNumbers(numbers, outside)
      this.#applyRounds(walking, direction)
      outside.forEach((place, at) => {
        copyHalf(walking.left, at, numbers.left, place)
        copyHalf(walking.right, at, numbers.right, place)
      })
      outside = this.#placesOutside(walking).map((at) => outside[at] as number)
    }
  }

  #placesOutside({ left, right }: SplitNumbers): number[] {
    const sizeLeft = this.#sizeLeft
    const sizeRight = this.#sizeRight
    const count = left.low.length
    const outside: number[] = []
    for (let at = 0; at < count; at++) {
      const half = halfAt(left, at)
      if (half > sizeLeft || (half === sizeLeft && halfAt(right, at) >= sizeRight)) outside.push(at)
    }
    return outside
  }

  // The standard swaps A and B after each round. Here even rounds change the left half by the right one instead, and odd
  // rounds the right half by the left one.
  #applyRounds({ left, right }: SplitNumbers, direction: Direction): void {
    const [first, last] = direction === 1 ? [0, rounds - 1] : [rounds - 1, 0]
    const blocks = this.#blocksOf(first % 2 === 0 ? right : left, first)
    for (let round = first; ; round += direction) {
      const encrypted = wordsOf(this.#cipher.update(blocks))
      if (round % 2 === 0) this.#change(left, this.#leftBits, encrypted, blocks, { round, direction })
      else this.#change(right, this.rightBits, encrypted, blocks, { round, direction })
      release(encrypted)
      if (round === last) return
    }
  }

  // A block is CIPH(P) xor Q. Q is zeros, then the round in one byte, then the half in b bytes. As b is at most 6, blocks
  // differ only in their last two words.
  #blocksOf({ high, low }: Halves, round: number): Uint32Array {
    const count = low.length
    const blocks = new Uint32Array(count * wordsPerBlock)
    const [word0, word1] = this.#firstBlock
    const [word2, word3] = this.#lastWords(round)
    for (let at = 0, word = 0; at < count; at++, word += wordsPerBlock) {
      blocks[word] = word0
      blocks[word + 1] = word1
      blocks[word + 2] = word2 ^ bigEndian(high[at] as number)
      blocks[word + 3] = word3 ^ bigEndian(low[at] as number)
    }
    return blocks
  }

  #lastWords(round: number): [number, number] {
    const shift = 8 * this.#numeralBytes
    const inWord2 = shift < 32 ? 0 : round << (shift - 32)
    const inWord3 = shift < 32 ? round << shift : 0
    return [this.#firstBlock[2] ^ bigEndian(inWord2), this.#firstBlock[3] ^ bigEndian(inWord3)]
  }

  // Adds the round's y to each half, or subtracts it, modulo 2^bits, and writes the result into the block of the next
  // round, which after the last one is not used. A second loop for the blocks took half as long again.
  //
  // y is the number in the first d = 4⌈b/4⌉ + 4 bytes of the encrypted block. As bits is at most 48, only the last two
  // words of these count. a - y is computed as ~(~a + y).
  #change(halves: Halves, bits: number, encrypted: Uint32Array, blocks: Uint32Array, step: Step): void {
    const yWord = this.#numeralBytes > 4 ? 1 : 0
    const flip = step.direction === 1 ? 0 : -1
    const [word2, word3] = this.#lastWords(step.round + step.direction)
    const { high, low } = halves
    const count = low.length

    // The halves of most formats are one word and need no carry, which saves a fifth of the time.
    if (bits <= 32) {
      const mask = 2 ** bits - 1
      for (let at = 0, word = 0; at < count; at++, word += wordsPerBlock) {
        const y = bigEndian(encrypted[word + yWord + 1] as number)
        const half = ((((low[at] as number) ^ flip) + y) ^ flip) & mask
        low[at] = half
        blocks[word + 2] = word2
        blocks[word + 3] = word3 ^ bigEndian(half)
      }
      return
    }

    const highMask = 2 ** (bits - 32) - 1
    for (let at = 0, word = 0; at < count; at++, word += wordsPerBlock) {
      const yHigh = bigEndian(encrypted[word + yWord] as number)
      const yLow = bigEndian(encrypted[word + yWord + 1] as number)
      const sumLow = (((low[at] as number) ^ flip) + yLow) | 0
      const carry = sumLow >>> 0 < yLow >>> 0 ? 1 : 0
      const sumHigh = ((high[at] as number) ^ flip) + yHigh + carry
      const newLow = sumLow ^ flip
      const newHigh = (sumHigh ^ flip) & highMask
      low[at] = newLow
      high[at] = newHigh
      blocks[word + 2] = word2 ^ bigEndian(newHigh)
      blocks[word + 3] = word3 ^ bigEndian(newLow)
    }
  }
}

/** Splits numbers, which must be below 2^(rightBits + 48). */
export function splitNumbers(numbers: readonly bigint[], rightBits: number): SplitNumbers {
  const split = noNumbers(numbers.length, rightBits)
  numbers.forEach((number, at) => {
    setHalf(split.left, at, Number(number >> BigInt(rightBits)))
    setHalf(split.right, at, Number(BigInt.asUintN(rightBits, number)))
  })
  return split
}

/** Splits the numbers first … first + count - 1. */
export function splitRange(first: bigint, count: number, rightBits: number): SplitNumbers {
  return splitRuns([{ first, count, passed: [] }], rightBits)
}

/** Splits the numbers of runs, in their order. */
export function splitRuns(runs: readonly IndexRun[], rightBits: number): SplitNumbers {
  const split = noNumbers(countOfRuns(runs), rightBits)
  let from = 0
  for (const run of runs) {
    setRun(split, from, run)
    from += run.count
  }
  return split
}

/** Sets the numbers of a run, at the places from `from` on. */
function setRun(split: SplitNumbers, from: number, { first, count, passed }: IndexRun): void {
  const { left: lefts, right: rights, rightBits } = split
  const carry = 2 ** rightBits
  const end = from + count
  let left = Number(first >> BigInt(rightBits))
  let right = Number(BigInt.asUintN(rightBits, first))
  let hole = 0
  for (let at = from, offset = 0; at < end; offset++) {
    if (passed[hole] === offset) hole += 1
    else {
      setHalf(lefts, at, left)
      setHalf(rights, at, right)
      at += 1
    }
    right += 1
    if (right === carry) {
      right = 0
      left += 1
    }
  }
}

/** The number at one place of the list. */
export function joinNumber({ left, right, rightBits }: SplitNumbers, at: number): bigint {
  return (BigInt(halfAt(left, at)) << BigInt(rightBits)) | BigInt(halfAt(right, at))
}

/** One half as a number, exact; NaN outside the list. */
export function halfAt(halves: Halves, at: number): number {
  return (halves.high[at] as number) * 2 ** 32 + (halves.low[at] as number)
}

/** Some numbers of the list, copied. */
function pickNumbers({ left, right, rightBits }: SplitNumbers, places: readonly number[]): SplitNumbers {
  return { rightBits, left: pickHalves(left, places), right: pickHalves(right, places) }
}

// Uint32Array.from with a function took a third of the time of computing codes.
function pickHalves(halves: Halves, places: readonly number[]): Halves {
  const picked = noHalves(places.length)
  for (let at = 0; at < places.length; at++) copyHalf(halves, places[at] as number, picked, at)
  return picked
}

/** `count` zeros. */
export function noNumbers(count: number, rightBits: number): SplitNumbers {
  return { rightBits, left: noHalves(count), right: noHalves(count) }
}

function noHalves(count: number): Halves {
  return { high: new Uint32Array(count), low: new Uint32Array(count) }
}

/** Sets one half, which must be below 2^48. */
export function setHalf(halves: Halves, at: number, value: number): void {
  halves.high[at] = value / 2 ** 32
  halves.low[at] = value
}

// A DataView would do this itself, but took three times as long in these loops.
function bigEndian(word: number): number {
  if (hostIsBigEndian) return word
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)
}

function wordsOf(bytes: Buffer<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
}

/** Frees the memory of words that nobody needs any more: left to V8, it has the whole heap collected again and again. */
function release(words: Uint32Array<ArrayBuffer>): void {
  const { buffer } = words
  if (buffer.byteLength === words.byteLength) buffer.transfer(0)
}

function copyHalf(from: Halves, at: number, to: Halves, place: number): void {
  to.high[place] = from.high[at] as number
  to.low[place] = from.low[at] as number
}
