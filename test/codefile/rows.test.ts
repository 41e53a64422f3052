import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CodeFileError } from '../../src/codefile/code-file-error.ts'
import type { LayoutOptions } from '../../src/codefile/layout.ts'
import { codesOf, type FileContent, readAll } from '../support/code-file.ts'

const neverClosed = expect.stringContaining('is never closed')

function rejectedOf({ rejected }: FileContent): [number: number, text: string, reason: string][] {
  return rejected.map(({ number, text, reason }) => [number, text, reason])
}

describe('rows', () => {
  it.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ])('end with %s', async (_, end) => {
    expect(await codesOf(['A1', 'B2', '', 'C3'].join(end))).toEqual(['A1', 'B2', 'C3'])
    expect(await codesOf(['code,x', '"A1",1', 'B2,2', ''].join(end))).toEqual(['A1', 'B2'])
  })

  it('may have line ends, delimiters and doubled quotes in quoted cells', async () => {
    const file = 'text,code\r\n"one, ""two""\r\nthree","A ""1"", x"\r\n"\r",B2\r\n'
    expect(await readAll(file)).toEqual({
      rows: [
        { number: 2, code: 'A "1", x' },
        { number: 3, code: 'B2' },
      ],
      rejected: [],
    })
  })

  it('may have blanks around quoted cells, and quotes inside unquoted cells', async () => {
    expect(await codesOf('code, text\n "A1" , "x, y" \nB"2",z\n"C3"\t,1\n')).toEqual(['A1', 'B"2"', 'C3'])
  })

  it('are numbered as in a spreadsheet: header and blank rows count, rows of several lines count once', async () => {
    expect(await readAll('\ncode,text\n\nA1,"x\ny\nz"\n , \n,q\n\nB2,\n\n\n')).toEqual({
      rows: [
        { number: 4, code: 'A1' },
        { number: 8, code: 'B2' },
      ],
      rejected: [{ number: 6, text: ',q', reason: 'This row has no code: its cell is empty.' }],
    })
    expect(await readAll('A1\n\nB2')).toEqual({
      rows: [
        { number: 1, code: 'A1' },
        { number: 3, code: 'B2' },
      ],
      rejected: [],
    })
  })

  it('are skipped if they were read before', async () => {
    const file = `code\nA1\n\n\x01\nB2\nC3\n`
    const whole = await readAll(file)
    expect(whole.rows.length + whole.rejected.length).toBe(4)
    for (let skip = 0; skip <= 4; skip++) {
      const { rows, rejected } = await readAll(file, { skip })
      const all = [...whole.rows, ...whole.rejected].sort((a, b) => a.number - b.number)
      expect([...rows, ...rejected].sort((a, b) => a.number - b.number)).toEqual(all.slice(skip))
    }
  })
})

describe('a row is rejected', () => {
  it('if it lacks the column', async () => {
    expect(await readAll('name,code\nAda\nBob,B2\n')).toEqual({
      rows: [{ number: 3, code: 'B2' }],
      rejected: [
        { number: 2, text: 'Ada', reason: 'The row has no column 2, which is the one with the codes.' },
      ],
    })
  })

  it('if it has more cells than columns and its code is not certain', async () => {
    const reason = expect.stringContaining('so it is not clear which one is the code')
    expect(rejectedOf(await readAll('name,code\nLovelace, Ada,A1\nBob,B2\n'))).toEqual([
      [2, 'Lovelace, Ada,A1', reason],
    ])
    expect(rejectedOf(await readAll('A1\nB,2\nC;3\nD\t4\n"E,5"\n'))).toEqual([
      [2, 'B,2', reason],
      [3, 'C;3', reason],
      [4, 'D\t4', reason],
    ])
    expect(await codesOf('code,text\nA1,one, two\n')).toEqual(['A1'])
    expect(rejectedOf(await readAll('Code,Value\nSAVE,10,5\n"B2",10,5\n'))).toEqual([
      [2, 'SAVE,10,5', reason],
    ])
  })

  it.each([
    ['Code;Value', 'Q1B2C3,5'],
    ['Code,Value', 'Q1B2C3;5'],
    ['Code,Value', 'Q1B2C3|5'],
    ['Code\tValue', 'Q1B2C3,5'],
    ['Code|Value', 'Q1B2C3\t5'],
    ['Value;Code;Text', '5;A,B'],
  ])('if below %j it has another delimiter: %j', async (header, row) => {
    const reason = expect.stringContaining('so its delimiter may be another one')
    expect(rejectedOf(await readAll(`${header}\n${row}\n`))).toEqual([[2, row, reason]])
  })

  it('but not if its code has such a character and is quoted, or no cell is missing', async () => {
    expect(await codesOf('Code;Value\n"Q1B2C3,5"\n')).toEqual(['Q1B2C3,5'])
    expect(await codesOf('Code;Value\n"Q""1,5"\n')).toEqual(['Q"1,5'])
    expect(await codesOf('Code;Value\nQ1B2C3,5;7\nA1\n')).toEqual(['Q1B2C3,5', 'A1'])
  })

  it('if it is the header again, as in concatenated files', async () => {
    expect(await readAll('Code\nA1\ncode\nB2\n')).toEqual({
      rows: [
        { number: 2, code: 'A1' },
        { number: 4, code: 'B2' },
      ],
      rejected: [{ number: 3, text: 'code', reason: 'This is the name of the column again, not a code.' }],
    })
  })

  it('if it is too long, and the rows after it are read', async () => {
    const reason = 'The row is longer than 65,536 bytes. Check whether line breaks are missing in the file.'
    for (const length of [65_537, 131_072, 131_073, 1_000_000])
      for (const end of ['\n', '\r\n', '\r'])
        expect(await readAll(`A1${end}${'x'.repeat(length)}${end}B2${end}`)).toEqual({
          rows: [
            { number: 1, code: 'A1' },
            { number: 3, code: 'B2' },
          ],
          rejected: [{ number: 2, text: `${'x'.repeat(199)}…`, reason }],
        })
  })

  it('because of its code, if it has the maximum length of a row', async () => {
    expect(await readAll(`${'x'.repeat(65_536)}\nA1\n`)).toEqual({
      rows: [{ number: 2, code: 'A1' }],
      rejected: [
        {
          number: 1,
          text: `${'x'.repeat(199)}…`,
          reason: 'The code has 65,536 characters; the limit is 255.',
        },
      ],
    })
  })

  it('if its quote is never closed, and the rows after it are read', async () => {
    expect(await readAll('code\nA1\n"B2\nC3\nD4\n')).toEqual({
      rows: [
        { number: 2, code: 'A1' },
        { number: 4, code: 'C3' },
        { number: 5, code: 'D4' },
      ],
      rejected: [{ number: 3, text: '"B2', reason: neverClosed }],
    })
  })

  it('if its quote is not closed within the length of a row, and all rows after it are read', async () => {
    const count = 100_000
    const file = `"A1\n${Array.from({ length: count }, (_, row) => `C-${row}\n`).join('')}`
    const { rows, rejected } = await readAll(file)
    expect(rejected).toEqual([{ number: 1, text: '"A1', reason: neverClosed }])
    expect(rows.length).toBe(count)
    expect(rows.at(0)).toEqual({ number: 2, code: 'C-0' })
    expect(rows.at(-1)).toEqual({ number: count + 1, code: `C-${count - 1}` })
  })

  it('if text follows the closing quote of a cell', async () => {
    const { rows, rejected } = await readAll('code,text\n"A"1,x\n"B2\n","y"z\nC3,w\n')
    expect(rows).toEqual([{ number: 5, code: 'C3' }])
    expect(rejected.map(({ number, reason }) => [number, reason])).toEqual([
      [2, expect.stringContaining('Text follows the closing quote')],
      [3, expect.stringContaining('Text follows the closing quote')],
      [4, expect.stringContaining('Text follows the closing quote')],
    ])
  })

  it.each([
    // Outside of a quoted cell this line opens one; inside, it closes one and opens another.
    ['a quote in each line', 'a",",\n'.repeat(200_000), 200_000],
    // Whether a row begins in one of these lines depends on a quote in the last one, which is long.
    ['many lines before a quote', `a,"b"c\n${'\n'.repeat(40_000)}${'x'.repeat(20_000)}",y\n`.repeat(4), 8],
  ])('in linear time, even in a hostile file: %s', async (_, lines, count) => {
    const { rejected } = await readAll(`code,x\n${lines}`)
    expect(rejected.length).toBe(count)
  })

  it('before the layout is found, if the first row cannot be read', async () => {
    expect(await readAll(`${'x'.repeat(70_000)}\n"\nname,code\nAda,A1\n`)).toEqual({
      rows: [{ number: 4, code: 'A1' }],
      rejected: [
        { number: 1, text: expect.any(String), reason: expect.stringContaining('longer than') },
        { number: 2, text: '"', reason: neverClosed },
      ],
    })
  })
})

const nasty = fc
  .array(
    fc.constantFrom('"', '""', ',', '\r', '\n', '\r\n', ' ', 'A', 'B2', '"x\n"', '"C3",', 'é', '\t', ';'),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''))

function failure(error: unknown): { fails: string } {
  if (!(error instanceof CodeFileError)) throw error
  // The rows are numbered differently.
  return { fails: error.message.replace(/row \d+/, 'row') }
}

describe('blank rows', () => {
  it.each([
    ['"code";"note"\n"A1";"x"\n\n', 2],
    ['"code";"note"\n\n"A1";"x"\n', 3],
    ['"code"|"note"\n\n"A1"|"x"\n\n', 3],
    ['\n;;\n"code";"note"\n"A1";"x"\n \n', 4],
  ])('are passed over in %j, whatever other delimiters make of its quotes', async (file, number) => {
    expect(await readAll(file)).toEqual({ rows: [{ number, code: 'A1' }], rejected: [] })
  })

  it('at the top hide no row below them', async () => {
    const reason = expect.stringContaining('Text follows the closing quote')
    const broken = (number: number) => ({ number, text: '"B"2', reason })
    expect(await readAll('\n"B"2\nA1\n', { header: false })).toEqual({
      rows: [{ number: 3, code: 'A1' }],
      rejected: [broken(2)],
    })
    expect(await readAll(',,\n"B"2\n\n"B"2\n"B"2\n\nA1\n')).toEqual({
      rows: [{ number: 7, code: 'A1' }],
      rejected: [broken(2), broken(4), broken(5)],
    })
    expect((await readAll('\n"B"2\n"B"2\n\n')).rejected).toEqual([broken(2), broken(3)])
    expect(await readAll(',\n"B"2,1\nA1,1\n', { header: false, column: '1' })).toEqual({
      rows: [{ number: 3, code: 'A1' }],
      rejected: [expect.objectContaining({ number: 2 })],
    })
  })

  it('at the top change only the numbers of the others', async () => {
    const blank = fc.array(fc.constantFrom('\n', ' \r\n', ',,\n', ';\r\n', '"",\n'), {
      minLength: 1,
      maxLength: 4,
    })
    const options = fc.constantFrom<LayoutOptions>({}, { header: true }, { header: false }, { column: 'B2' })
    await fc.assert(
      fc.asyncProperty(blank, nasty, options, async (above, text, how) => {
        const alone = await readAll(`B2${text}`, how).catch(failure)
        const below = await readAll(`${above.join('')}B2${text}`, how).catch(failure)
        if ('fails' in alone || 'fails' in below) {
          expect(below).toEqual(alone)
          return
        }
        for (const row of [...below.rows, ...below.rejected]) row.number -= above.length
        expect(below).toEqual(alone)
      }),
      { numRuns: 500 },
    )
  })
})

describe('wherever a file is cut into pieces', () => {
  // The reader's block size.
  const pieceSize = 65_536

  it('gives the same rows, or the same error', async () => {
    const head = 'code,text\n'
    await fc.assert(
      fc.asyncProperty(nasty, fc.nat(40), async (text, before) => {
        const content = `A1\n${text}`
        const whole = await readAll(head + content).catch(failure)
        // A row that ends just before the cut, so that the content extends across it.
        const filler = `,${'x'.repeat(pieceSize - head.length - before - 2)}\n`
        const across = await readAll(head + filler + content).catch(failure)
        if ('fails' in across) {
          expect(across).toEqual(whole)
          return
        }
        expect(across.rejected.shift()?.reason).toBe('This row has no code: its cell is empty.')
        for (const row of [...across.rows, ...across.rejected]) row.number -= 1
        expect(across).toEqual(whole)
      }),
      { numRuns: 500 },
    )
  })
})
