import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CodeFileError } from '../../src/codefile/code-file-error.ts'
import { codesOf, readAll } from '../support/code-file.ts'

// Notes as people write them, some of several lines, which are no valid CSV once a quote is inserted.
const notes = fc
  .array(fc.constantFrom('a', 'then left', '5', ' ', ',', '\n', '\r\n', '""', 'b,c', 'x\ny'), {
    maxLength: 6,
  })
  .map((parts) => parts.join(''))

const files = fc
  .record({
    rows: fc.array(fc.tuple(notes, notes, fc.boolean()), { minLength: 1, maxLength: 12 }),
    index: fc.nat(2),
  })
  .map(({ rows, index }) => {
    const codes = rows.map((_, at) => `CODE-${at}`)
    const lines = rows.map(([one, two, quoted], at) => {
      const cells = [one, two].map((cell) => written(cell, quoted))
      cells.splice(index, 0, codes[at] ?? '')
      return cells.join(',')
    })
    const names = ['note', 'more']
    names.splice(index, 0, 'code')
    return { codes, text: `${[names.join(','), ...lines].join('\n')}\n` }
  })

function written(cell: string, quoted: boolean): string {
  const plain = cell.replaceAll('""', '"')
  return quoted || /["\n\r,]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}

/** The text with quotes inserted below its header. */
function broken(text: string, places: readonly number[]): string {
  const start = text.indexOf('\n') + 1
  let result = text
  for (const place of places) {
    const at = start + (place % (result.length - start + 1))
    result = `${result.slice(0, at)}"${result.slice(at)}`
  }
  return result
}

/** The codes of a file: none if it fails, since then none is added. */
async function codesIn(text: string): Promise<string[]> {
  try {
    return (await readAll(text)).rows.map(({ code }) => code)
  } catch (error) {
    if (error instanceof CodeFileError) return []
    throw error
  }
}

describe('a valid file', () => {
  test('gives all of its codes', async () => {
    await fc.assert(
      fc.asyncProperty(files, async ({ codes, text }) => {
        expect(await codesOf(text)).toEqual(codes)
      }),
      { numRuns: 300 },
    )
  })

  test('gives no code that it does not contain, after a quote has been inserted anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(files, fc.nat(), async ({ codes, text }, place) => {
        for (const code of await codesIn(broken(text, [place]))) expect(codes).toContain(code)
      }),
      { numRuns: 2_000 },
    )
  })
})
