import { grouped } from '../grouped.ts'
import { type ByteString, decodedLeniently, shown } from './byte-string.ts'
import type { Row } from './cells.ts'
import { CodeFileError } from './code-file-error.ts'

/** How a file is laid out, as its first row tells. */
export interface Layout {
  /** Each of these characters is one. */
  delimiters: string
  /** The same, for lines without quotes. */
  split: string | RegExp
  columns: number
  /** Of the column with the codes, from 0. */
  index: number
  /** What the header calls that column, as `nameOf` gives it; `undefined` if the first row is no header. */
  name: string | undefined
}

/** The first row, read with a delimiter. */
export interface FirstRow {
  delimiter: string
  row: Row
}

interface Choice extends FirstRow {
  cells: ByteString[]
  /** Of the cells that may be the name of the column. */
  found: number[]
}

/** In the order in which one is preferred that makes as many columns as another: the rarer in text first. */
export const delimiters = ['\t', ';', ','] as const

/** Rare, and so believed only when the header is found with it, or when the first row makes no sense without. */
export const onlyWithHeader = '|'

/**
 * The layout of a file whose first row reads so. The delimiter is the one with which the header names the column with
 * the codes, otherwise the one that makes the most columns.
 *
 * With `column` the first row is a header and has that name in it, whatever its case. Without, it is a header if it
 * has one of the usual names of such a column; or else the file has one column and no header. CodeFileError if it is
 * none of these, or in doubt.
 */
export function layoutOf(
  readings: readonly [FirstRow, ...FirstRow[]],
  column: string | undefined,
): { layout: Layout; header: Row | undefined } {
  const name = column === undefined ? undefined : nameOf(column)
  const isColumn = name === undefined ? isUsual : (cell: ByteString) => name !== '' && nameIn(cell) === name
  const [choice] = readings
    .map(({ delimiter, row }) => {
      const cells = withoutEmptyEnd(row.cells)
      return { delimiter, row, cells, found: indicesOf(cells, isColumn) }
    })
    .sort(
      (a, b) =>
        Math.sign(b.found.length) - Math.sign(a.found.length) ||
        Number(a.delimiter === onlyWithHeader) - Number(b.delimiter === onlyWithHeader) ||
        b.cells.length - a.cells.length,
    ) as [Choice]

  const { cells } = choice
  const index = column === undefined ? onlyOf(choice.found, cells) : namedBy(column, choice.found, cells)
  // A file of one column has no delimiter: whichever comes up later is a mistake that should be seen.
  const split =
    cells.length > 1
      ? { delimiters: choice.delimiter, split: choice.delimiter }
      : { delimiters: delimiters.join(''), split: new RegExp(`[${delimiters.join('')}]`) }
  const found = index === undefined ? undefined : nameIn(cells[index] ?? '')
  return {
    layout: { ...split, columns: cells.length, index: index ?? 0, name: found },
    header: index === undefined ? undefined : choice.row,
  }
}

/** What names that are the same have in common: case, surrounding space and quotes don't matter. */
export function nameOf(text: string): string {
  return text
    .trim()
    .replace(/^["']|["']$/g, '')
    .trim()
    .normalize('NFC')
    .toLowerCase()
}

function nameIn(cell: ByteString): string {
  return nameOf(decodedLeniently(cell))
}

// Two words are one, or have a space, a dash or an underscore between them. A code with one of these in another place
// is not taken for a name.
const kindsOfCodes =
  'promo|promotion|promotional|coupon|voucher|discount|gift|gift[ _-]?card|redemption|referral'
const usualNames = new RegExp(`^(?:(?:${kindsOfCodes})[ _-]?)?codes?$|^(?:coupon|voucher)s?$`)

function isUsual(cell: ByteString): boolean {
  return usualNames.test(nameIn(cell))
}

/** Whether one of these cells has a usual name of a column with codes, as a header has. */
export function haveUsualName(cells: readonly ByteString[]): boolean {
  return cells.some(isUsual)
}

function indicesOf(cells: readonly ByteString[], test: (cell: ByteString) => boolean): number[] {
  return [...cells.keys()].filter((index) => test(cells[index] ?? ''))
}

/** Spreadsheets and careless writers put delimiters behind the last cell. */
function withoutEmptyEnd(cells: readonly ByteString[]): ByteString[] {
  const end = cells.findLastIndex((cell) => cell.trim() !== '')
  return cells.slice(0, end + 1)
}

function namedBy(column: string, found: number[], cells: readonly ByteString[]): number {
  const exact = found.filter((index) => decodedLeniently(cells[index] ?? '').trim() === column.trim())
  const [index, another] = exact.length > 0 ? exact : found
  if (index === undefined)
    throw new CodeFileError(
      `The file has no column "${column}". Its first row has ${named(cells)}. Name one of ` +
        `these${encodingHint(cells)}; if the file has one code a line and no header, name none.`,
    )
  if (another !== undefined)
    throw new CodeFileError(
      `The file has more than one column "${column}": columns ${listOf(found.map((at) => `${at + 1}`))}. ` +
        'Rename one of them.',
    )
  return index
}

function onlyOf(found: number[], cells: readonly ByteString[]): number | undefined {
  if (found.length === 1) return found[0]
  if (found.length > 1)
    throw new CodeFileError(
      `More than one column could be the one with the codes: ${named(found.map((at) => cells[at] ?? ''))}. Name the ` +
        'one that is.',
    )
  if (cells.length === 1) return undefined
  throw new CodeFileError(
    `The file has ${grouped(cells.length)} columns, and none has a usual name such as "code". Its first row has ` +
      `${named(cells)}. Name the column that has the codes${encodingHint(cells)}; if the file has no header, add one.`,
  )
}

const longestName = 40
const mostNames = 20

function named(cells: readonly ByteString[]): string {
  const names = cells.slice(0, mostNames).map((cell) => {
    const name = shown(cell).replace(/\p{C}/gu, ' ')
    return `"${name.length > longestName ? `${name.slice(0, longestName - 1).toWellFormed()}…` : name}"`
  })
  return cells.length > mostNames
    ? `${names.join(', ')} and ${grouped(cells.length - mostNames)} more`
    : listOf(names)
}

function listOf(items: readonly string[]): string {
  return new Intl.ListFormat('en-GB').format(items)
}

function encodingHint(cells: readonly ByteString[]): string {
  return cells.some((cell) => decodedLeniently(cell).includes('\ufffd'))
    ? ' (it is not valid UTF-8: save the file as "CSV UTF-8" to have its names in full)'
    : ''
}
