import { topLevelError } from '../graphql/errors/top-level.ts'
import { grouped } from '../grouped.ts'

// Parsing takes longest where there is much to build from few bytes: a megabyte of brackets took 0.1 s.
const maxJsonValues = 20_000
const maxJsonLevels = 100

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c]
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * What a JSON text has too much of to be parsed, as a sentence; nothing if it may be parsed. Whether it is JSON at all
 * is not looked at.
 */
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

/** Throws BAD_USER_INPUT for a JSON text that has too much in it to be parsed. */
export function checkJson(text: string): void {
  const excess = excessOfJson(text)
  if (excess !== undefined)
    throw topLevelError('BAD_USER_INPUT', `${excess} Send less at once, in several requests.`, {
      http: { status: 413 },
    })
}

/** Where the string that begins at `start` ends. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at
    while (text.charCodeAt(before - 1) === backslash) before -= 1
    // One that is not escaped itself escapes the quote.
    if ((at - before) % 2 === 0) return at
  }
  return text.length
}
