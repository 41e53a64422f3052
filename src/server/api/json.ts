import { topLevelError } from '../../graphql/errors/top-level.ts'
import { grouped } from '../../grouped.ts'

// Parsing is slowest where few bytes make many values: a megabyte of brackets took 0.1 s.
const maxJsonValues = 20_000
const maxJsonLevels = 100

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c]
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Parses JSON that a client sent; undefined if it is not JSON.
 *
 * @throws BAD_USER_INPUT (413) if it has too many values or levels to be parsed in good time
 */
export function parseJson(text: string): unknown {
  const excess = excessOfJson(text)
  if (excess !== undefined)
    throw topLevelError('BAD_USER_INPUT', `${excess} Send less at once, in several requests.`, {
      http: { status: 413 },
    })
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a JSON text has too much of to be parsed, as a sentence. Whether it is valid JSON is not checked. */
export function excessOfJson(text: string): string | undefined {
  let values = 1
  let level = 0
  for (let at = 0; at < text.length; at++)
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at)
        break
      case openList:
      case openObject:
        level += 1
        values += 1
        if (level > maxJsonLevels) return `The JSON has more than ${maxJsonLevels} levels.`
        break
      case closeList:
      case closeObject:
        level -= 1
        break
      case comma:
        values += 1
        if (values > maxJsonValues) return `The JSON has more than ${grouped(maxJsonValues)} values.`
    }
  return undefined
}

/** The index of the quote that ends the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at
    while (text.charCodeAt(before - 1) === backslash) before -= 1
    // A quote after an even number of backslashes is not escaped.
    if ((at - before) % 2 === 0) return at
  }
  return text.length
}
