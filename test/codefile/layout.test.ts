import { describe, expect, it } from 'vitest'
import { CodeFileError } from '../../src/codefile/code-file-error.ts'
import { codesOf, readAll } from '../support/code-file.ts'

describe('a file without a named column', () => {
  it.each([
    'code',
    'Codes',
    'PROMO CODE',
    'promocode',
    'promo_code',
    'Promo-Code',
    'promotion code',
    'coupon',
    'Coupon Code',
    'vouchers',
    'Voucher code',
    'discount_code',
    'Gift card code',
    ' "code" ',
  ])('has its column found by the usual name %s', async (name) => {
    expect(await codesOf(`name,${name}\nAda,A1\nBob,B2\n`)).toEqual(['A1', 'B2'])
    expect(await codesOf(`${name}\nA1\nB2\n`)).toEqual(['A1', 'B2'])
  })

  it.each(['CODE1', 'C-O-D-E', 'CO DE', 'PROMO', 'PROMO--CODE', 'CODE-', 'SALE', '2024', '_code'])(
    'takes %s in its first row for a code',
    async (first) => {
      expect(await codesOf(`${first}\nB2\n`)).toEqual([first, 'B2'])
    },
  )

  it('is one code a line where nothing is a header', async () => {
    expect(await codesOf('A1\nB2\nC3')).toEqual(['A1', 'B2', 'C3'])
    expect(await codesOf('A1')).toEqual(['A1'])
  })

  it('is refused when it has several columns and none of a usual name', async () => {
    await expect(readAll('Name;Gutschein;Wert\nAda;A1;5\n')).rejects.toThrow(
      new CodeFileError(
        'The file has 3 columns, and none has a usual name such as "code". Its first row has "Name", "Gutschein" and ' +
          '"Wert". Name the column that has the codes; if the file has no header, add one, or send header=false and ' +
          'column=<the number of the column with the codes>.',
      ),
    )
  })

  it('is refused when two columns could be the one', async () => {
    await expect(readAll('coupon,amount,Code\nA1,5,B2\n')).rejects.toThrow(
      new CodeFileError(
        'More than one column could be the one with the codes: "coupon" and "Code". Name the one that is.',
      ),
    )
  })
})

describe('a named column', () => {
  it.each(['Kode', 'kode', ' KODE ', '"Kode"'])('is found as %j', async (column) => {
    expect(await codesOf('Name, "Kode" ,code\nAda,A1,X\n', { column })).toEqual(['A1'])
    expect(await codesOf('Kode\nA1\n', { column })).toEqual(['A1'])
  })

  it.each(['"Promo\ncode"', '"Promo \r\n code"', 'Promo  code', 'Promo     code', 'Promo\u00a0code'])(
    'is found with whatever space it has inside: %j',
    async (name) => {
      for (const column of [undefined, 'promo code', 'Promo  code'])
        expect(await codesOf(`Name,${name}\nAda,A1\n`, { column })).toEqual(['A1'])
      const { rows, refused } = await readAll(`Name,${name}\nAda,A1\nName,Promo  Code\n`)
      expect([rows.length, refused.length]).toEqual([1, 1])
    },
  )

  it('is found whatever Unicode form it has', async () => {
    expect(await codesOf('Co\u0301digo\nA1\n', { column: 'c\u00f3digo' })).toEqual(['A1'])
  })

  it('is found exactly before it is found in another case', async () => {
    expect(await codesOf('CODE,Code\nA1,B2\n', { column: 'Code' })).toEqual(['B2'])
  })

  it('has to be there', async () => {
    await expect(readAll('Name,Kode\nAda,A1\n', { column: 'Code' })).rejects.toThrow(
      new CodeFileError(
        'The file has no column "Code". Its first row has "Name" and "Kode". Name one of these; if the file has one ' +
          'code a line and no header, name none. If it has several columns and no header, send header=false and ' +
          'column=<the number of the column with the codes>.',
      ),
    )
  })

  it('has to have a name', async () => {
    await expect(readAll(',code\nAda,A1\n', { column: ' ' })).rejects.toThrow('The file has no column " ".')
  })

  it('has to be there once', async () => {
    await expect(readAll('code,Name,CODE\nA1,Ada,B2\n', { column: 'Code' })).rejects.toThrow(
      new CodeFileError('The file has more than one column "Code": columns 1 and 3. Rename one of them.'),
    )
  })

  it('is missed with a word on the encoding, when that may be why', async () => {
    const latin1 = Buffer.from('Código,Name\nA1,Ada\n', 'latin1')
    await expect(readAll(latin1, { column: 'Código' })).rejects.toThrow('"C\ufffddigo" and "Name"')
    await expect(readAll(latin1, { column: 'Código' })).rejects.toThrow('save the file as "CSV UTF-8"')
  })

  it('needs a header that can be read', async () => {
    await expect(readAll('"Code\nA1\n', { column: 'Code' })).rejects.toThrow(
      'The first row, which has to be the header, cannot be read. A quote (") opens a cell',
    )
    await expect(readAll('C'.repeat(70_000), { column: 'Code' })).rejects.toThrow(
      'cannot be read. The row is longer than 65,536 bytes',
    )
  })

  it('is told from others by names that do not fill the screen', async () => {
    const wide = Array.from({ length: 300 }, (_, index) => `\x1b${'x'.repeat(200)}${index}`).join(',')
    const error: unknown = await readAll(wide, { column: 'Code' }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(CodeFileError)
    expect(String(error).length).toBeLessThan(1_300)
    expect(String(error)).toContain('and 280 more')
    expect(String(error)).not.toContain('\x1b')
  })
})

describe('the delimiter', () => {
  it.each([
    [',', 'a comma'],
    [';', 'a semicolon'],
    ['\t', 'a tab'],
  ])('can be %j (%s)', async (delimiter) => {
    const file = [
      ['Name', 'Code'],
      ['Ada', 'A1'],
      ['Bob', 'B2'],
    ]
    expect(await codesOf(file.map((row) => row.join(delimiter)).join('\n'))).toEqual(['A1', 'B2'])
  })

  it('is the one with which the header has the column', async () => {
    const file = 'Name (first, middle, last);Code\nLovelace, Ada, King;A1\n'
    expect(await codesOf(file)).toEqual(['A1'])
    expect(await codesOf('id|code\n1|A1\n')).toEqual(['A1'])
  })

  it('is a character like others when it is none of the file', async () => {
    expect(await codesOf('code,text\nA;1,x\nB|2,y\n')).toEqual(['A;1', 'B|2'])
  })

  it('is not taken for a code where a row of nothing but bars comes before the header', async () => {
    const rows = [{ number: 3, code: 'A1' }]
    for (const header of ['id|code', 'id,code', 'code'])
      for (const blank of ['|', ' | |', '""|""'])
        expect(await readAll(`${blank}\n\n${header}\n${header.replace('code', 'A1')}\n`)).toEqual({
          rows: [{ number: 4, code: 'A1' }],
          refused: [],
        })
    expect(await codesOf(`${'|\n'.repeat(30_000)}code\nA1\n`)).toEqual(['A1'])
    expect(await readAll('sep=|\n||\nid|code\n1|A1\n')).toEqual({ rows, refused: [] })
    expect(await readAll('|\nid|name\n1|A1\n', { column: 'name' })).toEqual({ rows, refused: [] })
  })

  it('is a code where no header comes after it, however far one is looked for', async () => {
    expect(await codesOf('|')).toEqual(['|'])
    expect(await codesOf('||\n|\n')).toEqual(['||', '|'])
    expect(await codesOf('|\n\nA|1\n|\n')).toEqual(['|', 'A|1', '|'])
    const bars = Array.from({ length: 100_000 }, () => '|')
    expect(await codesOf(`${bars.join('\n')}\nid|code\n`)).toEqual([...bars, 'id|code'])
  })

  it('can be told as Excel is told it, in a line that is no row', async () => {
    expect(await readAll('sep=;\r\nname,x;code\r\nAda;A1\r\n')).toEqual({
      rows: [{ number: 2, code: 'A1' }],
      refused: [],
    })
  })

  it('may stand behind the last cell', async () => {
    expect(await codesOf('A1,\nB2,,\nC3\n')).toEqual(['A1', 'B2', 'C3'])
    expect(await codesOf('code,\nA1,\n')).toEqual(['A1'])
    expect(await codesOf('code\nA1,\n')).toEqual(['A1'])
  })
})

describe('a file without codes', () => {
  it.each([
    ['nothing', ''],
    ['a byte order mark', '\ufeff'],
    ['blank lines', '\n  \r\n\t\n'],
    ['empty cells', ',,\n"",,\n'],
  ])('is refused as empty: %s', async (_, content) => {
    await expect(readAll(content)).rejects.toThrow(
      new CodeFileError(
        'The file is empty. Export the codes again, and look into the file before you upload it.',
      ),
    )
  })

  it.each(['code', 'code\n', '\ufeffcode\r\n\r\n', 'name,code\n,\n'])(
    'is refused as a header alone: %j',
    async (content) => {
      await expect(readAll(content)).rejects.toThrow('The file has a header and no codes.')
    },
  )
})
