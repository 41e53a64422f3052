import { setImmediate as nextTurn } from 'node:timers/promises'
import { codesColumns, headerOf } from '../codefile/own-file.ts'
import type { Books } from '../domain/books/books.ts'
import {
  codesOfStretch,
  type Excerpt,
  type Holder,
  readStretches,
  type Source,
  type Stretch,
} from '../domain/code/line-reader.ts'
import { byteOrderMark, type CellFrame, type CsvForm, cell, cellFrame, delimiters, endOfRow } from './csv.ts'

/**
 * The version of how a file is written. Whoever goes on with a file that an earlier release began must get the same
 * bytes: whatever changes them, a column or the way a cell is written, makes this another one.
 */
export const layoutVersion = 2

/** So few that nobody waits for them, so many that they cost little each. */
const rowsAtOnce = 4096

// What lies in many small batches is sent in pieces of this size all the same, in bytes.
const leastPiece = 65_536

/** A place in the file: a position of the line, and how many bytes come before its row. */
interface Place {
  position: bigint
  offset: bigint
}

/** Part of a stretch, from its code `at` on. */
interface Portion {
  position: bigint
  at: bigint
  count: number
  holders: Holder[] | undefined
}

/** How the rows of a stretch are written. */
interface Layout {
  frame: CellFrame | undefined
  /** The last cell. */
  origin: string
}

/** Codes of a pool as a CSV file, of any length: what is being read of it is all that is in memory. */
export class CodesFile {
  readonly #books: Books
  readonly #excerpt: Excerpt
  readonly #raw: boolean
  readonly #delimiter: string
  readonly #header: Buffer
  readonly #layouts = new WeakMap<Source, Layout>()
  /** Rows that have been written since others had their turn. */
  #rowsOfTurn = 0

  /** Without its header, and what comes before that, if it is to be put behind rows that are there already. */
  constructor(books: Books, excerpt: Excerpt, form: CsvForm & { withHeader: boolean }) {
    this.#books = books
    this.#excerpt = excerpt
    this.#raw = form.raw
    this.#delimiter = delimiters[form.delimiter]
    const header =
      (form.bom ? byteOrderMark : '') + headerOf(codesColumns, form.raw, this.#delimiter) + endOfRow
    this.#header = Buffer.from(form.withHeader ? header : '')
  }

  /** The whole file. It rejects with a SnapshotChangedError rather than go on with wrong rows. */
  async *pieces(): AsyncGenerator<Buffer> {
    yield* this.#piecesFrom({ position: this.#excerpt.from, offset: 0n })
  }

  /** Bytes [from, to) of the file. */
  async *slice(from: bigint, to: bigint, place: Place): AsyncGenerator<Buffer> {
    let offset = place.offset
    for await (const piece of this.#piecesFrom(place)) {
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
   * How many bytes the file has, and the last place that is known to lie at or before `offset`. Rows that are all as
   * long as each other are counted and not written: most files take a moment. Of uploaded codes, the database adds up
   * how long they are.
   */
  async measure(offset: bigint, signal: AbortSignal): Promise<{ bytes: bigint; place: Place }> {
    let place: Place = { position: this.#excerpt.from, offset: 0n }
    let bytes = BigInt(this.#header.length)
    for await (const { position, rows, width } of this.#measured(signal)) {
      const end = bytes + rows * width
      if (offset >= bytes) {
        const before = offset < end ? (offset - bytes) / width : 0n
        place = { position: position + before, offset: bytes + before * width }
      }
      bytes = end
    }
    return { bytes, place }
  }

  /** Rows of one width after the other, from a position on; several that differ count as one wide row. */
  async *#measured(signal: AbortSignal): AsyncGenerator<{ position: bigint; rows: bigint; width: bigint }> {
    for await (const stretch of readStretches(this.#books, this.#excerpt)) {
      signal.throwIfAborted()
      const { frame, origin } = this.#layoutOf(stretch.source)
      if (frame?.bytes === undefined)
        for await (const portion of this.#portions(stretch)) {
          signal.throwIfAborted()
          yield { position: portion.position, rows: 1n, width: await this.#widthOf(stretch, portion, origin) }
        }
      else {
        let { position } = stretch
        for (const { count, tail } of this.#tailsOf(stretch.holders, stretch.count, origin)) {
          yield { position, rows: BigInt(count), width: BigInt(frame.bytes + Buffer.byteLength(tail)) }
          position += BigInt(count)
        }
      }
    }
  }

  /** How many bytes the rows of a portion have together. */
  async #widthOf(stretch: Stretch, { at, count, holders }: Portion, origin: string): Promise<bigint> {
    // Such codes are their own cells.
    const codes = await stretch.reader.plainLength(stretch.offset + at, count)
    if (codes === undefined) return BigInt((await this.#writeRows(stretch, at, count, holders)).length)
    return this.#tailsOf(holders, count, origin).reduce(
      (sum, { count: rows, tail }) => sum + BigInt(rows * Buffer.byteLength(tail)),
      codes,
    )
  }

  async *#piecesFrom({ position, offset }: Place): AsyncGenerator<Buffer> {
    if (offset === 0n && this.#header.length > 0) yield this.#header
    let gathered: Buffer[] = []
    let bytes = 0
    for await (const stretch of readStretches(this.#books, { ...this.#excerpt, from: position }))
      for await (const piece of this.#write(stretch)) {
        gathered.push(piece)
        bytes += piece.length
        if (bytes < leastPiece) continue
        yield gathered.length === 1 ? piece : Buffer.concat(gathered)
        gathered = []
        bytes = 0
      }
    if (bytes > 0) yield Buffer.concat(gathered)
  }

  /** The rows of a stretch in pieces. */
  async *#write(stretch: Stretch): AsyncGenerator<Buffer> {
    for await (const { at, count, holders } of this.#portions(stretch))
      yield await this.#writeRows(stretch, at, count, holders)
  }

  /** A stretch in portions of a good size, from its code `at` on; between them others have their turn. */
  async *#portions(stretch: Stretch): AsyncGenerator<Portion> {
    const holders = stretch.holders?.slice()
    for (let at = 0n; at < stretch.count; ) {
      const left = stretch.count - at
      const count = left < rowsAtOnce ? Number(left) : rowsAtOnce
      yield { position: stretch.position + at, at, count, holders: takeFirst(holders, count) }
      at += BigInt(count)
      this.#rowsOfTurn += count
      if (this.#rowsOfTurn < rowsAtOnce) continue
      // Whoever takes them as fast as they come leaves others their turn.
      this.#rowsOfTurn = 0
      await nextTurn()
    }
  }

  /** Rows of a stretch, from its code `at` on. */
  async #writeRows(
    stretch: Stretch,
    at: bigint,
    count: number,
    holders: readonly Holder[] | undefined,
  ): Promise<Buffer> {
    const { frame, origin } = this.#layoutOf(stretch.source)
    const tails = this.#tailsOf(holders, count, origin)
    const { space } = stretch.source
    const [only] = tails
    if (space !== undefined && frame !== undefined && only?.count === count) {
      const { first, passed } = await stretch.reader.indices(stretch.offset + at, count)
      const all = count + passed.length
      if (passed.length === 0 || frame.bytes !== undefined)
        return withoutRows(space.encodedAt(first, all, frame.before, frame.after + only.tail), passed, all)
    }
    const codes = await codesOfStretch(stretch, at, count)
    let text = ''
    let place = 0
    for (const { count: rows, tail } of tails)
      for (const end = place + rows; place < end; place++) {
        const code = codes[place] as string
        text += (frame === undefined ? cell(code, this.#raw) : frame.before + code + frame.after) + tail
      }
    return Buffer.from(text)
  }

  #layoutOf(source: Source): Layout {
    let layout = this.#layouts.get(source)
    if (layout === undefined) {
      const { space, upload } = source
      // What it says must never change: a format's name may, its pattern does not.
      const origin =
        space === undefined
          ? `upload of ${upload.acceptedAt.toISOString()}`
          : `format ${space.pattern.source}`
      const frame = space === undefined ? undefined : cellFrame(space.pattern, this.#raw)
      layout = { frame, origin: cell(origin, this.#raw) }
      this.#layouts.set(source, layout)
    }
    return layout
  }

  /** What stands behind the codes that `holders` have, or behind `count` available ones. */
  #tailsOf<Count extends number | bigint>(
    holders: readonly Holder[] | undefined,
    count: Count,
    origin: string,
  ): { count: number | Count; tail: string }[] {
    return (
      holders?.map(({ count: held, recipient, at }) => ({
        count: held,
        tail: this.#tail('CLAIMED', cell(recipient ?? '', this.#raw), at, origin),
      })) ?? [{ count, tail: this.#tail('AVAILABLE', '', '', origin) }]
    )
  }

  /** What stands behind the code in a row. */
  #tail(...cells: string[]): string {
    return ['', ...cells].join(this.#delimiter) + endOfRow
  }
}

/** Rows, `count` in number, without those at some places, which are ascending. All are as long as each other. */
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

/** Takes those who hold the first `count` codes off a list of holders. */
function takeFirst(holders: Holder[] | undefined, count: number): Holder[] | undefined {
  if (holders === undefined) return undefined
  let missing = count
  const whole = holders.findIndex((holder) => {
    if (holder.count > missing) return true
    missing -= holder.count
    return false
  })
  const taken = holders.splice(0, whole === -1 ? holders.length : whole)
  const [next] = holders
  if (missing > 0) {
    if (next === undefined) throw new Error('A stretch has more codes than its holders.')
    taken.push({ ...next, count: missing })
    holders[0] = { ...next, count: next.count - missing }
  }
  return taken
}
