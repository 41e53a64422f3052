import { setImmediate } from 'node:timers/promises'
import { grouped } from '../grouped.ts'
import type { ByteString } from './byte-string.ts'
import { CodeFileError } from './code-file-error.ts'
import { checkKind } from './kinds.ts'
import { RowReader, type Rows } from './rows.ts'
import { unpack } from './unpack.ts'

export interface CodeFileOptions {
  /**
   * The name of the column with the codes, or with `header` its number, from 1. Without it the column is found by its
   * name, or is the only one.
   */
  column?: string | undefined
  /** Whether the file has a header. Without it that is found out, or asked. */
  header?: boolean | undefined
  /** How long the text may be, unpacked. */
  maxBytes: number
  /** So many of the first rows, with a code or refused, are passed over: where an earlier reading came to. */
  skip?: number | undefined
}

/** Each row of the file is in `rows` or in `refused`, both in the order of the file. */
export interface FileRows extends Rows {
  /** How much of the file has been read, as it came. */
  bytesRead: number
  /** How the file is laid out, as soon as that is known. */
  layout: FileLayout | undefined
}

/** How a file of codes has been read. Texts are shortened. */
export interface FileLayout {
  /** The number of the row that was taken for the header; null if the file has none. */
  headerRow: number | null
  /** The cells of the header; null if the file has none. */
  header: string[] | null
  /** The number of the column with the codes, from 1. */
  columnNumber: number
  /** What divides the cells; null in a file of one column. */
  delimiter: string | null
}

/**
 * Reads a file of codes: CSV with comma, semicolon or tab, or one code a line; with or without a header; UTF-8; packed
 * with gzip or not. See `findStart` for how the header and the column are found, `readRow` for how rows are read, `readCode` for what a
 * code can be.
 *
 * Yields up to `rowsAtOnce` rows at a time, and now and then none, so that progress is seen in a file that has few.
 * However long the file, its lines and its cells are, memory is flat, and other work has its turn every few
 * milliseconds.
 *
 * The number of a row is the one that a spreadsheet shows beside it when the file is opened there: the header is row 1,
 * blank rows count, and a row with line breaks in a quoted cell is one. Blank rows are passed over: they are neither in
 * `rows` nor in `refused`, and don't count for `skip`.
 *
 * CodeFileError if the file as a whole cannot be read, perhaps after rows have been yielded. What `bytes` rejects with
 * passes unchanged; `bytes` is returned when the reader stops, or is stopped.
 *
 * There are libraries for CSV. csv-parse, the best known, was tried: with a limit on a row's size it loses all rows
 * behind one that exceeds it, or behind a quote that is never closed, and without the limit it keeps that row in
 * memory; it replaces invalid UTF-8 without telling; and of CR, LF and CRLF it takes one for the whole file.
 */
export async function* readCodeFile(
  bytes: AsyncIterable<Uint8Array>,
  { column, header, maxBytes, skip = 0 }: CodeFileOptions,
): AsyncGenerator<FileRows> {
  const reader = new RowReader({ column, header }, skip)
  const source = { bytesRead: 0 }
  const withProgress = (rows: Rows): FileRows => ({
    ...rows,
    bytesRead: source.bytesRead,
    layout: layoutOf(reader),
  })

  let turnBegan = performance.now()
  let piecesSinceRows = 0
  for await (const { text, last } of pieces(unpack(counted(bytes, source)), maxBytes)) {
    for (const rows of reader.read(text, last)) {
      yield withProgress(rows)
      piecesSinceRows = 0
      turnBegan = await nextTurn(turnBegan)
    }
    piecesSinceRows += 1
    if (piecesSinceRows === piecesWithoutRows) {
      yield withProgress(reader.take())
      piecesSinceRows = 0
    }
    turnBegan = await nextTurn(turnBegan)
  }
  reader.end()
  yield withProgress(reader.take())
}

function layoutOf({ layout, headerRow }: RowReader): FileLayout | undefined {
  return (
    layout && {
      headerRow: headerRow ?? null,
      header: layout.header ?? null,
      columnNumber: layout.index + 1,
      delimiter: layout.columns > 1 ? layout.delimiters : null,
    }
  )
}

const pieceSize = 65_536

const piecesWithoutRows = 128

const maxStretchMs = 10

/** Lets others have their turn if this one is long. When the present turn began. */
async function nextTurn(began: number): Promise<number> {
  if (performance.now() - began < maxStretchMs) return began
  await setImmediate()
  return performance.now()
}

async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  source: { bytesRead: number },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    source.bytesRead += chunk.length
    yield chunk
  }
}

/** The text in pieces of one size, however the bytes come; at least one, and the last may be shorter or empty. */
async function* pieces(
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<{ text: ByteString; last: boolean }> {
  const piece = Buffer.allocUnsafe(pieceSize)
  let filled = 0
  let total = 0
  let begun = false
  const take = (): ByteString => {
    const text = piece.toString('latin1', 0, filled)
    filled = 0
    if (begun) return text
    begun = true
    return beginning(text)
  }
  for await (const chunk of bytes) {
    total += chunk.length
    if (total > maxBytes)
      throw new CodeFileError(
        `The file has more than ${grouped(maxBytes)} bytes (unpacked, if it is packed), which is ` +
          'the most that is possible. Split it into several files.',
      )
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + pieceSize - filled)
      piece.set(part, filled)
      filled += part.length
      at += part.length
      if (filled === pieceSize) yield { text: take(), last: false }
    }
  }
  yield { text: take(), last: true }
}

/** Without the byte order mark. CodeFileError if it is not the beginning of a file of codes. */
function beginning(text: ByteString): ByteString {
  const start = text.startsWith('\xef\xbb\xbf') ? text.slice(3) : text
  checkKind(start)
  return start
}
