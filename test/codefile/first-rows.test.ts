import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { CodeFileError, HeaderUnclearError } from '../../src/codefile/code-file-error.ts'
import type { FileBeginning } from '../../src/codefile/first-rows.ts'
import { type CodeFileOptions, readCodeFile } from '../../src/codefile/read.ts'
import { cut, Source } from '../support/code-file.ts'

/** How a file begins, whether it could be read or not, and the error if not. */
async function begin(file: string | Uint8Array, options: Partial<CodeFileOptions> = {}, size = 65_536) {
  let beginning: FileBeginning | undefined
  try {
    const source = new Source(cut(Buffer.from(file), size))
    for await (const read of readCodeFile(source, { maxBytes: 2 ** 30, ...options }))
      beginning = read.beginning
  } catch (error) {
    if (!(error instanceof CodeFileError)) throw error
    return { beginning: error.beginning, error }
  }
  return { beginning, error: undefined }
}

describe('the beginning of a file', () => {
  it('has its first rows as cells, numbered as in a spreadsheet, and its first codes', async () => {
    const rows = [1, 2, 3, 4, 5, 6, 7].map((n) => `${n};"C;${n}"\n`).join('')
    const file = `\ufeffReport, May\n\nNr;Gutscheincode\n${rows}`
    const expected = {
      rows: [
        { number: 1, cells: ['Report, May'] },
        { number: 3, cells: ['Nr', 'Gutscheincode'] },
        ...[1, 2, 3, 4].map((n) => ({ number: n + 3, cells: [String(n), `C;${n}`] })),
      ],
      codes: ['C;1', 'C;2', 'C;3', 'C;4', 'C;5'],
    }
    expect(await begin(file)).toEqual({ beginning: expected, error: undefined })
    expect((await begin(file, {}, 1)).beginning).toEqual(expected)
    expect((await begin(gzipSync(file))).beginning).toEqual(expected)
  })

  it('has the same codes if the file is read on after some of its rows', async () => {
    const file = `code\n${[1, 2, 3, 4, 5, 6, 7].map((n) => `C${n}\n`).join('')}`
    expect((await begin(file, { skip: 3 })).beginning).toEqual((await begin(file)).beginning)
    expect((await begin(file, { skip: 3 })).beginning?.codes).toEqual(['C1', 'C2', 'C3', 'C4', 'C5'])
  })

  it('has no codes that were refused', async () => {
    const { beginning } = await begin('code,value\n,5\n#REF!,6\nA1,7\n')
    expect(beginning?.codes).toEqual(['A1'])
    expect(beginning?.rows.map(({ cells }) => cells)).toEqual([
      ['code', 'value'],
      ['', '5'],
      ['#REF!', '6'],
      ['A1', '7'],
    ])
  })

  it('is short, whatever is in the file', async () => {
    const wide = Array.from({ length: 30 }, (_, at) => `${at}${'ä'.repeat(100)}\0`).join()
    const { beginning } = await begin(`code,${wide}\n${`A,${wide}\n`.repeat(50)}`)
    expect(beginning?.rows).toHaveLength(6)
    for (const { cells } of beginning?.rows ?? []) {
      expect(cells).toHaveLength(20)
      for (const cell of cells) expect(cell).toMatch(/^[^\0]{1,40}$/)
    }
  })

  it('shows the columns to choose from if it is not clear which has the codes', async () => {
    const { beginning, error } = await begin('Nr;Bon\n1;A1\n2;B2\n')
    expect(error?.message).toContain('The file has 2 columns')
    const rows = [
      { number: 1, cells: ['Nr', 'Bon'] },
      { number: 2, cells: ['1', 'A1'] },
      { number: 3, cells: ['2', 'B2'] },
    ]
    expect(beginning).toEqual({ rows, codes: [] })
    for (const options of [{ column: 'Code' }, { header: false }, { header: false, column: '9' }])
      expect((await begin('Nr;Bon\n1;A1\n2;B2\n', options)).beginning).toEqual({ rows, codes: [] })
    expect((await begin('Nr;Bon\n1;A1\n2;B2\n', { header: true, column: '2' })).beginning).toEqual({
      rows,
      codes: ['A1', 'B2'],
    })
  })

  it('is known if it is not clear whether there is a header', async () => {
    const { beginning, error } = await begin('\nZorgbon\nK1\nK2\n')
    expect(error).toBeInstanceOf(HeaderUnclearError)
    expect(beginning).toEqual({
      rows: [
        { number: 2, cells: ['Zorgbon'] },
        { number: 3, cells: ['K1'] },
        { number: 4, cells: ['K2'] },
      ],
      codes: [],
    })
  })

  it('is known if the file turns out to be broken further down', async () => {
    const { beginning, error } = await begin('code,value\nA1,1\n"B2,2\nC3,3\n')
    expect(error?.message).toContain('do not come in pairs')
    expect(beginning?.codes).toEqual(['A1'])
    expect(beginning?.rows[0]).toEqual({ number: 1, cells: ['code', 'value'] })
  })

  it.each([
    ['an empty file', ''],
    ['a blank file', '\n\n , \n'],
    ['a workbook', Buffer.from('504b0304', 'hex')],
  ])('is not known of %s', async (_what, file) => {
    const { beginning, error } = await begin(file)
    expect(error).toBeDefined()
    expect(beginning).toBeUndefined()
  })
})
