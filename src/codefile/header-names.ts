import type { Beginning, BeginningRow } from './beginning.ts'
import { type ByteString, decodeUtf8, decodeUtf8Leniently } from './byte-string.ts'
import { isFiller } from './explanation.ts'

/** A row at the beginning of a file, by its index. */
export type RowAt = Pick<Beginning, 'rows'> & { at: number }

// In bytes. Neither names nor codes are longer.
const maxComparedBytes = 1_024

export function cellsOf({ rows, at }: RowAt): readonly ByteString[] {
  return rows[at]?.cells ?? []
}

/** The texts in a column, from a row on. */
export function columnFrom(rows: readonly BeginningRow[], from: number, index: number): string[] {
  return rows.slice(from).map(({ cells }) => textIn(cells[index] ?? ''))
}

/** The texts below a header that may be codes. */
export function columnBelow({ rows, at }: RowAt, index: number): string[] {
  return columnFrom(rows, at + 1, index).filter((text) => text !== '' && !isFiller(text))
}

/** The text of a cell, trimmed and shortened; empty if it is not valid UTF-8. */
export function textIn(cell: ByteString): string {
  if (cell.length > maxComparedBytes) return decodeUtf8Leniently(cell.slice(0, maxComparedBytes)).trim()
  return (decodeUtf8(cell) ?? '').trim()
}

/** A name without its case, the kind of its spaces, and spaces and quotes around it, none of which distinguish names. */
export function columnNameOf(text: string): string {
  return text
    .trim()
    .replace(/^["']|["']$/g, '')
    .trim()
    .replace(/\s+/g, ' ')
    .normalize('NFC')
    .toLowerCase()
}

/** The name in a cell; empty if it is longer than any name, whose marks it would take quadratic time to put in order. */
export function nameIn(cell: ByteString): string {
  return cell.length > maxComparedBytes ? '' : columnNameOf(decodeUtf8Leniently(cell))
}

export function indicesOf(
  cells: readonly ByteString[],
  test: (cell: ByteString, index: number) => boolean,
): number[] {
  return [...cells.keys()].filter((index) => test(cells[index] ?? '', index))
}
