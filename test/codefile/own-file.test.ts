import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { guarded, unguarded } from '../../src/codefile/formula-guard.ts'
import { codesColumns, headerOf, rejectedColumns } from '../../src/codefile/own-file.ts'
import { codesOf, readAll } from '../support/code-file.ts'

describe('the guard against formulas', () => {
  it.each([
    ['=X', "'=X"],
    ["'=X", "''=X"],
    ["''=X", "'''=X"],
    ["'TIS-10", "'TIS-10"],
    ["O'NEIL", "O'NEIL"],
    ["'", "'"],
    ["' =X", "'' =X"],
    ['A;=B', "A;'=B"],
    ["A;'=B", "A;''=B"],
    ["A,' =B", "A,' =B"],
    ['A, -B', "A, '-B"],
    ['-A;-B', "'-A;'-B"],
  ])('makes of %j %j, and only that is made of it again', (text, written) => {
    expect(guarded(text)).toBe(written)
    expect(unguarded(written)).toBe(text)
  })

  it('gives each text its own form, which can be reversed and begins no formula', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab"\',;\t\r\n =+-@＝−') })
    fc.assert(
      fc.property(text, (value) => {
        const written = guarded(value)
        expect(unguarded(written)).toBe(value)
        for (const piece of `,${written}`.split(/[,;\t\r\n]/)) expect(piece).not.toMatch(/^\s*[=+\-@＝−]/)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a download that is uploaded', () => {
  const header = codesColumns.join()
  const earlierHeader = 'code,status,recipient,claimed_at,origin'

  it.each([
    ['of an earlier release', earlierHeader, ["'=Q,AVAILABLE,,,x", "''=Q"], ['=Q', "'=Q"]],
    ['of an earlier release, raw', earlierHeader.replace('origin', '"origin"'), ["'=Q", '=Q'], ["'=Q", '=Q']],
    ['as it is', header, ["'=Q", "''=Q", "'TIS-1"], ['=Q', "'=Q", "'TIS-1"]],
    ['raw', `${codesColumns.slice(0, -1).join()},"origin"`, ['=Q', "'=Q"], ['=Q', "'=Q"]],
    ['with all cells in quotes', codesColumns.map((name) => `"${name}"`).join(), ["'=Q"], ['=Q']],
    ['with empty cells at the end', `${header},,`, ["'=Q"], ['=Q']],
    ["somebody else's, of other columns", 'code,status,recipient', ["'=Q"], ["'=Q"]],
    ["somebody else's, in another order", [...codesColumns].reverse().join(), [",,,,,,,,'=Q"], ["'=Q"]],
    ["somebody else's, in capitals", header.toUpperCase(), ["'=Q"], ["'=Q"]],
    ["somebody else's, of codes alone", 'code', ["'=Q"], ["'=Q"]],
  ])('gives its codes: %s', async (_, first, rows, codes) => {
    expect(await codesOf(`${first}\r\n${rows.join('\r\n')}\r\n`)).toEqual(codes)
  })

  it.each([',', ';', '\t'])('is known with the delimiter %j', async (delimiter) => {
    const row = (...cells: string[]) => `${cells.join(delimiter)}\r\n`
    for (const raw of [false, true]) {
      const file = `\ufeff${headerOf(codesColumns, raw, delimiter)}\r\n${row("''-A", 'AVAILABLE', '', '', '')}`
      expect(await codesOf(file)).toEqual([raw ? "''-A" : "'-A"])
    }
  })

  it('gives no code that was claimed, and says why', async () => {
    const { rows, rejected } = await readAll(
      `${earlierHeader}\r\nA1,CLAIMED,Ada,2026-11-25T00:00:00.000Z,upload\r\nA2,AVAILABLE,,,upload\r\n'-A3,claimed,,,\r\nA4,,,,\r\nA5,SOLD,,,\r\n`,
    )
    expect(rows).toEqual([
      { number: 3, code: 'A2' },
      { number: 5, code: 'A4' },
    ])
    expect(rejected).toEqual([
      { number: 2, text: 'A1', reason: expect.stringContaining('The code has been claimed') },
      { number: 4, text: '-A3', reason: expect.stringContaining('The code has been claimed') },
      {
        number: 6,
        text: 'A5',
        reason: expect.stringContaining('is none of AVAILABLE, CLAIMED and WITHDRAWN'),
      },
    ])
  })

  it('gives no code that was redeemed or withdrawn, and says how to get a withdrawn one back', async () => {
    const at = '2026-11-25T00:00:00.000Z'
    const { rows, rejected } = await readAll(
      `${header}\r\nA1,CLAIMED,Ada,${at},${at},REDEEMED,${at},order 7,upload\r\n` +
        'A2,AVAILABLE,,,,NOT_CLAIMED,,,upload\r\nA3,WITHDRAWN,,,,WITHDRAWN,,,upload\r\n',
    )
    expect(rows).toEqual([{ number: 3, code: 'A2' }])
    expect(rejected).toEqual([
      { number: 2, text: 'A1', reason: expect.stringContaining('The code has been claimed') },
      { number: 4, text: 'A3', reason: expect.stringMatching(/The code has been withdrawn.*restoreCodes/) },
    ])
  })

  it("ignores a column status in another system's file", async () => {
    const sold = 'A1,AVAILABLE,2027-01-01,7\nA2,USED,2027-01-01,8\n'
    expect(await codesOf(`code,status,expires_at,reference\n${sold}`)).toEqual(['A1', 'A2'])
    expect(await codesOf(`Coupon,status,expires_at,reference\n${sold}`)).toEqual(['A1', 'A2'])
    expect(await codesOf('code,status\nA1,CLAIMED\nA2,SOLD\n')).toEqual(['A1', 'A2'])
    expect(await codesOf('code,status,amount\nA1,CLAIMED,5\n')).toEqual(['A1'])
    expect(await codesOf('coupon,status\nA1,CLAIMED\n')).toEqual(['A1'])
    expect(await codesOf(`${header}\nA1,CLAIMED,X1,,\n`, { column: 'recipient' })).toEqual(['X1'])
  })

  it.each([
    ['code,status,claimed_at,origin', 'A1,CLAIMED,2026-11-25T00:00:00.000Z,upload', 'A2,AVAILABLE,,upload'],
    ['code,status', 'A1,CLAIMED', 'A2,AVAILABLE'],
    ['code,status,validity', 'A1,CLAIMED,VALID', 'A2,AVAILABLE,NOT_CLAIMED'],
    ['validity,reference,status,code', 'REDEEMED,order 7,CLAIMED,A1', 'NOT_CLAIMED,,AVAILABLE,A2'],
    [
      'Voucher,reference,status,validity,redeemed_at,expires_at',
      'A1,order 7,CLAIMED,REDEEMED,25/11/2026,26/11/2026',
      'A2,,AVAILABLE,NOT_CLAIMED,,',
    ],
    ['Code,Status', 'A1,CLAIMED', 'A2,AVAILABLE'],
    ['CODE,STATUS,RECIPIENT,CLAIMED_AT,ORIGIN', 'A1,CLAIMED,Ada,25/11/2026,upload', 'A2,AVAILABLE,,,upload'],
    ['status;code', 'CLAIMED;A1', 'AVAILABLE;A2'],
    ['code\tstatus', 'A1\tCLAIMED', 'A2\tAVAILABLE'],
    ['"code" ,"status" ,', 'A1,CLAIMED,', 'A2,AVAILABLE,'],
    [`${header},sold`, 'A1,CLAIMED,Ada,2026-11-25T00:00:00.000Z,upload,x', 'A2,AVAILABLE,,,upload,'],
    ['code,status,recipient,note', 'A1,CLAIMED,Ada,x', 'A2,AVAILABLE,,'],
    [
      'Voucher,status,recipient,claimed_at,origin',
      'A1,CLAIMED,Ada,25/11/2026,upload',
      'A2,AVAILABLE,,,upload',
    ],
  ])('gives none that was claimed when its columns are %s', async (first, claimed, available) => {
    for (const options of [{}, { header: true }, { column: 'code' }].slice(
      0,
      first.includes('Voucher') ? 2 : 3,
    )) {
      const { rows, rejected } = await readAll(`${first}\n${available}\n${claimed}\n`, options)
      expect(rows).toEqual([{ number: 2, code: 'A2' }])
      expect(rejected).toEqual([
        { number: 3, text: 'A1', reason: expect.stringContaining('The code has been claimed') },
      ])
    }
  })

  it('is recognised if it was concatenated, or has rows without values', async () => {
    const { rows, rejected } = await readAll(
      'code,status\nA1,CLAIMED\nNULL,NULL\nCode,Status\nA2,AVAILABLE\n',
    )
    expect(rows.map(({ code }) => code)).toEqual(['A2'])
    expect(rejected.map(({ number }) => number)).toEqual([2, 3, 4])
  })

  it('gives its codes without the guard against formulas, even if columns were removed', async () => {
    const rows = "'=Q,AVAILABLE\n''-Q,AVAILABLE\n"
    expect(await codesOf(`code,status\n${rows}`)).toEqual(['=Q', "'-Q"])
    expect(await codesOf(`code,"status"\n${rows}`)).toEqual(["'=Q", "''-Q"])
  })

  it('is rejected without its header, and says what to do', async () => {
    const rows = 'A1,AVAILABLE,,,upload\r\nA2,CLAIMED,Ada,2026-11-25T00:00:00.000Z,upload\r\n'
    const failure = 'without its header, which an upload needs to tell which of the codes were claimed'
    for (const options of [
      {},
      { header: true },
      { header: true, column: '1' },
      { header: false, column: '1' },
    ])
      await expect(readAll(rows, options)).rejects.toThrow(failure)
    await expect(readAll(rows.replaceAll(',', ';'), { header: false, column: '1' })).rejects.toThrow(failure)
    await expect(readAll('A1,AVAILABLE\nA2,CLAIMED\n', { header: false, column: '1' })).rejects.toThrow(
      failure,
    )
    await expect(
      readAll('code,status\nA1,AVAILABLE\nA2,CLAIMED\n', { header: false, column: '1' }),
    ).rejects.toThrow(failure)
    await expect(readAll(`${header}\r\n${rows}`, { header: false, column: '1' })).rejects.toThrow(failure)
    for (const row of ['A1,CLAIMED,Ada,2026-11-25T00:00:00.000Z,,VALID,,,x', 'A1,WITHDRAWN,,,,WITHDRAWN,,,x'])
      await expect(readAll(`${row}\r\nA2,other\r\n`, { header: false, column: '1' })).rejects.toThrow(failure)
  })

  it.each(['header', 'validity', 'reference', 'expires_at', 'redeemed_at'])(
    'has its codes in the column that says so, and not in %s',
    async (name) => {
      expect(await codesOf(`${name},Promo code\nVALID,A1\nEXPIRED,A2\n`)).toEqual(['A1', 'A2'])
      await expect(readAll(`${name},number of pieces\nVALID,1\nEXPIRED,2\n`)).rejects.toThrow(
        'none has a usual name',
      )
    },
  )

  it('may have codes with the names of its columns, but not its header twice', async () => {
    const { rows, rejected } = await readAll(`${header}\ncode,AVAILABLE,,,\n${header}\nstatus,,,,\n`)
    expect(rows.map(({ code }) => code)).toEqual(['code', 'status'])
    expect(rejected).toEqual([{ number: 3, text: 'code', reason: expect.stringContaining('header') }])
  })

  it('keeps codes that look like formulas', async () => {
    expect(await codesOf(`${header}\n"'=""A1""",AVAILABLE,,,\n`)).toEqual(['="A1"'])
    expect(await codesOf('code\n"=""A1"""\n')).toEqual(['A1'])
  })

  it('of rejected rows is recognised as well, except for rows that were shortened', async () => {
    const first = rejectedColumns.join()
    const { rows, rejected } = await readAll(`${first}\n3,'-A1,It is.\n4,${'x'.repeat(199)}…,It is.\n`)
    expect(rows).toEqual([{ number: 2, code: '-A1' }])
    expect(rejected.map(({ reason }) => reason)).toEqual([expect.stringContaining('ends in an ellipsis')])
  })
})
