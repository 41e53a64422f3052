import { describe, expect, it } from 'vitest'
import { readCell } from '../../src/codefile/code.ts'
import { readAll } from '../support/code-file.ts'

const read = (text: string) => readCell(Buffer.from(text).toString('latin1'))
const rejected = (text: string): string => {
  const reading = read(text)
  if ('reason' in reading) return reading.reason
  throw new Error(`accepted as ${JSON.stringify(reading.code)}`)
}

describe('a code of an upload', () => {
  it.each([
    ['a usual one', 'SPRING-7KQ2M-4XW9P'],
    ['all of printable ASCII', String.fromCharCode(...Array.from({ length: 94 }, (_, at) => 33 + at))],
    ['inner spaces', 'SPRING SALE  2026'],
    ['letters of any script', 'SOMMERGRÜẞE-Лето-夏天-がぎ-हिन्दी-צ'],
    ['symbols', '50€–OFF™½'],
    ['emoji', '🎁GIFT❤️👩‍👩‍👧🏴󠁧󠁢󠁥󠁮󠁧󠁿1️⃣'],
    ['letters beyond U+FFFF', '𠀀𝔸'],
    ['a formula', '=SUM(A1)'],
    ['a plus and an E', 'E+10, 1E+5X, 12E+10'],
    ['a number sign', '#REF'],
    ['255 characters', 'x'.repeat(255)],
  ])('is accepted as it is: %s', (_, code) => {
    expect(read(code)).toEqual({ code })
  })

  it.each([
    ['white space', ' \t\u00a0\u3000\u2028A 1\ufeff\r\n '],
    ['what copying leaves behind', '\u200e\u202aA 1\u202c\u200b\u00ad'],
    ['a formula that keeps zeros', '="A 1"'],
    ['a formula that keeps zeros, with space', ' =" A 1 " '],
  ])('is taken out of %s', (_, text) => {
    expect(read(text)).toEqual({ code: 'A 1' })
  })

  it('is stored in composed form', () => {
    expect(read('CAFE\u0301')).toEqual({ code: 'CAF\u00c9' })
    expect(read('\u1100\u1161')).toEqual({ code: '\uac00' })
    expect(read('e\u0301'.repeat(255))).toEqual({ code: '\u00e9'.repeat(255) })
  })

  it('is empty if nothing can be seen', () => {
    for (const text of ['', '  ', '\u00a0\u200b', '=""']) expect(read(text)).toEqual({ code: '' })
  })

  it.each([
    ['too long', 'x'.repeat(256), 'The code has 256 characters; the limit is 255.'],
    [
      'decomposed and far too long',
      '\u0301'.repeat(30_000),
      'The code has 30,000 characters; the limit is 255.',
    ],
    ['far too long', 'x'.repeat(10_000), 'The code has 10,000 characters; the limit is 255.'],
    ['a NUL', 'A\x001', 'The code contains control characters (U+0000): '],
    ['a NUL at the end', 'A1\0', 'The code contains control characters (U+0000): '],
    ['a line break', 'A\n1', 'The code contains control characters (U+000A): '],
    ['a delete', 'A\x7f1', 'The code contains control characters (U+007F): '],
    ['a control character beyond ASCII', 'A\x851', 'The code contains control characters (U+0085): '],
    ['a zero-width space', 'A\u200b1', 'The code contains invisible characters (U+200B): '],
    ['a soft hyphen', 'A\u00ad1', 'The code contains invisible characters (U+00AD): '],
    ['a change of direction', 'A\u202e1', 'The code contains invisible characters (U+202E): '],
    ['a joiner outside of emoji', 'A\u200d1', 'The code contains invisible characters (U+200D): '],
    ['a selector outside of emoji', 'A\ufe0f1', 'The code contains invisible characters (U+FE0F): '],
    ['an invisible letter', 'A\u31641', 'The code contains invisible characters (U+3164): '],
    ['a no-break space', 'A\u00a01', 'The code contains a space that only looks like'],
    ['a line separator', 'A\u20281', 'The code contains a space that only looks like'],
    ['a private-use character', 'A\uf8ff', 'The code contains private-use characters (U+F8FF): '],
    ['an unassigned character', 'A\u0378', 'The code contains unassigned characters (U+0378): '],
    ['a character that was lost earlier', 'A\ufffd1', 'The code contains U+FFFD'],
    ['a rounded number', '1.23457E+15', 'A spreadsheet has rounded this number'],
    ['a rounded number with a comma', '-4,5e+22', 'A spreadsheet has rounded this number'],
    ['a rounded number without decimals', '1E+15', 'A spreadsheet has rounded this number'],
    ['a formula error', '#REF!', 'This is a spreadsheet formula error.'],
  ])('is rejected with the reason: %s', (_, text, reason) => {
    expect(rejected(text)).toContain(reason)
    expect(rejected(text)).toMatch(/\.$/)
  })

  it.each([
    ['Latin-1', [0x43, 0xd6, 0x44, 0x45]],
    ['a cut sequence', [0x41, 0xe2, 0x82]],
    ['a byte that begins nothing', [0x41, 0x80]],
    ['more bytes than are needed', [0xc0, 0xaf]],
    ['half a surrogate pair', [0xed, 0xa0, 0xbd]],
    ['beyond the last character', [0xf5, 0x80, 0x80, 0x80]],
  ])('is rejected as not UTF-8: %s', (_, bytes) => {
    expect(readCell(Buffer.from(bytes).toString('latin1'))).toEqual({
      reason: expect.stringContaining('The row is not valid UTF-8. Save the file as "CSV UTF-8"'),
    })
  })

  it('is trimmed in linear time, whatever surrounds it', () => {
    expect(rejected(`x${' \u200b'.repeat(20_000)}x`)).toContain('40,002 characters')
    expect(read(`${'\u200b'.repeat(20_000)}x${' '.repeat(20_000)}`)).toEqual({ code: 'x' })
  })
})

describe('in a file', () => {
  it('invalid UTF-8 affects only its own row', async () => {
    const lines = [Buffer.from('A1\nÄ2\n'), Buffer.from([0xc4, 0x33, 0x0a]), Buffer.from('Ä4\nB5\n')]
    expect(await readAll(Buffer.concat(lines))).toEqual({
      rows: [
        { number: 1, code: 'A1' },
        { number: 2, code: 'Ä2' },
        { number: 4, code: 'Ä4' },
        { number: 5, code: 'B5' },
      ],
      rejected: [{ number: 3, text: '\ufffd3', reason: expect.stringContaining('not valid UTF-8') }],
    })
  })

  it('invalid UTF-8 in other columns does not matter', async () => {
    const file = Buffer.from('code,Straße\nA1,Grün\n', 'latin1')
    expect(await readAll(file)).toEqual({ rows: [{ number: 2, code: 'A1' }], rejected: [] })
  })

  it('the shortened text of a rejected row can be stored: no NUL, no half characters, 200 at most', async () => {
    const { rejected: rows } = await readAll(`A1\nB\x002\n${'x'.repeat(198)}${'🎁'.repeat(100)}\n`)
    expect(rows.map(({ text }) => text)).toEqual(['B\ufffd2', `${'x'.repeat(198)}\ufffd…`])
  })

  it('whether a code is accepted does not depend on the rest of the file', async () => {
    const codes = ['A 1', '1E+15', '#REF!', '="01"', 'A\x011', 'x'.repeat(256), 'A\u00a01', 'Ä', '+5']
    for (const code of codes) {
      const alone = await readAll(code)
      expect(await readAll(`${code}\nÄÖ\n"Q"\n`)).toMatchObject({
        rows: expect.arrayContaining(alone.rows),
        rejected: alone.rejected,
      })
    }
  })
})
