import { looseForm, looselyTyped, loosePlainForm } from './loose-form.ts'
import { maxCodeLength, type Position } from './shape.ts'
import { characterForm, foldCharacter, typedCharacters } from './typed-form.ts'

/** Longer texts are not read as a code, which leaves plenty of room for spaces and dashes. */
export const maxTypedLength = 10 * maxCodeLength

/** How a text was read. */
export interface Reading {
  code: string
  /** Whether look-alikes were replaced; otherwise the text differs from the code at most in what its plain form ignores. */
  mixedUp: boolean
}

/** A character that a text read loosely must have: a fixed one, or, where that is null, one of the random characters. */
export interface LooseUnit {
  /** The position in the pattern. */
  position: number
  fixed: string | null
}

/**
 * The characters of a pattern when punctuation and accents do not count; undefined if the loose form of a random
 * character is not a single character.
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
 * Reads what a person typed as a string of one pattern. Spaces never count. Dashes count only if a random character can
 * be one, and case only for letters that the random characters have in both cases. A character that cannot be at its
 * place is read as the one that looks like it, if there is exactly one.
 */
export class TypedCodeReader {
  readonly #positions: readonly Position[]
  readonly #dashesCount: boolean
  /** The positions whose character is read from the text. */
  readonly #read: readonly number[]
  readonly #characters: ReadonlySet<string>
  /** The random characters by `foldCharacter`; null where several have the same form. */
  readonly #folded: ReadonlyMap<string, string | null>
  /** The random characters by `characterForm`, which look-alikes share; null where several have the same form. */
  readonly #alike: ReadonlyMap<string, string | null>
  readonly #looseUnits: readonly LooseUnit[] | undefined
  /** As the two above, by `loosePlainForm` and `looseForm`. */
  readonly #looselyFolded: ReadonlyMap<string, string | null>
  readonly #looselyAlike: ReadonlyMap<string, string | null>

  constructor(positions: readonly Position[], characters: string) {
    this.#positions = positions
    this.#dashesCount = characters.includes('-')
    this.#read = [...positions.keys()].filter((at) => this.#dashesCount || positions[at] !== '-')
    this.#characters = new Set(characters)
    this.#folded = uniqueBy(characters, foldCharacter)
    this.#alike = uniqueBy(characters, characterForm)
    this.#looseUnits = looseUnits(positions, characters)
    this.#looselyFolded = uniqueBy(characters, loosePlainForm)
    this.#looselyAlike = uniqueBy(characters, looseForm)
  }

  /** The string that the text means; undefined if it is not one of the pattern, or is ambiguous. */
  read(text: string): Reading | undefined {
    if (text.length > maxTypedLength) return undefined
    const characters = typedCharacters(text, this.#dashesCount)
    if (characters.length !== this.#read.length) return undefined
    const code = [...this.#positions]
    let mixedUp = false
    for (let at = 0; at < characters.length; at++) {
      const position = this.#read[at] as number
      const fixed = this.#positions[position] as Position
      const typed = characters[at] as string
      let meant = this.#meant(typed, fixed)
      if (meant === undefined) {
        meant = this.#mixedUp(typed, fixed)
        mixedUp = true
      }
      if (meant === undefined) return undefined
      code[position] = meant
    }
    return { code: code.join(''), mixedUp }
  }

  /** As `read`, but punctuation and accents do not count. */
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
      const chosen =
        meant ?? this.#mixedUp(typed, null) ?? this.#looselyAlike.get(looseForm(typed)) ?? undefined
      if (chosen === undefined) return undefined
      code[position] = chosen
    }
    return { code: code.join(''), mixedUp }
  }

  /** Undefined if the character cannot be at this position, or its case is ambiguous. */
  #meant(character: string, position: Position): string | undefined {
    if (position !== null)
      return character === position || foldCharacter(character) === foldCharacter(position)
        ? position
        : undefined
    return this.#characters.has(character)
      ? character
      : (this.#folded.get(foldCharacter(character)) ?? undefined)
  }

  #mixedUp(character: string, position: Position): string | undefined {
    const form = characterForm(character)
    if (position !== null) return form === characterForm(position) ? position : undefined
    return this.#alike.get(form) ?? undefined
  }
}

/** Characters by a form; null where several have the same form. */
function uniqueBy(characters: string, formOf: (character: string) => string): Map<string, string | null> {
  const found = new Map<string, string | null>()
  for (const character of characters) {
    const form = formOf(character)
    found.set(form, found.has(form) ? null : character)
  }
  return found
}
