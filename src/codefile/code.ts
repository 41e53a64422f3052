import { refusedCharacters } from '../codespace/characters.ts'
import { grouped } from '../grouped.ts'
import { type ByteString, decodeUtf8 } from './byte-string.ts'
import { unguarded } from './formula-guard.ts'

/** The usual limit of a text column in other systems, so that their codes fit. */
export const maxUploadedCodeLength = 255

/** The code in a cell, empty if there is none; or why the cell cannot be a code. */
export type CellReading = { code: string } | { reason: string }

// Matches most codes: none of the checks below applies to them. (Quote, #, + and = are left out, since a spreadsheet may
// have produced them.)
const plainCode = /^[!$-*\--:<>-~]{1,255}$/

/** Lines that do not match hold only plain codes, perhaps with spaces or too long, and no delimiter. */
export const anythingUnusual = /[^\n !$-*\--:<>-~]/

/**
 * The code of a cell: without the space around it, and in Unicode's composed form (NFC).
 *
 * Formats are strict about the characters of new codes. An uploaded code already exists, on paper and in other systems, so
 * it is accepted as it is: with inner spaces, symbols, letters of any script, emoji. A text is rejected if it cannot be
 * stored (more than 255 characters), cannot be typed or seen (control and invisible characters, unusual spaces,
 * private-use and unassigned characters), or was damaged (a number rounded by a spreadsheet, a formula error, U+FFFD).
 */
export function readCell(cell: ByteString): CellReading {
  if (plainCode.test(cell)) return { code: cell }
  const text = decodeUtf8(cell)
  return text === undefined ? { reason: notUtf8 } : readText(withoutFormula(trimmed(text)))
}

/**
 * The code of a cell in a file that this service has written. A code that looks like a formula stays as it is, and from
 * `guarded` cells the apostrophes that the service has added are removed: see formula-guard.ts.
 */
export function readOwnCell(cell: ByteString, guarded: boolean): CellReading {
  const text = decodeUtf8(guarded ? cellWithoutGuard(cell) : cell)
  return text === undefined ? { reason: notUtf8 } : readText(trimmed(text))
}

/** A guarded cell without the added apostrophes. A cell that is too long for a code stays as it is. */
export function cellWithoutGuard(cell: ByteString): ByteString {
  const text = cell.length <= maxGuardedBytes ? decodeUtf8(cell) : undefined
  return text === undefined ? cell : Buffer.from(unguarded(trimmed(text))).toString('latin1')
}

// Removing guards from longer cells could take long.
const maxGuardedBytes = 2_000

function readText(text: string): CellReading {
  // At most four characters are composed to one. Composing takes time that can grow with the square of the length.
  const code = text.length > 4 * maxUploadedCodeLength ? text : text.normalize('NFC')
  if (code.length > maxUploadedCodeLength)
    return {
      reason: `The code has ${grouped(code.length)} characters; the limit is ${maxUploadedCodeLength}.`,
    }
  const reason = damageOf(code) ?? reasonAgainstCharacters(code)
  return reason === undefined ? { code } : { reason }
}

/** Whether the cell looks empty to a person. */
export function isBlankCell(cell: ByteString): boolean {
  if (cell === '') return true
  // Enough for most cells.
  if (!startsBlank.test(cell)) return false
  const text = decodeUtf8(cell)
  return text !== undefined && trimmed(text) === ''
}

const notUtf8 =
  'The row is not valid UTF-8. Save the file as "CSV UTF-8", which Excel offers under "Save as".'

const startsBlank = /^[\s\x80-\xff]/

// Invisible characters that copying from web pages and documents leaves around a text.
const aroundCodes = /[\s\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/

const visibleEnds = /^[!-~](?:.*[!-~])?$/s

function trimmed(text: string): string {
  if (visibleEnds.test(text)) return text
  // A pattern with a repetition before the end would take quadratic time.
  let start = 0
  let end = text.length
  while (start < end && aroundCodes.test(text.charAt(start))) start += 1
  while (end > start && aroundCodes.test(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}

/** Exports write `="00123"` so that spreadsheets keep the zeros and show 00123. */
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
      'A spreadsheet has rounded this number, so its last digits are lost. Export the codes again from the system they ' +
      'come from, and format their column as text before you open the file in a spreadsheet.'
    )
  if (formulaErrors.has(code)) return 'This is a spreadsheet formula error. Replace it with the code.'
  if (code.includes('\ufffd'))
    return (
      'The code contains U+FFFD, which marks a character that was lost when the file was saved. Export the codes again ' +
      'as UTF-8 from the system they come from.'
    )
  return undefined
}

const printableAscii = /^[ -~]*$/
const otherSpaces = /(?! )\p{Z}/u
const cannotBeTyped = /[\p{Cc}\p{Cs}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Co}\p{Cn}]/u
// Invisible characters are allowed in emoji. A string, so that the pattern is compiled only when it is needed: V8 takes
// longer for that than to load everything else here.
const emoji = '\\p{RGI_Emoji}'

function reasonAgainstCharacters(code: string): string | undefined {
  if (printableAscii.test(code)) return undefined
  if (otherSpaces.test(code))
    return 'The code contains a space that only looks like an ordinary one. Use an ordinary space, or none.'
  if (!cannotBeTyped.test(code)) return undefined
  const characters = [...code.replace(new RegExp(emoji, 'gv'), '')].filter((character) =>
    cannotBeTyped.test(character),
  )
  return characters.length === 0 ? undefined : refusedCharacters(characters.join(''), 'The code').join(' ')
}
