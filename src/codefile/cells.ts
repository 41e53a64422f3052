import type { ByteString } from './byte-string.ts'

/** A row as it was found in a text: its cells, where it ends, and where the next one begins. */
export interface Row {
  kind: 'ROW'
  cells: ByteString[]
  /** Those of its cells, by their place, that have a quote inside and do not begin with one. */
  strays: number[]
  /** Whether there are quoted cells. */
  quoted: boolean
  end: number
  next: number
}

export type RowReading =
  | Row
  /** The text ends before it is clear where the row does. */
  | { kind: 'UNFINISHED' }
  /** Its quotes make no sense; seen at `at`. */
  | { kind: 'BROKEN'; at: number; reason: string; strays: number[] }

export const neverClosed =
  'A quote (") opens a cell in this row and is never closed. Close it, or double it if it belongs to the code.'

export const strayQuote =
  'A quote (") stands inside a cell that does not begin with one, so it is in doubt where the cell ends. Put the whole ' +
  'cell in quotes, and double the quotes that belong to the code.'

export const goesOn =
  'A cell in this row goes on after its closing quote ("). Put the whole cell in quotes, and double the quotes that ' +
  'belong to the code.'

const lineFeed = 0x0a
const carriageReturn = 0x0d
const quote = 0x22
const space = 0x20
const tab = 0x09

/**
 * The row that begins at `from`, by RFC 4180: LF, CRLF or CR ends a row; a cell in quotes can have line ends,
 * delimiters and doubled quotes. Beyond it, blanks around a quoted cell don't count, and a quote inside a cell that
 * does not begin with one is a character like others. `delimiters`: each of these characters is one. `last`: nothing
 * comes after `text`.
 */
export function readRow(text: ByteString, from: number, last: boolean, delimiters: string): RowReading {
  const cells: ByteString[] = []
  const strays: number[] = []
  let quoted = false
  let at = from
  for (;;) {
    const first = afterBlanks(text, at, delimiters)
    if (text.charCodeAt(first) === quote) {
      const cell = readQuoted(text, first, last)
      if (cell === undefined)
        return last
          ? { kind: 'BROKEN', at: text.length, reason: neverClosed, strays }
          : { kind: 'UNFINISHED' }
      quoted = true
      cells.push(cell.text)
      at = afterBlanks(text, cell.end, delimiters)
    } else {
      const end = endOfPlain(text, first, delimiters)
      const cell = text.slice(at, end)
      if (cell.includes('"')) strays.push(cells.length)
      cells.push(cell)
      at = end
    }
    if (at === text.length)
      return last ? { kind: 'ROW', cells, strays, quoted, end: at, next: at } : { kind: 'UNFINISHED' }
    const code = text.charCodeAt(at)
    if (code === lineFeed || code === carriageReturn) {
      const next = afterLineEnd(text, at, last)
      return next === undefined
        ? { kind: 'UNFINISHED' }
        : { kind: 'ROW', cells, strays, quoted, end: at, next }
    }
    if (!delimiters.includes(text.charAt(at))) return { kind: 'BROKEN', at, reason: goesOn, strays }
    at += 1
  }
}

/** What a line can be, where it is not known whether it begins inside a quoted cell. */
export type LineReading =
  /** It ends a row, and is one when it did not begin inside a cell. */
  | { kind: 'ENDS'; cells: number }
  /** A quoted cell goes on in the next line. */
  | { kind: 'GOES_ON' }
  /** Its quotes make no sense when it begins so. */
  | { kind: 'NONSENSE'; reason: string }

/**
 * Reads a line as one that begins a row, or as one that begins `inside` a quoted cell. Strictly: a quote in a cell that
 * does not begin with one makes no sense.
 */
export function readLine(line: ByteString, inside: boolean, delimiters: string): LineReading {
  const row = readRow(inside ? `"${line}` : line, 0, true, delimiters)
  if (row.kind === 'UNFINISHED') throw new RangeError('The end of a line has come.')
  if (row.kind === 'BROKEN' && row.reason !== neverClosed) return { kind: 'NONSENSE', reason: row.reason }
  if (row.strays.length > 0) return { kind: 'NONSENSE', reason: strayQuote }
  if (row.kind === 'BROKEN') return { kind: 'GOES_ON' }
  return { kind: 'ENDS', cells: row.cells.length }
}

/** Where the line of `from` ends, and where the next begins; `undefined` if the text ends before that is clear. */
export function lineEnd(
  text: ByteString,
  from: number,
  last: boolean,
): { end: number; next: number } | undefined {
  const lineEnds = /[\r\n]/g
  lineEnds.lastIndex = from
  const end = lineEnds.exec(text)?.index
  if (end === undefined) return last ? { end: text.length, next: text.length } : undefined
  const next = afterLineEnd(text, end, last)
  return next === undefined ? undefined : { end, next }
}

function afterLineEnd(text: ByteString, at: number, last: boolean): number | undefined {
  if (text.charCodeAt(at) === lineFeed) return at + 1
  if (at + 1 === text.length && !last) return undefined
  return text.charCodeAt(at + 1) === lineFeed ? at + 2 : at + 1
}

function afterBlanks(text: ByteString, from: number, delimiters: string): number {
  let at = from
  for (;;) {
    const code = text.charCodeAt(at)
    if (code !== space && (code !== tab || delimiters.includes('\t'))) return at
    at += 1
  }
}

function endOfPlain(text: ByteString, from: number, delimiters: string): number {
  let at = from
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === lineFeed || code === carriageReturn || delimiters.includes(text.charAt(at))) return at
  }
  return at
}

/** `undefined` if the text ends before it is clear where the cell does. */
function readQuoted(
  text: ByteString,
  opening: number,
  last: boolean,
): { text: ByteString; end: number } | undefined {
  let content = ''
  let from = opening + 1
  for (;;) {
    const at = text.indexOf('"', from)
    if (at === -1 || (at + 1 === text.length && !last)) return undefined
    if (text.charCodeAt(at + 1) !== quote) return { text: content + text.slice(from, at), end: at + 1 }
    content += text.slice(from, at + 1)
    from = at + 2
  }
}
