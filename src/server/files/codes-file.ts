import { Pacer } from '../../async/pacer.ts'
import { codesColumns, headerOf } from '../../codefile/own-file.ts'
import type { Books } from '../../domain/books/books.ts'
import {
  codesOf,
  cut,
  type Excerpt,
  type OpenedSource,
  readStretches,
  type Stretch,
} from '../../domain/code/line-reader.ts'
import { byteOrderMark, type CellFrame, type CsvForm, cell, cellFrame, delimiters, endOfRow } from './csv.ts'

/**
 * A file shows an *excerpt* of a pool's line, which is read in *stretches*: codes of one source, either all claimed or all
 * available. They are written as *pieces*, the buffers that are sent. A download can start at any byte, so a file is measured
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

/** A row of the file: the position of its code, and the number of bytes before it. */
interface RowStart {
  position: bigint
  offset: bigint
}

/** What the rows of a source have in common. */
interface SourceCells {
  /** What surrounds each code, if it is the same for all. */
  frame: CellFrame | undefined
  /** The last cell. */
  origin: string
}

/** Codes of a pool as a CSV file of any length. Only the rows being written are in memory. */
export class CodesFile {
  readonly #books: Books
  readonly #excerpt: Excerpt
  readonly #raw: boolean
  readonly #delimiter: string
  readonly #header: Buffer
  readonly #sourceCells = new WeakMap<OpenedSource, SourceCells>()
  readonly #pacer = new Pacer(2)

  /** Without header and byte order mark, the rows continue a file that the client already has. */
  constructor(books: Books, excerpt: Excerpt, form: CsvForm & { withHeader: boolean }) {
    this.#books = books
    this.#excerpt = excerpt
    this.#raw = form.raw
    this.#delimiter = delimiters[form.delimiter]
    const header =
      (form.bom ? byteOrderMark : '') + headerOf(codesColumns, form.raw, this.#delimiter) + endOfRow
    this.#header = Buffer.from(form.withHeader ? header : '')
  }

  /** The whole file. Rejects with a SnapshotChangedError rather than return wrong rows. */
  async *pieces(): AsyncGenerator<Buffer> {
    yield* this.#piecesFrom({ position: this.#excerpt.from, offset: 0n })
  }

  /** Bytes [from, to) of the file; `start` is a row that begins at or before `from`. */
  async *slice(from: bigint, to: bigint, start: RowStart): AsyncGenerator<Buffer> {
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
    let start: RowStart = { position: this.#excerpt.from, offset: 0n }
    let bytes = BigInt(this.#header.length)
    for await (const { position, rows, width } of this.#measured(signal)) {
      const end = bytes + rows * width
      if (offset >= bytes) {
        const before = offset < end ? (offset - bytes) / width : 0n
        start = { position: position + before, offset: bytes + before * width }
      }
      bytes = end
    }
    return { bytes, start }
  }

  /** Runs of rows of equal width, in order; several rows of different widths count as one wide row. */
  async *#measured(signal: AbortSignal): AsyncGenerator<{ position: bigint; rows: bigint; width: bigint }> {
    for await (const stretch of readStretches(this.#books, this.#excerpt)) {
      signal.throwIfAborted()
      const { bytes } = this.#cellsOf(stretch.source).frame ?? {}
      if (bytes === undefined)
        for (const part of cut(stretch, maxRowsAtOnce)) {
          yield { position: part.position, rows: 1n, width: await this.#widthOf(part) }
          await this.#pacer.yieldIfDue()
          signal.throwIfAborted()
        }
      else {
        let { position } = stretch
        for (const { count, tail } of this.#tailsOf(stretch, stretch.count)) {
          yield { position, rows: BigInt(count), width: BigInt(bytes + Buffer.byteLength(tail)) }
          position += BigInt(count)
        }
      }
    }
  }

  /** The total size of the rows of a stretch, in bytes. */
  async #widthOf(stretch: Stretch): Promise<bigint> {
    const count = Number(stretch.count)
    // Defined if the codes are written as they are.
    const codes = await stretch.reader.plainLength(stretch.offset, count)
    if (codes === undefined) return BigInt((await this.#write(stretch)).length)
    return this.#tailsOf(stretch, count).reduce(
      (sum, { count: rows, tail }) => sum + BigInt(rows * Buffer.byteLength(tail)),
      codes,
    )
  }

  async *#piecesFrom({ position, offset }: RowStart): AsyncGenerator<Buffer> {
    if (offset === 0n && this.#header.length > 0) yield this.#header
    let gathered: Buffer[] = []
    let bytes = 0
    for await (const stretch of readStretches(this.#books, { ...this.#excerpt, from: position }))
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
    const { source, reader, offset } = stretch
    const count = Number(stretch.count)
    const { frame } = this.#cellsOf(source)
    const tails = this.#tailsOf(stretch, count)
    const [only] = tails
    if (source.space !== undefined && frame !== undefined && only?.count === count) {
      const { first, passed } = await reader.indices(offset, count)
      const all = count + passed.length
      if (passed.length === 0 || frame.bytes !== undefined)
        return withoutRows(
          source.space.encodedAt(first, all, frame.before, frame.after + only.tail),
          passed,
          all,
        )
    }
    const codes = await codesOf(stretch)
    let text = ''
    let row = 0
    for (const { count: rows, tail } of tails)
      for (const end = row + rows; row < end; row++) {
        const code = codes[row] as string
        text += (frame === undefined ? cell(code, this.#raw) : frame.before + code + frame.after) + tail
      }
    return Buffer.from(text)
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
      cells = { frame, origin: cell(origin, this.#raw) }
      this.#sourceCells.set(source, cells)
    }
    return cells
  }

  /** What follows the codes of a stretch in their rows: for the codes of each holder, or for all `count` available codes. */
  #tailsOf<Count extends number | bigint>(
    { source, holders }: Stretch,
    count: Count,
  ): { count: number | Count; tail: string }[] {
    const { origin } = this.#cellsOf(source)
    return (
      holders?.map(({ count: held, recipient, at }) => ({
        count: held,
        tail: this.#tail('CLAIMED', cell(recipient ?? '', this.#raw), at, origin),
      })) ?? [{ count, tail: this.#tail('AVAILABLE', '', '', origin) }]
    )
  }

  #tail(...cells: string[]): string {
    return ['', ...cells].join(this.#delimiter) + endOfRow
  }
}

/** `count` rows of equal length without the rows at `places`, which ascend. Overwrites `rows`. */
function withoutRows(rows: Buffer, places: readonly number[], count: number): Buffer {
  if (places.length === 0) return rows
  const width = rows.length / count
  let end = 0
  let place = 0
  for (const next of [...places, count]) {
    rows.copy(rows, end, place * width, next * width)
    end += (next - place) * width
    place = next + 1
  }
  return rows.subarray(0, end)
}
