import { grouped } from '../grouped.ts'
import type { BeginningRow } from './beginning.ts'
import { type ByteString, decodeUtf8Leniently } from './byte-string.ts'
import { HeaderUnclearError } from './code-file-error.ts'

/** In UTF-16 code units, including the ellipsis. */
export const maxShortenedLength = 200
const maxBytesPerCharacter = 4

/** The start of a text that PostgreSQL can store and people can recognise, at most `maxShortenedLength` long. */
export function shorten(text: string): string {
  return truncate(text, maxShortenedLength).toWellFormed().replaceAll('\0', '\ufffd')
}

/** As `shorten`; invalid UTF-8 becomes U+FFFD. */
export function shortenBytes(bytes: ByteString): string {
  return shorten(decodeUtf8Leniently(bytes.slice(0, maxShortenedLength * maxBytesPerCharacter)).trim())
}

/** Limits of cells that are shown in layouts and messages. */
export const maxShownCellLength = 40
export const maxShownCells = 20

const maxShownRows = 5

export function shownCell(cell: ByteString): string {
  return truncate(shortenBytes(cell).replace(/\p{C}/gu, ' '), maxShownCellLength)
}

/** The cells of a row, as a list for a sentence. */
export function shownCells(cells: readonly ByteString[]): string {
  const names = cells.slice(0, maxShownCells).map((cell) => `"${shownCell(cell)}"`)
  return cells.length > maxShownCells
    ? `${names.join(', ')} and ${grouped(cells.length - maxShownCells)} more`
    : listOf(names)
}

export function quotedCell(text: string): string {
  return `"${truncate(text, maxShownCellLength)}"`
}

export function listOf(items: readonly string[]): string {
  return new Intl.ListFormat('en-GB').format(items)
}

/** `toSay`: what to say about the header when the file is uploaded again, and when. */
export function unclear(what: string, rows: readonly BeginningRow[], toSay: string): HeaderUnclearError {
  const lines = rows
    .slice(0, maxShownRows)
    .map(({ cells }) => `"${truncate(cells.map(shownCell).join(' | '), 2 * maxShownCellLength)}"`)
  return new HeaderUnclearError(
    `${what} The file begins with ${listOf(lines)}. Upload it again, and say ${toSay}.`,
  )
}

/** For a message that asks for a name, if one of the names cannot be decoded. */
export function encodingHint(cells: readonly ByteString[]): string {
  return cells.some((cell) => decodeUtf8Leniently(cell).includes('\ufffd'))
    ? ' (the file is not valid UTF-8: save it as "CSV UTF-8" to see the full names)'
    : ''
}

/** Shortens a text to `maxLength`, ending in an ellipsis. */
function truncate(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength - 1).toWellFormed()}…` : text
}
