import { grouped } from '../grouped.ts'
import { type ByteString, decodeUtf8Leniently } from './byte-string.ts'
import { CodeFileError } from './code-file-error.ts'
import { encodingHint, listOf, shownCells } from './layout-texts.ts'

/**
 * Which column has the codes, by its index, once the header is known. Each is a CodeFileError if there is no such
 * column.
 */

const sendNumber = 'send header=false and column=<the number of the column with the codes>'

/** The column that was named. `found`: the columns of that name, whatever its case. */
export function namedColumn(column: string, found: readonly number[], cells: readonly ByteString[]): number {
  const exact = found.filter((index) => decodeUtf8Leniently(cells[index] ?? '').trim() === column.trim())
  const [index, another] = exact.length > 0 ? exact : found
  if (index === undefined)
    throw new CodeFileError(
      `The file has no column "${column}". Its first row has ${shownCells(cells)}. Name one of ` +
        `these${encodingHint(cells)}; if the file has one code per line and no header, do not name a column.` +
        (cells.length > 1 ? ` If it has several columns and no header, ${sendNumber}.` : ''),
    )
  if (another !== undefined)
    throw new CodeFileError(
      `The file has more than one column "${column}": columns ${listOf(found.map((at) => `${at + 1}`))}. ` +
        'Rename one of them.',
    )
  return index
}

/** The column whose number was given, from 1. */
export function numberedColumn(column: string, cells: readonly ByteString[]): number {
  const number = Number(column)
  if (number >= 1 && number <= cells.length) return number - 1
  throw new CodeFileError(
    `The file has no column ${column}. Its first row has ${shownCells(cells)}. Send a number from 1 to ` +
      `${cells.length}.`,
  )
}

/** The only column that may have the codes. `found`: those with a usual name. */
export function onlyColumn(found: readonly number[], cells: readonly ByteString[]): number {
  const [index] = found
  if (index !== undefined && found.length === 1) return index
  if (found.length > 1)
    throw new CodeFileError(
      `More than one column may have the codes: ${shownCells(found.map((at) => cells[at] ?? ''))}. Name the right one.`,
    )
  throw new CodeFileError(
    `The file has ${grouped(cells.length)} columns, and none has a usual name such as "code". Its first row has ` +
      `${shownCells(cells)}. Name the column with the codes${encodingHint(cells)}; if the file has no header, add one, or ` +
      `${sendNumber}.`,
  )
}
