import { CorruptPatternError } from './pattern.ts'
import { type Position, readPattern } from './shape.ts'
import { plainForm } from './typed-form.ts'

/** Patterns of one length that have their fixed characters at the same positions. */
interface Structure {
  /** Start and end of each run of fixed characters, in order. */
  runs: readonly (readonly [number, number])[]
  /** The positions of the random characters. */
  random: readonly number[]
  /** By their fixed characters. */
  patterns: Map<string, Entry[]>
}

interface Entry {
  id: string
  characters: ReadonlySet<string>
}

const none: readonly string[] = []

/**
 * Finds the patterns that can produce a string, character by character; a PatternIndex does so for what people type.
 * The cost of a search depends on the number of structures among the patterns of one length, which is small, and not on
 * the number of patterns.
 */
export class CodeIndex {
  readonly #lengths = new Map<number, Map<string, Structure>>()
  /** Shared, as many patterns have the same characters. */
  readonly #sets = new Map<string, ReadonlySet<string>>()

  /** Adds a pattern by its source and characters. Throws a CorruptPatternError if the source is not a pattern. */
  add(id: string, source: string, characters: string): void {
    this.#add(id, positionsOf(source), [...characters])
  }

  /**
   * Adds the pattern of the plain forms (`plainForm`) of a pattern's strings. Skips a pattern in which a random
   * character can be a dash, which the plain form would lose, or one that the plain form writes as several.
   */
  addPlain(id: string, source: string, characters: string): void {
    const forms = [...characters].map(plainForm)
    if (forms.some((form) => form.length !== 1)) return
    const positions = positionsOf(source).flatMap((position) =>
      position === null ? [position] : plainForm(position).split(''),
    )
    this.#add(id, positions, forms)
  }

  #add(id: string, positions: readonly Position[], characters: readonly string[]): void {
    const structures = this.#lengths.get(positions.length) ?? new Map<string, Structure>()
    this.#lengths.set(positions.length, structures)
    const random = [...positions.keys()].filter((at) => positions[at] === null)
    const name = random.join()
    const structure = structures.get(name) ?? {
      runs: runsBetween(random, positions.length),
      random,
      patterns: new Map<string, Entry[]>(),
    }
    structures.set(name, structure)
    const fixed = fixedCharacters(structure, positions.map((position) => position ?? '#').join(''))
    const entries = structure.patterns.get(fixed) ?? []
    structure.patterns.set(fixed, entries)
    entries.push({ id, characters: this.#setOf(characters.join('')) })
  }

  /** The id of the pattern that can produce a string, if there is one: formats of one account do not overlap. */
  find(string: string): string | undefined {
    return this.findAll(string)[0]
  }

  /** The ids of all patterns that can produce a string, for patterns that may overlap. */
  findAll(string: string): readonly string[] {
    const structures = this.#lengths.get(string.length)
    if (structures === undefined) return none
    let found = none
    for (const structure of structures.values())
      for (const { id, characters } of structure.patterns.get(fixedCharacters(structure, string)) ?? [])
        if (structure.random.every((at) => characters.has(string[at] as string))) found = [...found, id]
    return found
  }

  #setOf(characters: string): ReadonlySet<string> {
    const set = this.#sets.get(characters) ?? new Set(characters)
    this.#sets.set(characters, set)
    return set
  }
}

/** The positions of a stored pattern. Throws a CorruptPatternError if the source is not a pattern. */
export function positionsOf(source: string): Position[] {
  const positions = readPattern(source)
  if (positions === undefined)
    throw new CorruptPatternError(`Not a stored pattern: ${JSON.stringify(source)}`)
  return positions
}

function runsBetween(random: readonly number[], length: number): [number, number][] {
  const borders = [-1, ...random, length]
  return borders
    .slice(1)
    .map((to, at): [number, number] => [(borders[at] as number) + 1, to])
    .filter(([from, to]) => from < to)
}

function fixedCharacters({ runs }: Structure, string: string): string {
  let fixed = ''
  for (const [from, to] of runs) fixed += string.slice(from, to)
  return fixed
}
