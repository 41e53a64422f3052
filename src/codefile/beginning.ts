import type { ByteString } from './byte-string.ts'
import { lineEnd, readRow } from './cells.ts'
import { isBlank } from './code.ts'

/** The most that the layout of a file is told by: so many bytes of its beginning, and so many rows with something in them. */
export const maxBeginningBytes = 65_536
const maxBeginningRows = 200

/** A row at the beginning of a file, read with a delimiter. */
export interface BeginningRow {
  /** Its cells, without the empty ones at the end. */
  cells: ByteString[]
  /** How many rows stand above it, blank ones as well. */
  above: number
  /** Whether the row above it is blank. */
  isBelowBlank: boolean
  start: number
  end: number
  next: number
}

export interface Beginning {
  rows: BeginningRow[]
  /** Whether there are rows that cannot be read above the first that can. */
  beginsUnreadable: boolean
  /** How many rows are blank at the very beginning, and where they end. */
  blankRows: number
  blankEnd: number
}

/**
 * The rows at the beginning of a text that are not blank, as a delimiter has them. Rows that cannot be read count as
 * many as they have lines, and are left out. Reading stops at a row whose end has not come yet.
 */
export function readBeginning(text: ByteString, from: number, last: boolean, delimiter: string): Beginning {
  const rows: BeginningRow[] = []
  let above = 0
  let isBelowBlank = false
  let beginsUnreadable = false
  let unreadable = 0
  let blankRows = 0
  let blankEnd = from
  // Up to where a row is one line, as in `RowReader`: so a text that is made to be read again and again is not.
  let singleLines = from
  const limit = Math.min(text.length, from + maxBeginningBytes)
  for (let at = from; at < limit && rows.length < maxBeginningRows; ) {
    if (text.startsWith('\n', at)) {
      // The usual blank row, of which there can be very many.
      above += 1
      isBelowBlank = true
      at += 1
      if (rows.length === 0) [blankRows, blankEnd] = [above, at]
      continue
    }
    const line = at < singleLines ? lineEnd(text, at, last) : undefined
    if (line === undefined && at < singleLines) break
    const row =
      line !== undefined
        ? shifted(readRow(text.slice(at, line.end), 0, true, delimiter), at, line)
        : readRow(text, at, last, delimiter)
    if (row.kind === 'UNFINISHED') break
    if (row.kind === 'BROKEN') {
      const broken = lineEnd(text, at, last)
      unreadable += 1
      if (broken === undefined || unreadable > maxBeginningRows) break
      singleLines = Math.max(singleLines, row.at)
      at = broken.next
      above += 1
      isBelowBlank = false
      beginsUnreadable ||= rows.length === 0
      continue
    }
    const cells = withoutEmptyEnd(row.cells)
    if (cells.length > 0) rows.push({ cells, above, isBelowBlank, start: at, end: row.end, next: row.next })
    else if (rows.length === 0) {
      blankRows = above + 1
      blankEnd = row.next
    }
    isBelowBlank = cells.length === 0
    above += 1
    at = row.next
  }
  return { rows, beginsUnreadable, blankRows, blankEnd }
}

function shifted(
  row: ReturnType<typeof readRow>,
  at: number,
  line: { end: number; next: number },
): ReturnType<typeof readRow> {
  if (row.kind === 'ROW') return { ...row, end: line.end, next: line.next }
  return row.kind === 'BROKEN' ? { ...row, at: row.at + at } : row
}

/** Spreadsheets and careless writers put delimiters behind the last cell. */
function withoutEmptyEnd(cells: readonly ByteString[]): ByteString[] {
  return cells.slice(0, cells.findLastIndex((cell) => !isBlank(cell)) + 1)
}
