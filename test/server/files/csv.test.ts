import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Pattern } from '../../../src/codespace/pattern.ts'
import { cell, cellFrame } from '../../../src/server/files/csv.ts'
import { readCsv } from '../../support/csv.ts'

describe('a cell', () => {
  test.each([
    ['plain text', 'plain text'],
    ['', ''],
    ['Ada, Countess of Lovelace', '"Ada, Countess of Lovelace"'],
    ['the "Enchantress"', '"the ""Enchantress"""'],
    ['two\nlines', '"two\nlines"'],
    ['semi;colon', '"semi;colon"'],
    [' spaced ', '" spaced "'],
    ['👩‍🚀 Zoë', '👩‍🚀 Zoë'],
    ['a-b+c=d@e', 'a-b+c=d@e'],
    ["'quoted'", "'quoted'"],
  ])('of %j is written as %j', (text, written) => {
    expect(cell(text, false)).toBe(written)
    expect(cell(text, true)).toBe(written)
  })

  test.each([
    ['=1+1', "'=1+1"],
    ['+49 30 1234', "'+49 30 1234"],
    ['-1', "'-1"],
    ['@ada', "'@ada"],
    ['＝1+1', "'＝1+1"],
    ['＋1', "'＋1"],
    ['－1', "'－1"],
    ['＠ada', "'＠ada"],
    ['−1', "'−1"],
    ['  =1+1', "'  =1+1"],
    ['\ttab', '"\'\ttab"'],
    ['\rreturn', '"\'\rreturn"'],
    ['\nline', '"\'\nline"'],
    ['=HYPERLINK("http://x.example","click")', '"\'=HYPERLINK(""http://x.example"",""click"")"'],
    ['x;=1+1;', '"x;\'=1+1;"'],
    ['x; +1', '"x; \'+1"'],
    ['x\n@y', '"x\n\'@y"'],
    ['x\t-1', '"x\t\'-1"'],
  ])('of %j would be run by a spreadsheet: it is written as %j, and unchanged if raw', (text, written) => {
    expect(cell(text, false)).toBe(written)
    expect(readCsv(`${cell(text, true)}\r\n`)).toEqual([[text]])
  })

  test('never begins a formula, wherever rows are split, and is read back unchanged if raw', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab"\',;\t\r\n =+-@＝') })
    fc.assert(
      fc.property(text, (value) => {
        expect(readCsv(`${cell(value, true)},\r\n`)).toEqual([[value, '']])
        const safe = cell(value, false)
        expect(readCsv(`${safe},\r\n`)[0]?.[0]).not.toMatch(/^(\s*[=+\-@＝]|[\t\r\n])/)
        // As a program splits it that expects semicolons and finds no quote at the start of the cell.
        for (const piece of `x,${safe}`.split(/[;\t\r\n]/)) expect(piece).not.toMatch(/^\s*[=+\-@＝]/)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('the frame of a format', () => {
  const character = fc.constantFrom(...'AB1-+=@",;\'_é漢')
  const literal = fc.constantFrom(...'AB1-+=@",;\'_é漢'.split(''), null)
  const patterns = fc
    .tuple(fc.uniqueArray(character, { minLength: 2 }), fc.array(literal, { maxLength: 6 }))
    .map(([characters, positions]) => ({ characters, positions: [...positions, null] }))

  test('gives the same cells as each code alone, and their size', () => {
    fc.assert(
      fc.property(patterns, fc.boolean(), ({ characters, positions }, raw) => {
        const pattern = Pattern.parse(
          positions.map((position) => position ?? '#').join(''),
          characters.join(''),
        )
        const frame = cellFrame(pattern, raw)
        if (frame === undefined) return
        for (const code of pattern.examples(5)) {
          const written = frame.before + code + frame.after
          // It may have needless quotes.
          expect(readCsv(`${written}\r\n`)).toEqual(readCsv(`${cell(code, raw)}\r\n`))
          if (frame.bytes !== undefined) expect(Buffer.byteLength(written)).toBe(frame.bytes)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    ['SUMMER-####', 'ABC123', { before: '', after: '', bytes: 11 }],
    ['-####', 'ABC123', { before: "'", after: '', bytes: 6 }],
    ['A,####', 'ABC123', { before: '"', after: '"', bytes: 8 }],
    ['é-##', '漢字', { before: '', after: '', bytes: 9 }],
    ['é-##', 'a漢', { before: '', after: '', bytes: undefined }],
    ['##', 'AB-', undefined],
    ['A"##', 'AB', undefined],
  ])('%s of %s is %j', (source, characters, frame) => {
    expect(cellFrame(Pattern.parse(source, characters), false)).toEqual(frame)
  })
})
