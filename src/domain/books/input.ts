import { grouped } from '../../grouped.ts'
import { type InputIssue, InvalidInputError } from './errors.ts'

/** Collects what is wrong with an input, so that all of it is told at once. */
export class InputCheck {
  readonly #issues: InputIssue[] = []

  issue(path: string[], message: string): void {
    this.#issues.push({ path, message })
  }

  /** Takes over issues whose paths are relative to `path`. */
  issues(path: string[], issues: readonly InputIssue[]): void {
    for (const issue of issues) this.issue([...path, ...issue.path], issue.message)
  }

  /** A name as it is stored: trimmed and in Unicode's composed form (NFC). */
  name(value: string): string {
    const name = value.normalize('NFC').trim()
    if (blank.test(name)) this.issue(['name'], 'The name is empty. Give it at least one visible character.')
    else if (lengthOf(name) > maxNameLength)
      this.issue(
        ['name'],
        `The name has ${grouped(lengthOf(name))} characters. At most ${maxNameLength} are possible.`,
      )
    else if (invisible.test(name))
      this.issue(['name'], 'The name contains control characters or line breaks. Remove them.')
    return name
  }

  /** A count of codes: at least `minimum`, and no more than any format could give. */
  count(path: string[], value: bigint, minimum: bigint): void {
    if (value < minimum) this.issue(path, `It is ${grouped(value)}. It must be at least ${grouped(minimum)}.`)
    else if (value > maxCount)
      this.issue(path, `It is ${grouped(value)}. It must be at most 2^96, which is ${grouped(maxCount)}.`)
  }

  /** Text that is stored as it is: not empty, of limited length, and something PostgreSQL can store. */
  text(path: string[], value: string, maximum: number): void {
    if (value === '') this.issue(path, 'It is empty. Leave it out, or give it at least one character.')
    else if (value.length > maximum)
      this.issue(
        path,
        `It has ${grouped(value.length)} characters. At most ${grouped(maximum)} are possible.`,
      )
    else if (value.includes('\0') || !value.isWellFormed())
      this.issue(path, 'It contains a NUL character or half of a surrogate pair. Remove it.')
  }

  /** Throws an InvalidInputError if there was an issue. */
  done(): void {
    const [first, ...more] = this.#issues
    if (first !== undefined) throw new InvalidInputError([first, ...more])
  }
}

export const maxNameLength = 100

/** How many characters a person would count, or nearly: an emoji of several parts counts as these. */
function lengthOf(text: string): number {
  return [...text].length
}

/** The largest capacity a format can have: no count of codes is larger. */
export const maxCount = 2n ** 96n

// Control, format and surrogate characters, line and paragraph separators: in a name they only mislead. The two
// joiners are part of some scripts and of many emoji, and tags are of the flags of some countries.
const invisible = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?!\u200c|\u200d|[\u{e0020}-\u{e007f}])\p{Cf}/u
const blank = /^(?:\s|\u200c|\u200d|[\u{e0020}-\u{e007f}])*$/u
