import { noNumbers, type SplitNumbers, setHalf } from './permutation.ts'
import type { Position } from './shape.ts'

const maxUnit = 2 ** 28
const limb = 2 ** 24

/** The numbers of those strings of a list that a pattern can produce. */
export interface ReadNumbers {
  /** Where each of them is in the list. */
  readonly places: readonly number[]
  readonly numbers: SplitNumbers
}

/** Reads strings of one pattern back into the numbers that a CodeWriter has written them from. */
export class CodeReader {
  readonly #length: number
  /** The UTF-16 unit at each literal position; -1 at a random one. */
  readonly #literals: Int32Array
  readonly #base: number
  /** The digit of each unit plus 1; 0 for a unit that is not one of the characters. */
  readonly #digits: Uint16Array

  constructor(positions: readonly Position[], characters: string) {
    this.#length = positions.length
    this.#literals = Int32Array.from(positions, (position) => position?.charCodeAt(0) ?? -1)
    this.#base = characters.length
    const units = Array.from({ length: characters.length }, (_, at) => characters.charCodeAt(at))
    this.#digits = new Uint16Array(Math.max(...units) + 1)
    units.forEach((unit, digit) => {
      this.#digits[unit] = digit + 1
    })
  }

  /** Reads the strings [from, to) of a list. `rightBits`, where the numbers are split, must be at least half of their bits. */
  read(strings: readonly string[], from: number, to: number, rightBits: number): ReadNumbers {
    const places: number[] = []
    for (let place = from; place < to; place++) if (this.has(strings[place] as string)) places.push(place)
    const numbers = noNumbers(places.length, rightBits)
    for (let at = 0; at < places.length; at++)
      this.#readNumber(strings[places[at] as number] as string, numbers, at)
    return { places, numbers }
  }

  /** Whether the pattern can produce a string. */
  has(string: string): boolean {
    if (string.length !== this.#length) return false
    const literals = this.#literals
    const digits = this.#digits
    for (let at = 0; at < literals.length; at++) {
      const unit = string.charCodeAt(at)
      const literal = literals[at] as number
      if (literal === -1 ? !digits[unit] : literal !== unit) return false
    }
    return true
  }

  // The number is held in four limbs of 24 bits: a limb times up to 2^28, plus the carry, is exact in a double.
  #readNumber(code: string, { left, right, rightBits }: SplitNumbers, at: number): void {
    const literals = this.#literals
    const base = this.#base
    let [limb0, limb1, limb2, limb3] = [0, 0, 0, 0]
    let position = 0
    while (position < literals.length) {
      // As many digits at a time as fit into a small integer.
      let digits = 0
      let unit = 1
      for (; position < literals.length && unit * base <= maxUnit; position++) {
        if (literals[position] !== -1) continue
        digits = digits * base + (this.#digits[code.charCodeAt(position)] as number) - 1
        unit *= base
      }
      const sum0 = limb0 * unit + digits
      const carry0 = Math.floor(sum0 / limb)
      limb0 = sum0 - carry0 * limb
      const sum1 = limb1 * unit + carry0
      const carry1 = Math.floor(sum1 / limb)
      limb1 = sum1 - carry1 * limb
      const sum2 = limb2 * unit + carry1
      const carry2 = Math.floor(sum2 / limb)
      limb2 = sum2 - carry2 * limb
      limb3 = limb3 * unit + carry2
    }
    const low = limb1 * limb + limb0
    const overflow = Math.floor(low / 2 ** rightBits)
    setHalf(left, at, (limb3 * limb + limb2) * 2 ** (48 - rightBits) + overflow)
    setHalf(right, at, low - overflow * 2 ** rightBits)
  }
}
