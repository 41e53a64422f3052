import { Pacer } from '../../async/pacer.ts'
import { codesColumns, headerOf } from '../../codefile/own-file.ts'
import type { Books } from '../../domain/books/books.ts'
import { withoutFirst } from '../../domain/pool/ranges.ts'
import { type CodeStatus, isCurrent } from '../../domain/pool/snapshot.ts'
import {
  codesOf,
  cut,
  type Excerpt,
  type OpenedSource,
  type Run,
  readStretches,
  SnapshotChangedError,
  type Stretch,
} from '../../domain/usage/line-reader.ts'
import type { CodeValidity } from '../../domain/usage/usage.ts'
import {
  byteOrderMark,
  type CellFrame,
  type CsvForm,
  cell,
  cellFrame,
  delimitersByName,
  endOfRow,
} from './csv.ts'
import { RowBytes } from './row-bytes.ts'

/**
 * A file shows an *excerpt* of a pool, which is read in *stretches*: codes of one source, in *runs* of codes of which the same
 * had become. They are written as *pieces*, the buffers that are sent. A download can start at any byte, so a file is measured
 * in the same stretches.
 */

/**
 * The version of the file format. A client that resumes a file of an earlier release must get the same bytes: increase this
 * for every change of the bytes, such as a new column or another way to write a cell.
 */
export const fileVersion = 3

// Few enough not to block the event loop, and enough to make the overhead small.
const maxRowsAtOnce = 4096

// Smaller pieces are sent together.
const minPieceBytes = 65_536

// Room for rows that are longer than those of the piece before.
const spareBytes = 4_096

/** The beginning of a row of the file: the number of codes and of bytes before it. */
interface RowStart {
  codes: bigint
  offset: bigint
}

/** What the rows of a source have in common. */
interface SourceCells {
  /** What surrounds each code, if it is the same for all. */
  frame: CellFrame | undefined
  /** The cell of any code, if those of all codes have as many bytes. */
  sample: Buffer | undefined
  /** The last cell, from the delimiter before it on. */
  end: Buffer
}

/** Codes of a pool as a CSV file of any length. Only the rows being written are in memory. */
export class CodesFile {
  readonly #books: Books
  readonly #excerpt: Excerpt
  readonly #raw: boolean
  readonly #delimiter: string
  readonly #header: Buffer
  readonly #separator: Buffer
  /** Between their delimiters. */
  readonly #words: Readonly<Record<CodeStatus | CodeValidity, Buffer>>
  readonly #sourceCells = new WeakMap<OpenedSource, SourceCells>()
  readonly #measuring: RowBytes
  /** How many bytes the rows had that were written last. */
  #lastBytes = minPieceBytes
  readonly #pacer = new Pacer(2)

  /** Without header and byte order mark, the rows continue a file that the client already has. */
  constructor(books: Books, excerpt: Excerpt, form: CsvForm & { withHeader: boolean }) {
    this.#books = books
    this.#excerpt = excerpt
    this.#raw = form.raw
    this.#measuring = new RowBytes(form.raw, spareBytes)
    this.#delimiter = delimitersByName[form.delimiter]
    this.#separator = Buffer.from(this.#delimiter)
    const between = (word: string) => Buffer.from(this.#delimiter + word + this.#delimiter)
    this.#words = {
      AVAILABLE: between('AVAILABLE'),
      CLAIMED: between('CLAIMED'),
      WITHDRAWN: between('WITHDRAWN'),
      NOT_CLAIMED: between('NOT_CLAIMED'),
      VALID: between('VALID'),
      EXPIRED: between('EXPIRED'),
      REDEEMED: between('REDEEMED'),
      VOIDED: between('VOIDED'),
    }
    const header =
      (form.bom ? byteOrderMark : '') + headerOf(codesColumns, form.raw, this.#delimiter) + endOfRow
    this.#header = Buffer.from(form.withHeader ? header : '')
  }

  /** The whole file. Rejects with a SnapshotChangedError before its end if the snapshot has ended by then. */
  pieces(): AsyncGenerator<Buffer> {
    return this.#whileCurrent(this.#piecesFrom({ codes: 0n, offset: 0n }))
  }

  /** Bytes [from, to) of the file, in the same way; `start` is a row that begins at or before `from`. */
  slice(from: bigint, to: bigint, start: RowStart): AsyncGenerator<Buffer> {
    return this.#whileCurrent(this.#slice(from, to, start))
  }

  /**
   * The last piece is held back until the snapshot is known not to have ended: so a file is complete only if it can be
   * requested again, and parts of it fit together.
   */
  async *#whileCurrent(pieces: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
    let last: Buffer | undefined
    for await (const piece of pieces) {
      if (last !== undefined) yield last
      last = piece
    }
    const { accountId, poolId, snapshot } = this.#excerpt
    if (!(await isCurrent(this.#books, accountId, poolId, snapshot))) throw new SnapshotChangedError()
    if (last !== undefined) yield last
  }

  async *#slice(from: bigint, to: bigint, start: RowStart): AsyncGenerator<Buffer> {
    let offset = start.offset
    for await (const piece of this.#piecesFrom(start)) {
      const begin = offset
      offset += BigInt(piece.length)
      if (offset <= from) continue
      const part = piece.subarray(
        begin < from ? Number(from - begin) : 0,
        offset > to ? Number(to - begin) : piece.length,
      )
      if (part.length > 0) yield part
      if (offset >= to) return
    }
  }

  /**
   * The size of the file in bytes, and the last row known to begin at or before `offset`. This is fast for most files: rows of
   * equal length are counted rather than written, and the database adds up the lengths of uploaded codes.
   */
  async measure(offset: bigint, signal: AbortSignal): Promise<{ bytes: bigint; start: RowStart }> {
    let start: RowStart = { codes: 0n, offset: 0n }
    let codes = 0n
    let bytes = BigInt(this.#header.length)
    for await (const { count, rows, width } of this.#measured(signal)) {
      const end = bytes + rows * width
      if (offset >= bytes) {
        const before = offset < end ? (offset - bytes) / width : 0n
        start = { codes: codes + before, offset: bytes + before * width }
      }
      codes += count
      bytes = end
    }
    return { bytes, start }
  }

  /** `count` codes in rows of equal width, in order; several rows of different widths count as one wide row. */
  async *#measured(signal: AbortSignal): AsyncGenerator<{ count: bigint; rows: bigint; width: bigint }> {
    for await (const stretch of readStretches(this.#books, this.#excerpt)) {
      signal.throwIfAborted()
      const { bytes } = this.#cellsOf(stretch.source).frame ?? {}
      if (bytes === undefined)
        for (const part of cut(stretch, maxRowsAtOnce)) {
          yield { count: part.count, rows: 1n, width: await this.#widthOf(part) }
          await this.#pacer.yieldIfDue()
          signal.throwIfAborted()
        }
      else
        for (const run of stretch.runs) {
          const width = BigInt(bytes + this.#widthOfTail(run, stretch.source))
          yield { count: run.count, rows: run.count, width }
        }
    }
  }

  /** The total size of the rows of a stretch, in bytes. */
  async #widthOf(stretch: Stretch): Promise<bigint> {
    const count = Number(stretch.count)
    // Defined if the codes are written as they are.
    const codes = await stretch.reader.plainLength(stretch.offset, count)
    if (codes === undefined) return BigInt((await this.#write(stretch)).length)
    return stretch.runs.reduce(
      (sum, run) => sum + run.count * BigInt(this.#widthOfTail(run, stretch.source)),
      codes,
    )
  }

  async *#piecesFrom({ codes, offset }: RowStart): AsyncGenerator<Buffer> {
    if (offset === 0n && this.#header.length > 0) yield this.#header
    let gathered: Buffer[] = []
    let bytes = 0
    const ranges = withoutFirst(this.#excerpt.ranges, codes)
    for await (const stretch of readStretches(this.#books, { ...this.#excerpt, ranges }))
      for (const part of cut(stretch, maxRowsAtOnce)) {
        const piece = await this.#write(part)
        // A client that reads as fast as this writes must not block others.
        await this.#pacer.yieldIfDue()
        gathered.push(piece)
        bytes += piece.length
        if (bytes < minPieceBytes) continue
        yield gathered.length === 1 ? piece : Buffer.concat(gathered)
        gathered = []
        bytes = 0
      }
    if (bytes > 0) yield Buffer.concat(gathered)
  }

  /** The rows of a stretch. */
  async #write(stretch: Stretch): Promise<Buffer> {
    const { source, reader, offset, runs } = stretch
    const count = Number(stretch.count)
    const cells = this.#cellsOf(source)
    const { frame, sample } = cells
    const rows = new RowBytes(this.#raw, this.#lastBytes + spareBytes)
    if (source.space !== undefined && frame !== undefined && sample !== undefined) {
      const indices = await reader.indices(offset, count)
      const starts = new Uint32Array(count)
      let row = 0
      let paced = 0
      for (const run of runs) {
        const begin = rows.length
        // Rows can be long.
        if (begin - paced >= minPieceBytes) {
          paced = begin
          await this.#pacer.yieldIfDue()
        }
        rows.bytes(sample)
        this.#writeTail(rows, run, cells)
        const width = rows.length - begin
        rows.repeat(begin, Number(run.count) - 1)
        // The quote and the apostrophe before a code are one byte each.
        for (let start = begin + frame.before.length; start < rows.length; start += width)
          starts[row++] = start
      }
      source.space.encodeOver(indices, rows.written(), starts)
    } else {
      const codes = await codesOf(stretch)
      let row = 0
      for (const run of runs)
        for (const end = row + Number(run.count); row < end; row++) {
          const code = codes[row] as string
          if (frame === undefined) rows.cell(code)
          else rows.bytes(Buffer.from(frame.before + code + frame.after))
          this.#writeTail(rows, run, cells)
        }
    }
    this.#lastBytes = rows.length
    return rows.written()
  }

  #cellsOf(source: OpenedSource): SourceCells {
    let cells = this.#sourceCells.get(source)
    if (cells === undefined) {
      const { space, upload } = source
      // The cell must never change: a format's name can, its pattern cannot.
      const origin =
        space === undefined
          ? `upload of ${upload.acceptedAt.toISOString()}`
          : `format ${space.pattern.source}`
      const frame = space === undefined ? undefined : cellFrame(space.pattern, this.#raw)
      const sample =
        frame?.bytes === undefined ? undefined : Buffer.from(frame.before + space?.codeAt(0n) + frame.after)
      const end = Buffer.from(this.#delimiter + cell(origin, this.#raw) + endOfRow)
      cells = { frame, sample, end }
      this.#sourceCells.set(source, cells)
    }
    return cells
  }

  /** Writes what follows a code of the run in its row. */
  #writeTail(rows: RowBytes, { validity, claim, redemption }: Run, { end }: SourceCells): void {
    const unclaimed = validity === 'WITHDRAWN' ? 'WITHDRAWN' : 'AVAILABLE'
    rows.bytes(this.#words[claim === undefined ? unclaimed : 'CLAIMED'])
    if (claim?.recipient !== undefined) rows.cell(claim.recipient)
    rows.bytes(this.#separator)
    if (claim !== undefined) rows.time(claim.at)
    rows.bytes(this.#separator)
    if (claim?.expiresAt !== undefined) rows.time(claim.expiresAt)
    rows.bytes(this.#words[validity])
    if (redemption !== undefined) rows.time(redemption.at.getTime())
    rows.bytes(this.#separator)
    if (redemption !== undefined) rows.cell(redemption.reference)
    rows.bytes(end)
  }

  /** The size of what follows each code of the run in its row, in bytes. */
  #widthOfTail(run: Run, source: OpenedSource): number {
    this.#measuring.clear()
    this.#writeTail(this.#measuring, run, this.#cellsOf(source))
    return this.#measuring.length
  }
}
