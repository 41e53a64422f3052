import type { ByteString } from './byte-string.ts'
import { type CellReading, cellWithoutGuard, readCell, readOwnCell } from './code.ts'
import { isFiller } from './explanation.ts'
import { maxShortenedLength } from './shorten.ts'

/**
 * Files that this service writes, and how an upload recognises them. A file with exactly these names, in this order, is
 * one of them. So is a download with columns removed, added or moved, since that must not make a claimed code available
 * again: it has the columns `code` and `status`, nearly all its other columns have names of a download, and `status` has
 * the words of a download. In any other file, a column `status` means nothing.
 *
 * In the header of a raw file only the last name is quoted. CSV readers ignore this; here it says that no apostrophes
 * were added as a guard against formulas.
 */

/** The columns of a pool's codes. */
export const codesColumns = [
  'code',
  'status',
  'recipient',
  'claimed_at',
  'expires_at',
  'validity',
  'redeemed_at',
  'reference',
  'origin',
] as const
/** Those of earlier releases. */
const earlierCodesColumns = ['code', 'status', 'recipient', 'claimed_at', 'origin'] as const
/** The columns of an upload's rejected rows. */
export const rejectedColumns = ['row', 'code', 'reason'] as const

type Columns = typeof codesColumns | typeof earlierCodesColumns | typeof rejectedColumns

/** The header of such a file, without the line end. */
export function headerOf(columns: Columns, raw: boolean, delimiter: string): string {
  return columns.map((name, at) => (raw && at === columns.length - 1 ? `"${name}"` : name)).join(delimiter)
}

export interface OwnFile {
  /** A pool's codes, or an upload's rejected rows. */
  kind: 'CODES' | 'REJECTED'
  /** The header. */
  names: readonly ByteString[]
  /** The indices of the columns with the code and with its status. */
  codeAt: number
  statusAt: number | undefined
  /** Whether formulas were made harmless: see formula-guard.ts. */
  guarded: boolean
}

/** The own file with this header, if it is one and its codes are in the column `index`. `below`: the rows below. */
export function ownFileOf(
  header: { cells: readonly ByteString[]; text: ByteString },
  below: readonly { cells: readonly ByteString[] }[],
  { index }: { index: number },
): OwnFile | undefined {
  const names = header.cells
  const columns = columnsOf(names)
  const isDownload =
    columns === undefined ? isChangedDownload(names, below, index) : columns !== rejectedColumns
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

/** Whether these cells are exactly the header of an own file. */
export function hasOwnColumns(cells: readonly ByteString[]): boolean {
  return columnsOf(cells) !== undefined
}

function columnsOf(names: readonly ByteString[]): Columns | undefined {
  return [codesColumns, earlierCodesColumns, rejectedColumns].find(
    (columns) => names.join('\n') === columns.join('\n'),
  )
}

function nameOf(cell: ByteString): string {
  return cell.trim().toLowerCase()
}

const besideCode: readonly string[] = codesColumns.filter((name) => name !== 'code')
/** Those that files of other systems are as likely to have. */
const usualElsewhere: readonly string[] = ['expires_at', 'reference']

/** Whether it is a download with changed columns. */
function isChangedDownload(
  header: readonly ByteString[],
  below: readonly { cells: readonly ByteString[] }[],
  index: number,
): boolean {
  const names = header.map(nameOf)
  const others = names.filter((name, at) => at !== index && name !== '')
  const known = new Set(others.filter((name) => besideCode.includes(name)))
  const telling = [...known].filter((name) => !usualElsewhere.includes(name)).length
  const statusAt = names.indexOf('status')
  if (statusAt === -1 || besideCode.includes(names[index] ?? '')) return false
  const isLikely = names[index] === 'code' ? known.size === others.length || telling >= 2 : telling >= 3
  if (!isLikely) return false
  const statuses = below
    .map(({ cells }) => (cells[statusAt] ?? '').trim())
    .filter((status) => status !== '' && nameOf(status) !== 'status' && !isFiller(status))
  // `status` may have been edited. A file with most of the columns is still a download.
  return statuses.some(isStatus) && (telling >= 3 || statuses.every(isStatus))
}

function isStatus(cell: ByteString): boolean {
  return cell === 'AVAILABLE' || cell === 'CLAIMED' || cell === 'WITHDRAWN'
}

/** Whether these are rows of a download without its header or, if `headerIsIgnored`, perhaps with it. */
export function areRowsOfDownload(
  rows: readonly { cells: readonly ByteString[] }[],
  headerIsIgnored: boolean,
): boolean {
  const below = rows.slice(headerIsIgnored && nameOf(rows[0]?.cells[1] ?? '') === 'status' ? 1 : 0)
  return (
    below.slice(0, headerIsIgnored ? maxRowsAbove + 1 : 1).some(({ cells }) => isRowOfDownload(cells)) ||
    // Columns may also be missing.
    (below.length > 0 && below.every(({ cells }) => isStatus((cells[1] ?? '').trim())))
  )
}

// With header=false, a title is not looked for.
const maxRowsAbove = 3

/** Whether a row looks exactly like a row of a download. */
function isRowOfDownload(cells: readonly ByteString[]): boolean {
  const [, status = '', , claimedAt = ''] = cells
  return (
    (cells.length === codesColumns.length || cells.length === earlierCodesColumns.length) &&
    isStatus(status) &&
    (claimedAt === '') === (status !== 'CLAIMED')
  )
}

const cutOff =
  'This file of rejected rows has only the beginning of the row, which ends in an ellipsis. Take the whole code from the ' +
  'file that was uploaded.'

/** The cell of the code in a row of an own file, as its rejection shows it. */
export function ownCell({ codeAt, guarded }: OwnFile, cells: readonly ByteString[]): ByteString {
  const cell = cells[codeAt] ?? ''
  return guarded ? cellWithoutGuard(cell) : cell
}

/** The code of a row in an own file, unless it has been claimed or withdrawn. */
export function readOwnRow(
  { kind, names, codeAt, statusAt, guarded }: OwnFile,
  cells: readonly ByteString[],
): CellReading {
  if (names.every((name, at) => cells[at] === name))
    return { reason: 'This is the header of the file again, not a code.' }
  const reading = readOwnCell(cells[codeAt] ?? '', guarded)
  if ('reason' in reading || reading.code === '') return reading
  if (kind === 'REJECTED' || statusAt === undefined)
    return reading.code.length >= maxShortenedLength && reading.code.endsWith('…')
      ? { reason: cutOff }
      : reading
  const status = readCell(cells[statusAt] ?? '')
  if ('code' in status && (status.code === 'AVAILABLE' || status.code === '')) return reading
  return { reason: ('code' in status && reasonsAgainst[status.code.toUpperCase()]) || unknownStatus }
}

const reasonsAgainst: Readonly<Record<string, string>> = {
  CLAIMED:
    'The code has been claimed: its "status" in this download is CLAIMED. A code that was handed out is not made ' +
    'available again. To upload it anyway, replace CLAIMED with AVAILABLE.',
  WITHDRAWN:
    'The code has been withdrawn: its "status" in this download is WITHDRAWN. To make it available again in its pool, ' +
    'restore it (restoreCodes). To upload it anyway, replace WITHDRAWN with AVAILABLE.',
}

const unknownStatus =
  'The "status" of the code in this download is none of AVAILABLE, CLAIMED and WITHDRAWN. Write AVAILABLE there if the ' +
  'code is to be added.'
