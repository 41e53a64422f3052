import { type ByteString, maxShownBytes } from './byte-string.ts'
import { type CellReading, cellWithoutGuard, isBlank, readCode, readOwnCode } from './code.ts'
import { isFiller } from './explanation.ts'

/**
 * Files that this service gives out, and how they are told from others when they come back. A file with exactly these
 * names, in this order, is one of them. So is a download that has lost, gained or moved columns on its way, since a
 * code that was claimed must not become available again for that: its columns `code` and `status` are there, nearly
 * all others are of these names, and `status` has the words of a download. A column `status` of anybody else's file
 * means nothing.
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
  /** Whether it is a pool's codes, or the rows of an upload that were not added. */
  kind: 'CODES' | 'REJECTED'
  /** Its header. */
  names: readonly ByteString[]
  /** The columns with the code and with its status, from 0. */
  codeAt: number
  statusAt: number | undefined
  /** Whether what a spreadsheet would run as a formula is made harmless in it. */
  guarded: boolean
}

/**
 * The file that begins with a header, if it is one of the service's own and its codes are read from the column for them.
 * `below`: the first rows below the header.
 */
export function ownFileOf(
  header: { cells: readonly ByteString[]; text: ByteString },
  below: readonly { cells: readonly ByteString[] }[],
  { index }: { index: number },
): OwnFile | undefined {
  const names = withoutEmptyEnd(header.cells)
  const columns = columnsOf(names)
  const isDownload = columns === undefined ? isChangedDownload(names, below, index) : columns === codesColumns
  if (columns === undefined ? !isDownload : columns[index] !== 'code') return undefined
  return {
    kind: isDownload ? 'CODES' : 'REJECTED',
    names,
    codeAt: index,
    statusAt: isDownload ? names.map(nameOf).indexOf('status') : undefined,
    guarded: !lastInQuotes.test(header.text),
  }
}

const lastInQuotes = /^[^"]+"[^"]*"[\s,;|]*$/

/** Whether these cells are the header of one of the service's own files. */
export function hasOwnColumns(cells: readonly ByteString[]): boolean {
  return columnsOf(withoutEmptyEnd(cells)) !== undefined
}

function columnsOf(names: readonly ByteString[]): Columns | undefined {
  return [codesColumns, rejectedColumns].find((columns) => names.join('\n') === columns.join('\n'))
}

/** Spreadsheets may put empty cells behind the last one. */
function withoutEmptyEnd(cells: readonly ByteString[]): ByteString[] {
  return cells.slice(0, cells.findLastIndex((cell) => !isBlank(cell)) + 1)
}

function nameOf(cell: ByteString): string {
  return cell.trim().toLowerCase()
}

const besideCode: readonly string[] = codesColumns.filter((name) => name !== 'code')

/** Whether it is a download whose columns are not the ones any more that it was given out with. */
function isChangedDownload(
  header: readonly ByteString[],
  below: readonly { cells: readonly ByteString[] }[],
  index: number,
): boolean {
  const names = header.map(nameOf)
  const others = names.filter((name, at) => at !== index && name !== '')
  const known = new Set(others.filter((name) => besideCode.includes(name)))
  const statusAt = names.indexOf('status')
  if (statusAt === -1 || besideCode.includes(names[index] ?? '')) return false
  const isLikely = names[index] === 'code' ? known.size === others.length || known.size >= 2 : known.size >= 3
  if (!isLikely) return false
  const statuses = below
    .map(({ cells }) => (cells[statusAt] ?? '').trim())
    .filter((status) => status !== '' && nameOf(status) !== 'status' && !isFiller(status))
  // Somebody may have written into it. Where most of the columns are there, that leaves no doubt whose file it is.
  return statuses.some(isStatus) && (known.size >= 3 || statuses.every(isStatus))
}

function isStatus(cell: ByteString): boolean {
  return cell === 'AVAILABLE' || cell === 'CLAIMED'
}

/** Whether rows are those of a download without its header, or with one that is `passedOver`. */
export function areRowsOfDownload(
  rows: readonly { cells: readonly ByteString[] }[],
  passedOver: boolean,
): boolean {
  const below = rows.slice(passedOver && nameOf(rows[0]?.cells[1] ?? '') === 'status' ? 1 : 0)
  return (
    below.slice(0, passedOver ? maxRowsAbove + 1 : 1).some(({ cells }) => isRowOfDownload(cells)) ||
    // It may have lost columns as well.
    (below.length > 0 && below.every(({ cells }) => isStatus((cells[1] ?? '').trim())))
  )
}

// A title, say, which is not looked for where the file is said to have no header.
const maxRowsAbove = 3

/** Whether a row is one of a pool's codes, as they stand in a download below its header. */
function isRowOfDownload(cells: readonly ByteString[]): boolean {
  const [, status = '', , claimedAt = ''] = cells
  return (
    cells.length === codesColumns.length &&
    isStatus(status) &&
    (claimedAt === '') === (status === 'AVAILABLE')
  )
}

const cutOff =
  'This file, of rows that were not added, has the beginning of the row alone, as it ends in an ellipsis. Take the whole ' +
  'code from the file that was uploaded.'

/** What was too long to be shown ends so: see `shown`. */
function isCut(text: string): boolean {
  return text.length >= maxShownBytes && text.endsWith('…')
}

/** What stands in the cell for the code in a row of such a file, for people. */
export function shownCell({ codeAt, guarded }: OwnFile, cells: readonly ByteString[]): ByteString {
  const cell = cells[codeAt] ?? ''
  return guarded ? cellWithoutGuard(cell) : cell
}

/** What the row of such a file says: its code, if that is one to add. */
export function readOwnRow(
  { kind, names, codeAt, statusAt, guarded }: OwnFile,
  cells: readonly ByteString[],
): CellReading {
  if (names.every((name, at) => cells[at] === name))
    return { refused: 'It is the header of the file again, and no code.' }
  const reading = readOwnCode(cells[codeAt] ?? '', guarded)
  if ('refused' in reading || reading.code === '') return reading
  if (kind === 'REJECTED' || statusAt === undefined)
    return isCut(reading.code) ? { refused: cutOff } : reading
  const status = readCode(cells[statusAt] ?? '')
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
