import { inBlocks } from '../async/blocks.ts'
import { Pacer } from '../async/pacer.ts'
import { grouped } from '../grouped.ts'
import type { ByteString } from './byte-string.ts'
import { CodeFileError } from './code-file-error.ts'
import type { FileBeginning } from './first-rows.ts'
import { checkKind } from './kinds.ts'
import type { LayoutOptions } from './layout.ts'
import type { Rows } from './row-batch.ts'
import { RowReader } from './rows.ts'
import { unpack } from './unpack.ts'

export interface CodeFileOptions extends LayoutOptions {
  /** The limit of the unpacked file. */
  maxBytes: number
  /** How many rows, with a code or rejected, were read before and are left out. */
  skip?: number | undefined
}

/** Each row of the file is in `rows` or in `rejected`, both in the order of the file. */
export interface FileRows extends Rows {
  /** How many bytes have been read of the file as sent, which may be packed. */
  bytesRead: number
  /** `undefined` until the beginning of the file has been read. */
  layout: FileLayout | undefined
  /** `undefined` until rows have been read that are not blank. */
  beginning: FileBeginning | undefined
}

/** The layout of a file, to be shown to people. Texts are shortened. */
export interface FileLayout {
  /** The number of the header's row; null if the file has no header. */
  headerRow: number | null
  /** The cells of the header; null if the file has none. */
  header: string[] | null
  /** The number of the column with the codes, from 1. */
  columnNumber: number
  /** The character between cells; null in a file of one column. */
  delimiter: string | null
}

/** The name of the column with the codes, as it is shown; undefined if it has none. */
export function columnName({
  header,
  columnNumber,
}: Pick<FileLayout, 'header' | 'columnNumber'>): string | undefined {
  return header?.[columnNumber - 1]
}

/**
 * Reads a file of codes: CSV with comma, semicolon or tab, or one code per line; with or without a header; in UTF-8;
 * packed with gzip or not. `findStart` finds the header and the column, `readRow` reads rows, `readCell` says what a
 * code can be.
 *
 * Yields a limited number of rows at a time, and sometimes none, to report progress in a file with few rows. Memory does
 * not grow with the file, its lines or its cells, and the event loop is blocked for a few milliseconds at a time.
 *
 * Rows are numbered as in spreadsheets: the header is row 1, blank rows count, and a row with line breaks in a quoted cell
 * counts once. Blank rows are neither in `rows` nor in `rejected`, and do not count for `skip`.
 *
 * CodeFileError if the file as a whole cannot be read, perhaps after rows have been yielded. It has the file's beginning.
 * Errors of `bytes` pass unchanged; `bytes` is returned when the reader ends or is stopped.
 *
 * csv-parse, the best-known library, was not suitable: with a limit on the size of a row it loses all rows after one that
 * exceeds it or has an unclosed quote, and without the limit it keeps that row in memory. It silently replaces invalid
 * UTF-8, and expects one kind of line end in the whole file.
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
    layout: shownLayout(reader),
    beginning: reader.beginning,
  })
  const pacer = new Pacer()
  let blocksWithoutRows = 0
  try {
    for await (const { text, last } of texts(limited(unpack(counted(bytes, source)), maxBytes))) {
      for (const rows of reader.read(text, last)) {
        yield withProgress(rows)
        blocksWithoutRows = 0
        await pacer.yieldIfDue()
      }
      blocksWithoutRows += 1
      if (blocksWithoutRows === maxBlocksWithoutRows) {
        yield withProgress(reader.drain())
        blocksWithoutRows = 0
      }
      await pacer.yieldIfDue()
    }
    reader.end()
  } catch (error) {
    if (error instanceof CodeFileError) error.beginning = reader.beginning
    throw error
  }
  yield withProgress(reader.drain())
}

function shownLayout({ layout, headerRow }: RowReader): FileLayout | undefined {
  return (
    layout && {
      headerRow: headerRow ?? null,
      header: layout.header ?? null,
      columnNumber: layout.index + 1,
      delimiter: layout.columns > 1 ? layout.delimiters : null,
    }
  )
}

const blockBytes = 65_536
const maxBlocksWithoutRows = 128
const byteOrderMark: ByteString = '\xef\xbb\xbf'

async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  source: { bytesRead: number },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    source.bytesRead += chunk.length
    yield chunk
  }
}

/** CodeFileError if there are more than `maxBytes`. */
async function* limited(bytes: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let total = 0
  for await (const chunk of bytes) {
    total += chunk.length
    if (total > maxBytes)
      throw new CodeFileError(
        `The file has more than ${grouped(maxBytes)} bytes (unpacked, if it is packed), which is the limit. Split it into ` +
          'several files.',
      )
    yield chunk
  }
}

/** The text without its byte order mark, in blocks of `blockBytes`. At least one; the last may be shorter, or empty. */
async function* texts(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<{ text: ByteString; last: boolean }> {
  let begun = false
  for await (const { bytes: block, last } of inBlocks(bytes, blockBytes)) {
    const text = block.toString('latin1')
    if (begun) {
      yield { text, last }
      continue
    }
    begun = true
    const start = text.startsWith(byteOrderMark) ? text.slice(byteOrderMark.length) : text
    checkKind(start)
    yield { text: start, last }
  }
}
