import { guarded } from '../../codefile/formula-guard.ts'
import type { Pattern } from '../../codespace/pattern.ts'

/**
 * CSV as in RFC 4180, in UTF-8, with CRLF at the end of each row. Cells that a spreadsheet would run as formulas are made
 * harmless (see formula-guard.ts); `raw` leaves cells as they are, for programs that read the file.
 */

export const endOfRow = '\r\n'

/** Excel and other programs need it to recognise UTF-8. */
export const byteOrderMark = '\ufeff'

export const delimitersByName = { comma: ',', semicolon: ';', tab: '\t' } as const
export type DelimiterName = keyof typeof delimitersByName

/** How a file is written. */
export interface CsvForm {
  /** Whether cells are written without the guard against formulas. */
  raw: boolean
  /** Whether it begins with a byte order mark. */
  bom: boolean
  delimiter: DelimiterName
}

// Every common delimiter, because some programs split rows at another one than the file's; spaces at the ends, because some
// programs remove them.
const needsQuotes = /[",;\t\r\n]|^\s|\s$/

// Nothing to quote, and no formula: most texts are recognised in an eighth of the time.
const plain = /^[A-Za-z0-9](?:[^",;\t\r\n]*[^",;\s])?$/

export function cell(text: string, raw: boolean): string {
  if (plain.test(text)) return text
  const safe = raw ? text : guarded(text)
  return needsQuotes.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** A row of cells, with the line end. */
export function row(cells: readonly string[], { raw, delimiter }: CsvForm): string {
  return cells.map((text) => cell(text, raw)).join(delimitersByName[delimiter]) + endOfRow
}

/** What surrounds the codes of a format in their cells. */
export interface CellFrame {
  before: string
  after: string
  /** The size of a cell in UTF-8, if it is the same for all. */
  bytes: number | undefined
}

/**
 * The frame of a format's codes; undefined if each code has to be checked separately. (Some cells may be quoted needlessly.)
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

/** Whether codes with one of these characters at each place begin like formulas; undefined if only some do. */
function beginsFormula(places: readonly string[]): boolean | undefined {
  for (const characters of places) {
    const signs = [...characters].filter(isSign).length
    if (signs > 0) return signs === characters.length || undefined
    const apostrophes = characters.split("'").length - 1
    // A formula can still begin after apostrophes alone.
    if (apostrophes < characters.length) return apostrophes > 0 ? undefined : false
  }
  return false
}

function isSign(character: string): boolean {
  return guarded(character) !== character
}
