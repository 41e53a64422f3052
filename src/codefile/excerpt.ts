import { type ByteString, decodeUtf8Leniently } from './byte-string.ts'

/** In UTF-16 code units, including the ellipsis. */
export const maxExcerptLength = 200
const maxBytesPerCharacter = 4

/** The start of a text that PostgreSQL can store and people can recognise, at most `maxExcerptLength` long. */
export function excerpt(text: string): string {
  return truncate(text, maxExcerptLength).toWellFormed().replaceAll('\0', '\ufffd')
}

/** As `excerpt`; invalid UTF-8 becomes U+FFFD. */
export function excerptOfBytes(bytes: ByteString): string {
  return excerpt(decodeUtf8Leniently(bytes.slice(0, maxExcerptLength * maxBytesPerCharacter)).trim())
}

/** Shortens a text to `maxLength`, ending in an ellipsis. */
export function truncate(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength - 1).toWellFormed()}…` : text
}
