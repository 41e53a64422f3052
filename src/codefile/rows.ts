import { grouped } from '../grouped.ts'
import { maxBeginningBytes } from './beginning.ts'
import { type ByteString, shown } from './byte-string.ts'
import { goesOn, lineEnd, neverClosed, type Row, readLine, readRow, strayQuote } from './cells.ts'
import { anythingUnusual, isBlank, maxUploadedCodeLength, readCode } from './code.ts'
import { CodeFileError } from './code-file-error.ts'
import { isExplanation, isFiller, isRemark, maxExplanationRows } from './explanation.ts'
import {
  delimiters,
  findStart,
  inSingleQuotes,
  type Layout,
  type LayoutOptions,
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
export const maxRowBytes = 65_536

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
 *
 * In a file of several columns, what follows a row whose quotes make no sense may be the rest of it, and be taken for
 * rows. From there on, each line is read in both ways, as one that begins a row and as one that begins inside a quoted
 * cell, and it is refused until only the first makes sense. A file of one column needs none of this: a code has no line
 * ends in it, so each of its lines is a row.
 */
export class RowReader {
  readonly #options: LayoutOptions
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
  /** Set while it is not known whether the next line begins inside a quoted cell. */
  #doubt: Doubt | undefined
  /** How many quotes the table has, whether any begins a cell, and the first row in which they make no sense. */
  #quotes = 0
  #hasQuotedCells = false
  #firstNonsense: number | undefined
  #number = 0
  #headerRow: number | undefined
  #count = 0
  #batch: Rows = { rows: [], refused: [] }

  /** `skip`: of the rows, this many are passed over. */
  constructor(options: LayoutOptions, skip: number) {
    this.#options = options
    this.#skip = skip
  }

  /** How the file is laid out, as soon as that is known. */
  get layout(): Layout | undefined {
    return this.#layout
  }

  /** The number of the row that is the header, once the layout is known; `undefined` if there is none. */
  get headerRow(): number | undefined {
    return this.#headerRow
  }

  /** Yields whenever there are `rowsAtOnce` rows. `last`: nothing comes after this piece. */
  *read(piece: ByteString, last: boolean): Generator<Rows> {
    const text = this.#rest + piece
    if (this.#layout !== undefined) this.#quotes += quotesIn(piece)
    let at = 0
    while (at < text.length) {
      const from = at
      const doubt = this.#doubt
      if (this.#inRefusedLine) at = this.#endOfRefusedLine(text, at, last)
      else if (this.#layout === undefined) at = this.#readFirst(text, at, last)
      // What has told the layout may be the first row with a code.
      if (this.#layout !== undefined && !this.#inRefusedLine && at < text.length) {
        const end = this.#doubt === undefined ? endOfLines(text, at, last) : at
        if (this.#doubt !== undefined) at = this.#readDoubtful(text, at, last, this.#layout, this.#doubt)
        else if (end === at) at = this.#readOne(text, at, last, this.#layout)
        else {
          yield* this.#readLines(text.slice(at, end), this.#layout)
          at = end
        }
      }
      if (this.#isFull()) yield this.take()
      // What has become clear, or doubtful, is read again in another way.
      if (at === from && this.#doubt === doubt) break
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

  /**
   * CodeFileError if the file had no row, or if the quotes of a table do not come in pairs: then a quoted cell may have
   * ended, or gone on, in any of its rows, and what looks like a row is the rest of one.
   */
  end(): void {
    if (this.#hasQuotedCells && this.#quotes % 2 === 1 && (this.#layout?.columns ?? 1) > 1)
      throw new CodeFileError(
        `The quotes (") in the file do not come in pairs, so it is in doubt where its rows end${
          this.#firstNonsense === undefined
            ? ''
            : `; the first that makes no sense is row ${this.#firstNonsense}`
        }. Look there and in the rows above: each quote that opens a cell has to be closed, and one that belongs to a ` +
          'cell has to be doubled, in a cell that stands in quotes.',
      )
    if (this.#count > 0) return
    throw new CodeFileError(
      this.#layout === undefined
        ? 'The file is empty. Export the codes again, and look into the file before you upload it.'
        : 'The file has a header and no codes. Export them again, and look into the file before you upload it.',
    )
  }

  /** Finds the layout in the beginning of the file, and where its codes begin. */
  #readFirst(text: ByteString, at: number, last: boolean): number {
    if (!last && text.length - at < maxBeginningBytes) return at
    const line = text.slice(at, lineEnd(text, at, last)?.end)
    const told = this.#number === 0 ? toldDelimiter.exec(line.trim())?.[1] : undefined
    if (told !== undefined && this.#delimiters.length > 1) {
      this.#delimiters = [told]
      return lineEnd(text, at, last)?.next ?? text.length
    }
    const readings = this.#unreadable(text, at, last)
    if (readings === undefined) return at
    if (readings.length === this.#delimiters.length) {
      const [reading] = readings.sort((a, b) => b.triedTo - a.triedTo) as [Unreadable]
      if (this.#options.column !== undefined)
        throw new CodeFileError(
          `The first row, which has to be the header, cannot be read. ${reading.reason}`,
        )
      return this.#refuseLine(text, at, last, reading)
    }
    const start = findStart(text, at, last, this.#delimiters, this.#options)
    if ('blankRows' in start) {
      this.#number += start.blankRows
      return start.next
    }
    this.#layout = start.layout
    this.#quotes = quotesIn(text.slice(start.next))
    this.#number += start.above
    if (start.header !== undefined) {
      const { cells, start: from, end } = start.header
      this.#headerRow = this.#number
      this.#own = ownFileOf({ cells, text: text.slice(from, end) }, start.below, start.layout)
    }
    return start.next
  }

  /**
   * Why the row that begins at `at` cannot be read, for each delimiter with which it cannot; `undefined` if the text ends
   * before its end.
   */
  #unreadable(text: ByteString, at: number, last: boolean): Unreadable[] | undefined {
    const unreadable: Unreadable[] = []
    for (const delimiter of this.#delimiters) {
      const row = this.#readRow(text, at, last, delimiter)
      if (row.kind === 'UNFINISHED') return undefined
      if (row.kind === 'UNREADABLE') unreadable.push(row)
    }
    return unreadable
  }

  *#readLines(text: ByteString, layout: Layout): Generator<Rows> {
    const plain = text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text
    const usual = layout.columns === 1 && !anythingUnusual.test(plain)
    const lines = plain.split('\n')
    // What is behind the last line end is no line.
    if (lines.at(-1) === '') lines.pop()
    for (const line of lines) {
      this.#number += 1
      if (usual && line.length <= maxUploadedCodeLength) {
        const code = line.trim()
        if (code !== '') this.#addCode(code, line, layout)
      } else if (line.length > maxRowBytes) this.#refuse(line, tooLong)
      else this.#addRow({ cells: line.split(layout.split), strays: [] }, line, layout)
      if (this.#isFull()) yield this.take()
    }
  }

  #readOne(text: ByteString, at: number, last: boolean, layout: Layout): number {
    const row = this.#readRow(text, at, last, layout.delimiters)
    if (row.kind === 'UNFINISHED') return at
    if (row.kind === 'UNREADABLE') {
      const next = this.#refuseLine(text, at, last, row)
      if (layout.columns > 1) {
        this.#hasQuotedCells = true
        this.#firstNonsense ??= this.#number
        // The quote at which it breaks may be the wrong one, or the one that has opened the cell: then the cell goes on.
        const until = row.reason === goesOn && row.triedTo > next ? row.triedTo - next : undefined
        this.#doubt = { inside: true, outside: true, isOpen: row.reason !== goesOn, bytes: 0, until }
        this.#singleLines = 0
      }
      return next
    }
    this.#hasQuotedCells ||= row.quoted
    if (row.strays.length > 0) this.#firstNonsense ??= this.#number + 1
    this.#number += 1
    this.#addRow(row, text.slice(at, row.end), layout)
    return row.next
  }

  /** Reads a line of which it is not known whether it begins inside a quoted cell. */
  #readDoubtful(text: ByteString, at: number, last: boolean, layout: Layout, doubt: Doubt): number {
    // No row is as long as that: it has ended, wherever that was.
    if (doubt.bytes > maxRowBytes) {
      this.#doubt = undefined
      return at
    }
    const line = lineEnd(text, at, last)
    if (line === undefined && text.length - at <= maxRowBytes) return at
    if (line === undefined || line.end - at > maxRowBytes) {
      doubt.bytes += maxRowBytes
      return this.#refuseLine(text, at, last, { kind: 'UNREADABLE', reason: tooLong, triedTo: at })
    }
    if (doubt.inside && doubt.until === undefined) {
      const settled = this.#isSettled(text, at, last, layout, doubt)
      if (settled === undefined) return at
      if (settled) {
        this.#doubt = undefined
        return at
      }
    }
    const content = text.slice(at, line.end)
    const goesOnFrom = doubt.until ?? 0
    const isBefore = goesOnFrom > content.length
    doubt.until = isBefore ? Math.max(0, goesOnFrom - (line.next - at)) : undefined
    const inside = doubt.inside ? readLine(content.slice(goesOnFrom), true, layout.delimiters) : undefined
    const outside = doubt.outside ? readLine(content, false, layout.delimiters) : undefined
    const kinds = [inside?.kind, outside?.kind]
    this.#number += 1
    if (!isBlank(content))
      this.#refuse(content, outside?.kind === 'NONSENSE' ? outside.reason : restOfAnother)
    doubt.bytes += line.next - at
    // It is known already that a cell goes on, or that none does.
    if (isBefore) return line.next
    doubt.inside = kinds.includes('GOES_ON')
    doubt.outside = kinds.includes('ENDS')
    if (!doubt.inside && !doubt.outside) {
      doubt.inside = true
      doubt.outside = true
      doubt.isOpen = false
    } else if (!doubt.inside) this.#doubt = undefined
    return line.next
  }

  /**
   * Whether a line that is in doubt begins a row for certain: the next quote makes sense only then, or there is none
   * that could end a cell. `undefined` if the text ends before that is clear.
   */
  #isSettled(text: ByteString, at: number, last: boolean, layout: Layout, doubt: Doubt): boolean | undefined {
    if (doubt.quoteAt === undefined || doubt.quoteAt < at || doubt.text !== text) {
      const found = text.indexOf('"', at)
      doubt.quoteAt = found === -1 ? text.length : found
      doubt.text = text
    }
    const quote = doubt.quoteAt
    const isFar = quote - at > maxRowBytes
    if (quote === text.length && !last && !isFar) return undefined
    if (quote === text.length || isFar) return !doubt.isOpen
    if (!doubt.outside) return false
    const start = Math.max(text.lastIndexOf('\n', quote), text.lastIndexOf('\r', quote)) + 1
    const line = lineEnd(text, quote, last)
    if (line === undefined) return text.length - quote > maxRowBytes ? false : undefined
    const content = text.slice(Math.max(start, at), line.end)
    const outside = readLine(content, false, layout.delimiters)
    return (
      readLine(content, true, layout.delimiters).kind === 'NONSENSE' &&
      (outside.kind === 'GOES_ON' || (outside.kind === 'ENDS' && outside.cells >= layout.columns))
    )
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
      const inFull = lineEnd(text, at, last) !== undefined || text.length - at > maxRowBytes
      return inFull ? { kind: 'UNREADABLE', reason: row.reason, triedTo: row.at } : { kind: 'UNFINISHED' }
    }
    const end = row.kind === 'ROW' ? row.end : text.length
    if (end - at <= maxRowBytes) return row
    const firstLine = lineEnd(text, at, true)
    const reason = firstLine !== undefined && firstLine.end - at <= maxRowBytes ? neverClosed : tooLong
    return { kind: 'UNREADABLE', reason, triedTo: at + maxRowBytes }
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

  #addRow({ cells, strays }: Pick<Row, 'cells' | 'strays'>, row: ByteString, layout: Layout): void {
    if (cells.every(isBlank)) return
    const { columns, index } = layout
    const cell = cells[index]
    const hasMore = cells.length > columns && !cells.slice(columns).every(isBlank)
    if (cell === undefined) {
      this.#refuse(row, `The row has no column ${index + 1}, which is the one with the codes.`)
    } else if (
      hasMore &&
      (columns === 1 || index > 0 || lineEnds.test(row) || isSplit(cells, columns, row))
    ) {
      this.#refuse(
        row,
        `The row has ${grouped(cells.length)} cells and the first row ${grouped(columns)}, so it is in doubt which is the code. Put a ` +
          'cell that has a comma, a semicolon or a tab in quotes.',
      )
    } else if (columns > 1 && cells.length < columns && cell.includes(layout.delimiters)) {
      this.#refuse(
        row,
        `The row has ${grouped(cells.length)} cells and the first row ${grouped(columns)}, and quotes around more than one of them. Put ` +
          'quotes around each cell by itself, or around none.',
      )
    } else if (cells.length < columns && otherDelimiters.test(cell) && !isQuoted(cell, row)) {
      this.#refuse(
        row,
        `The row has ${grouped(cells.length)} cells and the first row ${grouped(columns)}, so it may be divided by another ` +
          'character than the first. Divide all rows in the same way, or put the code in quotes if all of it is one.',
      )
    } else if (strays.includes(index) && (cell.split('"').length - 1) % 2 === 1) {
      this.#refuse(row, strayQuote)
    } else {
      const reading = this.#own === undefined ? readCode(cell) : readOwnRow(this.#own, cells)
      if ('refused' in reading)
        this.#refuse(this.#own === undefined ? cell : shownCell(this.#own, cells), reading.refused)
      else if (reading.code === '') this.#refuse(row, noCode)
      else if (this.#own !== undefined) this.#accept(reading.code)
      else this.#addCode(reading.code, row, layout)
    }
  }

  /** Files that were put together have the header again where another begins. */
  #addCode(text: string, row: ByteString, layout: Layout): void {
    const { name } = layout
    const code =
      layout.inSingleQuotes && inSingleQuotes.test(text)
        ? text.slice(1, -1).replaceAll("''", "'").trim()
        : text
    if (code === '') this.#refuse(row, noCode)
    else if (layout.hasRemarks && isFiller(code))
      this.#refuse(
        row,
        'It stands where there is no code: a rule between rows, a word for an empty cell, or the number of rows. If it ' +
          'is a code, upload it in a file without a header, with header=false.',
      )
    else if (
      name !== undefined &&
      (code.length === name.length || code.includes(' ')) &&
      nameOf(code) === name
    )
      this.#refuse(row, 'It is the name of the column again, and no code.')
    else if (this.#isText(code, layout))
      this.#refuse(
        row,
        'It is written for people, as the explanations of a template are, and no code. If it is one, upload it in a ' +
          'file without a header, with header=false.',
      )
    else this.#accept(code)
  }

  #isText(code: string, { hasExplanations, hasRemarks, inWords }: Layout): boolean {
    if (hasExplanations && this.#count < maxExplanationRows && isExplanation(code, inWords)) return true
    // Most codes have no space.
    return hasRemarks && !inWords && code.includes(' ') && isRemark(code)
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

/** What is not known of a line: whether it begins inside a quoted cell, or outside. */
interface Doubt {
  inside: boolean
  outside: boolean
  /** Whether a quoted cell may never end: then no end of it need come. */
  isOpen: boolean
  /** How much has been read since. */
  bytes: number
  /** So far behind, a cell that goes on has a quote that is to be passed over. */
  until?: number | undefined
  /** Where the next quote stands in this text, or that ends, once it was looked for. */
  quoteAt?: number
  text?: ByteString
}

function quotesIn(text: ByteString): number {
  let count = 0
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) count += 1
  return count
}

const noCode = 'There is no code in this row: its cell is empty.'

const lineEnds = /[\r\n]/

const otherDelimiters = /[\t;,|]/

/** Whether a cell of a row stands in quotes there. */
function isQuoted(cell: ByteString, row: ByteString): boolean {
  return row.includes('"') && row.includes(`"${cell.replaceAll('"', '""')}"`)
}

/**
 * Whether a row with too many cells may have its code, the first cell, split at a delimiter: "SAVE,10,5". In text a
 * space follows the comma: "SAVE10,buy one, get one".
 */
function isSplit(cells: readonly ByteString[], columns: number, row: ByteString): boolean {
  return !isQuoted(cells[0] ?? '', row) && cells.slice(columns).some((cell) => /^\S/.test(cell))
}

const restOfAnother =
  'It may be the rest of a row further up, whose quotes (") make no sense: it is in doubt whether a row begins here. ' +
  'Mend the quotes of that row and upload the file again. What was added already is not added twice.'

const tooLong = `The row is longer than ${grouped(maxRowBytes)} bytes. Look whether line ends are missing in the file.`

/** Up to where the text is of whole lines that are each a row, as there is no quote in them; `at` if there are none. */
function endOfLines(text: ByteString, at: number, last: boolean): number {
  const quote = text.indexOf('"', at)
  if (quote === -1 && last) return text.length
  const before = text.slice(at, quote === -1 ? text.length : quote)
  // A carriage return at the very end may be half of a line end.
  return at + Math.max(before.lastIndexOf('\n'), before.slice(0, -1).lastIndexOf('\r')) + 1
}
