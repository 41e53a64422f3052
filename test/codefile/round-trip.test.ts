import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, readAll, Source } from '../support/code-file.ts'

// No code of these looks like a usual name, a rounded number or a formula. Sentences and lines between rows do occur.
const visible = [...'ABC019-_./*"\',;|<>()', 'ä', 'Ж', '夏', '€', '𝔸', '🎁', '❤️']
const codes = fc
  .array(fc.constantFrom(...visible, ' '), { minLength: 1, maxLength: 20 })
  .map((parts) => parts.join(''))
  .filter(
    (code) => code.trim() === code && /[^-_| ]/.test(code) && !(/ \S+ /.test(code) && /ää|夏夏/.test(code)),
  )

/** Other cells: anything that does not begin like the row number of a spreadsheet. */
const others = fc.oneof(
  fc.string({ maxLength: 10 }),
  fc.constantFrom('', ' ', '"', 'line\nbreak', 'a,b;c\td', '\r\n', 'é', '""'),
)

const files = fc
  .record({
    delimiter: fc.constantFrom(',', ';', '\t'),
    index: fc.nat(3),
    columns: fc.integer({ min: 1, max: 4 }),
    header: fc.boolean(),
    rows: fc.array(
      fc.record({
        code: codes,
        others: fc.array(others, { minLength: 4, maxLength: 4 }),
        quotes: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        space: fc.constantFrom('', ' '),
        end: fc.constantFrom('\n', '\r\n', '\r'),
        blankBefore: fc.nat(2),
      }),
      { minLength: 1, maxLength: 30 },
    ),
    lastEnd: fc.boolean(),
    mark: fc.boolean(),
    packed: fc.boolean(),
    size: fc.integer({ min: 1, max: 100 }),
  })
  .map(({ columns, index, header, ...file }) => ({
    ...file,
    columns,
    index: index % columns,
    header: header || columns > 1,
  }))

function written(cell: string, quoted: boolean, space: string): string {
  const needed = /["\n\r,;\t]/.test(cell)
  return quoted || needed ? `${space}"${cell.replaceAll('"', '""')}"${space}` : `${space}${cell}${space}`
}

describe('whatever has been written as CSV', () => {
  it('is read as it was, with the numbers of its rows', async () => {
    await fc.assert(
      fc.asyncProperty(files, async (file) => {
        const expected: { number: number; code: string }[] = []
        const named = Array.from({ length: file.columns }, (_, at) => (at === file.index ? 'Code' : `x${at}`))
        let text = file.mark ? '\ufeff' : ''
        let number = 0
        if (file.header) {
          text += `${named.join(file.delimiter)}\n`
          number += 1
        }
        for (const [at, row] of file.rows.entries()) {
          // With a space, so that a line feed does not complete the line end before it.
          text += ` ${row.end}`.repeat(row.blankBefore)
          const cells = row.others.slice(0, file.columns)
          cells[file.index] = row.code
          text += cells
            .map((cell, column) => written(cell, row.quotes[column] ?? false, row.space))
            .join(file.delimiter)
          if (at < file.rows.length - 1 || file.lastEnd) text += row.end
          number += row.blankBefore + 1
          expected.push({ number, code: row.code })
        }
        const bytes = file.packed ? gzipSync(text) : Buffer.from(text)
        // A missing header has to be given, since codes of these characters may look like one.
        const options = file.header ? {} : { header: false }
        const reading = await readAll(new Source(cut(bytes, file.size)), options)
        expect(reading).toEqual({ rows: expected, rejected: [] })
      }),
      { numRuns: 500 },
    )
  })
})
