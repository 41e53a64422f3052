import { isUtf8 } from 'node:buffer'

/**
 * A file's text as a string with one character per byte (latin1). Line ends, delimiters and quotes are ASCII, so they
 * are found without decoding, and positions in the string are positions in the file. Cells are decoded one by one, so
 * that invalid UTF-8 affects only its own cell.
 */
export type ByteString = string

const beyondAscii = /[\x80-\xff]/

/** `undefined` if the bytes are not valid UTF-8. */
export function decodeUtf8(bytes: ByteString): string | undefined {
  if (!beyondAscii.test(bytes)) return bytes
  const buffer = Buffer.from(bytes, 'latin1')
  return isUtf8(buffer) ? buffer.toString('utf8') : undefined
}

/** Replaces invalid UTF-8 with U+FFFD. */
export function decodeUtf8Leniently(bytes: ByteString): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
