import { maxUploadedCodeLength } from '../codefile/code.ts'
import { maxShownCellLength } from '../codefile/layout-texts.ts'
import { maxCodeLength, maxListLength } from '../codespace/shape.ts'
import { maxNameLength } from '../domain/books/input.ts'

/**
 * How many bytes texts take in an answer at most: in JSON and UTF-8, with quotation marks. Where what is stored has no
 * control characters, a UTF-16 code unit takes three at most; where it may have some, six, as in "\u0001".
 */

export const maxNameBytes = 4 * maxNameLength + 2
export const maxCodeBytes = 3 * maxUploadedCodeLength + 2
export const maxExampleBytes = 3 * maxCodeLength + 2
/** Of a backslash, which is written as two in a pattern and as two more in JSON, there are four. */
export const maxPatternBytes = 4 * maxCodeLength + 2
export const maxCharactersBytes = 3 * maxListLength + 2
export const nullBytes = 4
export const maxCursorBytes = 120
export const maxPathBytes = 300
/** A cell of a header, shortened. */
export const maxHeaderCellBytes = 3 * maxShownCellLength + 2
/** Of what people are told. Names and first lines that it quotes are cut off, or limited where they come from. */
export const maxMessageBytes = 8_000

export const defaultPageSize = 20
export const maxPageSize = 100

/** In JSON, as it is sent. */
export function bytesInJson(text: string | null): number {
  return Buffer.byteLength(JSON.stringify(text))
}
