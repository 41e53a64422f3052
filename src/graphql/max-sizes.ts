import { maxUploadedCodeLength } from '../codefile/code.ts'
import { maxShortenedLength, maxShownCellLength } from '../codefile/shorten.ts'
import { maxCodeLength, maxListLength } from '../codespace/shape.ts'
import { maxNameLength, maxRecipientLength } from '../domain/books/input.ts'
import { maxDescriptionLength, maxExternalIdLength } from '../domain/pool/pool.ts'

/**
 * The maximum sizes of strings in answers: bytes of UTF-8 as JSON, with quotation marks. A UTF-16 code unit takes up to
 * three bytes, a code point four; a control character six, as in "\u0001", where the stored text may have any.
 */

export const maxNameBytes = 4 * maxNameLength + 2
export const maxDescriptionBytes = 6 * maxDescriptionLength + 2
export const maxExternalIdBytes = 6 * maxExternalIdLength + 2
export const maxCodeBytes = 3 * maxUploadedCodeLength + 2
export const maxExampleBytes = 3 * maxCodeLength + 2
/** Four for a backslash, which is doubled in the pattern and again in JSON. */
export const maxPatternBytes = 4 * maxCodeLength + 2
export const maxCharactersBytes = 3 * maxListLength + 2
export const maxRecipientBytes = 6 * maxRecipientLength + 2
export const usualRecipientBytes = 200
export const nullBytes = 4
export const maxCursorBytes = 120
export const maxPathBytes = 300
/** A cell of a header, shortened. */
export const maxHeaderCellBytes = 3 * maxShownCellLength + 2
/** A code or a row, shortened. It may have control characters. */
export const maxShortenedBytes = 6 * maxShortenedLength + 2
/** Messages for people. The names and lines that they quote are cut off or have limits of their own. */
export const maxMessageBytes = 8_000

export const defaultPageSize = 20
export const maxPageSize = 100
