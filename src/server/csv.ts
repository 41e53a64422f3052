import type { Pattern } from '../codespace/pattern.ts'

/**
 * Cells of CSV as RFC 4180 has it, in UTF-8, with rows that end in CRLF.
 *
 * What a spreadsheet would run as a formula is made harmless by a ' before it, as OWASP advises
 * (https://owasp.org/www-community/attacks/CSV_Injection): before a cell that begins, white space aside, with = + - @
 * or a variant of them, or with a tab or a line break; and within a cell before each = + - @ that follows a semicolon,
 * a tab or a line break, as spreadsheets in many countries split rows at semicolons. `raw` leaves all as it is, for
 * programs that read the file.
 */

export const endOfRow = '\r\n'

const formulaBegins =
  /^(?=\s*[=+\-@＝＋－＠﹦﹢﹣﹫−]|[\t\r\n])|(?<=[;\t\r\n]\s*)(?=[=+\-@＝＋－＠﹦﹢﹣﹫−])/g

// Semicolons and tabs for programs that split rows at them; spaces at the ends because some cut them off.
const needsQuotes = /[",;\t\r\n]|^\s|\s$/

export function cell(text: string, raw: boolean): string {
  const safe = raw ? text : harmless(text)
  return needsQuotes.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** One row of cells, with its end. */
export function row(cells: readonly string[], raw: boolean): string {
  return cells.map((text) => cell(text, raw)).join(',') + endOfRow
}

function harmless(text: string): string {
  return text.replace(formulaBegins, "'")
}

/** What stands before and after a code in its cell, and how many bytes the cell has in UTF-8 if it is always so many. */
export interface CellFrame {
  before: string
  after: string
  bytes: number | undefined
}

/**
 * What the cells of a format's codes have in common, so that it is found out once; nothing where each code has to be
 * looked at. (A cell may be quoted that would not have to be.)
 */
export function cellFrame({ positions, characters }: Pattern, raw: boolean): CellFrame | undefined {
  const literals = positions.filter((position) => position !== null)
  const possible = literals.join('') + characters
  if (possible.includes('"') || (!raw && possible.includes(';'))) return undefined
  const [first = null] = positions
  const begins = (first ?? characters).split('').map((character) => !raw && harmless(character) !== character)
  const made = begins[0] === true
  if (begins.some((other) => other !== made)) return undefined
  const quote = needsQuotes.test(possible) ? '"' : ''
  const before = quote + (made ? "'" : '')
  const widths = new Set(characters.split('').map((character) => Buffer.byteLength(character)))
  const [width = 0] = widths
  const random = positions.length - literals.length
  const bytes = before.length + quote.length + Buffer.byteLength(literals.join('')) + random * width
  return { before, after: quote, bytes: widths.size === 1 ? bytes : undefined }
}
