import { looseForm, looselyTyped } from './loose-form.ts'
import { CorruptPatternError } from './pattern.ts'
import { type Position, readPattern } from './shape.ts'
import { looseUnits, maxTypedLength } from './typed-code-reader.ts'
import { characterForm, typedCharacters } from './typed-form.ts'

/** A pattern in the index: what its random characters can look like, and what it was added as. */
interface Entry {
  forms: ReadonlySet<string>
  id: string
}

/** Patterns whose fixed characters stand at the same places, by what these look like. */
interface Structure {
  places: readonly number[]
  patterns: Map<string, Entry[]>
}

/**
 * Tells which of many patterns a text may be a string of, as a person types it. What it costs depends on how many
 * structures there are among the patterns of one length, which are few, and not on how many patterns: those of a
 * structure are told apart by their fixed characters, in one step.
 */
export class PatternIndex {
  /** By the number of characters that are read of a text. */
  readonly #dashless = new Map<number, Map<string, Structure>>()
  /** The same for patterns whose random characters can be a dash. */
  readonly #dashed = new Map<number, Map<string, Structure>>()
  /** The same for patterns when punctuation and accents do not count. */
  readonly #loose = new Map<number, Map<string, Structure>>()
  /** Many patterns have the same characters. */
  readonly #forms = new Map<string, ReadonlySet<string>>()
  readonly #looseForms = new Map<string, ReadonlySet<string>>()
  #size = 0

  /** How many patterns were added. */
  get size(): number {
    return this.#size
  }

  /** Adds a pattern, given by its source and characters. CorruptPatternError if the source is none. */
  add(id: string, source: string, characters: string): void {
    const positions = readPattern(source)
    if (positions === undefined)
      throw new CorruptPatternError(`Not a stored pattern: ${JSON.stringify(source)}`)
    const dashesCount = characters.includes('-')
    const read = dashesCount ? positions : positions.filter((position) => position !== '-')
    const places = [...read.keys()].filter((at) => read[at] !== null)
    const structure = structureOf(dashesCount ? this.#dashed : this.#dashless, read.length, places)
    const fixed = keyOf(places, (at) => characterForm(read[at] as NonNullable<Position>))
    const entries = structure.patterns.get(fixed) ?? []
    structure.patterns.set(fixed, entries)
    entries.push({ forms: formsOf(characters, characterForm, this.#forms), id })
    this.#addLoosely(id, positions, characters)
    this.#size += 1
  }

  #addLoosely(id: string, positions: readonly Position[], characters: string): void {
    const units = looseUnits(positions, characters)
    if (units === undefined) return
    const places = [...units.keys()].filter((at) => units[at]?.fixed !== null)
    const structure = structureOf(this.#loose, units.length, places)
    const fixed = keyOf(places, (at) => looseForm(units[at]?.fixed ?? ''))
    const entries = structure.patterns.get(fixed) ?? []
    structure.patterns.set(fixed, entries)
    entries.push({ forms: formsOf(characters, looseForm, this.#looseForms), id })
  }

  /** The ids of all patterns that the text may stand for a string of, and of few others. */
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

  /** The same when punctuation and accents do not count. */
  findLoosely(text: string): string[] {
    if (text.length > maxTypedLength || this.#loose.size === 0) return []
    return findIn(this.#loose, looselyTyped(text).map(looseForm))
  }
}

/** The ids of the patterns that have a string of these forms. */
function findIn(lengths: ReadonlyMap<number, Map<string, Structure>>, typed: readonly string[]): string[] {
  const found: string[] = []
  for (const { places, patterns } of lengths.get(typed.length)?.values() ?? []) {
    const fixed = new Set(places)
    const entries = patterns.get(keyOf(places, (at) => typed[at] as string)) ?? []
    for (const { forms, id } of entries)
      if (typed.every((form, at) => fixed.has(at) || forms.has(form))) found.push(id)
  }
  return found
}

function formsOf(
  characters: string,
  formOf: (character: string) => string,
  known: Map<string, ReadonlySet<string>>,
): ReadonlySet<string> {
  let forms = known.get(characters)
  if (forms === undefined) {
    forms = new Set([...characters].map(formOf))
    known.set(characters, forms)
  }
  return forms
}

function structureOf(
  lengths: Map<number, Map<string, Structure>>,
  length: number,
  places: readonly number[],
): Structure {
  const structures = lengths.get(length) ?? new Map<string, Structure>()
  lengths.set(length, structures)
  const name = places.join()
  const structure = structures.get(name) ?? { places, patterns: new Map() }
  structures.set(name, structure)
  return structure
}

/** The forms of several characters in one text. A form can be several characters, and none has a NUL. */
function keyOf(places: readonly number[], formAt: (at: number) => string): string {
  return places.map(formAt).join('\0')
}
