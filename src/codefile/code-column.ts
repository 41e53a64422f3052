import { grouped } from '../grouped.ts'
import type { ByteString } from './byte-string.ts'
import { type Row, strayQuote } from './cells.ts'
import { isBlankCell, readCell } from './code.ts'
import { isExplanation, isFiller, isRemark, maxExplanationRows } from './explanation.ts'
import { columnNameOf } from './header-names.ts'
import { inSingleQuotes, type TableLayout } from './layout.ts'
import { type OwnFile, ownCell, readOwnRow } from './own-file.ts'
import type { RowBatch } from './row-batch.ts'

/** Finds the code in each row of a file whose layout is known, and accepts or rejects it. Ignores blank rows. */
export class CodeColumn {
  readonly layout: TableLayout
  readonly #own: OwnFile | undefined
  readonly #batch: RowBatch

  constructor(layout: TableLayout, own: OwnFile | undefined, batch: RowBatch) {
    this.layout = layout
    this.#own = own
    this.#batch = batch
  }

  /** `text`: the row as it is in the file. */
  addRow({ cells, strays }: Pick<Row, 'cells' | 'strays'>, text: ByteString): void {
    if (cells.every(isBlankCell)) return
    const cell = cells[this.layout.index] ?? ''
    const reason = this.#reasonAgainstRow(cells, strays, text)
    if (reason !== undefined) {
      this.#batch.reject(text, reason)
      return
    }
    const reading = this.#own === undefined ? readCell(cell) : readOwnRow(this.#own, cells)
    if ('reason' in reading)
      this.#batch.reject(this.#own === undefined ? cell : ownCell(this.#own, cells), reading.reason)
    else if (reading.code === '') this.#batch.reject(text, noCode)
    else if (this.#own !== undefined) this.#batch.accept(reading.code)
    else this.addCode(reading.code, text)
  }

  /** Adds the code of a row that is not from an own file, if it is a code. */
  addCode(text: string, row: ByteString): void {
    const { layout } = this
    const code =
      layout.inSingleQuotes && inSingleQuotes.test(text)
        ? text.slice(1, -1).replaceAll("''", "'").trim()
        : text
    const reason = this.#reasonAgainstCode(code)
    if (reason === undefined) this.#batch.accept(code)
    else this.#batch.reject(row, reason)
  }

  /** Why it is not clear which cell of a row is the code. */
  #reasonAgainstRow(
    cells: readonly ByteString[],
    strays: readonly number[],
    text: ByteString,
  ): string | undefined {
    const { columns, index, delimiters } = this.layout
    const cell = cells[index]
    if (cell === undefined) return `The row has no column ${index + 1}, which is the one with the codes.`
    const hasMore = cells.length > columns && !cells.slice(columns).every(isBlankCell)
    if (hasMore && (columns === 1 || index > 0 || lineEnds.test(text) || isSplit(cells, columns, text)))
      return (
        `${cellCounts(cells.length, columns)}, so it is not clear which one is the code. Put any cell that contains a comma, a semicolon or a ` +
        'tab in quotes.'
      )
    if (cells.length < columns) {
      if (cell.includes(delimiters))
        return `${cellCounts(cells.length, columns)}, with quotes around more than one of them. Quote each cell separately, or none.`
      if (otherDelimiters.test(cell) && !isQuoted(cell, text))
        return (
          `${cellCounts(cells.length, columns)}, so its delimiter may be another one. Use the same delimiter in all rows, or quote the code if ` +
          'the character is part of it.'
        )
    }
    return strays.includes(index) && (cell.split('"').length - 1) % 2 === 1 ? strayQuote : undefined
  }

  #reasonAgainstCode(code: string): string | undefined {
    const { name, hasExplanations, hasRemarks, inWords } = this.layout
    if (code === '') return noCode
    if (hasRemarks && isFiller(code))
      return isNoCode('a line between rows, a word for an empty cell, or a row count')
    // Files that were concatenated have the header again in the middle.
    if (
      name !== undefined &&
      (code.length === name.length || code.includes(' ')) &&
      columnNameOf(code) === name
    )
      return 'This is the name of the column again, not a code.'
    const isText =
      (hasExplanations && this.#batch.count < maxExplanationRows && isExplanation(code, inWords)) ||
      // Most codes have no space.
      (hasRemarks && !inWords && code.includes(' ') && isRemark(code))
    return isText ? isNoCode('a text for people, such as the explanations in a template') : undefined
  }
}

function cellCounts(here: number, inFirst: number): string {
  return `The row has ${grouped(here)} cells and the first row has ${grouped(inFirst)}`
}

const noCode = 'This row has no code: its cell is empty.'

function isNoCode(what: string): string {
  return `This is ${what}, not a code. If it is a code, upload it in a file without a header, and say that it has none.`
}

const lineEnds = /[\r\n]/

const otherDelimiters = /[\t;,|]/

function isQuoted(cell: ByteString, row: ByteString): boolean {
  return row.includes('"') && row.includes(`"${cell.replaceAll('"', '""')}"`)
}

/**
 * Whether a row with too many cells may have its code, the first cell, split at a delimiter: "SAVE,10,5". In text, a
 * space follows the comma: "SAVE10,buy one, get one".
 */
function isSplit(cells: readonly ByteString[], columns: number, row: ByteString): boolean {
  return !isQuoted(cells[0] ?? '', row) && cells.slice(columns).some((cell) => /^\S/.test(cell))
}
