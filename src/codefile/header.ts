import { type Beginning, type BeginningRow, bar, delimiters } from './beginning.ts'
import type { ByteString } from './byte-string.ts'
import { readCell } from './code.ts'
import type { HeaderUnclearError } from './code-file-error.ts'
import { isUsualName, kindOfName, saysCode } from './column-names.ts'
import { isFiller } from './explanation.ts'
import { cellsOf, columnBelow, columnNameOf, indicesOf, nameIn, textIn } from './header-names.ts'
import { hasShapeOf, isWordAboveNumbered, likenessOf } from './likeness.ts'
import { quotedCell, unclear } from './shorten.ts'

/** A row that may be the header, with the columns that may have the codes. */
export interface Candidate extends Beginning {
  at: number
  found: number[]
}

// How many cells of a row are compared with the usual names.
const maxComparedCells = 500

// How many lines of a title may be above a table.
const maxTitleRows = 15

/** The row that is most likely the header, by the usual names in it: one, or none. */
export function headersByName(beginning: Beginning): Candidate[] {
  const candidates = candidatesIn(
    beginning,
    (cell, index) => index < maxComparedCells && isUsualName(textIn(cell)),
  )
  let [header] = candidates
  if (header === undefined) return []
  // The title of a table may also be such a word: "Coupons" above a table of coupons.
  for (const next of candidates.slice(1)) {
    if (cellsOf(header).length > 1 || next.at > header.at + 3) break
    const [index = 0] = next.found
    const cell = textIn(cellsOf(next)[index] ?? '')
    const isBetter =
      cellsOf(next).length > 1 ||
      (next.at === header.at + 1 && saysCode(cell) && columnNameOf(cell) !== nameIn(cellsOf(header)[0] ?? ''))
    if (isBetter) header = next
  }
  if (isRowOfMany(header)) return []
  const { at, found, rows } = header
  const [only = '', ...others] = cellsOf(header)
  const below = columnBelow(header, found[0] ?? 0)
  const isCode =
    others.length === 0 &&
    !saysCode(textIn(only)) &&
    rows.slice(0, at).some((row) => likenessOf(textIn(row.cells[0] ?? ''), below) === 'LIKE')
  return isCode ? [] : [header]
}

/** The rows at the beginning that have a cell that passes the test. */
export function candidatesIn(
  beginning: Beginning,
  test: (cell: ByteString, index: number) => boolean,
): Candidate[] {
  return beginning.rows
    .slice(0, maxTitleRows + 1)
    .map(({ cells }, at) => ({ ...beginning, at, found: indicesOf(cells, test) }))
    .filter(({ found }) => found.length > 0)
}

/** The candidate with the most columns; one with bars as delimiters only if there is no other. */
export function best(candidates: readonly Candidate[]): Candidate | undefined {
  return [...candidates].sort(
    (a, b) =>
      Number(a.delimiter === bar && cellsOf(a).length > 1) -
        Number(b.delimiter === bar && cellsOf(b).length > 1) ||
      cellsOf(b).length - cellsOf(a).length ||
      a.at - b.at,
  )[0]
}

/** Whether a row is like the rows above it, and only happens to contain a column name. */
export function isRowOfMany(row: Candidate): boolean {
  const { length } = cellsOf(row)
  return (
    length > 1 && row.rows.slice(0, row.at).some(({ cells }, i) => cells.length >= length && !isApart(row, i))
  )
}

/** Whether a blank row separates a row from the header below it. */
function isApart({ rows, at }: Candidate, row: number): boolean {
  return rows.slice(row + 1, at + 1).some(({ isBelowBlank }) => isBelowBlank)
}

/** Whether a text is not a known name and, unlike a title, is one word. */
function isUnknownWord(text: string): boolean {
  return !/\s/.test(text) && kindOfName(text) === 'UNKNOWN'
}

/** HeaderUnclearError if the rows above or below suggest that this is not the header. */
export function checkHeader(header: Candidate, index: number): void {
  const { rows, at } = header
  const cells = cellsOf(header)
  const below = columnBelow(header, index)
  const name = textIn(cells[index] ?? '')
  for (const [i, row] of rows.slice(0, at).entries()) {
    const text = textIn(row.cells.length === 1 ? (row.cells[0] ?? '') : (row.cells[index] ?? ''))
    if (isFiller(text)) continue
    const isCode =
      below.some((code) => hasShapeOf(code, text)) ||
      (cells.length === 1 &&
        !isApart(header, i) &&
        (isUnknownWord(text) || likenessOf(text, below) === 'LIKE'))
    if (isCode)
      throw unclear(
        `${quotedCell(text)} looks like a code, but stands above ${quotedCell(name)}, which is a usual name for a column of codes.`,
        rows,
        `that it has a header, or that it has none if ${quotedCell(name)} is also a code`,
      )
  }
  const others = rows
    .slice(at + 1)
    .filter((row) => row.cells.join() !== cells.join() && isUsualName(textIn(row.cells[index] ?? '')))
  if (cells.length > 1 && below.length > 0 && others.length > below.length / 2)
    throw unclear(
      `It is not clear whether ${quotedCell(name)} in column ${index + 1} of the first row is the name of the column with the ` +
        'codes, because rows below have such names there, too.',
      rows,
      'that it has a header if it is, or otherwise that it has none, and the number of the column with the codes',
    )
}

/** The index of the header in a file of one column without a usual name; `undefined` if there is none. */
export function headerOfColumn(
  text: ByteString,
  { rows }: Beginning,
  beginnings: readonly Beginning[],
): number | undefined {
  checkIsNoTable(text, rows, beginnings)
  const lines = rows.map(({ cells }) => textIn(cells[0] ?? ''))
  const first = titleRows(lines, rows)
  const name = lines[first] ?? ''
  const below = lines.slice(first + 1).filter((line) => !isFiller(line))
  // A text that cannot be a code is rejected as a row.
  const isRejected = 'reason' in readCell(rows[first]?.cells[0] ?? '')
  const likeness = isRejected ? 'LIKE' : likenessOf(name, below)
  const kind = below.length === 0 || isOfSeries(name, below) ? 'UNKNOWN' : kindOfName(name)
  // A text that resembles no name may be a code, even if it is unlike all others.
  const isHeader = kind === 'POSSIBLE' ? likeness !== 'LIKE' : kind === 'DOUBTFUL' && likeness === 'UNLIKE'
  const isUnclear = kind !== 'UNKNOWN' || likeness !== 'LIKE' || isWordAboveNumbered(name, below)
  if (!isHeader && isUnclear && !isRejected) throw unclearFirst(name, rows)
  if (!isHeader) return first === 0 ? undefined : first - 1
  // If the next row also differs from the rows below it, the two may be lines of a title.
  const [second = '', ...others] = below
  if (others.length >= 3 && likenessOf(second, others) !== 'LIKE') throw unclearFirst(name, rows)
  return first
}

/** How many rows above a blank row are a title. */
function titleRows(lines: readonly string[], rows: readonly BeginningRow[]): number {
  const end = rows.slice(0, maxTitleRows).findIndex((row, at) => at > 0 && row.isBelowBlank)
  if (end <= 0) return 0
  const below = lines.slice(end).filter((line) => !isFiller(line))
  const likenesses = lines.slice(0, end).map((line) => {
    const likeness = likenessOf(line, below)
    const isUnclear =
      likeness === 'UNLIKE'
        ? kindOfName(line) === 'UNKNOWN'
        : likeness === 'LIKE' && !/\p{Nd}/u.test(line) && below.every((other) => /\p{Nd}/u.test(other))
    return isUnclear ? 'UNCLEAR' : likeness
  })
  if (likenesses.every((likeness) => likeness === 'UNLIKE')) return end
  if (likenesses.some((likeness) => likeness !== 'LIKE')) throw unclearFirst(lines[0] ?? '', rows)
  return 0
}

/** Whether a name with a number is one of a series: CODE1, CODE2. */
function isOfSeries(name: string, below: readonly string[]): boolean {
  return (
    /\p{Nd}/u.test(name) &&
    below.some((other) => hasShapeOf(other, name) && kindOfName(other) === kindOfName(name))
  )
}

/** HeaderUnclearError if the column seems to be a table that was saved, or read, in the wrong way. */
function checkIsNoTable(
  text: ByteString,
  rows: readonly BeginningRow[],
  beginnings: readonly Beginning[],
): void {
  const [, ...below] = rows
  for (const { delimiter, rows: all } of beginnings) {
    const wide = all.slice(1).filter(({ cells }) => cells.length > 1)
    if (all[0]?.cells.length === 1 && wide.length >= 2 && wide.length > below.length * 0.6)
      throw unclear(
        `The first row has one cell, the rows below it have ${wide[0]?.cells.length} (separated by ` +
          `${delimiterNames[delimiter] ?? delimiter}), and no column has a usual name such as "code".`,
        all,
        'whether it has a header, and which column has the codes',
      )
  }
  const inQuotes = ({ start, end, cells }: BeginningRow, mark: string) =>
    cells.length === 1 && /^\s*"/.test(text.slice(start, end)) && (cells[0] ?? '').includes(mark)
  for (const mark of delimiters)
    if (rows.length >= 2 && rows.every((row) => inQuotes(row, mark)))
      throw unclear(
        'Each row as a whole is in quotes and contains delimiters, as if a table had been saved twice.',
        rows,
        'that it has no header if each row is one code; otherwise save the file again without these quotes',
      )
}

const delimiterNames: Record<string, string> = {
  '\t': 'tabs',
  ';': 'semicolons',
  ',': 'commas',
  '|': 'bars',
}

function unclearFirst(name: string, rows: readonly BeginningRow[]): HeaderUnclearError {
  return unclear(
    `It is not clear whether the first row, ${quotedCell(name)}, is a header or title, or a code.`,
    rows,
    'that it has a header if it is not a code, or that it has none if it is one',
  )
}
