import { CorruptPatternError } from './pattern.ts'
import { type Position, readPattern } from './shape.ts'
import { plainForm } from './typed-form.ts'

/** Patterns of one length whose fixed characters stand at the same places, by these. */
interface Structure {
  /** Where runs of fixed characters begin and end, one behind the other. */
  runs: readonly (readonly [number, number])[]
  /** The places of the random characters. */
  random: readonly number[]
  patterns: Map<string, Entry[]>
}

interface Entry {
  id: string
  characters: ReadonlySet<string>
}

const none: readonly string[] = []

/**
 * Tells which of many patterns a string is of, exactly; a PatternIndex does so for what people type. What it costs
 * depends on how many structures there are among the patterns of one length, which are few, and not on how many patterns.
 */
export class CodeIndex {
  readonly #lengths = new Map<number, Map<string, Structure>>()
  /** Many patterns have the same characters. */
  readonly #sets = new Map<string, ReadonlySet<string>>()

  /** Adds a pattern, given by its source and characters. CorruptPatternError if the source is none. */
  add(id: string, source: string, characters: string): void {
    this.#add(id, positionsOf(source), [...characters])
  }

  /**
   * Adds a pattern of the plain forms of another's strings: see `plainForm`. A pattern whose random characters may be
   * a dash, or are written as several, is passed over: the dashes of its codes count.
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

  /** The id of a pattern that can produce a string, if there is one. Patterns of formats of one account do not overlap. */
  find(string: string): string | undefined {
    return this.findAll(string)[0]
  }

  /** The ids of all patterns that can produce a string. */
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

function positionsOf(source: string): Position[] {
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
