import { grouped } from '../grouped.ts'
import { type Beginning, type BeginningRow, bar, delimiters, readBeginning } from './beginning.ts'
import { type ByteString, decodeUtf8Leniently } from './byte-string.ts'
import { CodeFileError } from './code-file-error.ts'
import { kindOfName } from './column-names.ts'
import { hasExplanations, isFiller, isRemark, maxExplanationRows } from './explanation.ts'
import { best, candidatesIn, checkHeader, headerOfColumn, headersByName, isRowOfMany } from './header.ts'
import { cellsOf, columnFrom, columnNameOf, indicesOf, nameIn, type RowAt, textIn } from './header-names.ts'
import { areRowsOfDownload, codesColumns, hasOwnColumns } from './own-file.ts'
import { encodingHint, listOf, maxShownCells, shownCell, shownCells } from './shorten.ts'

/** How to read the rows of a file, as found from its beginning. */
export interface TableLayout {
  /** Each of these characters is a delimiter. */
  delimiters: string
  /** The same, for lines without quotes. */
  split: string | RegExp
  columns: number
  /** The index of the column with the codes. */
  index: number
  /** The header's name for that column, as `columnNameOf` gives it; `undefined` if the file has no header. */
  name: string | undefined
  /** The header as it is shown; `undefined` if the file has none. */
  header: string[] | undefined
  /** Whether rows below the header explain it, as in a template. */
  hasExplanations: boolean
  /** Whether rows may be remarks for people. False if the uploader says that the file has no header. */
  hasRemarks: boolean
  /** Whether each cell of the column is in single quotes, as texts are in SQL. */
  inSingleQuotes: boolean
  /** Whether the codes are of several words. */
  inWords: boolean
}

/** What the uploader says about the layout. */
export interface LayoutOptions {
  /**
   * The name of the column with the codes or, if `header` is given, its number, from 1. By default, the only column, or
   * the one with a usual name.
   */
  column?: string | undefined
  /** Whether the file has a header. By default, this is found from the beginning of the file. */
  header?: boolean | undefined
}

export interface Start {
  layout: TableLayout
  /** The first rows of the file, as they are read with this layout. */
  rows: readonly BeginningRow[]
  header: BeginningRow | undefined
  /** The first rows below the header. */
  below: readonly BeginningRow[]
  /** How many rows are above the first code, the header included. */
  above: number
  /** Where the first code's row begins. */
  next: number
}

/** A text in single quotes, as in SQL, where a quote inside is doubled. */
export const inSingleQuotes = /^'(?:[^']|'')*'$/

/**
 * Finds the layout from the whole beginning of a file, not only from its first row: where the codes begin, in which
 * column, and with which delimiter.
 *
 * The header is the first row with the column name that the uploader has given, or with a usual name for a column of
 * codes. Rows above it are a title if they look like nothing below it. In a file of one column without a usual name,
 * the first row is a code if it looks like those below it, and the header if it looks like none of them and could be
 * a name.
 *
 * CodeFileError if no column, or more than one, may have the codes, and for rows of a download without its header;
 * HeaderUnclearError if it is not clear which row is the header.
 */
export function findStart(text: ByteString, beginnings: readonly Beginning[], options: LayoutOptions): Start {
  checkDownload(beginnings, options)
  if (options.header === false)
    return startWithoutHeader(bestWithoutName(beginnings, options.column), options.column, true)
  return options.column === undefined
    ? startByUsualName(text, beginnings, options.header === true)
    : startByGivenName(beginnings, options.column, options.header === true)
}

/** Reads the beginning of a file with each of the delimiters that give rows. Its first row is not blank. */
export function possibleBeginnings(
  text: ByteString,
  from: number,
  last: boolean,
  possible: readonly string[],
): Beginning[] {
  return possible
    .map((delimiter) => readBeginning(text, from, last, delimiter))
    .filter(({ rows }) => rows.length > 0)
}

/** CodeFileError if these are rows of a download without its header, or with one but header=false. */
function checkDownload(beginnings: readonly Beginning[], { header }: LayoutOptions): void {
  if (!beginnings.some(({ rows }) => areRowsOfDownload(rows, header === false))) return
  throw new CodeFileError(
    'These are rows of a download from this service without its header, which an upload needs to tell which of the codes ' +
      `were claimed. Put it back as the first row: ${codesColumns.join()} (leave out the names of columns that were ` +
      'removed, use the same delimiter as the rows, and put "origin" in quotes if the download was raw). Then upload ' +
      'the file again, without saying how to read it.',
  )
}

function startByGivenName(
  beginnings: readonly Beginning[],
  column: string,
  isNumberPossible: boolean,
): Start {
  const name = columnNameOf(column)
  const candidates = beginnings.flatMap((beginning) => {
    const all = candidatesIn(beginning, (cell) => name !== '' && nameIn(cell) === name)
    // A title may be the same word.
    const header = all.find((candidate) => cellsOf(candidate).length > 1) ?? all[0]
    return header === undefined || isRowOfMany(header) ? [] : [header]
  })
  const candidate = best(candidates)
  if (candidate === undefined && isNumberPossible && /^[1-9]\d{0,2}$/.test(column)) {
    const header = best(beginnings.flatMap(headersByName)) ?? {
      ...bestWithoutName(beginnings, column),
      at: 0,
    }
    return startBelow(header, numberedColumn(column, cellsOf(header)))
  }
  const header = candidate ?? { ...bestWithoutName(beginnings, undefined), at: 0, found: [] }
  return startBelow(header, namedColumn(column, header.found, cellsOf(header)))
}

function startByUsualName(text: ByteString, beginnings: readonly Beginning[], hasHeader: boolean): Start {
  const candidate = best(beginnings.flatMap(headersByName))
  if (candidate !== undefined) {
    const cells = cellsOf(candidate)
    const index = onlyColumn(candidate.found, cells)
    if (!hasHeader && !hasOwnColumns(cells)) checkHeader(candidate, index)
    return startBelow(candidate, index)
  }
  const beginning = bestWithoutName(beginnings, undefined)
  const first = { ...beginning, at: 0 }
  const cells = cellsOf(first)
  if (cells.length > 1) {
    const possible = hasHeader ? indicesOf(cells, (cell) => kindOfName(textIn(cell)) === 'POSSIBLE') : []
    return startBelow(first, onlyColumn(possible.length === 1 ? possible : [], cells))
  }
  if (hasHeader) return startBelow(first, 0)
  const at = headerOfColumn(text, beginning, beginnings)
  return at === undefined
    ? startWithoutHeader(beginning, undefined, false)
    : startBelow({ ...beginning, at }, 0)
}

/** The beginning to read if no name is found: one that can be read from its first row on, or gives the most columns. */
export function bestWithoutName(beginnings: readonly Beginning[], column: string | undefined): Beginning {
  const [beginning] = [...beginnings].sort(
    (a, b) =>
      Number(a.beginsUnreadable) - Number(b.beginsUnreadable) ||
      Number(isUnlikely(a, column)) - Number(isUnlikely(b, column)) ||
      (b.rows[0]?.cells.length ?? 0) - (a.rows[0]?.cells.length ?? 0),
  )
  if (beginning === undefined) throw new RangeError('A file without rows has no layout.')
  return beginning
}

/** Without a name, bars are delimiters only if the uploader gives a column number and no other delimiter has as many. */
function isUnlikely({ delimiter, rows }: Beginning, column: string | undefined): boolean {
  return delimiter === bar && (column === undefined || (rows[0]?.cells.length ?? 0) < Number(column))
}

/** `isGiven`: the uploader says that there is no header. */
function startWithoutHeader(beginning: Beginning, column: string | undefined, isGiven: boolean): Start {
  const [first] = beginning.rows
  const cells = first?.cells ?? []
  if (column === undefined && cells.length > 1)
    throw new CodeFileError(
      `The file has ${cells.length} columns and, as you said, no header. Give the number of the column with the codes, from ` +
        `1 to ${cells.length}. Its first row has ${shownCells(cells)}.`,
    )
  const index = column === undefined ? 0 : numberedColumn(column, cells)
  const layout = layoutOf(beginning, cells, index, columnFrom(beginning.rows, 0, index))
  return {
    layout: { ...layout, hasRemarks: !isGiven && layout.hasRemarks },
    rows: beginning.rows,
    header: undefined,
    below: [],
    above: first?.above ?? 0,
    next: first?.start ?? 0,
  }
}

function startBelow(header: Beginning & RowAt, index: number): Start {
  const cells = cellsOf(header)
  const row = header.rows[header.at]
  if (row === undefined) throw new RangeError('There is no such row.')
  const texts = columnFrom(header.rows, header.at + 1, index)
  const layout = layoutOf(header, cells, index, texts)
  return {
    layout: {
      ...layout,
      name: nameIn(cells[index] ?? ''),
      header: cells.slice(0, maxShownCells).map(shownCell),
      hasExplanations: hasExplanations(texts, layout.inWords),
      inSingleQuotes: areInSingleQuotes(textIn(cells[index] ?? ''), texts),
    },
    rows: header.rows,
    header: row,
    below: header.rows.slice(header.at + 1),
    above: row.above + 1,
    next: row.next,
  }
}

/** The layout of a file without a header. `texts`: the cells in the column of the codes. */
function layoutOf(
  { delimiter }: Beginning,
  cells: readonly ByteString[],
  index: number,
  texts: readonly string[],
): TableLayout {
  // A file of one column has no delimiter: one further down is a mistake that must be noticed.
  const split =
    cells.length > 1
      ? { delimiters: delimiter, split: delimiter }
      : { delimiters: delimiters.join(''), split: new RegExp(`[${delimiters.join('')}]`) }
  return {
    ...split,
    columns: cells.length,
    index,
    name: undefined,
    header: undefined,
    hasExplanations: false,
    hasRemarks: !areRemarks(texts),
    inSingleQuotes: false,
    inWords: areWords(texts),
  }
}

/** Whether the codes look like remarks below a table: SUM 10, SUM 20. */
function areRemarks(texts: readonly string[]): boolean {
  return texts.length > 1 && texts.filter(isRemark).length > texts.length / 2
}

function areInSingleQuotes(name: string, texts: readonly string[]): boolean {
  const codes = texts.filter((text) => text !== '' && !isFiller(text))
  return codes.length > 0 && [name, ...codes].every((text) => inSingleQuotes.test(text))
}

function areWords(texts: readonly string[]): boolean {
  return (
    texts.length > maxExplanationRows && texts.filter((text) => /\s/.test(text)).length > texts.length / 2
  )
}

const giveNumber = 'say that it has none, and give the number of the column with the codes'

/** `found`: the columns with this name in any case. */
function namedColumn(column: string, found: readonly number[], cells: readonly ByteString[]): number {
  const exact = found.filter((index) => decodeUtf8Leniently(cells[index] ?? '').trim() === column.trim())
  const [index, another] = exact.length > 0 ? exact : found
  if (index === undefined)
    throw new CodeFileError(
      `The file has no column "${column}". Its first row has ${shownCells(cells)}. Name one of ` +
        `these${encodingHint(cells)}; if the file has one code per line and no header, do not name a column.` +
        (cells.length > 1 ? ` If it has no header, ${giveNumber}.` : ''),
    )
  if (another !== undefined)
    throw new CodeFileError(
      `The file has more than one column "${column}": columns ${listOf(found.map((at) => `${at + 1}`))}. ` +
        'Rename one of them.',
    )
  return index
}

function numberedColumn(column: string, cells: readonly ByteString[]): number {
  const number = Number(column)
  if (number >= 1 && number <= cells.length) return number - 1
  throw new CodeFileError(
    `The file has no column ${column}. Its first row has ${shownCells(cells)}. Give a number from 1 to ` +
      `${cells.length}.`,
  )
}

/** `found`: the columns with a usual name. */
function onlyColumn(found: readonly number[], cells: readonly ByteString[]): number {
  const [index] = found
  if (index !== undefined && found.length === 1) return index
  if (found.length > 1)
    throw new CodeFileError(
      `More than one column may have the codes: ${shownCells(found.map((at) => cells[at] ?? ''))}. Name the right one.`,
    )
  throw new CodeFileError(
    `The file has ${grouped(cells.length)} columns, and none has a usual name such as "code". Its first row has ` +
      `${shownCells(cells)}. Name the column with the codes${encodingHint(cells)}; if the file has no header, add one, or ` +
      `${giveNumber}.`,
  )
}
