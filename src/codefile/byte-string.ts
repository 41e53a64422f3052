import { isUtf8 } from 'node:buffer'

/**
 * The text of a file is split up as a string that has one character for each byte (latin1): line ends, delimiters and
 * quotes are ASCII, so they are found without decoding, and places in the string are places in the file. What is
 * decoded is one cell at a time; so bytes that are not UTF-8 are the matter of their cell alone.
 */
export type ByteString = string

const beyondAscii = /[\x80-\xff]/

/** `undefined` if it is not valid UTF-8. */
export function decoded(bytes: ByteString): string | undefined {
  if (!beyondAscii.test(bytes)) return bytes
  const buffer = Buffer.from(bytes, 'latin1')
  return isUtf8(buffer) ? buffer.toString('utf8') : undefined
}

/** With U+FFFD in place of what is not UTF-8. */
export function decodedLeniently(bytes: ByteString): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/** In characters, the ellipsis included. */
export const maxShownBytes = 200
const maxCharacterBytes = 4

/** The beginning of it, fit to be stored and shown: at most 200 characters, with U+FFFD for what cannot be. */
export function shown(bytes: ByteString): string {
  const text = decodedLeniently(bytes.slice(0, maxShownBytes * maxCharacterBytes)).trim()
  return (text.length > maxShownBytes ? `${text.slice(0, maxShownBytes - 1)}…` : text)
    .replaceAll('\0', '\ufffd')
    .toWellFormed()
}
