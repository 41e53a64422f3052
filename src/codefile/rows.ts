import { type ByteString, shown } from './byte-string.ts'
import { lineEnd, neverClosed, type Row, readRow } from './cells.ts'
import { anythingUnusual, isBlank, longestCode, readCode } from './code.ts'
import { CodeFileError } from './code-file-error.ts'
import {
  delimiters,
  type FirstRow,
  haveUsualName,
  type Layout,
  layoutOf,
  nameOf,
  onlyWithHeader,
} from './layout.ts'
import { type OwnFile, ownFileOf, readOwnRow, shownCell } from './own-file.ts'

/** In the order of the file. */
export interface Rows {
  rows: { number: number; code: string }[]
  refused: { number: number; text: string; reason: string }[]
}

export const rowsAtOnce = 4_000

// To say what is wrong with a row takes longer than to read one.
const refusedAtOnce = 500

/** In bytes. What is kept of a file in memory is little more. */
export const longestRow = 65_536

// The first line of a file that tells Excel its delimiter. Excel does not show it, and does not count it.
const toldDelimiter = /^"?sep=([,;\t|])"?$/i

interface Unreadable {
  kind: 'UNREADABLE'
  reason: string
  /** Where reading it was given up. */
  triedTo: number
}

/**
 * Reads rows out of the text of a file that comes in pieces. A row that cannot be read is refused by its first line,
 * and reading goes on with the next: a row that is longer than any can be, and one with a quote that opens and is not
 * closed before the file ends or the row gets too long. So neither a line of any length nor a stray quote costs memory,
 * or the rows behind it.
 */
export class RowReader {
  readonly #column: string | undefined
  readonly #skip: number
  #layout: Layout | undefined
  /** Set for a file that this service has given out. */
  #own: OwnFile | undefined
  #delimiters: readonly string[] = [...delimiters, onlyWithHeader]
  /** The beginning of a row whose end has not been seen. */
  #rest: ByteString = ''
  /** Whether what comes next belongs to a line that has been refused. */
  #inRefusedLine = false
  /**
   * Up to here in the text at hand, a row is one line, because a quote that opened before has not been closed. Without
   * this a file can be made in which every line begins another long row that comes to nothing, and reading it takes ten
   * thousand times as long.
   */
  #singleLines = 0
  #number = 0
  #count = 0
  #batch: Rows = { rows: [], refused: [] }

  /** `skip`: of the rows, this many are passed over. */
  constructor(column: string | undefined, skip: number) {
    this.#column = column
    this.#skip = skip
  }

  /** Yields whenever there are `rowsAtOnce` rows. `last`: nothing comes after this piece. */
  *read(piece: ByteString, last: boolean): Generator<Rows> {
    const text = this.#rest + piece
    let at = 0
    while (at < text.length) {
      const from = at
      if (this.#inRefusedLine) at = this.#endOfRefusedLine(text, at, last)
      else if (this.#layout === undefined) at = this.#readFirst(text, at, last)
      // What has told the layout may be the first row with a code.
      if (this.#layout !== undefined && !this.#inRefusedLine && at < text.length) {
        const end = endOfLines(text, at, last)
        if (end > at) yield* this.#readLines(text.slice(at, end), this.#layout)
        at = end > at ? end : this.#readOne(text, at, last, this.#layout)
      }
      if (this.#isFull()) yield this.take()
      if (at === from) break
    }
    this.#rest = text.slice(at)
    this.#singleLines = Math.max(0, this.#singleLines - at)
  }

  /** The rows that have not been yielded yet. */
  take(): Rows {
    const batch = this.#batch
    this.#batch = { rows: [], refused: [] }
    return batch
  }

  /** CodeFileError if the file had no row. */
  end(): void {
    if (this.#count > 0) return
    throw new CodeFileError(
      this.#layout === undefined
        ? 'The file is empty. Export the codes again, and look into the file before you upload it.'
        : 'The file has a header and no codes. Export them again, and look into the file before you upload it.',
    )
  }

  /** Finds the layout in the first row that is not blank, and reads it if it is a header. */
  #readFirst(text: ByteString, at: number, last: boolean): number {
    const readings = this.#readings(text, at, last)
    if (readings === undefined) return at
    const [first, ...others] = readings.rows
    if (first === undefined) {
      const [reading] = readings.unreadable.sort((a, b) => b.triedTo - a.triedTo) as [Unreadable]
      if (this.#column !== undefined)
        throw new CodeFileError(
          `The first row, which has to be the header, cannot be read. ${reading.reason}`,
        )
      return this.#refuseLine(text, at, last, reading)
    }
    const told = this.#number === 0 ? toldDelimiter.exec(text.slice(at, first.row.end))?.[1] : undefined
    if (told !== undefined) {
      this.#delimiters = [told]
      return first.row.next
    }
    const blank = [first, ...others].find(isBlankRow)
    if (blank !== undefined) {
      const isDoubtful = blank.delimiter === onlyWithHeader && blank !== first && this.#column === undefined
      const empty = isDoubtful ? this.#emptyBefore(text, at, last) : { rows: 1, next: blank.row.next }
      if (empty === undefined) return at
      this.#number += empty.rows
      if (empty.rows > 0) return empty.next
    }
    const { layout, header } = layoutOf([first, ...others], this.#column)
    this.#layout = layout
    if (header === undefined) return at
    this.#number += 1
    this.#own = ownFileOf({ cells: header.cells, text: text.slice(at, header.end) }, layout)
    return header.next
  }

  /**
   * How many rows before a header are blank, if bars are delimiters, and where they end. None where no header comes
   * after them: then bars may be all of a code. `undefined` if the text ends before that is clear.
   */
  #emptyBefore(text: ByteString, from: number, last: boolean): { rows: number; next: number } | undefined {
    let rows = 0
    let next = from
    while (next < text.length) {
      const readings = this.#readings(text, next, last)
      if (readings === undefined) break
      const blank = readings.rows.find(isBlankRow)
      if (blank === undefined) {
        const isHeader = readings.rows.some(({ row }) => haveUsualName(row.cells))
        return isHeader ? { rows, next } : { rows: 0, next: from }
      }
      rows += 1
      next = blank.row.next
    }
    // What is kept until it is clear is no more than a row can be.
    return last || text.length - from > longestRow ? { rows: 0, next: from } : undefined
  }

  /** The row that begins at `at`, with each delimiter that is possible; `undefined` if the text ends before its end. */
  #readings(
    text: ByteString,
    at: number,
    last: boolean,
  ): { rows: FirstRow[]; unreadable: Unreadable[] } | undefined {
    const rows: FirstRow[] = []
    const unreadable: Unreadable[] = []
    for (const delimiter of this.#delimiters) {
      const row = this.#readRow(text, at, last, delimiter)
      if (row.kind === 'UNFINISHED') return undefined
      if (row.kind === 'ROW') rows.push({ delimiter, row })
      else unreadable.push(row)
    }
    return { rows, unreadable }
  }

  *#readLines(text: ByteString, layout: Layout): Generator<Rows> {
    const plain = text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text
    const usual = layout.columns === 1 && !anythingUnusual.test(plain)
    const lines = plain.split('\n')
    // What is behind the last line end is no line.
    if (lines.at(-1) === '') lines.pop()
    for (const line of lines) {
      this.#number += 1
      if (usual && line.length <= longestCode) {
        const code = line.trim()
        if (code !== '') this.#addCode(code, line, layout)
      } else if (line.length > longestRow) this.#refuse(line, tooLong)
      else this.#addRow(line.split(layout.split), line, layout)
      if (this.#isFull()) yield this.take()
    }
  }

  #readOne(text: ByteString, at: number, last: boolean, layout: Layout): number {
    const row = this.#readRow(text, at, last, layout.delimiters)
    if (row.kind === 'UNFINISHED') return at
    if (row.kind === 'UNREADABLE') return this.#refuseLine(text, at, last, row)
    this.#number += 1
    this.#addRow(row.cells, text.slice(at, row.end), layout)
    return row.next
  }

  #readRow(
    text: ByteString,
    at: number,
    last: boolean,
    delimiters: string,
  ): Row | Unreadable | { kind: 'UNFINISHED' } {
    const line = at < this.#singleLines ? lineEnd(text, at, last) : undefined
    if (line !== undefined && line.end <= this.#singleLines) {
      const row = readRow(text.slice(at, line.end), 0, true, delimiters)
      return row.kind === 'ROW'
        ? { ...row, end: line.end, next: line.next }
        : { kind: 'UNREADABLE', reason: neverClosed, triedTo: at }
    }
    const row = readRow(text, at, last, delimiters)
    if (row.kind === 'BROKEN') {
      const inFull = lineEnd(text, at, last) !== undefined || text.length - at > longestRow
      return inFull ? { kind: 'UNREADABLE', reason: row.reason, triedTo: row.at } : { kind: 'UNFINISHED' }
    }
    const end = row.kind === 'ROW' ? row.end : text.length
    if (end - at <= longestRow) return row
    const firstLine = lineEnd(text, at, true)
    const reason = firstLine !== undefined && firstLine.end - at <= longestRow ? neverClosed : tooLong
    return { kind: 'UNREADABLE', reason, triedTo: at + longestRow }
  }

  #refuseLine(text: ByteString, at: number, last: boolean, { reason, triedTo }: Unreadable): number {
    this.#number += 1
    this.#refuse(text.slice(at, lineEnd(text, at, true)?.end), reason)
    this.#singleLines = Math.max(this.#singleLines, triedTo)
    return this.#endOfRefusedLine(text, at, last)
  }

  #endOfRefusedLine(text: ByteString, at: number, last: boolean): number {
    const line = lineEnd(text, at, last)
    this.#inRefusedLine = line === undefined
    if (line !== undefined) return line.next
    // A line feed may follow, which belongs to it.
    return text.endsWith('\r') ? text.length - 1 : text.length
  }

  #addRow(cells: readonly ByteString[], row: ByteString, layout: Layout): void {
    if (cells.every(isBlank)) return
    const { columns, index } = layout
    const cell = cells[index]
    if (cell === undefined) {
      this.#refuse(row, `The row has no column ${index + 1}, which is the one with the codes.`)
    } else if (
      cells.length > columns &&
      (columns === 1 || index > 0) &&
      !cells.slice(columns).every(isBlank)
    ) {
      this.#refuse(
        row,
        `The row has ${cells.length} cells and the first row ${columns}, so it is in doubt which is the code. Put a ` +
          'cell that has a comma, a semicolon or a tab in quotes.',
      )
    } else {
      const reading = this.#own === undefined ? readCode(cell) : readOwnRow(this.#own, cells)
      if ('refused' in reading)
        this.#refuse(this.#own === undefined ? cell : shownCell(this.#own, cells), reading.refused)
      else if (reading.code === '') this.#refuse(row, 'There is no code in this row: its cell is empty.')
      else if (this.#own !== undefined) this.#accept(reading.code)
      else this.#addCode(reading.code, row, layout)
    }
  }

  /** Files that were put together have the header again where another begins. */
  #addCode(code: string, row: ByteString, { name }: Layout): void {
    if (name === undefined || code.length !== name.length || nameOf(code) !== name) this.#accept(code)
    else this.#refuse(row, 'It is the name of the column again, and no code.')
  }

  #accept(code: string): void {
    this.#count += 1
    if (this.#count > this.#skip) this.#batch.rows.push({ number: this.#number, code })
  }

  #refuse(bytes: ByteString, reason: string): void {
    this.#count += 1
    if (this.#count > this.#skip)
      this.#batch.refused.push({ number: this.#number, text: shown(bytes), reason })
  }

  #isFull(): boolean {
    const { rows, refused } = this.#batch
    return rows.length + refused.length >= rowsAtOnce || refused.length >= refusedAtOnce
  }
}

function isBlankRow({ row }: FirstRow): boolean {
  return row.cells.every(isBlank)
}

const tooLong =
  `The row is longer than ${longestRow.toLocaleString('en-US')} bytes. Look whether line ends are missing ` +
  'in the file.'

/** Up to where the text is of whole lines that are each a row, as there is no quote in them; `at` if there are none. */
function endOfLines(text: ByteString, at: number, last: boolean): number {
  const quote = text.indexOf('"', at)
  if (quote === -1 && last) return text.length
  const before = text.slice(at, quote === -1 ? text.length : quote)
  // A carriage return at the very end may be half of a line end.
  return at + Math.max(before.lastIndexOf('\n'), before.slice(0, -1).lastIndexOf('\r')) + 1
}
