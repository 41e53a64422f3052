import { guarded } from '../codefile/formula-guard.ts'
import type { Pattern } from '../codespace/pattern.ts'

/**
 * Cells of CSV as RFC 4180 has it, in UTF-8, with rows that end in CRLF. What a spreadsheet would run as a formula is
 * made harmless (see formula-guard.ts); `raw` leaves all as it is, for programs that read the file.
 */

export const endOfRow = '\r\n'

/** Tells programs such as Excel, which would take the file for one in another encoding, that it is UTF-8. */
export const byteOrderMark = '\ufeff'

/** What stands between cells. */
export const delimiters = { comma: ',', semicolon: ';', tab: '\t' } as const
export type DelimiterName = keyof typeof delimiters

/** How a file is written. */
export interface CsvForm {
  /** Whether cells are left as they are. */
  raw: boolean
  /** Whether it begins with a byte order mark. */
  bom: boolean
  delimiter: DelimiterName
}

// All that is a delimiter anywhere, for programs that split rows at another one than the file's; spaces at the ends
// because some cut them off.
const needsQuotes = /[",;\t\r\n]|^\s|\s$/

export function cell(text: string, raw: boolean): string {
  const safe = raw ? text : guarded(text)
  return needsQuotes.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** One row of cells, with its end. */
export function row(cells: readonly string[], { raw, delimiter }: CsvForm): string {
  return cells.map((text) => cell(text, raw)).join(delimiters[delimiter]) + endOfRow
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
  if (possible.includes('"')) return undefined
  if (!raw && /[,;]/.test(possible) && [...possible].some(isSign)) return undefined
  const isGuarded = raw ? false : beginsFormula(positions.map((position) => position ?? characters))
  if (isGuarded === undefined) return undefined
  const quote = needsQuotes.test(possible) ? '"' : ''
  const before = quote + (isGuarded ? "'" : '')
  const widths = new Set(characters.split('').map((character) => Buffer.byteLength(character)))
  const [width = 0] = widths
  const random = positions.length - literals.length
  const bytes = before.length + quote.length + Buffer.byteLength(literals.join('')) + random * width
  return { before, after: quote, bytes: widths.size === 1 ? bytes : undefined }
}

/** Whether codes that have one of these characters at each place begin as formulas do; nothing where some do. */
function beginsFormula(places: readonly string[]): boolean | undefined {
  for (const characters of places) {
    const signs = [...characters].filter(isSign).length
    if (signs > 0) return signs === characters.length || undefined
    const apostrophes = characters.split("'").length - 1
    // Behind apostrophes alone, a formula can still begin.
    if (apostrophes < characters.length) return apostrophes > 0 ? undefined : false
  }
  return false
}

function isSign(character: string): boolean {
  return guarded(character) !== character
}
