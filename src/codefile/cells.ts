import type { ByteString } from './byte-string.ts'

export interface Row {
  kind: 'ROW'
  cells: ByteString[]
  /** Indices of the cells that contain a quote and do not begin with one. */
  strays: number[]
  /** Whether any cell is quoted. */
  quoted: boolean
  /** Where the row ends, and where the next one begins. */
  end: number
  next: number
}

/** `undefined` if the text ends before the row certainly does; BROKEN if its quotes do not match, as noticed at `at`. */
export type RowReading = Row | { kind: 'BROKEN'; at: number; reason: string; strays: number[] } | undefined

export const neverClosed =
  'A quote (") opens a cell in this row and is never closed. Close it, or double it if it is part of the code.'

export const strayQuote =
  'A quote (") appears inside a cell that does not begin with one, so it is not clear where the cell ends. Put the whole ' +
  'cell in quotes, and double the quotes inside it.'

export const textAfterQuote =
  'Text follows the closing quote (") of a cell in this row. Put the whole cell in quotes, and double the quotes inside ' +
  'it.'

const lineFeed = 0x0a
const carriageReturn = 0x0d
const quote = 0x22
const space = 0x20
const tab = 0x09

/**
 * Reads the row that begins at `from`, by RFC 4180: LF, CRLF or CR ends a row; a quoted cell may contain line ends,
 * delimiters and doubled quotes. Beyond RFC 4180, blanks around a quoted cell are ignored, and a quote inside a cell
 * that does not begin with one is an ordinary character. Each character of `delimiters` is a delimiter. `last`: the
 * file ends with `text`.
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
        return last ? { kind: 'BROKEN', at: text.length, reason: neverClosed, strays } : undefined
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
      return last ? { kind: 'ROW', cells, strays, quoted, end: at, next: at } : undefined
    const code = text.charCodeAt(at)
    if (code === lineFeed || code === carriageReturn) {
      const next = afterLineEnd(text, at, last)
      return next === undefined ? undefined : { kind: 'ROW', cells, strays, quoted, end: at, next }
    }
    if (!delimiters.includes(text.charAt(at))) return { kind: 'BROKEN', at, reason: textAfterQuote, strays }
    at += 1
  }
}

/** What a line means if it begins a row, or if it begins inside a quoted cell. */
export type LineReading =
  /** It ends a row. */
  | { kind: 'ENDS'; cells: number }
  /** A quoted cell continues on the next line. */
  | { kind: 'CONTINUES' }
  /** Its quotes do not match. */
  | { kind: 'BROKEN'; reason: string }

/**
 * Reads a line as one that begins a row or, with `inside`, as one that begins inside a quoted cell. Unlike `readRow`,
 * it does not accept a quote in a cell that does not begin with one.
 */
export function readLine(line: ByteString, inside: boolean, delimiters: string): LineReading {
  const row = readRow(inside ? `"${line}` : line, 0, true, delimiters)
  if (row === undefined) throw new Error('A whole line was read as unfinished.')
  if (row.kind === 'BROKEN' && row.reason !== neverClosed) return { kind: 'BROKEN', reason: row.reason }
  if (row.strays.length > 0) return { kind: 'BROKEN', reason: strayQuote }
  if (row.kind === 'BROKEN') return { kind: 'CONTINUES' }
  return { kind: 'ENDS', cells: row.cells.length }
}

/** Where the line at `from` ends and the next begins; `undefined` if the text ends before that is certain. */
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

/** `undefined` if the text ends before the cell certainly does. */
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
