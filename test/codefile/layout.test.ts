import { describe, expect, it } from 'vitest'
import { CodeFileError, HeaderUnclearError } from '../../src/codefile/code-file-error.ts'
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

  it.each(['C-O-D-E', 'CO DE', 'PROMO--CODE', 'CODE-', 'SALE', '2024', 'COUPON10'])(
    'takes %s in its first row for a code',
    async (first) => {
      expect(await codesOf(`${first}\nB2\n`)).toEqual([first, 'B2'])
    },
  )

  const asks = async (first: string, codes: readonly string[]) => {
    const text = [first, ...codes].join('\n')
    await expect(readAll(text)).rejects.toThrow(HeaderUnclearError)
    expect(await codesOf(text, { header: true })).toEqual(codes)
    expect(await codesOf(text, { header: false })).toEqual([first, ...codes])
  }

  it.each([
    ...[
      'CODE1',
      'code1',
      'codes_2024',
      'coupon-code-v2',
      'PROMOCODES2024',
      'Code 1',
      'Coupon #1',
      'Codes 2024-11-25',
    ],
    ...['<code>', '[code]', '_code', '// codes', '== CODES ==', '--- Codes', '2024 promo codes', '{{code}}'],
    ...['PromoCodes_Q1', 'codes-2024-q3', 'Code№1', 'codes-may-2024', 'Code Nr. 1', '«Code»'],
    ...['PROMO', 'discount', 'Offer', 'Reward', 'Promotion', 'Rabatt', 'Zorgbon'],
  ])('asks whether %s in its first row is a code', async (first) => {
    for (const codes of [
      ['B2'],
      ['DT1', 'DT2'],
      ['SAVE10', 'SALE', 'X'],
      ['X7KD92LM', 'P0QW83ZZ', 'A9SD71K2'],
    ])
      if (!(await isTakenForHeader(first, codes))) await asks(first, codes)
  })

  // A name that looks like nothing below it is clear.
  const isTakenForHeader = async (first: string, codes: readonly string[]) => {
    const reading = await readAll([first, ...codes].join('\n')).catch(() => undefined)
    return reading?.rows.length === codes.length && reading.rejected.length === 0
  }

  it.each([
    ['FREESHIP', ['1234567', '2345678', '3456789']],
    ['FREE SHIPPING', ['1234567', '2345678', '3456789']],
    ['welcome', ['SAVE-AB12', 'SAVE-CD34', 'SAVE-EF56', 'SAVE-GH78']],
    ['Kampagne', ['Sommer10', 'Winter20', 'Herbst30', 'Fruehling5']],
    ['SUMMER', ['SALE10', 'SALE20', 'SALE30']],
  ])('asks whether the word %s above %j is a code', async (first, codes) => {
    await asks(first, codes)
  })

  it('asks about a single word above codes', async () => {
    await expect(readAll('FREESHIP\ncode\n1234567\n2345678\n')).rejects.toThrow(HeaderUnclearError)
    await expect(readAll('FREESHIP\n\n1234567\n2345678\n')).rejects.toThrow(HeaderUnclearError)
    await expect(readAll('welcome\n\nSAVE-AB12\nSAVE-CD34\nSAVE-EF56\nSAVE-GH78\n')).rejects.toThrow(
      HeaderUnclearError,
    )
  })

  it.each([
    [['CODE1', 'CODE2', 'CODE3']],
    [['Code 1', 'Code 2']],
    [['COUPON #1', 'COUPON #2', 'COUPON #3']],
    [['PROMO']],
    [['KQWZPLMX', 'X7KD92LM', 'P0QW83ZZ', 'A9SD71KJ']],
    [['SAVE-ABCD', 'SAVE-12', 'SAVE-345', 'SAVE-6789']],
  ])('takes all of %j for codes', async (codes) => {
    expect(await codesOf(codes.join('\n'))).toEqual(codes)
  })

  it('has one code per line if nothing is a header', async () => {
    expect(await codesOf('A1\nB2\nC3')).toEqual(['A1', 'B2', 'C3'])
    expect(await codesOf('A1')).toEqual(['A1'])
  })

  it('is rejected if it has several columns and none has a usual name', async () => {
    await expect(readAll('Name;Gutschein;Wert\nAda;A1;5\n')).rejects.toMatchObject({
      name: 'CodeFileError',
      message:
        'The file has 3 columns, and none has a usual name such as "code". Its first row has "Name", "Gutschein" and ' +
        '"Wert". Name the column with the codes; if the file has no header, add one, or say that it has ' +
        'none, and give the number of the column with the codes.',
    })
  })

  it('is rejected if two columns may have the codes', async () => {
    await expect(readAll('coupon,amount,Code\nA1,5,B2\n')).rejects.toMatchObject({
      name: 'CodeFileError',
      message: 'More than one column may have the codes: "coupon" and "Code". Name the right one.',
    })
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
      const { rows, rejected } = await readAll(`Name,${name}\nAda,A1\nName,Promo  Code\n`)
      expect([rows.length, rejected.length]).toEqual([1, 1])
    },
  )

  it('is found in any Unicode form', async () => {
    expect(await codesOf('Co\u0301digo\nA1\n', { column: 'c\u00f3digo' })).toEqual(['A1'])
  })

  it('is found by its exact name first, then in another case', async () => {
    expect(await codesOf('CODE,Code\nA1,B2\n', { column: 'Code' })).toEqual(['B2'])
  })

  it('must exist', async () => {
    await expect(readAll('Name,Kode\nAda,A1\n', { column: 'Code' })).rejects.toMatchObject({
      name: 'CodeFileError',
      message:
        'The file has no column "Code". Its first row has "Name" and "Kode". Name one of these; if the file has one ' +
        'code per line and no header, do not name a column. If it has no header, say that it has none, and give ' +
        'the number of the column with the codes.',
    })
  })

  it('must have a name', async () => {
    await expect(readAll(',code\nAda,A1\n', { column: ' ' })).rejects.toThrow('The file has no column " ".')
  })

  it('must be the only one of its name', async () => {
    await expect(readAll('code,Name,CODE\nA1,Ada,B2\n', { column: 'Code' })).rejects.toMatchObject({
      name: 'CodeFileError',
      message: 'The file has more than one column "Code": columns 1 and 3. Rename one of them.',
    })
  })

  it('that is missing gives a hint on the encoding, if that may be why', async () => {
    const latin1 = Buffer.from('Código,Name\nA1,Ada\n', 'latin1')
    await expect(readAll(latin1, { column: 'Código' })).rejects.toThrow('"C\ufffddigo" and "Name"')
    await expect(readAll(latin1, { column: 'Código' })).rejects.toThrow('save it as "CSV UTF-8"')
  })

  it('needs a header that can be read', async () => {
    await expect(readAll('"Code\nA1\n', { column: 'Code' })).rejects.toThrow(
      'The first row, which must be the header, cannot be read. A quote (") opens a cell',
    )
    await expect(readAll('C'.repeat(70_000), { column: 'Code' })).rejects.toThrow(
      'cannot be read. The row is longer than 65,536 bytes',
    )
  })

  it('that is missing lists the others in little space', async () => {
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

  it('is the one with which the header contains the column', async () => {
    const file = 'Name (first, middle, last);Code\nLovelace, Ada, King;A1\n'
    expect(await codesOf(file)).toEqual(['A1'])
    expect(await codesOf('id|code\n1|A1\n')).toEqual(['A1'])
  })

  it('is an ordinary character if the file has another one', async () => {
    expect(await codesOf('code,text\nA;1,x\nB|2,y\n')).toEqual(['A;1', 'B|2'])
  })

  it('is not a code in a row of bars above the header', async () => {
    const rows = [{ number: 3, code: 'A1' }]
    for (const header of ['id|code', 'id,code', 'code'])
      for (const blank of ['|', ' | |', '""|""'])
        expect(await readAll(`${blank}\n\n${header}\n${header.replace('code', 'A1')}\n`)).toEqual({
          rows: [{ number: 4, code: 'A1' }],
          rejected: [],
        })
    expect(await codesOf(`${'|\n'.repeat(30_000)}code\nA1\n`)).toEqual(['A1'])
    expect(await readAll('sep=|\n||\nid|code\n1|A1\n')).toEqual({ rows, rejected: [] })
    expect(await readAll('|\nid|name\n1|A1\n', { column: 'name' })).toEqual({ rows, rejected: [] })
  })

  it('is a code if no header follows', async () => {
    expect(await codesOf('|')).toEqual(['|'])
    expect(await codesOf('||\n|\n')).toEqual(['||', '|'])
    expect(await codesOf('|\n\nA|1\n|\n')).toEqual(['|', 'A|1', '|'])
    const bars = Array.from({ length: 100_000 }, () => '|')
    expect(await codesOf(`${bars.join('\n')}\nid|code\n`)).toEqual([...bars, 'id|code'])
  })

  it('can be set as for Excel, in a line that is not a row', async () => {
    expect(await readAll('sep=;\r\nname,x;code\r\nAda;A1\r\n')).toEqual({
      rows: [{ number: 2, code: 'A1' }],
      rejected: [],
    })
  })

  it('may follow the last cell', async () => {
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
  ])('is rejected as empty: %s', async (_, content) => {
    await expect(readAll(content)).rejects.toThrow(
      new CodeFileError(
        'The file is empty. Export the codes again, and check the file before you upload it.',
      ),
    )
  })

  it.each(['code', 'code\n', '\ufeffcode\r\n\r\n', 'name,code\n,\n'])(
    'is rejected as a header alone: %j',
    async (content) => {
      await expect(readAll(content)).rejects.toThrow('The file has a header but no codes.')
    },
  )
})
