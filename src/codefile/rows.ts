import { grouped } from '../grouped.ts'
import { type BeginningRow, bar, delimiters, maxBeginningBytes } from './beginning.ts'
import type { ByteString } from './byte-string.ts'
import { lineEnd, neverClosed, type Row, readRow, textAfterQuote } from './cells.ts'
import { anythingUnusual, isBlankCell, maxUploadedCodeLength } from './code.ts'
import { CodeColumn } from './code-column.ts'
import { CodeFileError } from './code-file-error.ts'
import { type FileBeginning, type FirstRow, maxFirstRows } from './first-rows.ts'
import {
  bestWithoutName,
  findStart,
  type LayoutOptions,
  possibleBeginnings,
  type TableLayout,
} from './layout.ts'
import { ownFileOf } from './own-file.ts'
import { maxRowBytes, QuoteDoubt } from './quote-doubt.ts'
import { RowBatch, type Rows } from './row-batch.ts'
import { maxShownCells, shownCell } from './shorten.ts'

// The first line of a file may tell Excel the delimiter. Excel neither shows nor counts it.
const sepLine = /^"?sep=([,;\t|])"?$/i

interface Unreadable {
  kind: 'UNREADABLE'
  reason: string
  /** Where the attempt to read it was given up. */
  triedTo: number
}

/**
 * Reads rows from a text that comes in blocks. It is in one of three states:
 *
 *                     the layout is found
 *     BEGINNING ──────────────────────────────▶ ROWS       each row is read as CSV
 *     no #column                                │  ▲
 *                  the quotes of a row do not   │  │  a line certainly begins a row,
 *                  match (and there are several │  │  or more bytes were read in doubt
 *                  columns)                     ▼  │  than a row can have
 *                                              DOUBT      each line is read in two ways, and rejected
 *                                              #doubt
 *
 * A row is unreadable if it is too long, or has a quote that is not closed before the file ends or the row gets too long.
 * In each state only its first line is rejected, whose rest is skipped if it has not arrived yet (#inRejectedLine), and
 * reading continues with the next line. So neither a long line nor a stray quote costs memory, or the rows after it.
 *
 * DOUBT is for files of several columns, where the rest of a row with broken quotes may look like rows. A file of one
 * column does not need it: a code has no line ends, so each line is a row.
 */
export class RowReader {
  /** The number of the header's row; `undefined` if the file has no header, or the layout is not known yet. */
  headerRow: number | undefined
  readonly #options: LayoutOptions
  readonly #batch: RowBatch
  readonly #quotes = new QuoteTally()
  #delimiters: readonly string[] = [...delimiters, bar]
  #column: CodeColumn | undefined
  #doubt: QuoteDoubt | undefined
  #firstRows: FirstRow[] | undefined
  #inRejectedLine = false
  /** The beginning of a row whose end has not arrived yet. */
  #rest: ByteString = ''
  /**
   * Up to this position in the text each line is read as a row, since an earlier quote was never closed. Otherwise a
   * crafted file, in which each line begins another long unreadable row, would take ten thousand times as long.
   */
  #singleLines = 0

  /** The first `skip` rows with a code or a rejection are left out. */
  constructor(options: LayoutOptions, skip: number) {
    this.#options = options
    this.#batch = new RowBatch(skip)
  }

  /** `undefined` until the beginning of the file has been read. */
  get layout(): TableLayout | undefined {
    return this.#column?.layout
  }

  /** `undefined` until the first rows have been read that are not blank. */
  get beginning(): FileBeginning | undefined {
    return this.#firstRows && { rows: this.#firstRows, codes: [...this.#batch.firstCodes] }
  }

  /** Yields each full batch. `last`: the file ends with this block. */
  *read(block: ByteString, last: boolean): Generator<Rows> {
    const text = this.#rest + block
    if (this.#column !== undefined) this.#quotes.count(block)
    let at = 0
    while (at < text.length) {
      const from = at
      const [column, doubt] = [this.#column, this.#doubt]
      if (this.#inRejectedLine) at = this.#skipRejectedLine(text, at, last)
      else if (column === undefined) at = this.#readBeginning(text, at, last)
      else if (doubt !== undefined) at = this.#readInDoubt(text, at, last, doubt)
      else {
        const end = endOfPlainLines(text, at, last)
        if (end > at) yield* this.#readPlainLines(text.slice(at, end), column)
        at = end > at ? end : this.#readOne(text, at, last, column)
      }
      if (this.#batch.isFull()) yield this.#batch.drain()
      // No progress and no new state: the rest waits for the next block.
      if (at === from && this.#column === column && this.#doubt === doubt) break
    }
    this.#rest = text.slice(at)
    this.#singleLines = Math.max(0, this.#singleLines - at)
  }

  /** The rows that have not been yielded yet. */
  drain(): Rows {
    return this.#batch.drain()
  }

  /**
   * CodeFileError if the file had no row, or if the quotes in a table do not come in pairs: then a quoted cell may have
   * ended, or continued, in any of its rows.
   */
  end(): void {
    if ((this.layout?.columns ?? 1) > 1) this.#quotes.check()
    if (this.#batch.count > 0) return
    const what = this.layout === undefined ? 'is empty' : 'has a header but no codes'
    throw new CodeFileError(
      `The file ${what}. Export the codes again, and check the file before you upload it.`,
    )
  }

  /** BEGINNING: finds the layout, and where the codes begin. */
  #readBeginning(text: ByteString, at: number, last: boolean): number {
    if (!last && text.length - at < maxBeginningBytes) return at
    const line = lineEnd(text, at, last)
    const delimiter =
      this.#batch.number === 0 ? sepLine.exec(text.slice(at, line?.end).trim())?.[1] : undefined
    if (delimiter !== undefined && this.#delimiters.length > 1) {
      this.#delimiters = [delimiter]
      return line?.next ?? text.length
    }
    if (line !== undefined && this.#isBlankLine(text.slice(at, line.end))) return this.#passBlank(line)
    const readings = this.#readWithEach(text, at, last)
    if (readings === undefined) return at
    const [farthest] = readings.filter(isUnreadable).sort((a, b) => b.triedTo - a.triedTo)
    if (farthest !== undefined && readings.every(isUnreadable)) {
      if (this.#options.column !== undefined && this.#options.header !== false)
        throw new CodeFileError(`The first row, which must be the header, cannot be read. ${farthest.reason}`)
      return this.#rejectLine(text, at, last, farthest)
    }
    // A bar may be a code, unless it is the only possible delimiter.
    const surelyDelimited = readings.filter((_, i) => this.#delimiters[i] !== bar || readings.length === 1)
    const blank = surelyDelimited.find(isBlankRow)
    if (blank !== undefined) return this.#passBlank(blank)
    const beginnings = possibleBeginnings(text, at, last, this.#delimiters)
    // If the layout is not found, a person has to choose from these.
    this.#noteFirstRows(bestWithoutName(beginnings, this.#options.column).rows)
    const start = findStart(text, beginnings, this.#options)
    this.#noteFirstRows(start.rows)
    this.#quotes.count(text.slice(start.next))
    this.#batch.number += start.above
    const { header } = start
    if (header !== undefined) this.headerRow = this.#batch.number
    const own =
      header &&
      ownFileOf({ ...header, text: text.slice(header.start, header.end) }, start.below, start.layout)
    this.#column = new CodeColumn(start.layout, own, this.#batch)
    return start.next
  }

  /** `rows`: from here on. */
  #noteFirstRows(rows: readonly BeginningRow[]): void {
    this.#firstRows = rows.slice(0, maxFirstRows).map(({ above, cells }) => ({
      number: this.#batch.number + above + 1,
      cells: cells.slice(0, maxShownCells).map(shownCell),
    }))
  }

  /** BEGINNING: the row at `at`, read with each delimiter; `undefined` if it has not ended yet. */
  #readWithEach(text: ByteString, at: number, last: boolean): (Row | Unreadable)[] | undefined {
    const readings: (Row | Unreadable)[] = []
    for (const delimiter of this.#delimiters) {
      const reading = this.#readRow(text, at, last, delimiter)
      if (reading === undefined) return undefined
      readings.push(reading)
    }
    return readings
  }

  /** BEGINNING: whether a line is blank, seen at a glance, as there can be very many above the rows of a file. */
  #isBlankLine(line: ByteString): boolean {
    return isBlankCell(line) || (this.#delimiters.length > 1 && onlyDelimiters.test(line))
  }

  /** BEGINNING: counts a blank row above all others. */
  #passBlank({ next }: { next: number }): number {
    this.#batch.number += 1
    return next
  }

  /** ROWS, the fast path: lines without a quote. */
  *#readPlainLines(text: ByteString, column: CodeColumn): Generator<Rows> {
    const { columns, split } = column.layout
    const batch = this.#batch
    const withLineFeeds = text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text
    const isUsual = columns === 1 && !anythingUnusual.test(withLineFeeds)
    const lines = withLineFeeds.split('\n')
    // No line follows the last line end.
    if (lines.at(-1) === '') lines.pop()
    for (const line of lines) {
      batch.number += 1
      if (isUsual && line.length <= maxUploadedCodeLength) {
        const code = line.trim()
        if (code !== '') column.addCode(code, line)
      } else if (line.length > maxRowBytes) batch.reject(line, tooLong)
      else column.addRow({ cells: line.split(split), strays: [] }, line)
      if (batch.isFull()) yield batch.drain()
    }
  }

  /** ROWS: reads one row. */
  #readOne(text: ByteString, at: number, last: boolean, column: CodeColumn): number {
    const { layout } = column
    const row = this.#readRow(text, at, last, layout.delimiters)
    if (row === undefined) return at
    if (row.kind === 'UNREADABLE') {
      const next = this.#rejectLine(text, at, last, row)
      if (layout.columns > 1) {
        this.#quotes.noteRow(this.#batch.number, { quoted: true, isBroken: true })
        // Either the closing quote or the opening one is wrong. In the first case the cell continues.
        const isClosed = row.reason === textAfterQuote
        const insideFor = isClosed && row.triedTo > next ? row.triedTo - next : undefined
        this.#doubt = new QuoteDoubt(layout, { isOpen: !isClosed, insideFor })
        this.#singleLines = 0
      }
      return next
    }
    this.#batch.number += 1
    this.#quotes.noteRow(this.#batch.number, { quoted: row.quoted, isBroken: row.strays.length > 0 })
    column.addRow(row, text.slice(at, row.end))
    return row.next
  }

  /** DOUBT: rejects one line, unless it certainly begins a row. */
  #readInDoubt(text: ByteString, at: number, last: boolean, doubt: QuoteDoubt): number {
    const settle = () => {
      this.#doubt = undefined
      return at
    }
    // The row with broken quotes has ended by now: no row is longer.
    if (doubt.bytes > maxRowBytes) return settle()
    const line = lineEnd(text, at, last)
    if (line === undefined && text.length - at <= maxRowBytes) return at
    if (line === undefined || line.end - at > maxRowBytes) {
      doubt.bytes += maxRowBytes
      return this.#rejectLine(text, at, last, { kind: 'UNREADABLE', reason: tooLong, triedTo: at })
    }
    const isSettled = doubt.isSettled(text, at, last)
    if (isSettled === undefined) return at
    if (isSettled) return settle()
    const content = text.slice(at, line.end)
    const { reason, isOver } = doubt.readLine(content, line.next - at)
    this.#batch.number += 1
    if (!isBlankCell(content)) this.#batch.reject(content, reason)
    if (isOver) this.#doubt = undefined
    return line.next
  }

  /** `undefined` if the row has not ended yet. */
  #readRow(text: ByteString, at: number, last: boolean, delimiters: string): Row | Unreadable | undefined {
    const line = at < this.#singleLines ? lineEnd(text, at, last) : undefined
    if (line !== undefined && line.end <= this.#singleLines) {
      const row = readRow(text.slice(at, line.end), 0, true, delimiters)
      return row?.kind === 'ROW'
        ? { ...row, end: line.end, next: line.next }
        : { kind: 'UNREADABLE', reason: neverClosed, triedTo: at }
    }
    const row = readRow(text, at, last, delimiters)
    if (row?.kind === 'BROKEN') {
      const isWholeLine = lineEnd(text, at, last) !== undefined || text.length - at > maxRowBytes
      return isWholeLine ? { kind: 'UNREADABLE', reason: row.reason, triedTo: row.at } : undefined
    }
    const end = row?.end ?? text.length
    if (end - at <= maxRowBytes) return row
    const firstLine = lineEnd(text, at, true)
    const reason = firstLine !== undefined && firstLine.end - at <= maxRowBytes ? neverClosed : tooLong
    return { kind: 'UNREADABLE', reason, triedTo: at + maxRowBytes }
  }

  #rejectLine(text: ByteString, at: number, last: boolean, { reason, triedTo }: Unreadable): number {
    this.#batch.number += 1
    this.#batch.reject(text.slice(at, lineEnd(text, at, true)?.end), reason)
    this.#singleLines = Math.max(this.#singleLines, triedTo)
    return this.#skipRejectedLine(text, at, last)
  }

  #skipRejectedLine(text: ByteString, at: number, last: boolean): number {
    const line = lineEnd(text, at, last)
    this.#inRejectedLine = line === undefined
    if (line !== undefined) return line.next
    // A line feed that follows belongs to this line end.
    return text.endsWith('\r') ? text.length - 1 : text.length
  }
}

/** Counts the quotes of a table: if they do not come in pairs, rows may have been read wrong. */
class QuoteTally {
  #total = 0
  #hasQuotedCells = false
  #firstBroken: number | undefined

  count(text: ByteString): void {
    for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) this.#total += 1
  }

  noteRow(number: number, row: { quoted: boolean; isBroken: boolean }): void {
    this.#hasQuotedCells ||= row.quoted
    if (row.isBroken) this.#firstBroken ??= number
  }

  /** CodeFileError unless the quotes come in pairs. */
  check(): void {
    if (!this.#hasQuotedCells || this.#total % 2 === 0) return
    const where =
      this.#firstBroken === undefined ? '' : `; the first one with a wrong quote is row ${this.#firstBroken}`
    throw new CodeFileError(
      `The quotes (") in the file do not come in pairs, so it is not clear where its rows end${where}. Check that row and ` +
        'the rows above it: close each quote that opens a cell, and double each quote inside a quoted cell.',
    )
  }
}

function isUnreadable(reading: Row | Unreadable): reading is Unreadable {
  return reading.kind === 'UNREADABLE'
}

function isBlankRow(reading: Row | Unreadable): reading is Row {
  return reading.kind === 'ROW' && reading.cells.every(isBlankCell)
}

// As spreadsheets write blank rows: delimiters, and nothing between them.
const onlyDelimiters = /^(?:,+|;+|\t+)$/

const tooLong = `The row is longer than ${grouped(maxRowBytes)} bytes. Check whether line breaks are missing in the file.`

/** Where the complete lines without a quote that begin at `at` end; `at` if there are none. */
function endOfPlainLines(text: ByteString, at: number, last: boolean): number {
  const quote = text.indexOf('"', at)
  if (quote === -1 && last) return text.length
  const before = text.slice(at, quote === -1 ? text.length : quote)
  // A carriage return at the very end may be half of a line end.
  return at + Math.max(before.lastIndexOf('\n'), before.slice(0, -1).lastIndexOf('\r')) + 1
}
