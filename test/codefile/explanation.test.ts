import { describe, expect, it } from 'vitest'
import { codesOf, readAll } from '../support/code-file.ts'

const numbered = (start: string) =>
  Array.from({ length: 1_000 }, (_, at) => `${start}${String(at + 1).padStart(4, '0')}`)

describe('texts in the place of a code', () => {
  it.each([
    ...[
      '--------',
      '-',
      '_____',
      '= = =',
      '+------+',
      '---+---',
      '────',
      '(2 rows)',
      '2 rows',
      '(2 rows affected)',
    ],
    ...['1 row', '2 rows in set (0.00 sec)', '1,234 rows selected.', '(2 Zeilen)', '(2 строки)'],
    ...['NULL', 'null', '(null)', '<null>', 'N/A', 'n/a', '\\N', 'none', 'None', 'NaN', 'undefined'],
  ])('is rejected: %s', async (text) => {
    const reason = expect.stringContaining(
      'This is a line between rows, a word for an empty cell, or a row count, not a code',
    )
    for (const lines of [
      ['code', 'A1', text, 'B2'],
      ['code', text, 'A1', 'B2'],
      ['A1', 'B2', text],
    ]) {
      // A comma divides cells.
      const { rows, rejected } = await readAll(
        lines.map((line) => (line.includes(',') ? `"${line}"` : line)).join('\n'),
      )
      expect(rows.map(({ code }) => code)).toEqual(['A1', 'B2'])
      expect(rejected.map((row) => row.reason)).toEqual([reason])
    }
    expect(await codesOf(`"${text}"\nA1\n`, { header: false })).toEqual([text, 'A1'])
  })

  it.each(['|', '||', '*', '#', '+', '♥', '=1', 'A-', 'NULL5', 'NONE-1', '2rows', 'ROWS'])(
    'is a code all the same: %s',
    async (text) => {
      expect(await codesOf(`code\nA1\n${text}\n`)).toEqual(['A1', text])
    },
  )

  it('does not hide a header', async () => {
    expect(await codesOf('A1\nA2\n').catch(String)).toEqual(['A1', 'A2'])
    for (const text of [
      ' code \n------\n Z1\n Z2\n(2 rows)\n',
      '--------\ncode\n--------\nZ1\nZ2\n--------\n',
      'code | status\n-----+-------\nZ1 | new\nZ2 | new\n(2 rows)\n',
      '+------+-----+\n| code | x   |\n+------+-----+\n| Z1   | 1   |\n| Z2   | 2   |\n+------+-----+\n2 rows in set (0.00 sec)\n',
    ])
      expect((await readAll(text)).rows.map(({ code }) => code)).toEqual(['Z1', 'Z2'])
  })
})

describe('single quotes', () => {
  it('around all cells of the column, as in SQL, do not belong to the codes', async () => {
    expect(await codesOf("'code'\n'Z1'\n'Z2'\n")).toEqual(['Z1', 'Z2'])
    expect(await codesOf("'id','code'\n1,'Z1'\n2,'O''NEIL'\n")).toEqual(['Z1', "O'NEIL"])
    const { rows, rejected } = await readAll("'code'\n'Z1'\nNULL\n''\n'code'\n")
    expect([rows, rejected.length]).toEqual([[{ number: 2, code: 'Z1' }], 3])
  })

  it('around some are part of them', async () => {
    for (const codes of [["'Z1'", 'Z2'], ["'TIS-10'"]])
      expect(await codesOf(`code\n${codes.join('\n')}\n`)).toEqual(codes)
    expect(await codesOf("'code'\n'Z1'\nZ2\n")).toEqual(["'Z1'", 'Z2'])
  })
})

describe('codes that look like explanations of a template', () => {
  it.each([
    'EX-',
    'NP-',
    'SAMPLE-',
    'BEISPIEL-',
    'YOUR-CODE-',
    'EX ',
    'example: ',
    'TEXT-',
    'YOURCODE',
    'Ex–',
  ])('are codes in a series of %s', async (start) => {
    expect(await codesOf(`Code\n${numbered(start).join('\n')}\n`)).toEqual(numbered(start))
  })

  it.each([
    [['BEISPIEL-7', 'SOMMER-10']],
    [['YOUR-CODE-1', 'YOUR-CODE-2']],
    [['OPTIONAL', 'SAMPLE', 'SUMMER', 'WINTER', 'AUTUMN']],
    [['TEXT', 'OPTIONAL', 'REQUIRED', 'SUMMER', 'WINTER', 'SPRING']],
    [['YOURCODE', 'MYCODE', 'HISCODE', 'HERCODE', 'OURCODE']],
    [['SAMPLE', 'X7KD92', 'KQWZPL', 'MM4T6Y', 'AWFGHQ', 'B2CD4E']],
    [['SUM 10', 'SUM 20', 'SUM 30']],
  ])('are codes where the others are alike: %j', async (codes) => {
    expect(await codesOf(`Code\n${codes.join('\n')}\n`)).toEqual(codes)
  })

  it.each([
    [
      ['REQUIRED', 'A unique discount code presented to customers'],
      ['X1', 'X2', 'X3', 'X4'],
    ],
    [['Required'], ['SALE', 'SUMMER', 'WINTER', 'AUTUMN', 'SPRING']],
    [['e.g. SPRING10'], ['X1', 'X2', 'X3', 'X4']],
    [['Example - SPRING10'], ['X1', 'X2', 'X3', 'X4']],
    [['YOURCODE'], ['X7KD92LM', 'P0QW83ZZ', 'A9SD71KJ', 'M4T6Y8UU']],
    [
      ['TEXT', 'OPTIONAL'],
      ['X7KD92LM', 'P0QW83ZZ', 'A9SD71KJ', 'M4T6Y8UU'],
    ],
  ])('are none where the others are not: %j', async (explanations, codes) => {
    const { rows, rejected } = await readAll(`Code\n${[...explanations, ...codes].join('\n')}\n`)
    expect(rows.map(({ code }) => code)).toEqual(codes)
    expect(rejected.map(({ text, reason }) => [text, reason])).toEqual(
      explanations.map((text) => [text, expect.stringContaining('This is a text for people')]),
    )
  })
})
