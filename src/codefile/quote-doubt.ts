import type { ByteString } from './byte-string.ts'
import { lineEnd, readLine } from './cells.ts'

/** In bytes. The reader keeps little more of a file in memory. */
export const maxRowBytes = 65_536

interface NextQuote {
  text: ByteString
  /** Its position, or the end of the text. */
  at: number
  /** Whether it makes sense only if the lines before it begin rows; `undefined` until that is known. */
  settles: boolean | undefined
}

const restOfAnother =
  'This may be the rest of an earlier row whose quotes (") do not match, so it is not clear whether a row begins here. ' +
  'Correct the quotes in that row and upload the file again. Codes that have been added are not added twice.'

/**
 * The lines after a row with broken quotes in a file of several columns. Each may begin a row, or begin inside a quoted
 * cell. Both readings are followed until only one makes sense.
 */
export class QuoteDoubt {
  /** How many bytes have been read in doubt. */
  bytes = 0
  readonly #table: { delimiters: string; columns: number }
  /** Whether the next line may begin inside a quoted cell, and whether it may begin a row. */
  #inside = true
  #outside = true
  /** Whether the quoted cell may never be closed. */
  #isOpen: boolean
  /** The quoted cell that may be open continues for at least this many bytes, whatever quotes they contain. */
  #insideFor: number | undefined
  /** The next quote in `text`: each is searched for, and judged, only once. */
  #nextQuote: NextQuote = { text: '', at: -1, settles: undefined }

  /** `insideFor`: if the cell was closed by the wrong quote, it continues for this many bytes. */
  constructor(
    table: { delimiters: string; columns: number },
    { isOpen, insideFor }: { isOpen: boolean; insideFor: number | undefined },
  ) {
    this.#table = table
    this.#isOpen = isOpen
    this.#insideFor = insideFor
  }

  /**
   * Whether the line at `at` certainly begins a row: the next quote makes sense only then, or no quote could close a
   * cell. `undefined` if the text ends before that is certain.
   */
  isSettled(text: ByteString, at: number, last: boolean): boolean | undefined {
    if (!this.#inside || this.#insideFor !== undefined) return false
    const quote = this.#quoteFrom(text, at)
    const isFar = quote - at > maxRowBytes
    if (quote === text.length && !last && !isFar) return undefined
    if (quote === text.length || isFar) return !this.#isOpen
    if (!this.#outside) return false
    this.#nextQuote.settles ??= this.#settles(text, { at, quote }, last)
    return this.#nextQuote.settles
  }

  /** Whether the quote makes sense only if the line at `at`, and with it each up to that of the quote, begins a row. */
  #settles(
    text: ByteString,
    { at, quote }: { at: number; quote: number },
    last: boolean,
  ): boolean | undefined {
    const line = lineEnd(text, quote, last)
    if (line === undefined) return text.length - quote > maxRowBytes ? false : undefined
    const before = text.slice(at, quote)
    const start = at + Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\r')) + 1
    const content = text.slice(start, line.end)
    const outside = readLine(content, false, this.#table.delimiters)
    return (
      readLine(content, true, this.#table.delimiters).kind === 'BROKEN' &&
      (outside.kind === 'CONTINUES' || (outside.kind === 'ENDS' && outside.cells >= this.#table.columns))
    )
  }

  /** Reads a line in each possible way: why it is rejected, and whether the next line certainly begins a row. */
  readLine(content: ByteString, length: number): { reason: string; isOver: boolean } {
    const skipped = this.#insideFor ?? 0
    const isSkipped = skipped > content.length
    this.#insideFor = isSkipped ? Math.max(0, skipped - length) : undefined
    const inside = this.#inside ? readLine(content.slice(skipped), true, this.#table.delimiters) : undefined
    const outside = this.#outside ? readLine(content, false, this.#table.delimiters) : undefined
    const reason = outside?.kind === 'BROKEN' ? outside.reason : restOfAnother
    this.bytes += length
    if (isSkipped) return { reason, isOver: false }
    const kinds = [inside?.kind, outside?.kind]
    this.#inside = kinds.includes('CONTINUES')
    this.#outside = kinds.includes('ENDS')
    if (this.#inside || this.#outside) return { reason, isOver: !this.#inside }
    // Neither reading makes sense: begin again.
    this.#inside = true
    this.#outside = true
    this.#isOpen = false
    return { reason, isOver: false }
  }

  #quoteFrom(text: ByteString, at: number): number {
    if (this.#nextQuote.at < at || this.#nextQuote.text !== text) {
      const found = text.indexOf('"', at)
      this.#nextQuote = { text, at: found === -1 ? text.length : found, settles: undefined }
    }
    return this.#nextQuote.at
  }
}
