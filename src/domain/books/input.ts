import { codePoint, listed } from '../../codespace/characters.ts'
import { maxCapacity } from '../../codespace/shape.ts'
import { dayMs } from '../../dates.ts'
import { grouped } from '../../grouped.ts'
import { type InputIssue, InvalidInputError } from './errors.ts'

/** What there can be instead of a text: none if it is `required`; no field; or null, which removes the text that is there. */
export type Absence = 'required' | 'optional' | 'removable'

/** Collects the issues of an input, so that all are reported together. */
export class InputCheck {
  readonly #issues: InputIssue[] = []

  /** The number of issues so far. */
  get size(): number {
    return this.#issues.length
  }

  issue(path: string[], message: string): void {
    this.#issues.push({ path, message })
  }

  /** Adds issues whose paths are relative to `path`. */
  issues(path: string[], issues: readonly InputIssue[]): void {
    for (const issue of issues) this.issue([...path, ...issue.path], issue.message)
  }

  /** The name as it is stored: trimmed, and in Unicode's composed form (NFC). */
  name(value: string): string {
    const name = composed(value.trim(), maxNameLength)
    if (isBlank(name)) this.issue(['name'], 'The name is empty. Give it at least one visible character.')
    else if (lengthOf(name) > maxNameLength)
      this.issue(
        ['name'],
        `The name has ${grouped(lengthOf(name))} characters. At most ${maxNameLength} are allowed.`,
      )
    else if (invisible.test(name))
      this.issue(
        ['name'],
        `The name contains characters that cannot be seen (${codePointsOf(name, invisible)}): line breaks, control characters ` +
          'and the like. Remove them.',
      )
    return name
  }

  /** A count of codes: at least `minimum`, and at most the maximum capacity of a format. */
  count(path: string[], value: bigint, minimum: bigint): void {
    if (value < minimum) this.issue(path, `It is ${grouped(value)}. It must be at least ${grouped(minimum)}.`)
    else if (value > maxCapacity)
      this.issue(path, `It is ${grouped(value)}. It must be at most 2^96, which is ${grouped(maxCapacity)}.`)
  }

  /** Text that is stored unchanged: not empty, of limited length, and storable in PostgreSQL. */
  text(path: string[], value: string, maxLength: number, absence: Absence): void {
    const fault = faultOfText(value, maxLength, absence)
    if (fault !== undefined) this.issue(path, fault)
  }

  /** Text as above in which there is something to read. */
  visibleText(path: string[], value: string, maxLength: number, absence: Absence): void {
    const fault = faultOfText(value, maxLength, absence)
    if (fault !== undefined) this.issue(path, fault)
    else if (isBlank(value))
      this.issue(path, `It is blank. ${give('at least one visible character', absence)}`)
  }

  /**
   * A recipient as it is stored: in Unicode's composed form (NFC), since an "é" of one character and one of two look the same.
   * Nothing else is changed: recipients that differ in case or spaces are different ones.
   */
  recipient(path: string[], value: string, absence: Absence): string {
    const recipient = composed(value, maxRecipientLength)
    this.visibleText(path, recipient, maxRecipientLength, absence)
    return recipient
  }

  /**
   * A recipient that may have been stored by an earlier version, which allowed blank ones, and longer ones, as it composed them
   * (NFC) only after it had measured them. It is required.
   */
  storedRecipient(path: string[], value: string): string {
    const recipient = composed(value, maxRecipientLength)
    this.text(path, recipient, maxLengthened * maxRecipientLength, 'required')
    return recipient
  }

  /** A duration in milliseconds: more than zero, and at most `maxDurationDays`. */
  duration(path: string[], ms: bigint): void {
    if (ms <= 0n) this.issue(path, 'It must be longer than zero, such as "P30D" or "PT12H".')
    else if (ms > maxDurationDays * BigInt(dayMs))
      this.issue(
        path,
        `It is too long. At most ${grouped(maxDurationDays)} days are allowed: "P${maxDurationDays}D".`,
      )
  }

  /** Throws an InvalidInputError if there is an issue. */
  done(): void {
    const [first, ...more] = this.#issues
    if (first !== undefined) throw new InvalidInputError([first, ...more])
  }
}

/** Why a text cannot be stored, and what to do; undefined if it can. */
export function faultOfText(value: string, maxLength: number, absence: Absence): string | undefined {
  if (value === '') return `It is empty. ${give('at least one character', absence)}`
  const length = lengthOf(value)
  if (length > maxLength)
    return `It has ${grouped(length)} characters. At most ${grouped(maxLength)} are allowed.`
  if (value.includes('\0') || !value.isWellFormed())
    return `It contains a NUL character or an unpaired surrogate (${codePointsOf(value, unstorable)}). Remove it.`
  return undefined
}

function give(what: string, absence: Absence): string {
  if (absence === 'required') return `Give it ${what}.`
  return absence === 'optional'
    ? `Leave it out, or give it ${what}.`
    : `Give it ${what}, or null to remove it.`
}

/** The characters of a text that match, by their code points: a person could not see them. */
function codePointsOf(text: string, pattern: RegExp): string {
  return listed([...new Set([...text].filter((character) => pattern.test(character)))], codePoint)
}

const unstorable = /[\0\p{Cs}]/u

// Lengths of texts are in code points: see `lengthOf`.
export const maxNameLength = 100
export const maxRecipientLength = 1_000
/** About a hundred years. So the time when something ends has a year of four digits. */
export const maxDurationDays = 36_500n
/** Of the reason that is given for a change. */
export const maxReasonLength = 1_000

// At most so many code points are composed to one. A few become up to three instead.
const maxComposed = 4
const maxLengthened = 3

/** The text in Unicode's composed form (NFC), unless it is longer than `maxLength` in any form. */
export function composed(text: string, maxLength: number): string {
  // The time that composing takes can grow with the square of the length.
  return lengthOf(text) > maxComposed * maxLength ? text : text.normalize('NFC')
}

/** The number of code points, which is nearly what a person would count; an emoji can be several. */
function lengthOf(text: string): number {
  let length = 0
  for (let at = 0; at < text.length; length++) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
  return length
}

/** Whether there is nothing to see: only spaces, control characters, and characters that are not displayed. */
export function isBlank(text: string): boolean {
  return /^[\s\p{Cc}\p{Default_Ignorable_Code_Point}]*$/u.test(text)
}

// Control, format and surrogate characters, and line and paragraph separators. They are invisible, so names that differ
// only in them look the same. The two joiners (for some scripts and many emoji) and the tags of some flags are allowed.
const invisible = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?!\u200c|\u200d|[\u{e0020}-\u{e007f}])\p{Cf}/u
