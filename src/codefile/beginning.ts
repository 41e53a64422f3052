import type { ByteString } from './byte-string.ts'
import { lineEnd, type RowReading, readRow } from './cells.ts'
import { isBlankCell } from './code.ts'

/** The layout is found from at most this many bytes, and from at most `maxBeginningRows` rows that are not blank. */
export const maxBeginningBytes = 65_536
const maxBeginningRows = 200

/** Of two that give equally many columns, the one that is rarer in text comes first. */
export const delimiters = ['\t', ';', ','] as const

/** A rare delimiter, used only if the header is found with it, or if the first row makes no sense without it. */
export const bar = '|'

/** A row at the beginning of a file, read with one delimiter. */
export interface BeginningRow {
  /** Without empty cells at the end. */
  cells: ByteString[]
  /** How many rows are above it, including blank ones. */
  above: number
  isBelowBlank: boolean
  start: number
  end: number
  next: number
}

/** The beginning of a file, read with one delimiter. */
export interface Beginning {
  delimiter: string
  rows: BeginningRow[]
  /** Whether unreadable rows are above the first readable one. */
  beginsUnreadable: boolean
}

/**
 * Reads the rows at the beginning of a text, without blank and unreadable rows. Each line of an unreadable row counts as
 * a row. Stops at a row whose end has not arrived yet.
 */
export function readBeginning(text: ByteString, from: number, last: boolean, delimiter: string): Beginning {
  const rows: BeginningRow[] = []
  let above = 0
  let isBelowBlank = false
  let beginsUnreadable = false
  let unreadable = 0
  // As in RowReader: up to here, each line is a row.
  let singleLines = from
  const limit = Math.min(text.length, from + maxBeginningBytes)
  for (let at = from; at < limit && rows.length < maxBeginningRows; ) {
    if (text.startsWith('\n', at)) {
      // The usual blank row, on a fast path because there can be very many.
      above += 1
      isBelowBlank = true
      at += 1
      continue
    }
    const line = at < singleLines ? lineEnd(text, at, last) : undefined
    if (line === undefined && at < singleLines) break
    const row =
      line !== undefined
        ? shifted(readRow(text.slice(at, line.end), 0, true, delimiter), at, line)
        : readRow(text, at, last, delimiter)
    if (row === undefined) break
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
    isBelowBlank = cells.length === 0
    above += 1
    at = row.next
  }
  return { delimiter, rows, beginsUnreadable }
}

function shifted(row: RowReading, at: number, { end, next }: { end: number; next: number }): RowReading {
  return row?.kind === 'ROW' ? { ...row, end, next } : row && { ...row, at: row.at + at }
}

/** Spreadsheets write delimiters after the last cell. */
function withoutEmptyEnd(cells: readonly ByteString[]): ByteString[] {
  return cells.slice(0, cells.findLastIndex((cell) => !isBlankCell(cell)) + 1)
}
