import { halfAt, type SplitNumbers } from './permutation.ts'
import type { Position } from './shape.ts'

/** Below this, quotient and remainder by any divisor are exact in doubles. */
const exactBelow = 2 ** 52
const maxDivisor = 2 ** 28

/**
 * Writes numbers as codes of one pattern: the digits of a number, in the base of the characters, fill the random
 * positions, the most significant digit first.
 */
export class CodeWriter {
  /** A code with placeholders at the random positions. */
  readonly #template: string
  readonly #randomPositions: Uint8Array
  readonly #characters: Uint16Array
  readonly #isLatin1: boolean
  readonly #isAscii: boolean
  /** How many digits are split off at a time, so that they fit into fast 32-bit arithmetic. */
  readonly #digitsAtOnce: number

  constructor(positions: readonly Position[], characters: string) {
    this.#template = positions.map((position) => position ?? '#').join('')
    this.#randomPositions = Uint8Array.from(
      positions.flatMap((position, at) => (position === null ? [at] : [])),
    )
    this.#characters = unitsOf(characters)
    this.#isLatin1 = /^[\0-\xff]*$/.test(this.#template + characters)
    this.#isAscii = /^[\0-\x7f]*$/.test(this.#template + characters)
    this.#digitsAtOnce = 1
    while (characters.length ** (this.#digitsAtOnce + 1) <= maxDivisor) this.#digitsAtOnce += 1
  }

  /** Writes the codes of the numbers, which must be below the pattern's capacity, into `codes` from `offset` on. */
  write(numbers: SplitNumbers, codes: string[], offset: number): void {
    const length = this.#template.length
    const count = numbers.left.low.length
    if (this.#isLatin1) {
      const bytes = Buffer.alloc(count * length, this.#template, 'latin1')
      this.#fill(bytes, evenly(count, 0, length), numbers)
      // Slicing one string is several times as fast as decoding the bytes of each code. V8 may keep the whole string
      // in memory while one slice is in use: that is one batch, and batches are small.
      const text = bytes.toString('latin1')
      for (let at = 0, start = 0; at < count; at++, start += length)
        codes[offset + at] = text.slice(start, start + length)
    } else {
      const template = unitsOf(this.#template)
      const units = new Uint16Array(count * length)
      for (let start = 0; start < units.length; start += length) units.set(template, start)
      this.#fill(units, evenly(count, 0, length), numbers)
      for (let at = 0, start = 0; at < count; at++, start += length)
        codes[offset + at] = String.fromCharCode(...units.subarray(start, start + length))
    }
  }

  /** Writes the codes of the numbers in UTF-8 over codes of the pattern that have as many bytes, each from its start on. */
  encodeOver(numbers: SplitNumbers, bytes: Buffer, starts: Uint32Array): void {
    if (this.#isAscii) {
      this.#fill(bytes, starts, numbers)
      return
    }
    const codes = new Array<string>(starts.length)
    this.write(numbers, codes, 0)
    for (const [at, code] of codes.entries()) bytes.write(code, starts[at] as number)
  }

  /** Writes the random characters of the codes into `units`, those of each from its start on. */
  #fill(units: Uint8Array | Uint16Array, starts: Uint32Array, numbers: SplitNumbers): void {
    const { left, right, rightBits } = numbers
    const characters = this.#characters
    const base = characters.length
    const randomPositions = this.#randomPositions
    const digitsAtOnce = this.#digitsAtOnce
    const divisor = base ** digitsAtOnce
    const leftUnit = 2 ** rightBits
    // A remainder is below 2^28, so that it stays exact with 24 more bits behind it.
    const lowUnit = Math.min(leftUnit, 2 ** 24)
    const middleUnit = leftUnit / lowUnit

    for (let at = 0; at < starts.length; at++) {
      const start = starts[at] as number
      let high = halfAt(left, at)
      let rest = halfAt(right, at)
      let pending = randomPositions.length
      while (pending > 0) {
        let digits: number
        if (high * leftUnit < exactBelow) {
          rest += high * leftUnit
          high = 0
          const quotient = Math.floor(rest / divisor)
          digits = rest - quotient * divisor
          rest = quotient
        } else {
          const highQuotient = Math.floor(high / divisor)
          const middle = (high - highQuotient * divisor) * middleUnit + Math.floor(rest / lowUnit)
          const middleQuotient = Math.floor(middle / divisor)
          const low = (middle - middleQuotient * divisor) * lowUnit + (rest % lowUnit)
          const lowQuotient = Math.floor(low / divisor)
          digits = low - lowQuotient * divisor
          high = highQuotient
          rest = middleQuotient * lowUnit + lowQuotient
        }
        digits |= 0
        for (const end = Math.max(0, pending - digitsAtOnce); pending > end; ) {
          pending -= 1
          const quotient = (digits / base) | 0
          units[start + (randomPositions[pending] as number)] = characters[digits - quotient * base] as number
          digits = quotient
        }
      }
    }
  }
}

/** The first of `count` starts, and the others each `stride` after the one before. */
function evenly(count: number, first: number, stride: number): Uint32Array {
  const starts = new Uint32Array(count)
  for (let at = 0, start = first; at < count; at++, start += stride) starts[at] = start
  return starts
}

function unitsOf(text: string): Uint16Array {
  return Uint16Array.from({ length: text.length }, (_, at) => text.charCodeAt(at))
}
