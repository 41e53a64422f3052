import { createHash } from 'node:crypto'
import { CodeReader, type ReadNumbers } from './code-reader.ts'
import { CodeWriter } from './code-writer.ts'
import { Permutation, type SplitNumbers, splitRange } from './permutation.ts'
import {
  maxCapacity,
  maxCodeLength,
  type Position,
  readPattern,
  readShape,
  type ShapeInput,
} from './shape.ts'
import { type Reading, TypedCodeReader } from './typed-code-reader.ts'
import { typedKey } from './typed-form.ts'

export { ShapeError, type ShapeInput, type ShapeIssue } from './shape.ts'

/** A stored pattern that no release of this service can have written. */
export class CorruptPatternError extends Error {
  override readonly name = 'CorruptPatternError'
}

/**
 * The set of strings that a format can produce, numbered from 0 to capacity - 1: the digits of a number, in the base of
 * the characters and the most significant first, fill the random positions from left to right.
 */
export class Pattern {
  /** The canonical text: '#' is a random position; '\#' and '\\' are the only escapes. */
  readonly source: string
  /** What a random position can hold, in the order of the digits. */
  readonly characters: string
  /** The exact number of strings: 2 to 2^96. */
  readonly capacity: bigint
  /** The number of characters of each string. */
  readonly length: number
  /** What each string has at each position: a literal character, or null for a random one. */
  readonly positions: readonly Position[]
  readonly #digits: ReadonlyMap<string, number>
  // Made when first needed: many patterns are only compared or displayed.
  #writer: CodeWriter | undefined
  #reader: CodeReader | undefined
  #typedReader: TypedCodeReader | undefined

  private constructor(positions: readonly Position[], characters: string) {
    this.source = positions.map(canonical).join('')
    this.characters = characters
    this.capacity =
      BigInt(characters.length) ** BigInt(positions.filter((position) => position === null).length)
    this.length = positions.length
    this.positions = positions
    this.#digits = new Map([...characters].map((character, digit) => [character, digit]))
  }

  /** The pattern of a shape. Throws a ShapeError with all of its issues. */
  static fromShape(shape: ShapeInput): Pattern {
    const { positions, characters } = readShape(shape)
    return new Pattern(positions, characters)
  }

  /**
   * The pattern with this `source` and `characters`. Throws a CorruptPatternError if there is none. It does not check
   * which characters are permitted: that may change, but existing formats may not.
   */
  static parse(source: string, characters: string): Pattern {
    const positions = readPattern(source)
    if (!positions?.includes(null) || positions.length > maxCodeLength || positions.some(isWide))
      throw new CorruptPatternError(`Not a stored pattern: ${JSON.stringify(source)}`)
    if (characters.length < 2 || new Set(characters).size !== characters.length)
      throw new CorruptPatternError(`Not the characters of a stored pattern: ${JSON.stringify(characters)}`)
    const pattern = new Pattern(positions, characters)
    if (pattern.source !== source || pattern.capacity > maxCapacity)
      throw new CorruptPatternError(`Not a stored pattern: ${JSON.stringify(source)}`)
    return pattern
  }

  /** Whether both can produce the same string. */
  overlaps(other: Pattern): boolean {
    if (this.length !== other.length) return false
    return this.positions.every((mine, at) => {
      const theirs = other.positions[at] as Position
      if (mine === null) return theirs === null ? this.#sharesCharacters(other) : this.#digits.has(theirs)
      return theirs === null ? other.#digits.has(mine) : mine === theirs
    })
  }

  /**
   * Strings of the pattern to display: always the same, distinct, and no more than the capacity. They depend on the
   * pattern alone, so they reveal nothing about the codes of a format. Throws a RangeError if `count` is not a whole
   * number, or negative.
   */
  examples(count: number): string[] {
    if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`Cannot make ${count} examples`)
    const key = createHash('sha256')
      .update(JSON.stringify(['examples', this.source, this.characters]))
      .digest()
    const permutation = new Permutation(key, this.capacity)
    const possible = this.capacity < count ? Number(this.capacity) : count
    const numbers = splitRange(0n, possible, permutation.rightBits)
    permutation.permute(numbers)
    const examples = new Array<string>(possible)
    this.write(numbers, examples, 0)
    return examples
  }

  /** The number of a string; undefined if the pattern cannot produce it. */
  rank(code: string): bigint | undefined {
    if (code.length !== this.length) return undefined
    const base = BigInt(this.characters.length)
    let number = 0n
    for (const [at, position] of this.positions.entries()) {
      const character = code[at] as string
      if (position === null) {
        const digit = this.#digits.get(character)
        if (digit === undefined) return undefined
        number = number * base + BigInt(digit)
      } else if (character !== position) return undefined
    }
    return number
  }

  /** Writes the strings of numbers, all below the capacity, into `strings` from `offset` on. */
  write(numbers: SplitNumbers, strings: string[], offset: number): void {
    this.#openWriter().write(numbers, strings, offset)
  }

  /** Writes the strings of numbers, all below the capacity, in UTF-8 over strings of the pattern: see CodeWriter. */
  encodeOver(numbers: SplitNumbers, bytes: Buffer, starts: Uint32Array): void {
    this.#openWriter().encodeOver(numbers, bytes, starts)
  }

  /** Whether the pattern can produce a string. */
  has(string: string): boolean {
    this.#reader ??= new CodeReader(this.positions, this.characters)
    return this.#reader.has(string)
  }

  /** A prefix of the `typedKey` of all strings of the pattern. */
  typedPrefix(): string {
    const variable = this.positions.indexOf(null)
    const literals = this.positions.slice(0, variable === -1 ? undefined : variable).join('')
    const [ascii = ''] = /^[ -~]*/.exec(literals) ?? []
    const prefix = typedKey(ascii)
    // The last letter may merge with a mark that follows it.
    return /^[ -~]*$/.test(this.positions.join('') + this.characters) ? prefix : prefix.slice(0, -1)
  }

  /** The numbers of those strings [from, to) of a list that the pattern can produce: see CodeReader. */
  read(strings: readonly string[], from: number, to: number, rightBits: number): ReadNumbers {
    this.#reader ??= new CodeReader(this.positions, this.characters)
    return this.#reader.read(strings, from, to, rightBits)
  }

  /** The string that a person typed; undefined if the text is not one of the pattern, or is ambiguous. */
  readTyped(text: string): Reading | undefined {
    return this.#openTypedReader().read(text)
  }

  /** As `readTyped`, but punctuation and accents do not count. */
  readLoosely(text: string): Reading | undefined {
    return this.#openTypedReader().readLoosely(text)
  }

  #openTypedReader(): TypedCodeReader {
    this.#typedReader ??= new TypedCodeReader(this.positions, this.characters)
    return this.#typedReader
  }

  #openWriter(): CodeWriter {
    this.#writer ??= new CodeWriter(this.positions, this.characters)
    return this.#writer
  }

  #sharesCharacters(other: Pattern): boolean {
    return (
      this.characters === other.characters || [...this.#digits.keys()].some((key) => other.#digits.has(key))
    )
  }
}

function isWide(position: Position): boolean {
  return position !== null && position.length > 1
}

function canonical(position: Position): string {
  if (position === null) return '#'
  return position === '#' || position === '\\' ? `\\${position}` : position
}
