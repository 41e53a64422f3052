import { looseForm, looselyTyped, loosePlainForm } from './loose-form.ts'
import { maxCodeLength, type Position } from './shape.ts'
import { characterForm, foldCase, typedCharacters } from './typed-form.ts'

/** No text that is longer stands for a code: the longest one, with spaces and dashes in plenty. */
export const maxTypedLength = 10 * maxCodeLength

/** The string of a pattern that a text stands for. */
export interface Reading {
  code: string
  /** Whether that takes characters that people mix up for each other; else it differs in case, spaces and dashes at most. */
  mixedUp: boolean
}

/** A place at which a text that is read loosely has to have a character: a fixed one, or any of the random ones. */
export interface LooseUnit {
  /** The position of the pattern. */
  position: number
  fixed: string | null
}

/**
 * The places of a pattern when punctuation and accents do not count; nothing where a random character can be one that
 * is not read then, or that people write as several.
 */
export function looseUnits(positions: readonly Position[], characters: string): LooseUnit[] | undefined {
  if ([...characters].some((character) => looseForm(character).length !== 1)) return undefined
  return positions.flatMap((fixed, position): LooseUnit[] =>
    fixed === null
      ? [{ position, fixed }]
      : looselyTyped(fixed).map((character) => ({ position, fixed: character })),
  )
}

/**
 * Reads what a person typed as a string of one pattern. Spaces never count. Dashes don't, unless a random
 * character can be one. Case doesn't, unless the random characters have both cases of the letter: then it
 * says which of the two is meant. A character that cannot stand at its place is taken for the one that looks like it,
 * if there is just one.
 */
export class TypedCodeReader {
  readonly #positions: readonly Position[]
  readonly #dashesCount: boolean
  /** The positions that take a character from the text. */
  readonly #read: readonly number[]
  readonly #characters: ReadonlySet<string>
  /** The random characters by their case-folded form; null where several have the same. */
  readonly #folded: ReadonlyMap<string, string | null>
  /** The random characters by the form that they share with all that look like them; null where several have the same. */
  readonly #alike: ReadonlyMap<string, string | null>
  readonly #looseUnits: readonly LooseUnit[] | undefined
  /** As the two above, without accents. */
  readonly #looselyFolded: ReadonlyMap<string, string | null>
  readonly #looselyAlike: ReadonlyMap<string, string | null>

  constructor(positions: readonly Position[], characters: string) {
    this.#positions = positions
    this.#dashesCount = characters.includes('-')
    this.#read = [...positions.keys()].filter((at) => this.#dashesCount || positions[at] !== '-')
    this.#characters = new Set(characters)
    this.#folded = uniqueBy(characters, foldCase)
    this.#alike = uniqueBy(characters, characterForm)
    this.#looseUnits = looseUnits(positions, characters)
    this.#looselyFolded = uniqueBy(characters, loosePlainForm)
    this.#looselyAlike = uniqueBy(characters, looseForm)
  }

  /** What the text stands for; `undefined` if that is no string of the pattern, or there is a doubt. */
  read(text: string): Reading | undefined {
    if (text.length > maxTypedLength) return undefined
    const characters = typedCharacters(text, this.#dashesCount)
    if (characters.length !== this.#read.length) return undefined
    const code = [...this.#positions]
    let mixedUp = false
    for (const [at, position] of this.#read.entries()) {
      const typed = characters[at] as string
      let meant = this.#meant(typed, this.#positions[position] as Position)
      if (meant === undefined) {
        meant = this.#mixedUp(typed, this.#positions[position] as Position)
        mixedUp = true
      }
      if (meant === undefined) return undefined
      code[position] = meant
    }
    return { code: code.join(''), mixedUp }
  }

  /** What the text stands for when punctuation and accents do not count; `undefined` as for `read`. */
  readLoosely(text: string): Reading | undefined {
    if (text.length > maxTypedLength || this.#looseUnits === undefined) return undefined
    const characters = looselyTyped(text)
    if (characters.length !== this.#looseUnits.length) return undefined
    const code = [...this.#positions]
    let mixedUp = false
    for (const [at, { position, fixed }] of this.#looseUnits.entries()) {
      const typed = characters[at] as string
      if (fixed !== null) {
        if (loosePlainForm(typed) === loosePlainForm(fixed)) continue
        if (looseForm(typed) !== looseForm(fixed)) return undefined
        mixedUp = true
        continue
      }
      const meant = this.#meant(typed, null) ?? this.#looselyFolded.get(loosePlainForm(typed)) ?? undefined
      mixedUp ||= meant === undefined
      const taken =
        meant ?? this.#mixedUp(typed, null) ?? this.#looselyAlike.get(looseForm(typed)) ?? undefined
      if (taken === undefined) return undefined
      code[position] = taken
    }
    return { code: code.join(''), mixedUp }
  }

  /** Undefined if the character cannot stand here, or its case leaves a doubt. */
  #meant(character: string, position: Position): string | undefined {
    if (position !== null) return foldCase(character) === foldCase(position) ? position : undefined
    return this.#characters.has(character) ? character : (this.#folded.get(foldCase(character)) ?? undefined)
  }

  #mixedUp(character: string, position: Position): string | undefined {
    const form = characterForm(character)
    if (position !== null) return form === characterForm(position) ? position : undefined
    return this.#alike.get(form) ?? undefined
  }
}

/** Characters by a form; null where several have the same. */
function uniqueBy(characters: string, formOf: (character: string) => string): Map<string, string | null> {
  const found = new Map<string, string | null>()
  for (const character of characters) {
    const form = formOf(character)
    found.set(form, found.has(form) ? null : character)
  }
  return found
}
