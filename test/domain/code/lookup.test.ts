import { randomUUID } from 'node:crypto'
import { v7 as newId } from 'uuid'
import { beforeAll, describe, expect, it } from 'vitest'
import { characterSets } from '../../../src/codespace/characters.ts'
import type { ShapeInput } from '../../../src/codespace/pattern.ts'
import { typedKey } from '../../../src/codespace/typed-form.ts'
import type { Books } from '../../../src/domain/books/books.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import type { Code } from '../../../src/domain/code/code.ts'
import { LookUps } from '../../../src/domain/code/lookup.ts'
import { createFormat } from '../../../src/domain/format/create.ts'
import { fill, newAccount, newPool, type Place, useBooks } from '../../support/books.ts'
import { upload } from '../../support/uploads.ts'

const test = useBooks()
let lookUps: LookUps
beforeAll(async () => {
  lookUps = new LookUps(test.books)
})

/** An account for one test, apart from the codes of other tests. */
async function newPlace(): Promise<Place> {
  return { books: test.books, accountId: await newAccount(test.books) }
}

async function find({ accountId }: Place, text: string): Promise<Code | undefined> {
  return await lookUps.find(accountId, text)
}

async function newFormat(
  place: Place,
  pattern: string,
  characters: ShapeInput['characters'],
): Promise<string> {
  return await createFormat(place.books, place.accountId, {
    name: randomUUID(),
    shape: { prefix: '', suffix: '', body: { pattern }, characters },
  })
}

/** A pool with some codes of a new format. */
async function generated(
  place: Place,
  pattern: string,
  characters: ShapeInput['characters'],
  count: number,
): Promise<{ poolId: string; formatId: string; codes: string[] }> {
  const formatId = await newFormat(place, pattern, characters)
  const poolId = await newPool(place)
  await fill(place, poolId, formatId, BigInt(count))
  const space = await place.books.codeSpaces.get(place.books, place.accountId, formatId)
  return { poolId, formatId, codes: space.codesAt(0n, count) }
}

/** A pool with all codes of a new format: every text that fits the format is a code. */
async function everyCode(place: Place, pattern: string, list: string) {
  return await generated(place, pattern, { list }, list.length ** (pattern.split('#').length - 1))
}

/** The rows of an upload in a given state. If it is completed, they are at the end of a pool's line. */
async function uploaded(
  place: Place,
  codes: readonly string[],
  status: 'COMPLETED' | 'RUNNING' | 'CANCELLED' | 'UNDONE' = 'COMPLETED',
): Promise<{ uploadId: string; poolId: string }> {
  const poolId = await newPool(place)
  const uploadId = newId()
  const completed = status === 'COMPLETED'
  await place.books.rows({
    text: `
      INSERT INTO task (account_id, id, kind, trigger, pool_id, status, accepted, added)
      VALUES ($1, $2, 'UPLOAD', 'MANUAL', $3, $4, $5, $6)`,
    values: [place.accountId, uploadId, poolId, status, codes.length, completed ? codes.length : 0],
  })
  await place.books.rows({
    text: `
      INSERT INTO uploaded_code (account_id, task_id, row, code, typed)
      SELECT $1, $2, number - 1, code, typed
      FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS codes (code, typed, number)`,
    values: [place.accountId, uploadId, codes, codes.map(typedKey)],
  })
  if (completed) {
    await place.books.rows({
      text: 'INSERT INTO batch (account_id, pool_id, start, count, task_id) VALUES ($1, $2, 0, $3, $4)',
      values: [place.accountId, poolId, codes.length, uploadId],
    })
    await place.books.rows({
      text: 'UPDATE pool SET total = total + $3 WHERE account_id = $1 AND id = $2',
      values: [place.accountId, poolId, codes.length],
    })
  }
  return { uploadId, poolId }
}

const everyWay = (code: string) => [
  code,
  code.toLowerCase(),
  ` ${code.replaceAll('-', ' ')}\t`,
  code.replaceAll('-', ''),
  code.replaceAll('-', '–'),
  [...code].join(' '),
]

describe('a generated code', () => {
  it('is found as a person types it, before and after it is claimed', async () => {
    const place = await newPlace()
    const { poolId, formatId, codes } = await generated(place, 'WINTER-####-####', { set: 'UNAMBIGUOUS' }, 3)
    const [first = '', second = '', third = ''] = codes
    const claims = new Claims(place.books)
    await claims.claim(place.accountId, { poolId, count: 1 })
    await claims.claim(place.accountId, { poolId, count: 1, recipient: 'ada' })
    for (const typed of [...everyWay(first), first.replace('I', '1'), first.replace('I', 'l')])
      expect(await find(place, typed)).toEqual({
        code: first,
        formatId,
        index: 0n,
        poolId,
        lane: 'LINE',
        position: 0n,
        claim: {
          poolId,
          first: 0n,
          count: 1n,
          at: expect.any(Date),
          recipient: undefined,
          expiresAt: undefined,
        },
      })
    expect(await find(place, second)).toMatchObject({ index: 1n, claim: { recipient: 'ada' } })
    expect(await find(place, third)).toMatchObject({
      code: third,
      formatId,
      index: 2n,
      poolId,
      claim: undefined,
    })
  })

  it('is found in any pool and any batch that its format has filled', async () => {
    const place = await newPlace()
    const formatId = await newFormat(place, 'B-######', { set: 'UNAMBIGUOUS' })
    const other = await newFormat(place, 'C-######', { set: 'UNAMBIGUOUS' })
    const pools = [await newPool(place), await newPool(place)]
    const expected: string[] = []
    for (let round = 0; round < 3; round++)
      for (const poolId of pools) {
        await fill(place, poolId, other, 2n)
        await fill(place, poolId, formatId, 4n)
        expected.push(...Array.from({ length: 4 }, () => poolId))
      }
    const space = await place.books.codeSpaces.get(place.books, place.accountId, formatId)
    const codes = space.codesAt(0n, expected.length + 1)
    const unknown = codes.pop() ?? ''
    const found = await Promise.all(codes.map((code) => find(place, code)))
    expect(found.map((code) => [code?.index, code?.poolId])).toEqual(
      expected.map((poolId, index) => [BigInt(index), poolId]),
    )
    expect(await find(place, unknown)).toBeUndefined()
  })

  it('is not found if it does not exist or belongs to another account', async () => {
    const place = await newPlace()
    const { codes } = await generated(place, 'S-#####', { set: 'UNAMBIGUOUS' }, 1)
    const [code = ''] = codes
    for (const text of [
      '',
      ' ',
      '-',
      code.slice(1),
      `${code}X`,
      `${code}\0`,
      '\0',
      '\ud800',
      `${code}\udc00`,
      `${code}${' '.repeat(1_000)}`,
      '9'.repeat(1_000_000),
      '🎁',
      '%',
      "'; DROP TABLE format; --",
    ])
      expect(await find(place, text)).toBeUndefined()
    expect(await find(await newPlace(), code)).toBeUndefined()
    expect(await find(place, code)).toBeDefined()
  })

  it('is found as soon as its format exists, whichever process created it, and whatever the clock of that process says', async () => {
    const place = await newPlace()
    const here = new LookUps(place.books)
    const shape = (prefix: string) => ({
      name: prefix,
      shape: { prefix, suffix: '', body: { length: 1 }, characters: { list: '67' } },
    })
    expect(await here.find(place.accountId, 'A6')).toBeUndefined()
    const elsewhere = { books: await test.another(), accountId: place.accountId }
    // A format with an id of the future, as by a process whose clock is ahead.
    const first = await createFormat(place.books, place.accountId, shape('A'))
    await place.books.rows({
      text: 'UPDATE format SET id = $3 WHERE account_id = $1 AND id = $2',
      values: [place.accountId, first, newId({ msecs: Date.now() + 3_600_000 })],
    })
    expect(await here.find(place.accountId, 'A6')).toBeUndefined()
    for (const prefix of ['B', 'C', 'D']) {
      const formatId = await createFormat(elsewhere.books, place.accountId, shape(prefix))
      expect(await here.find(place.accountId, `${prefix}6`)).toBeUndefined()
      await fill(elsewhere, await newPool(elsewhere), formatId, 2n)
      expect(await here.find(place.accountId, `${prefix}6`)).toMatchObject({ formatId })
    }
  })

  it('is found when several processes create formats simultaneously', async () => {
    const place = await newPlace()
    const here = new LookUps(place.books)
    const processes: Books[] = [place.books, await test.another(), await test.another()]
    await Promise.all(
      Array.from({ length: 24 }, async (_, i) => {
        const books = processes[i % processes.length] as Books
        const maker = { books, accountId: place.accountId }
        const prefix = `N${String(i).padStart(2, '6')}-`
        const formatId = await newFormat(maker, `${prefix}#`, { list: 'XY' })
        await fill(maker, await newPool(maker), formatId, 2n)
        expect(await here.find(place.accountId, `${prefix}x`)).toMatchObject({ formatId })
      }),
    )
  })

  it('is found after the database was reset to a state in which its format was another one', async () => {
    const place = await newPlace()
    const here = new LookUps(place.books)
    const lost = await newFormat(place, 'GONE-#', { list: '67' })
    expect(await here.find(place.accountId, 'GONE-6')).toBeUndefined()
    await place.books.rows({
      text: 'DELETE FROM format WHERE account_id = $1 AND id = $2',
      values: [place.accountId, lost],
    })
    expect(await here.find(place.accountId, 'GONE-6')).toBeUndefined()
    const { formatId } = await everyCode(place, 'GONE-#', '67')
    expect(await here.find(place.accountId, 'GONE-6')).toMatchObject({ formatId })
  })
})

describe('an uploaded code', () => {
  it('is found as a person types it, before and after it is claimed', async () => {
    const place = await newPlace()
    const codes = ['HELLO-2024', 'MixedCase7', 'KRWG4', '10% off!', 'größe', 'ЖЯ-1', '🎁-GIFT', '---']
    const { uploadId, poolId } = await uploaded(place, codes)
    await new Claims(place.books).claim(place.accountId, { poolId, count: 2, recipient: 'ada' })
    for (const [row, code] of codes.entries()) {
      const expected = {
        code,
        uploadId,
        index: BigInt(row),
        poolId,
        lane: 'LINE',
        position: BigInt(row),
        claim: row < 2 ? expect.objectContaining({ first: 0n, count: 2n, recipient: 'ada' }) : undefined,
      }
      for (const typed of code === '---' ? [code] : everyWay(code))
        expect(await find(place, typed)).toEqual(expected)
    }
    for (const typed of ['hell0 2o24', 'HEIIO-2O2A'.replace('A', '4'), 'MIXEDCA5E7', '1O% 0ff1'])
      expect(await find(place, typed)).toBeDefined()
    for (const typed of ['HELLO-202', '-', '--', '🎁', 'MixedCase'])
      expect(await find(place, typed)).toBeUndefined()
  })

  it('is found only while its upload has it in a pool', async () => {
    for (const status of ['RUNNING', 'CANCELLED', 'UNDONE'] as const) {
      const place = await newPlace()
      await uploaded(place, ['LATER-1', 'KRWG4'], status)
      for (const typed of ['LATER-1', 'later 1', 'KRWG4', 'krwg4'])
        expect(await find(place, typed)).toBeUndefined()
      // And it makes no other code ambiguous.
      const { uploadId } = await uploaded(place, ['LATER1', 'KRW-G4'])
      for (const typed of ['LATER1', 'later 1', 'krwg4'])
        expect(await find(place, typed)).toMatchObject({ uploadId })
    }
  })

  it('is not found in another account', async () => {
    const place = await newPlace()
    await uploaded(place, ['MINE-1'])
    for (const typed of everyWay('MINE-1')) expect(await find(await newPlace(), typed)).toBeUndefined()
  })
})

describe('a text that may mean several codes', () => {
  const cases: [what: string, codes: string[], typed: string, meant: string | undefined][] = [
    ['is the one written exactly so', ['SOLO1', 'S0L01'], 'S0L01', 'S0L01'],
    ['is the one written exactly so, in lower case too', ['ab', 'AB', 'A-B'], 'ab', 'ab'],
    [
      'is the one that differs in case alone, before those with other characters',
      ['SOLO1', 'S0L01'],
      'so-lo1',
      'SOLO1',
    ],
    ['is in doubt when case alone tells them apart', ['ab7', 'AB7'], 'Ab7', undefined],
    ['is in doubt when dashes alone tell them apart', ['AB-7', 'A-B7'], 'ab7', undefined],
    ['is in doubt when both have other characters', ['SOLO1', 'S0L01'], '5olo1', undefined],
    ['is the one that is there', ['SOLO1', 'SOLA1'], '5olo1', 'SOLO1'],
  ]
  it.each(cases)('%s: %j', async (_, codes, typed, meant) => {
    const place = await newPlace()
    await uploaded(place, codes)
    expect((await find(place, typed))?.code).toBe(meant)
  })

  it.each(cases)(
    '%s, whether they come from formats or from an upload: %j',
    async (_, codes, typed, meant) => {
      for (const which of codes.keys()) {
        const place = await newPlace()
        // A format with this code and another one, which is not meant.
        const code = codes[which] as string
        await everyCode(place, `${code.slice(0, -1)}#`, `${code.slice(-1)}?`)
        await uploaded(
          place,
          codes.filter((other) => other !== code),
        )
        expect((await find(place, typed))?.code).toBe(meant)
      }
      const place = await newPlace()
      for (const code of codes) await everyCode(place, `${code.slice(0, -1)}#`, `${code.slice(-1)}?`)
      expect((await find(place, typed))?.code).toBe(meant)
    },
  )

  it('does not mean a code that was never generated', async () => {
    const place = await newPlace()
    await newFormat(place, 'DO-##', { list: 'AB' })
    await everyCode(place, 'do##', 'AB')
    expect(await find(place, 'Do ab')).toMatchObject({ code: 'doAB' })
  })

  it('is ambiguous if there are more of them than are read, unless it is one of them exactly', async () => {
    const place = await newPlace()
    const codes = Array.from({ length: 80 }, (_, i) => `${'-'.repeat(i)}XO`)
    await uploaded(place, ['X0-', ...codes, '-X0'])
    expect(await find(place, 'x 0')).toBeUndefined()
    for (const code of codes) expect(await find(place, code)).toMatchObject({ code })
  })

  it('means the one that differs only in case, spaces and dashes, however many others look like it', async () => {
    const place = await newPlace()
    const codes = Array.from({ length: 64 }, (_, i) =>
      `W${i.toString(2).padStart(6, '0').replaceAll('1', 'O')}`.replace(/^W0/, 'W-0'),
    )
    await upload(place, await newPool(place), codes)
    for (const code of codes)
      for (const typed of [code, code.toLowerCase(), code.toLowerCase().replace('-', ''), `“${code}”,`])
        expect([typed, (await find(place, typed))?.code]).toEqual([typed, code])
    // As many differ in a character that is neither.
    expect(await find(place, 'wq00000')).toBeUndefined()
    expect(await find(place, 'WOO0O0О')).toBeUndefined()
    await upload(place, await newPool(place), ['woo0o0o'], { caseSensitive: true })
    expect(await find(place, 'Woo0o0o')).toBeUndefined()
    expect(await find(place, 'woo0o0o')).toMatchObject({ code: 'woo0o0o' })
  })

  it('is ambiguous if more of them than are read differ only in case', async () => {
    const place = await newPlace()
    const codes = Array.from({ length: 64 }, (_, i) =>
      [...'casing'].map((letter, at) => ((i >> at) % 2 === 1 ? letter.toUpperCase() : letter)).join(''),
    )
    await upload(place, await newPool(place), codes, { caseSensitive: true })
    expect(await find(place, 'ca-sing')).toBeUndefined()
    for (const code of codes)
      for (const typed of [code, ` ${code}\n`, `"${code}."`])
        expect(await find(place, typed)).toMatchObject({ code })
  })

  it('is read by its case in formats with both cases of a letter', async () => {
    const place = await newPlace()
    await everyCode(place, 'M-##', 'aA7')
    expect(await find(place, 'm aA')).toMatchObject({ code: 'M-aA' })
    expect(await find(place, 'm A7')).toMatchObject({ code: 'M-A7' })
    expect(await find(place, 'm a7')).toMatchObject({ code: 'M-a7' })
  })
})

describe('a code that is typed with other punctuation or without accents', () => {
  const typedOtherwise: [code: string, texts: string[]][] = [
    [
      "O'NEIL10",
      [
        'O’NEIL10',
        'o‘neil10',
        'OʼNEIL10',
        'O′NEIL10',
        'O`NEIL10',
        'o´neil10',
        'ONEIL10',
        'O’NEIL 10.',
        '"O\'NEIL10"',
      ],
    ],
    ['İNDİRİM10', ['indirim10', 'INDIRIM10', 'ındırım10', 'i̇ndi̇ri̇m10', 'İNDİRİM-10', 'indirim 10,']],
    [
      'SPRING-YJVFK',
      [
        'spring.yjvfk',
        'SPRING_YJVFK',
        'SPRING/YJVFK',
        '“SPRING-YJVFK”',
        '«spring yjvfk»',
        'SPRING-YJVFK.',
        'Spring-yjvfk,',
        '(SPRING-YJVFK)',
        '‘SPRING·YJVFK’',
        "'SPRING-YJVFK",
        'SPRING-YJVFK!',
        'SPRING:\u200bYJVFK\u00a0',
      ],
    ],
    ['GIFT_2024', ['gift-2024', 'gift 2024', 'GIFT2024', 'gift.2024', 'G1FT_2024', 'g1ft2o24']],
    ['Straße.7', ['STRASSE7', 'strasse 7', 'STRAẞE-7', 'ſtraſſe7']],
    ['ΣΟΦΌΣ-7', ['σοφός7', 'σοφος7', 'ΣΟΦΟΣ7']],
    ['CAFÉ-9', ['cafe9', 'CAFE\u0301 9', 'ＣＡＦＥ９', 'café_9']],
    ['=SUM+1', ["'=SUM+1", '=sum+1.']],
  ]

  it.each(typedOtherwise)('is found, uploaded: %s', async (code, texts) => {
    const place = await newPlace()
    await upload(place, await newPool(place), [code, 'KRWG4'])
    for (const text of [code, ...texts]) expect([text, (await find(place, text))?.code]).toEqual([text, code])
  })

  it.each(typedOtherwise)('is found, generated: %s', async (code, texts) => {
    const place = await newPlace()
    const last = code.slice(-1)
    await everyCode(place, `${code.slice(0, -1).replaceAll('#', '\\#')}#`, `${last}?`)
    for (const text of [code, ...texts]) expect([text, (await find(place, text))?.code]).toEqual([text, code])
  })

  it.each([
    ['is the one written exactly so', ['A.B7', 'AB7', 'A_B7'], 'A.B7', 'A.B7'],
    ['is the one that has these characters', ['A.B7', 'AB7'], 'a.b7', 'A.B7'],
    ['is the one without, where none are typed', ['A.B7', 'AB7'], 'a-b 7', 'AB7'],
    ['is in doubt when other punctuation is typed', ['A.B7', 'AB7'], 'A/B7', undefined],
    ['is in doubt when accents alone tell them apart', ['CÁFE7', 'CAFÉ7'], 'cafe7', undefined],
    ['is the one with its accents', ['CAFE7', 'CAFÉ7'], 'café7', 'CAFÉ7'],
    ['is in doubt between punctuation and characters that people mix up', ['A.B0', 'ABO'], 'ab0', undefined],
    ['is the one that differs less', ['A.B0', 'A.BO'], 'ABO', 'A.BO'],
    ['is none where a symbol means something', ['SALE50%'], 'SALE50', undefined],
    ['is what stands in a file of this service', ["'=Q7", '=Q7'], "''=Q7", "'=Q7"],
    ['is the code itself before what stands in a file', ["'=Q7", '=Q7'], "'=Q7", "'=Q7"],
    ['is none where nothing but punctuation is left', ['..', '...', '---'], '../..', undefined],
  ])('%s: %j', async (_, codes, typed, meant) => {
    const place = await newPlace()
    await upload(place, await newPool(place), codes)
    expect((await find(place, typed))?.code).toBe(meant)
  })

  it.each([
    [
      'A.B.C',
      '“A.B.C”',
      '"A.B.C"',
      "'A.B.C'",
      '„A.B.C“',
      '«A.B.C»',
      '»A.B.C«',
      '(A.B.C)',
      '[A.B.C]',
      '<A.B.C>',
    ],
    [
      'A.B.C',
      '「A.B.C」',
      '`A.B.C`',
      '“A.B.C',
      'A.B.C,',
      'A.B.C!',
      '(“A.B.C”).',
      '"A.B.C".',
      '"A.B.C."',
      '“ a.b.c ”',
    ],
    ['A.B.C.', 'A.B.C.', '“A.B.C.”', '"a.b.c."'],
    ["O'NEIL", "O'NEIL", 'O’NEIL', 'o´neil', '“O’NEIL”'],
    ['(X.Y)', '(X.Y)', '"(x.y)"'],
    ['ABC', 'ABC', '“ABC”', 'abc.'],
  ])('is the one that is left without what is around it: %s as %s, …', async (code, ...texts) => {
    const place = await newPlace()
    const others = ['ABC', 'AB.C', 'A/B/C', 'ONEIL', 'X.Y', 'XY']
    const stop = code === 'A.B.C.' ? [code, 'A.B.C'] : [code]
    await upload(place, await newPool(place), [...new Set([...stop, ...others])])
    for (const text of texts) expect([text, (await find(place, text))?.code]).toEqual([text, code])
  })

  it('is found without what surrounds it, also if it was generated', async () => {
    const place = await newPlace()
    await everyCode(place, 'P.Q-##', 'X.')
    await upload(place, await newPool(place), ['PQ-XX', 'P.QX/X'])
    for (const text of ['“P.Q-XX”', 'p.qxx,', '(P.Q-X.)'])
      expect((await find(place, text))?.code).toBe(text.includes('X.)') ? 'P.Q-X.' : 'P.Q-XX')
  })

  it('is read by its case where a format has both, and not where a random character can be punctuation', async () => {
    const place = await newPlace()
    await everyCode(place, 'M-##', 'aA7')
    expect(await find(place, 'm_aA.')).toMatchObject({ code: 'M-aA' })
    await everyCode(place, 'P-##', 'X.')
    expect(await find(place, 'p-x.')).toMatchObject({ code: 'P-X.' })
    expect(await find(place, 'p_x.')).toBeUndefined()
  })

  it('is ambiguous if there are more such codes than are read, unless it is one of them exactly', async () => {
    const place = await newPlace()
    const codes = Array.from({ length: 80 }, (_, i) => `${'..'.repeat(i + 1)}XO`)
    await upload(place, await newPool(place), codes)
    expect(await find(place, 'xo')).toBeUndefined()
    for (const code of codes) expect(await find(place, code)).toMatchObject({ code })
  })

  it('is found if each of its characters is written as several', async () => {
    const place = await newPlace()
    const code = '\ufdfa'.repeat(255)
    await upload(place, await newPool(place), [code])
    for (const text of [code, `“${code}”`]) expect(await find(place, text)).toMatchObject({ code })
  })

  it('of any length and kind is looked up quickly', async () => {
    const place = await newPlace()
    await everyCode(place, 'L-##', 'AB')
    for (const text of [
      '..'.repeat(1_000),
      ';'.repeat(999),
      ` ${'!'.repeat(998)}x`,
      "'".repeat(1_000),
      '\ufdfa'.repeat(1_000),
      `${'“'.repeat(1_270)}x`,
      `${'`'.repeat(1_200)}a${' .'.repeat(600)}`,
      'ß'.repeat(1_000),
    ])
      expect(await find(place, text)).toBeUndefined()
  })
})

describe('many look-ups', () => {
  it('at the same time each get their own code', async () => {
    const place = await newPlace()
    const { codes } = await generated(place, 'MANY-######', { set: 'UPPERCASE_DIGITS' }, 300)
    const others = Array.from({ length: 100 }, (_, i) => `own-${i}-${characterSets.UPPERCASE}`)
    await uploaded(place, others)
    const texts = [...codes, ...others.map((code) => code.toUpperCase()), 'none', ...codes]
    const found = await Promise.all(texts.map((text) => find(place, text)))
    expect(found.map((code) => code?.code)).toEqual([...codes, ...others, undefined, ...codes])
  })

  it('in several accounts are independent', async () => {
    const places = [await newPlace(), await newPlace(), await newPlace()]
    for (const place of places) await everyCode(place, 'T-##', 'XYZ')
    const found = await Promise.all(
      Array.from({ length: 60 }, (_, i) => find(places[i % places.length] as Place, 'txy')),
    )
    const pools = new Set(found.map((code) => code?.poolId))
    expect(pools.size).toBe(3)
    for (const [i, code] of found.entries()) expect(code?.poolId).toBe(found[i % 3]?.poolId)
  })

  it('cost one statement each, however many formats there are', async () => {
    const place = await newPlace()
    const statements: string[] = []
    const counting = Object.assign(Object.create(place.books) as Books, {
      rows: (statement: Parameters<Books['rows']>[0]) => {
        statements.push(statement.name ?? statement.text)
        return place.books.rows(statement)
      },
    })
    const here = new LookUps(counting)
    for (let i = 0; i < 20; i++) await newFormat(place, `A${i}-####`, { set: 'UNAMBIGUOUS' })
    const { codes } = await generated(place, 'B-####', { set: 'UNAMBIGUOUS' }, 2)
    await here.find(place.accountId, codes[0] ?? '')
    statements.length = 0
    for (const text of [...codes, 'a7 bcdf', 'none'])
      expect((await here.find(place.accountId, text))?.code).toBe(codes.find((code) => code === text))
    // Plus one for each format that is read for the first time.
    expect(statements.filter((name) => name !== 'open-code-space')).toEqual(Array(4).fill('find-codes'))
  })

  it('of a corrupt format are the only ones to fail', async () => {
    const place = await newPlace()
    const { formatId } = await everyCode(place, 'BAD-#', '67')
    const { codes } = await everyCode(place, 'GOOD-#', '67')
    await place.books.rows({
      text: "UPDATE format SET first_code = 'BAD-8' WHERE account_id = $1 AND id = $2",
      values: [place.accountId, formatId],
    })
    const here = new LookUps(await test.another())
    const texts = [...codes, 'BAD-6', ...codes]
    const found = await Promise.allSettled(texts.map((text) => here.find(place.accountId, text)))
    expect(found.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value?.code : 'failed'))).toEqual(
      [...codes, 'failed', ...codes],
    )
  })

  it('fail while the database cannot answer, and succeed afterwards', async () => {
    const place = await newPlace()
    const { codes } = await generated(place, 'F-####', { set: 'UNAMBIGUOUS' }, 1)
    let broken = true
    const failing = Object.assign(Object.create(place.books) as Books, {
      rows: (statement: Parameters<Books['rows']>[0]) =>
        broken ? Promise.reject(new Error('The database is unavailable.')) : place.books.rows(statement),
    })
    const here = new LookUps(failing)
    const refused = await Promise.allSettled([1, 2, 3].map(() => here.find(place.accountId, codes[0] ?? '')))
    expect(refused.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'rejected'])
    broken = false
    expect(await here.find(place.accountId, codes[0] ?? '')).toMatchObject({ code: codes[0] })
  })
})
