import { grouped } from '../grouped.ts'
import { type Beginning, type BeginningRow, readBeginning } from './beginning.ts'
import { type ByteString, decoded, decodedLeniently, shown } from './byte-string.ts'
import { readCode } from './code.ts'
import { CodeFileError, HeaderUnclearError } from './code-file-error.ts'
import { isUsualName, kindOfName, saysCode } from './column-names.ts'
import { hasExplanations, isFiller, isRemark, maxExplanationRows } from './explanation.ts'
import { hasShapeOf, isWordAboveNumbered, likenessOf } from './likeness.ts'
import { areRowsOfDownload, codesColumns, hasOwnColumns } from './own-file.ts'

/** How a file is laid out, as its beginning tells. */
export interface Layout {
  /** Each of these characters is one. */
  delimiters: string
  /** The same, for lines without quotes. */
  split: string | RegExp
  columns: number
  /** Of the column with the codes, from 0. */
  index: number
  /** What the header calls that column, as `nameOf` gives it; `undefined` if the file has no header. */
  name: string | undefined
  /** The cells of the header, fit to be shown; `undefined` if the file has none. */
  header: string[] | undefined
  /** Whether the first rows below the header explain it, as those of a template do. */
  hasExplanations: boolean
  /** Whether rows may be written for people: not where somebody has said that the file has no header. */
  hasRemarks: boolean
  /** Whether each cell of the column stands in single quotes, as SQL has texts, and the header too. */
  inSingleQuotes: boolean
  /** Whether its codes are of several words, as far as its beginning tells. */
  inWords: boolean
}

/** What somebody has said about the layout of a file. */
export interface LayoutOptions {
  /** The name of the column with the codes, or with `header` its number, from 1. */
  column?: string | undefined
  /** Whether the file has a header. */
  header?: boolean | undefined
}

/** Where the codes begin: so many rows of the file are passed over, and the text goes on at `next`. */
export interface Start {
  layout: Layout
  header: BeginningRow | undefined
  /** The first rows below the header. */
  below: readonly BeginningRow[]
  above: number
  next: number
}

/** In the order in which one is preferred that makes as many columns as another: the rarer in text first. */
export const delimiters = ['\t', ';', ','] as const

/** Rare, and so believed only when the header is found with it, or when the first row makes no sense without. */
export const onlyWithHeader = '|'

/** The beginning of a file, read with a delimiter. */
interface Reading extends Beginning {
  delimiter: string
}

/** A row that may be the header, with the columns that may have the codes. */
interface Candidate extends Reading {
  at: number
  found: number[]
}

/** A text in single quotes, as SQL has it: a quote inside is doubled. */
export const inSingleQuotes = /^'(?:[^']|'')*'$/

// Neither names nor codes are longer, in bytes.
const maxCompared = 1_024

// Of a row, so many cells are looked at for a usual name.
const maxColumnsLookedAt = 500

// The lines of a title above a table.
const maxTitleRows = 15

/**
 * The layout of a file, as all of its beginning tells, not its first row alone: where its codes begin, in which column,
 * and with which delimiter. With nothing but blank rows in it, how far these go.
 *
 * The header is the first row that has one of the usual names of such a column, or the name that somebody has given;
 * rows above it are the title of a table, when they look like nothing that stands below it. In a file of one column
 * without a usual name, the first row is a code when it looks like those below it, and the header when it looks like
 * none of them and could be a name. CodeFileError if there is no such column, or more than one, and for rows of a
 * download that have lost their header; a HeaderUnclearError in doubt.
 */
export function findStart(
  text: ByteString,
  from: number,
  last: boolean,
  possible: readonly string[],
  options: LayoutOptions,
): Start | { blankRows: number; next: number } {
  const readings = possible.map((delimiter) => ({
    delimiter,
    ...readBeginning(text, from, last, delimiter),
  }))
  const withRows = readings.filter(({ rows }) => rows.length > 0)
  const empty = readings.filter(({ rows, blankRows }) => rows.length === 0 && blankRows > 0)
  const blank =
    empty.find(({ delimiter }) => delimiter !== onlyWithHeader) ??
    (withRows.length === 0 ? (empty[0] ?? readings[0]) : undefined)
  if (blank !== undefined) return { blankRows: blank.blankRows, next: blank.blankEnd }
  checkDownload(withRows, options)
  if (options.header === false)
    return withoutHeader(bestWithoutName(withRows, options.column), options.column, true)
  return options.column === undefined
    ? unnamed(text, withRows, options.header === true)
    : named(withRows, options.column, options.header === true)
}

/** CodeFileError if these are rows of a download whose header is not there, or is not to be read as one. */
function checkDownload(readings: readonly Reading[], { header }: LayoutOptions): void {
  if (!readings.some(({ rows }) => areRowsOfDownload(rows, header === false))) return
  throw new CodeFileError(
    'These are rows of a download of this service without its header, and the header is what tells an upload which of ' +
      `them were claimed. Put it back as the first row, ${codesColumns.join()} (without the names of columns that ` +
      'have been taken away, divided as the rows are, and with "origin" in quotes if the download was raw), and upload ' +
      'the file with neither header nor column.',
  )
}

/** With the column that somebody has named. */
function named(readings: readonly Reading[], column: string, isNumberPossible: boolean): Start {
  const name = nameOf(column)
  const candidates = readings.flatMap((reading) => {
    const all = candidatesIn(reading, (cell) => name !== '' && nameIn(cell) === name)
    // A title can be the same word.
    const header = all.find((candidate) => cellsOf(candidate).length > 1) ?? all[0]
    return header === undefined || isRowOfMany(header) ? [] : [header]
  })
  const candidate = best(candidates)
  if (candidate === undefined && isNumberPossible && /^[1-9]\d{0,2}$/.test(column)) {
    const header = best(readings.flatMap(headersIn)) ?? {
      ...bestWithoutName(readings, column),
      at: 0,
      found: [],
    }
    return startAt(header, numbered(column, cellsOf(header)))
  }
  if (candidate === undefined) {
    const first = { ...bestWithoutName(readings, undefined), at: 0 }
    return startAt(first, namedBy(column, [], cellsOf(first)))
  }
  return startAt(candidate, namedBy(column, candidate.found, cellsOf(candidate)))
}

/** With the column that is found by its name, or is the only one. */
function unnamed(text: ByteString, readings: readonly Reading[], hasHeader: boolean): Start {
  const candidate = best(readings.flatMap(headersIn))
  if (candidate !== undefined) {
    const index = onlyOf(candidate.found, cellsOf(candidate))
    if (!hasHeader && !hasOwnColumns(cellsOf(candidate))) checkCandidate(candidate, index)
    return startAt(candidate, index)
  }
  const reading = bestWithoutName(readings, undefined)
  const first = { ...reading, at: 0 }
  if (cellsOf(first).length > 1) {
    const possible = hasHeader
      ? indicesOf(cellsOf(first), (cell) => kindOfName(textIn(cell)) === 'POSSIBLE')
      : []
    return startAt(first, possible.length === 1 ? (possible[0] ?? 0) : onlyOf([], cellsOf(first)))
  }
  if (hasHeader) return startAt(first, 0)
  const header = headerOfColumn(text, reading, readings)
  return header === undefined
    ? withoutHeader(reading, undefined, false)
    : startAt({ ...reading, at: header }, 0)
}

/** The rows of a reading that may be the header, by the names in them: the most likely one, or none. */
function headersIn(reading: Reading): Candidate[] {
  const candidates = candidatesIn(
    reading,
    (cell, index) => index < maxColumnsLookedAt && isUsualName(textIn(cell)),
  )
  let [header] = candidates
  if (header === undefined) return []
  // The title of a table can be such a word as well: "Coupons", and below it the table of them.
  for (const next of candidates.slice(1)) {
    if (cellsOf(header).length > 1 || next.at > header.at + 3) break
    const [index = 0] = next.found
    const cell = textIn(cellsOf(next)[index] ?? '')
    const goesFurther =
      cellsOf(next).length > 1 ||
      (next.at === header.at + 1 && saysCode(cell) && nameOf(cell) !== nameIn(cellsOf(header)[0] ?? ''))
    if (goesFurther) header = next
  }
  const { at, found } = header
  const above = reading.rows.slice(0, at)
  const cells = cellsOf(header)
  if (isRowOfMany(header)) return []
  const words = columnBelow(header, found[0] ?? 0)
  const isOneOfMany =
    cells.length === 1 &&
    !saysCode(textIn(cells[0] ?? '')) &&
    above.some((row) => likenessOf(textIn(row.cells[0] ?? ''), words) === 'LIKE')
  return isOneOfMany ? [] : [header]
}

function candidatesIn(reading: Reading, test: (cell: ByteString, index: number) => boolean): Candidate[] {
  return reading.rows
    .slice(0, maxTitleRows + 1)
    .map(({ cells }, at) => ({ ...reading, at, found: indicesOf(cells, test) }))
    .filter(({ found }) => found.length > 0)
}

function best(candidates: readonly Candidate[]): Candidate | undefined {
  return [...candidates].sort(
    (a, b) =>
      Number(a.delimiter === onlyWithHeader && cellsOf(a).length > 1) -
        Number(b.delimiter === onlyWithHeader && cellsOf(b).length > 1) ||
      cellsOf(b).length - cellsOf(a).length ||
      a.at - b.at,
  )[0]
}

/** Whether a row is one like those above it, of which a cell happens to be the name of a column. */
function isRowOfMany(row: Candidate): boolean {
  const { length } = cellsOf(row)
  return (
    length > 1 && row.rows.slice(0, row.at).some(({ cells }, i) => cells.length >= length && !isApart(row, i))
  )
}

/** Whether a blank row stands between a row and the header below it. */
function isApart({ rows, at }: Candidate, row: number): boolean {
  return rows.slice(row + 1, at + 1).some(({ isBelowBlank }) => isBelowBlank)
}

/** Whether a text is neither a known name nor of several words, as titles are. */
function isUnknownWord(text: string): boolean {
  return !/\s/.test(text) && kindOfName(text) === 'UNKNOWN'
}

/** HeaderUnclearError if the rows above a header, or those below it, do not look as if it were one. */
function checkCandidate(header: Candidate, index: number): void {
  const { rows, at } = header
  const cells = cellsOf(header)
  const words = columnBelow(header, index)
  const name = textIn(cells[index] ?? '')
  for (const [i, row] of rows.slice(0, at).entries()) {
    const text = textIn(row.cells.length === 1 ? (row.cells[0] ?? '') : (row.cells[index] ?? ''))
    if (isFiller(text)) continue
    const isCode =
      words.some((word) => hasShapeOf(word, text)) ||
      (cells.length === 1 &&
        !isApart(header, i) &&
        (isUnknownWord(text) || likenessOf(text, words) === 'LIKE'))
    if (isCode)
      throw unclear(
        `${quoted(text)} stands above ${quoted(name)}, which is the usual name of a column with codes, and looks as ` +
          'a code does.',
        rows,
        `true if the file has a header, or false if ${quoted(name)} is a code as well`,
      )
  }
  const others = rows
    .slice(at + 1)
    .filter((row) => row.cells.join() !== cells.join() && isUsualName(textIn(row.cells[index] ?? '')))
  if (cells.length > 1 && words.length > 0 && others.length > words.length / 2)
    throw unclear(
      `The first row has ${quoted(name)} in column ${index + 1}, and so have rows below it: it is in doubt whether it ` +
        'is the name of the column with the codes.',
      rows,
      'true if it is, or false if the file has no header, together with the number of the column that has the codes ' +
        '(column=1)',
    )
}

/** Which row of a file of one column is its header, if any; no row has a usual name. */
function headerOfColumn(
  text: ByteString,
  { rows }: Reading,
  readings: readonly Reading[],
): number | undefined {
  checkOneColumn(text, rows, readings)
  const lines = rows.map(({ cells }) => textIn(cells[0] ?? ''))
  let first = 0
  const end = rows.slice(0, maxTitleRows).findIndex((row, at) => at > 0 && row.isBelowBlank)
  if (end > 0) {
    const below = lines.slice(end).filter((line) => !isFiller(line))
    const likenesses = lines.slice(0, end).map((line) => {
      const likeness = likenessOf(line, below)
      const isUnclear =
        likeness === 'UNLIKE'
          ? kindOfName(line) === 'UNKNOWN'
          : likeness === 'LIKE' && !/\p{Nd}/u.test(line) && below.every((other) => /\p{Nd}/u.test(other))
      return isUnclear ? 'UNCLEAR' : likeness
    })
    if (likenesses.every((likeness) => likeness === 'UNLIKE')) first = end
    else if (likenesses.some((likeness) => likeness !== 'LIKE')) throw unclearFirst(lines[0] ?? '', rows)
  }
  const name = lines[first] ?? ''
  const below = lines.slice(first + 1).filter((line) => !isFiller(line))
  // What cannot be a code is refused by itself.
  const isRefused = 'refused' in readCode(rows[first]?.cells[0] ?? '')
  const likeness = isRefused ? 'LIKE' : likenessOf(name, below)
  const kind = below.length === 0 || isOfSeries(name, below) ? 'UNKNOWN' : kindOfName(name)
  // However unlike those below it is, a text of no known kind may be a code.
  const isHeader = kind === 'POSSIBLE' ? likeness !== 'LIKE' : kind === 'DOUBTFUL' && likeness === 'UNLIKE'
  const isUnclear = kind !== 'UNKNOWN' || likeness !== 'LIKE' || isWordAboveNumbered(name, below)
  if (!isHeader && isUnclear && !isRefused) throw unclearFirst(name, rows)
  if (!isHeader) return first === 0 ? undefined : first - 1
  // Where one more row looks like none of those below it, the two may be the lines of a title.
  const [second = '', ...others] = below
  if (others.length >= 3 && likenessOf(second, others) !== 'LIKE') throw unclearFirst(name, rows)
  return first
}

/** Whether a name that has a number is one of several of the kind below: CODE1, CODE2. */
function isOfSeries(name: string, below: readonly string[]): boolean {
  return (
    /\p{Nd}/u.test(name) &&
    below.some((other) => hasShapeOf(other, name) && kindOfName(other) === kindOfName(name))
  )
}

/** HeaderUnclearError if it is rather a table that was written or read wrongly. */
function checkOneColumn(text: ByteString, rows: readonly BeginningRow[], readings: readonly Reading[]): void {
  const [, ...below] = rows
  for (const { delimiter, rows: all } of readings) {
    const wide = all.slice(1).filter(({ cells }) => cells.length > 1)
    if (all[0]?.cells.length === 1 && wide.length >= 2 && wide.length > below.length * 0.6)
      throw unclear(
        `The first row has one cell and the rows below it have ${wide[0]?.cells.length} (divided by ${
          delimiterNames[delimiter] ?? delimiter
        }), and none has a usual name such as "code".`,
        all,
        'true and column=<the name of the column with the codes>, or false and column=<its number>',
      )
  }
  const inQuotes = ({ start, end, cells }: BeginningRow, mark: string) =>
    cells.length === 1 && /^\s*"/.test(text.slice(start, end)) && (cells[0] ?? '').includes(mark)
  for (const mark of delimiters)
    if (rows.length >= 2 && rows.every((row) => inQuotes(row, mark)))
      throw unclear(
        'Each row stands in quotes as a whole, with delimiters inside, as if a table had been saved twice.',
        rows,
        'false if each row is one code; otherwise save the file again without these quotes',
      )
}

const delimiterNames: Record<string, string> = {
  '\t': 'tabs',
  ';': 'semicolons',
  ',': 'commas',
  '|': 'bars',
}

/** The reading of a file in which no name is found: the one that passes over blank rows, and makes the most columns. */
function bestWithoutName(readings: readonly Reading[], column: string | undefined): Reading {
  const [reading] = [...readings].sort(
    (a, b) =>
      Number(a.beginsUnreadable) - Number(b.beginsUnreadable) ||
      Number(isDoubtful(a, column)) - Number(isDoubtful(b, column)) ||
      (b.rows[0]?.above ?? 0) - (a.rows[0]?.above ?? 0) ||
      (b.rows[0]?.cells.length ?? 0) - (a.rows[0]?.cells.length ?? 0),
  )
  if (reading === undefined) throw new RangeError('A file without rows has no layout.')
  return reading
}

/** Bars are believed without a name only where somebody says that there are columns, and nothing else makes some. */
function isDoubtful({ delimiter, rows }: Reading, column: string | undefined): boolean {
  return (
    delimiter === onlyWithHeader && (column === undefined || (rows[0]?.cells.length ?? 0) < Number(column))
  )
}

/** The layout of a file without a header. `isSaid`: somebody has said that it has none. */
function withoutHeader(reading: Reading, column: string | undefined, isSaid: boolean): Start {
  const [first] = reading.rows
  const cells = first?.cells ?? []
  if (column === undefined && cells.length > 1)
    throw new CodeFileError(
      `The file has ${cells.length} columns and, as you say, no header. Say which one has the codes by its number, ` +
        `from column=1 to column=${cells.length}. Its first row has ${listed(cells)}.`,
    )
  const index = column === undefined ? 0 : numbered(column, cells)
  const layout = layoutOf(reading, cells, index, undefined)
  return {
    layout: {
      ...layout,
      hasRemarks: !isSaid && !areRemarks(columnFrom(reading.rows, 0, index)),
      inWords: areWords(columnFrom(reading.rows, 0, index)),
    },
    header: undefined,
    below: [],
    above: first?.above ?? 0,
    next: first?.start ?? 0,
  }
}

function startAt(header: Reading & { at: number }, index: number): Start {
  const cells = cellsOf(header)
  const row = header.rows[header.at]
  if (row === undefined) throw new RangeError('There is no such row.')
  const layout = layoutOf(header, cells, index, cells)
  const texts = columnFrom(header.rows, header.at + 1, index)
  const inWords = areWords(texts)
  const [first, behind] = [texts.slice(0, maxExplanationRows), texts.slice(maxExplanationRows)]
  return {
    layout: {
      ...layout,
      hasExplanations: hasExplanations({ first, behind, inWords }),
      hasRemarks: !areRemarks(texts),
      inSingleQuotes: areInSingleQuotes(textIn(cells[index] ?? ''), texts),
      inWords,
    },
    header: row,
    below: header.rows.slice(header.at + 1),
    above: row.above + 1,
    next: row.next,
  }
}

function layoutOf(
  { delimiter }: Reading,
  cells: readonly ByteString[],
  index: number,
  header: readonly ByteString[] | undefined,
): Layout {
  // A file of one column has no delimiter: whichever comes up later is a mistake that should be seen.
  const split =
    cells.length > 1
      ? { delimiters: delimiter, split: delimiter }
      : { delimiters: delimiters.join(''), split: new RegExp(`[${delimiters.join('')}]`) }
  return {
    ...split,
    columns: cells.length,
    index,
    name: header === undefined ? undefined : nameIn(header[index] ?? ''),
    header: header?.slice(0, maxNames).map(shortened),
    hasExplanations: false,
    hasRemarks: true,
    inSingleQuotes: false,
    inWords: false,
  }
}

/** What stands in a column from a row on. */
function columnFrom(rows: readonly BeginningRow[], from: number, index: number): string[] {
  return rows.slice(from).map(({ cells }) => textIn(cells[index] ?? ''))
}

/** Whether codes look like what people write below a table: SUM 10, SUM 20. */
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

function cellsOf({ rows, at }: Reading & { at: number }): readonly ByteString[] {
  return rows[at]?.cells ?? []
}

/** What stands in a column below the header, as far as it is text. */
function columnBelow({ rows, at }: Candidate, index: number): string[] {
  return columnFrom(rows, at + 1, index).filter((text) => text !== '' && !isFiller(text))
}

function textIn(cell: ByteString): string {
  if (cell.length > maxCompared) return decodedLeniently(cell.slice(0, maxCompared)).trim()
  return (decoded(cell) ?? '').trim()
}

function unclearFirst(name: string, rows: readonly BeginningRow[]): HeaderUnclearError {
  return unclear(
    `It is in doubt whether the first row, ${quoted(name)}, is a header or title, or a code.`,
    rows,
    'true if it is no code, or false if it is one',
  )
}

const linesShown = 5

/** `say`: what to give as `header`, and in which case. */
function unclear(what: string, rows: readonly BeginningRow[], say: string): HeaderUnclearError {
  const lines = rows.slice(0, linesShown).map(({ cells }) => cells.map(shortened).join(' | '))
  return new HeaderUnclearError(
    `${what} The file begins: ${listOf(lines.map((line) => `"${cutTo(line, 2 * maxHeaderNameLength)}"`))}. Upload it again with ` +
      `header=${say}.`,
  )
}

function quoted(text: string): string {
  return `"${cutTo(text, maxHeaderNameLength)}"`
}

function cutTo(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1).toWellFormed()}…` : text
}

/** What names that are the same have in common: case, surrounding space and quotes don't matter, and space inside is space. */
export function nameOf(text: string): string {
  return text
    .trim()
    .replace(/^["']|["']$/g, '')
    .trim()
    .replace(/\s+/g, ' ')
    .normalize('NFC')
    .toLowerCase()
}

function nameIn(cell: ByteString): string {
  return nameOf(decodedLeniently(cell))
}

function indicesOf(
  cells: readonly ByteString[],
  test: (cell: ByteString, index: number) => boolean,
): number[] {
  return [...cells.keys()].filter((index) => test(cells[index] ?? '', index))
}

function namedBy(column: string, found: number[], cells: readonly ByteString[]): number {
  const exact = found.filter((index) => decodedLeniently(cells[index] ?? '').trim() === column.trim())
  const [index, another] = exact.length > 0 ? exact : found
  if (index === undefined)
    throw new CodeFileError(
      `The file has no column "${column}". Its first row has ${listed(cells)}. Name one of ` +
        `these${encodingHint(cells)}; if the file has one code a line and no header, name none.` +
        (cells.length > 1 ? ` If it has several columns and no header, ${sayNumber}.` : ''),
    )
  if (another !== undefined)
    throw new CodeFileError(
      `The file has more than one column "${column}": columns ${listOf(found.map((at) => `${at + 1}`))}. ` +
        'Rename one of them.',
    )
  return index
}

const sayNumber = 'send header=false and column=<the number of the column with the codes>'

function onlyOf(found: number[], cells: readonly ByteString[]): number {
  const [index] = found
  if (index !== undefined && found.length === 1) return index
  if (found.length > 1)
    throw new CodeFileError(
      `More than one column could be the one with the codes: ${listed(found.map((at) => cells[at] ?? ''))}. Name the ` +
        'one that is.',
    )
  throw new CodeFileError(
    `The file has ${grouped(cells.length)} columns, and none has a usual name such as "code". Its first row has ` +
      `${listed(cells)}. Name the column that has the codes${encodingHint(cells)}; if the file has no header, add one, or ` +
      `${sayNumber}.`,
  )
}

/** The column of a number that somebody has given. CodeFileError if there is none. */
function numbered(column: string, cells: readonly ByteString[]): number {
  const number = Number(column)
  if (number >= 1 && number <= cells.length) return number - 1
  throw new CodeFileError(
    `The file has no column number ${column}. Its first row has ${listed(cells)}. Give a number from 1 to ` +
      `${cells.length}.`,
  )
}

/** How long a cell is where it is shown, and how many of them are at most. */
export const maxHeaderNameLength = 40
export const maxNames = 20

function listed(cells: readonly ByteString[]): string {
  const names = cells.slice(0, maxNames).map((cell) => `"${shortened(cell)}"`)
  return cells.length > maxNames
    ? `${names.join(', ')} and ${grouped(cells.length - maxNames)} more`
    : listOf(names)
}

function shortened(cell: ByteString): string {
  return cutTo(shown(cell).replace(/\p{C}/gu, ' '), maxHeaderNameLength)
}

function listOf(items: readonly string[]): string {
  return new Intl.ListFormat('en-GB').format(items)
}

function encodingHint(cells: readonly ByteString[]): string {
  return cells.some((cell) => decodedLeniently(cell).includes('\ufffd'))
    ? ' (it is not valid UTF-8: save the file as "CSV UTF-8" to have its names in full)'
    : ''
}
