import { randomBytes } from 'node:crypto'
import { countOfRuns, divideRuns, type IndexRun } from './index-run.ts'
import type { Pattern } from './pattern.ts'
import { joinNumber, Permutation, type SplitNumbers, splitNumbers, splitRuns } from './permutation.ts'
import type { Reading } from './typed-code-reader.ts'

/**
 * The version of new formats. Each format stores its own, as codes that were handed out must be found forever: what a
 * version computes never changes, and a better construction becomes another version.
 *
 * Version 1 computes the code of an index as follows, N being the pattern's capacity:
 *
 * 1. n = max(2, ⌈log2 N⌉). The index becomes a string of n bits, the most significant first.
 * 2. FF1 of NIST SP 800-38G encrypts the string: radix 2, AES with the format's 256-bit key, an empty tweak.
 *    Spelled out, with bytes and bits in big-endian order throughout:
 *    - u = ⌊n/2⌋, v = n - u. A is the first u bits and B the last v, both also read as numbers.
 *      b = ⌈v/8⌉, d = 4⌈b/4⌉ + 4.
 *    - P is 16 bytes: 1, 2, 1; the radix, 2, in three bytes; 10; u; n in four bytes; 0 in four bytes.
 *    - For each i from 0 to 9: Q is 15 - b zero bytes, i in one byte, B in b bytes.
 *      R = AES(AES(P) xor Q), and y is the number in the first d bytes of R.
 *      C = (A + y) modulo 2^u if i is even, modulo 2^v if it is odd. Then A becomes B, and B becomes C.
 *    - The result is A, then B.
 * 3. A result of N or above is encrypted again, until one is below N (cycle walking). As FF1 permutes all
 *    n-bit numbers, this permutes 0 … N - 1. N is at least half of 2^n, so on average two encryptions do.
 * 4. The result, written in the base of the number of characters, the most significant digit first and with
 *    leading zeros, fills the random positions of the pattern from left to right: digit d is the d-th of the
 *    characters, counted from 0.
 *
 * The standard requires a domain of at least a million (a hundred in its first edition). Below that, this is still a
 * permutation, but not reliably a secret one: `warningsFor` says so.
 */
export const currentVersion = 1

/** Large enough to make calls into AES cheap, small enough for the numbers to stay in the CPU's cache. */
const batchSize = 4096
const keyBytes = 32

/** The format is of a version that this release does not know, because a later one created it. */
export class UnknownVersionError extends Error {
  override readonly name = 'UnknownVersionError'

  constructor(version: number) {
    super(
      `The format is of version ${version}; this release knows only version ${currentVersion}. ` +
        'A later release created the format: run that one.',
    )
  }
}

/** A new secret for a format: 32 random bytes. */
export function newFormatKey(): Uint8Array {
  return new Uint8Array(randomBytes(keyBytes))
}

/**
 * The codes of a format in their secret order. Pure arithmetic: the code is computed from the index, and the index from
 * the code. No two indices have the same code, and every string of the pattern is the code of an index.
 */
export class CodeSpace {
  /** The exact number of codes. */
  readonly capacity: bigint
  /** The strings that can be codes. */
  readonly pattern: Pattern
  readonly #permutation: Permutation

  private constructor(pattern: Pattern, permutation: Permutation) {
    this.capacity = pattern.capacity
    this.pattern = pattern
    this.#permutation = permutation
  }

  /** Throws a RangeError if the key does not have 32 bytes, or an UnknownVersionError. */
  static open({ pattern, key, version }: { pattern: Pattern; key: Uint8Array; version: number }): CodeSpace {
    if (version !== currentVersion) throw new UnknownVersionError(version)
    return new CodeSpace(pattern, new Permutation(key, pattern.capacity))
  }

  /** The code of an index. Throws a RangeError outside 0 … capacity - 1. */
  codeAt(index: bigint): string {
    return this.codesAt(index, 1)[0] as string
  }

  /**
   * The codes of the indices first … first + count - 1, in order: about 4 million a second on one core. It blocks the event
   * loop, so ask for large ranges in pieces. Throws a RangeError if an index is outside 0 … capacity - 1, or count is not a
   * whole number, or negative.
   */
  codesAt(first: bigint, count: number): string[] {
    return this.codesOfRuns([{ first, count, passed: [] }])
  }

  /** The codes of runs, in their order, as fast as `codesAt` of as many codes. Throws a RangeError as that does. */
  codesOfRuns(runs: readonly IndexRun[]): string[] {
    for (const run of runs) this.#check(run)
    const codes = new Array<string>(countOfRuns(runs))
    let offset = 0
    for (const numbers of this.#permuted(runs)) {
      this.pattern.write(numbers, codes, offset)
      offset += numbers.left.low.length
    }
    return codes
  }

  /**
   * Writes the codes of a run in UTF-8 into `bytes`, each from its start on. Codes of the format that have as many bytes must be
   * there already: what all codes have in common is not written again. Throws a RangeError as `codesAt` does.
   */
  encodeOver(run: IndexRun, bytes: Buffer, starts: Uint32Array): void {
    this.#check(run)
    let offset = 0
    for (const numbers of this.#permuted([run])) {
      const end = offset + numbers.left.low.length
      this.pattern.encodeOver(numbers, bytes, starts.subarray(offset, end))
      offset = end
    }
  }

  /** The codes of any indices, in their order, as fast as `codesAt`. Throws a RangeError outside 0 … capacity - 1. */
  codesOf(indices: readonly bigint[]): string[] {
    const stray = indices.find((index) => index < 0n || index >= this.capacity)
    if (stray !== undefined) throw new RangeError(`Index ${stray} is not in ${this.#range()}`)
    const codes = new Array<string>(indices.length)
    for (let offset = 0; offset < indices.length; offset += batchSize) {
      const numbers = splitNumbers(indices.slice(offset, offset + batchSize), this.#permutation.rightBits)
      this.#permutation.permute(numbers)
      this.pattern.write(numbers, codes, offset)
    }
    return codes
  }

  /** The index of a code; undefined for a string that is not a code of the format. */
  indexOf(code: string): bigint | undefined {
    const rank = this.pattern.rank(code)
    if (rank === undefined) return undefined
    const numbers = splitNumbers([rank], this.#permutation.rightBits)
    this.#permutation.invert(numbers)
    return joinNumber(numbers, 0)
  }

  /** `indexOf` of each code, as fast as `codesOf`; strings that are not codes of the format cost less. */
  indicesOf(codes: readonly string[]): (bigint | undefined)[] {
    const indices = new Array<bigint | undefined>(codes.length).fill(undefined)
    for (let from = 0; from < codes.length; from += batchSize) {
      const to = Math.min(from + batchSize, codes.length)
      const { places, numbers } = this.pattern.read(codes, from, to, this.#permutation.rightBits)
      this.#permutation.invert(numbers)
      for (let at = 0; at < places.length; at++) indices[places[at] as number] = joinNumber(numbers, at)
    }
    return indices
  }

  /**
   * The code that a person typed. Spaces, dashes, case and look-alikes do not count, except dashes where a random
   * character can be one, and case where the random characters have a letter in both. Undefined if the text is not a
   * code of the format, or is ambiguous.
   */
  readTyped(text: string): Reading | undefined {
    return this.pattern.readTyped(text)
  }

  /** As `readTyped`, but punctuation and accents do not count either. */
  readLoosely(text: string): Reading | undefined {
    return this.pattern.readLoosely(text)
  }

  /** The permuted numbers of runs, a batch at a time. */
  *#permuted(runs: readonly IndexRun[]): Generator<SplitNumbers> {
    for (const some of divideRuns(runs, batchSize)) {
      const numbers = splitRuns(some, this.#permutation.rightBits)
      this.#permutation.permute(numbers)
      yield numbers
    }
  }

  #check({ first, count, passed }: IndexRun): void {
    if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`Cannot compute ${count} codes`)
    const end = first + BigInt(count + passed.length)
    if (first < 0n || end > this.capacity)
      throw new RangeError(`Indices ${first} to ${end - 1n} are not all in ${this.#range()}`)
  }

  #range(): string {
    return `0 … ${this.capacity - 1n}`
  }
}
