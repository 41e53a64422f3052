import { positionsOf } from './code-index.ts'
import { isUnmarked, looseForm, looselyTyped } from './loose-form.ts'
import type { Position } from './shape.ts'
import { looseUnits, maxTypedLength } from './typed-code-reader.ts'
import { characterForm, typedCharacters } from './typed-form.ts'

/** A pattern in the index: its id, and the forms of its random characters. */
interface Entry {
  forms: ReadonlySet<string>
  id: string
}

/** Patterns that have their fixed characters at the same places, which are counted among the characters that are read. */
interface Structure {
  places: readonly number[]
  /** Where their random characters are. */
  random: readonly number[]
  /** By the forms of their fixed characters. */
  patterns: Map<string, Entry[]>
}

/**
 * Finds the patterns that a text may be a string of, as a person types it; a CodeIndex does so for exact strings. The
 * cost of a search depends on the number of structures among the patterns of one length, which is small, and not on the
 * number of patterns.
 */
export class PatternIndex {
  /** By how many characters of a text are read. */
  readonly #dashless = new Map<number, Map<string, Structure>>()
  /** The same, for patterns whose random characters can be a dash. */
  readonly #dashed = new Map<number, Map<string, Structure>>()
  /** The same, when punctuation and accents do not count. */
  readonly #loose = new Map<number, Map<string, Structure>>()
  /** As `#loose`, for patterns that have no punctuation and no accents: a text that has none either means the same to them. */
  readonly #looseUnmarked = new Map<number, Map<string, Structure>>()
  /** Shared, as many patterns have the same characters. */
  readonly #forms = new Map<string, ReadonlySet<string>>()
  readonly #looseForms = new Map<string, ReadonlySet<string>>()
  #size = 0

  /** The number of patterns. */
  get size(): number {
    return this.#size
  }

  /** Adds a pattern by its source and characters. Throws a CorruptPatternError if the source is not a pattern. */
  add(id: string, source: string, characters: string): void {
    const positions = positionsOf(source)
    const dashesCount = characters.includes('-')
    const read = dashesCount ? positions : positions.filter((position) => position !== '-')
    const places = [...read.keys()].filter((at) => read[at] !== null)
    const fixed = keyOf(places, (at) => characterForm(read[at] as NonNullable<Position>))
    const forms = formsOf(characters, characterForm, this.#forms)
    insert(dashesCount ? this.#dashed : this.#dashless, read.length, places, fixed, { forms, id })
    this.#addLoosely(id, positions, characters)
    this.#size += 1
  }

  #addLoosely(id: string, positions: readonly Position[], characters: string): void {
    const units = looseUnits(positions, characters)
    if (units === undefined) return
    const places = [...units.keys()].filter((at) => units[at]?.fixed !== null)
    const fixed = keyOf(places, (at) => looseForm(units[at]?.fixed ?? ''))
    const forms = formsOf(characters, looseForm, this.#looseForms)
    const unmarked = isUnmarked(characters + positions.map((position) => position ?? '').join(''))
    insert(unmarked ? this.#looseUnmarked : this.#loose, units.length, places, fixed, { forms, id })
  }

  /** The ids of all patterns that can read the text, and of few others. */
  find(text: string): string[] {
    if (text.length > maxTypedLength) return []
    const found: string[] = []
    for (const [structures, dashesCount] of [
      [this.#dashless, false],
      [this.#dashed, true],
    ] as const) {
      if (structures.size === 0) continue
      const typed = typedCharacters(text, dashesCount).map(characterForm)
      found.push(...findIn(structures, typed))
    }
    return found
  }

  /** The same when punctuation and accents do not count, without patterns to which that makes no difference. */
  findLoosely(text: string): string[] {
    if (text.length > maxTypedLength) return []
    const kinds = isUnmarked(text) ? [this.#loose] : [this.#loose, this.#looseUnmarked]
    const searched = kinds.filter(({ size }) => size > 0)
    if (searched.length === 0) return []
    const typed = looselyTyped(text).map(looseForm)
    return searched.flatMap((structures) => findIn(structures, typed))
  }
}

/** The ids of the patterns that have a string with these forms. */
function findIn(lengths: ReadonlyMap<number, Map<string, Structure>>, typed: readonly string[]): string[] {
  const found: string[] = []
  for (const { places, random, patterns } of lengths.get(typed.length)?.values() ?? [])
    for (const { forms, id } of patterns.get(keyOf(places, (at) => typed[at] as string)) ?? [])
      if (random.every((at) => forms.has(typed[at] as string))) found.push(id)
  return found
}

function formsOf(
  characters: string,
  formOf: (character: string) => string,
  known: Map<string, ReadonlySet<string>>,
): ReadonlySet<string> {
  const forms = known.get(characters) ?? new Set([...characters].map(formOf))
  known.set(characters, forms)
  return forms
}

function insert(
  lengths: Map<number, Map<string, Structure>>,
  length: number,
  places: readonly number[],
  fixed: string,
  entry: Entry,
): void {
  const structures = lengths.get(length) ?? new Map<string, Structure>()
  lengths.set(length, structures)
  const name = places.join()
  const structure = structures.get(name) ?? {
    places,
    random: Array.from({ length }, (_, at) => at).filter((at) => !places.includes(at)),
    patterns: new Map(),
  }
  structures.set(name, structure)
  const entries = structure.patterns.get(fixed) ?? []
  structure.patterns.set(fixed, entries)
  entries.push(entry)
}

/** Several forms in one text. A form can be several characters, but contains no NUL. */
function keyOf(places: readonly number[], formAt: (at: number) => string): string {
  return places.map(formAt).join('\0')
}
