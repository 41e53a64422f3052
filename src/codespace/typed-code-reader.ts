import { longestCode, type Position } from './shape.ts'
import { dashes, foldCase, ignorable } from './typed-form.ts'

const longestText = 10 * longestCode
/**
 * Reads what a person typed as a string of one pattern. Spaces never count. Dashes don't, unless a random
 * character can be one. Case doesn't, unless the random characters have both cases of the letter: then it
 * says which of the two is meant.
 */
export class TypedCodeReader {
  readonly #positions: readonly Position[]
  readonly #dashesCount: boolean
  /** The positions that take a character from the text. */
  readonly #read: readonly number[]
  readonly #characters: ReadonlySet<string>
  /** The random characters by their case-folded form; null where several have the same. */
  readonly #folded: ReadonlyMap<string, string | null>

  constructor(positions: readonly Position[], characters: string) {
    this.#positions = positions
    this.#dashesCount = characters.includes('-')
    this.#read = [...positions.keys()].filter((at) => this.#dashesCount || positions[at] !== '-')
    this.#characters = new Set(characters)
    const folded = new Map<string, string | null>()
    for (const character of characters) {
      const form = foldCase(character)
      folded.set(form, folded.has(form) ? null : character)
    }
    this.#folded = folded
  }

  /** The string of the pattern that the text stands for; `undefined` if there is none, or a doubt. */
  read(text: string): string | undefined {
    if (text.length > longestText) return undefined
    const typed = text.normalize('NFKC').replace(ignorable, '').replace(dashes, '-')
    const characters = [...(this.#dashesCount ? typed : typed.replaceAll('-', ''))]
    if (characters.length !== this.#read.length) return undefined
    const code = [...this.#positions]
    for (const [at, position] of this.#read.entries()) {
      const meant = this.#meant(characters[at] as string, this.#positions[position] as Position)
      if (meant === undefined) return undefined
      code[position] = meant
    }
    return code.join('')
  }

  #meant(character: string, position: Position): string | undefined {
    if (position !== null) return foldCase(character) === foldCase(position) ? position : undefined
    return this.#characters.has(character) ? character : (this.#folded.get(foldCase(character)) ?? undefined)
  }
}
