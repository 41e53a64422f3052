import { refusedCharacters } from '../codespace/characters.ts'
import { grouped } from '../grouped.ts'
import { type ByteString, decoded } from './byte-string.ts'
import { unguarded } from './formula-guard.ts'

/** As long as a column of other systems usually is: whatever holds codes elsewhere fits. */
export const maxUploadedCodeLength = 255

/** What a cell says: a code, nothing, or something that cannot be one. */
export type CellReading = { code: string } | { refused: string }

// The usual code, seen at a glance: nothing below has anything to say of it. (A quote, #, + and = can be part of what a
// spreadsheet has made of a code.)
const plainCode = /^[!$-*\--:<>-~]{1,255}$/

/** Lines without it have only such codes, perhaps with spaces and perhaps too long ones; and no delimiter. */
export const anythingUnusual = /[^\n !$-*\--:<>-~]/

/**
 * The code of a cell: without the space around it, and in Unicode's composed form (NFC). Empty if there is none.
 *
 * Formats are strict about what new codes are made of. A code of an upload exists already, on paper and in other
 * systems, so it is taken as it is: with inner spaces, symbols, letters of any script, emoji. Refused is what no system
 * can store (longer than 255), nobody can type or see (control and invisible characters, spaces of other kinds,
 * private-use and unassigned characters), and what is no longer the code: a number that a spreadsheet has rounded,
 * a formula's error, a text that was broken before (U+FFFD).
 */
export function readCode(cell: ByteString): CellReading {
  if (plainCode.test(cell)) return { code: cell }
  const text = decoded(cell)
  return text === undefined ? { refused: notUtf8 } : readText(withoutFormula(trimmed(text)))
}

/**
 * The code of a cell of a file that this service has written. There a code that looks like a formula is one, and where
 * cells are `guarded` the apostrophes that were put in are taken out again: see formula-guard.ts.
 */
export function readOwnCode(cell: ByteString, guarded: boolean): CellReading {
  const text = decoded(guarded ? cellWithoutGuard(cell) : cell)
  return text === undefined ? { refused: notUtf8 } : readText(trimmed(text))
}

/** A cell of such a file without the apostrophes that were put in; one that is too long for a code as it is. */
export function cellWithoutGuard(cell: ByteString): ByteString {
  const text = cell.length <= maxGuardedLength ? decoded(cell) : undefined
  return text === undefined ? cell : Buffer.from(unguarded(trimmed(text))).toString('latin1')
}

// In bytes: to look for guards in what is longer could take long.
const maxGuardedLength = 2_000

/** What a text without space around it is. */
function readText(text: string): CellReading {
  const code = text.normalize('NFC')
  if (code.length > maxUploadedCodeLength)
    return {
      refused: `It has ${grouped(code.length)} characters. At most ${maxUploadedCodeLength} are possible.`,
    }
  const reason = damageOf(code) ?? refusedIn(code)
  return reason === undefined ? { code } : { refused: reason }
}

/** Whether a person who looks at the cell sees nothing. */
export function isBlank(cell: ByteString): boolean {
  if (cell === '') return true
  // Most cells are seen at their first byte not to be.
  if (!startsBlank.test(cell)) return false
  const text = decoded(cell)
  return text !== undefined && trimmed(text) === ''
}

const notUtf8 =
  'It is not valid UTF-8. Save the file as "CSV UTF-8"; in Excel that is a type of its own in "Save as".'

const startsBlank = /^[\s\x80-\xff]/

// What copying from web pages and documents leaves behind at the ends, and nobody sees.
const aroundCodes = /[\s\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/

const visibleEnds = /^[!-~](?:.*[!-~])?$/s

function trimmed(text: string): string {
  if (visibleEnds.test(text)) return text
  // One by one from the ends: a pattern with a repetition before the end takes quadratic time.
  let start = 0
  let end = text.length
  while (start < end && aroundCodes.test(text.charAt(start))) start += 1
  while (end > start && aroundCodes.test(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}

/** `="00123"` is how exports make spreadsheets keep the zeros, which show it as 00123. */
function withoutFormula(text: string): string {
  return text.startsWith('="') && text.endsWith('"') && text.indexOf('"', 2) === text.length - 1
    ? trimmed(text.slice(2, -1))
    : text
}

const rounded = /^-?\d(?:[.,]\d+)?E\+\d{2,3}$/i
const formulaErrors = new Set(['#N/A', '#REF!', '#NAME?', '#VALUE!', '#DIV/0!', '#NULL!', '#NUM!'])

function damageOf(code: string): string | undefined {
  if (rounded.test(code))
    return (
      'A spreadsheet has rounded this number, and its last digits are lost. Export the codes again from where they ' +
      'come from, and make their column one of text before you open them in a spreadsheet.'
    )
  if (formulaErrors.has(code)) return 'It is the error of a spreadsheet formula. Put the code in its place.'
  if (code.includes('\ufffd'))
    return (
      'It contains U+FFFD, which stands where another character was lost when the text was saved. Export it again ' +
      'from where it comes from, as UTF-8.'
    )
  return undefined
}

const printableAscii = /^[ -~]*$/
const otherSpaces = /(?! )\p{Z}/u
const cannotBeTyped = /[\p{Cc}\p{Cs}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Co}\p{Cn}]/u
// Their parts can be invisible characters, which belong there. It is made where it is needed, and not as a literal: V8
// takes longer for it than for all else that is loaded here, once in a process.
const emoji = '\\p{RGI_Emoji}'

function refusedIn(code: string): string | undefined {
  if (printableAscii.test(code)) return undefined
  if (otherSpaces.test(code))
    return 'It contains a space that only looks like the one of the keyboard. Use the ordinary space, or none.'
  if (!cannotBeTyped.test(code)) return undefined
  const characters = [...code.replace(new RegExp(emoji, 'gv'), '')].filter((character) =>
    cannotBeTyped.test(character),
  )
  return characters.length === 0 ? undefined : refusedCharacters(characters.join(''), 'It').join(' ')
}
