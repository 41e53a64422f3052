import { type ByteString, longestShown } from './byte-string.ts'
import { type CellReading, cellWithoutGuard, isBlank, readCode, readOwnCode } from './code.ts'

/**
 * Files that this service gives out, and how they are told from others when they come back. A file is taken for one
 * of them by its header alone: it has all of these names, and no others, in this order and exactly so. So a column
 * `status` of anybody else's file means nothing.
 *
 * In a file that was asked for raw, the last name of the header stands in quotes and no other does: to whoever reads
 * CSV that is the same header, and here it says that no cell has a ' that was put there against formulas.
 */

/** The columns of a pool's codes. */
export const codesColumns = ['code', 'status', 'recipient', 'claimed_at', 'origin'] as const
/** The columns of the rows of an upload that were not added. */
export const rejectedColumns = ['row', 'code', 'reason'] as const

type Columns = typeof codesColumns | typeof rejectedColumns

/** The header of one of these files, without its line end. */
export function headerOf(columns: Columns, raw: boolean, delimiter: string): string {
  return columns.map((name, at) => (raw && at === columns.length - 1 ? `"${name}"` : name)).join(delimiter)
}

/** A file that this service has given out. */
export interface OwnFile {
  columns: Columns
  /** Whether what a spreadsheet would run as a formula is made harmless in it. */
  guarded: boolean
}

/** The file that begins with a header, if it is one of the service's own and its codes are read from the column for them. */
export function ownFileOf(
  header: { cells: readonly ByteString[]; text: ByteString },
  { delimiters, index }: { delimiters: string; index: number },
): OwnFile | undefined {
  const columns = columnsOf(header.cells)
  if (columns === undefined || columns[index] !== 'code') return undefined
  return { columns, guarded: header.text !== headerOf(columns, true, delimiters) }
}

/** Whether these cells are the header of one of the service's own files. */
export function hasOwnColumns(cells: readonly ByteString[]): boolean {
  return columnsOf(cells) !== undefined
}

function columnsOf(cells: readonly ByteString[]): Columns | undefined {
  // Spreadsheets may put empty cells behind the last one.
  const names = cells.slice(0, cells.findLastIndex((cell) => !isBlank(cell)) + 1).join('\n')
  return [codesColumns, rejectedColumns].find((columns) => names === columns.join('\n'))
}

const cutOff =
  'This file, of rows that were not added, has the beginning of the row alone, as it ends in an ellipsis. Take the whole ' +
  'code from the file that was uploaded.'

/** What was too long to be shown ends so: see `shown`. */
function isCut(text: string): boolean {
  return text.length >= longestShown && text.endsWith('…')
}

/** What stands in the cell for the code in a row of such a file, for people. */
export function shownCell({ columns, guarded }: OwnFile, cells: readonly ByteString[]): ByteString {
  const cell = cells[columns.indexOf('code')] ?? ''
  return guarded ? cellWithoutGuard(cell) : cell
}

/** What the row of such a file says: its code, if that is one to add. */
export function readOwnRow({ columns, guarded }: OwnFile, cells: readonly ByteString[]): CellReading {
  if (columns.every((name, at) => cells[at] === name))
    return { refused: 'It is the header of the file again, and no code.' }
  const reading = readOwnCode(cells[columns.indexOf('code')] ?? '', guarded)
  if ('refused' in reading || reading.code === '') return reading
  if (columns === rejectedColumns) return isCut(reading.code) ? { refused: cutOff } : reading
  const status = readCode(cells[codesColumns.indexOf('status')] ?? '')
  if ('code' in status && (status.code === 'AVAILABLE' || status.code === '')) return reading
  return {
    refused:
      'code' in status && status.code.toUpperCase() === 'CLAIMED'
        ? 'The code has been claimed: the column "status" of this file, a download, says CLAIMED. A code that was ' +
          'handed out is not made available again. To upload it all the same, put AVAILABLE in its place.'
        : 'The column "status" of this file, a download, says neither AVAILABLE nor CLAIMED. Put AVAILABLE there ' +
          'for a code that is to be added.',
  }
}
