import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Books } from '../../../src/domain/books/books.ts'
import { LookUps } from '../../../src/domain/code/lookup.ts'
import { createFormat } from '../../../src/domain/format/create.ts'
import { addChunk } from '../../../src/domain/upload/add-chunk.ts'
import { undoUpload } from '../../../src/domain/upload/finish.ts'
import { expectBalance } from '../../support/audit.ts'
import { fill, newAccount, newPool, type Place, useBooks } from '../../support/books.ts'
import {
  addCodes,
  chunkOf,
  clearAway,
  startUpload,
  type UploadOptions,
  upload,
} from '../../support/uploads.ts'

const test = useBooks()
let elsewhere: Books
beforeAll(async () => {
  elsewhere = await test.another()
})
afterAll(async () => {
  await expectBalance(test)
})

/** A new account with a pool. */
async function newPlace(): Promise<Place & { poolId: string }> {
  const place = { books: test.books, accountId: await newAccount(test.books) }
  return { ...place, poolId: await newPool(place) }
}

async function find({ books, accountId }: Place, text: string): Promise<string | undefined> {
  return (await new LookUps(books).find(accountId, text))?.code
}

/** How many codes of an upload were added, and why the others were not. */
async function outcomeOf(taskId: string) {
  const { accepted, duplicatesInFile, duplicatesInAccount } = await test.books.prisma.task.findFirstOrThrow({
    where: { id: taskId },
  })
  const rows = await test.books.prisma.rejectedRow.findMany({ where: { taskId }, orderBy: { number: 'asc' } })
  return {
    counts: [accepted, duplicatesInFile, duplicatesInAccount].map(Number),
    reasons: rows.map(({ number, reason }) => `${number}: ${reason}`),
  }
}

async function uploaded(
  place: Place & { poolId: string },
  codes: readonly string[],
  options: UploadOptions = {},
) {
  const taskId = await upload(place, place.poolId, codes, options)
  return { taskId, ...(await outcomeOf(taskId)) }
}

const hint = 'If they are different codes for you, upload it with caseSensitive=true.'

describe('a code that differs only in case, spaces and dashes', () => {
  it.each([1, 2, 10])('from one further up in the file is a duplicate, in chunks of %i', async (chunk) => {
    const place = await newPlace()
    const codes = ['Sale-10', 'SALE10', 'SA LE-10', 'sale20', 'SALE 20', 'größe', 'GRÖSSE', 'Sale-10']
    const { counts, reasons } = await uploaded(place, codes, { chunk })
    expect(counts).toEqual([3, 5, 0])
    expect(reasons).toHaveLength(5)
    for (const reason of reasons.slice(0, 4))
      expect(reason).toMatch(
        /differs only in case, spaces or dashes from "(Sale-10|sale20|größe)", which is already/,
      )
    expect(reasons[4]).toMatch('The code is already')
  })

  it('from an uploaded code of the account is a duplicate, with the reason', async () => {
    const place = await newPlace()
    await uploaded(place, ['Spring-7', 'ÄB-1'])
    const { counts, reasons } = await uploaded(place, ['spring 7', 'new', 'äb1', 'Spring-7'])
    expect(counts).toEqual([1, 0, 3])
    const where = 'which is already in your account: it was uploaded before'
    expect(reasons).toEqual([
      `1: The code differs only in case, spaces or dashes from "Spring-7", ${where}. ${hint}`,
      `3: The code differs only in case, spaces or dashes from "ÄB-1", ${where}. ${hint}`,
      '4: The code is already in your account: it was uploaded before.',
    ])
  })

  it('from a generated code is a duplicate, but not from one that has not been generated', async () => {
    const place = await newPlace()
    const prefix = `${randomUUID()}-`
    const shape = { prefix, suffix: '', body: { length: 2 }, characters: { list: 'ABC' } } as const
    const formatId = await createFormat(place.books, place.accountId, { name: prefix, shape })
    await fill(place, place.poolId, formatId, 5n)
    const space = await place.books.codeSpaces.get(place.books, place.accountId, formatId)
    const codes = space.codesAt(0n, 9)
    const { counts, reasons } = await uploaded(
      place,
      codes.map((code) => code.toLowerCase()),
    )
    expect(counts).toEqual([4, 0, 5])
    expect(reasons[0]).toBe(
      `1: The code differs only in case, spaces or dashes from "${codes[0]}", which is already in your account: ` +
        `the format "${prefix}" has generated it. ${hint}`,
    )
  })

  it('from a code of a format that distinguishes case or dashes is read as that format reads it', async () => {
    const place = await newPlace()
    for (const list of ['aAbB', 'X-']) {
      const prefix = `${randomUUID().toUpperCase()}-`
      const shape = { prefix, suffix: '', body: { length: 2 }, characters: { list } } as const
      const formatId = await createFormat(place.books, place.accountId, { name: prefix, shape })
      await fill(place, place.poolId, formatId, BigInt(list.length ** 2))
      const typed = list === 'X-' ? `${prefix}x` : `${prefix.toLowerCase()}Ab`
      expect((await uploaded(place, [typed])).counts).toEqual(list === 'X-' ? [1, 0, 0] : [0, 0, 1])
    }
  })

  it('is distinguished from one with other characters that people mix up', async () => {
    const place = await newPlace()
    expect((await uploaded(place, ['SOLO1', 'S0L01', 'so-lo1', 'SOLOI'])).counts).toEqual([3, 1, 0])
    expect(await find(place, 'S0L01')).toBe('S0L01')
    expect(await find(place, 'solo1')).toBe('SOLO1')
  })

  it('is counted by a dry run as by an upload', async () => {
    const place = await newPlace()
    await uploaded(place, ['one'])
    const codes = ['ONE', 'two', 'TWO', 'three', 'o-n-e', 'Three']
    for (const chunk of [1, 2, 10]) {
      const dry = await uploaded(place, codes, { dryRun: true, chunk })
      expect(dry.counts).toEqual([2, 2, 2])
      expect(
        (await uploaded(place, ['x', 'X'], { dryRun: true, caseSensitive: true, chunk })).counts,
      ).toEqual([2, 0, 0])
    }
    expect((await uploaded(place, codes)).counts).toEqual([2, 2, 2])
  })

  it('is added only once if several uploads have it at the same time', async () => {
    const place = await newPlace()
    const codes = Array.from({ length: 200 }, (_, i) => `Code-${i}`)
    const shapes = [
      codes,
      codes.map((code) => code.toUpperCase()).reverse(),
      codes.map((code) => code.replace('-', ' ')),
    ]
    const tasks = await Promise.all(shapes.map(() => startUpload(place, place.poolId)))
    await Promise.all(
      shapes.map((own, at) =>
        addCodes(at === 0 ? place : { ...place, books: elsewhere }, tasks[at] as string, own, { chunk: 40 }),
      ),
    )
    const outcomes = await Promise.all(tasks.map(outcomeOf))
    expect(outcomes.reduce((sum, { counts }) => sum + (counts[0] ?? 0), 0)).toBe(200)
    expect(outcomes.reduce((sum, { counts }) => sum + (counts[2] ?? 0), 0)).toBe(400)
  })

  it('can be uploaded again when the other one is gone', async () => {
    const place = await newPlace()
    const { taskId } = await uploaded(place, ['Gone-1'])
    await undoUpload(place.books, place.accountId, taskId)
    await clearAway(place, taskId)
    expect((await uploaded(place, ['GONE1'])).counts).toEqual([1, 0, 0])
  })
})

describe('a case-sensitive upload', () => {
  it('adds codes that differ only in case, spaces and dashes, and each is found as it is written', async () => {
    const place = await newPlace()
    await uploaded(place, ['abc-1'])
    const codes = ['ABC1', 'abc1', 'Abc 1', 'ABC-1']
    expect((await uploaded(place, [...codes, 'abc1', 'abc-1'], { caseSensitive: true })).counts).toEqual([
      4, 1, 1,
    ])
    for (const code of ['abc-1', ...codes]) expect(await find(place, code)).toBe(code)
    expect(await find(place, 'aBC1')).toBeUndefined()
  })

  it('makes later codes that are alike its own duplicates', async () => {
    const place = await newPlace()
    await uploaded(place, ['Only-1', 'Other-1'], { caseSensitive: true })
    expect((await uploaded(place, ['ONLY1', 'only 1', 'Only-1', 'OTHER-1', 'third'])).counts).toEqual([
      1, 0, 4,
    ])
    expect((await uploaded(place, ['Only-1', 'only1'], { caseSensitive: true })).counts).toEqual([1, 0, 1])
  })

  it('at the same time as others adds nothing twice, and others add nothing that is alike', async () => {
    const place = await newPlace()
    for (let round = 0; round < 4; round++) {
      const codes = Array.from({ length: 60 }, (_, i) => `T${round}x-${i}`)
      const [one, two, three] = await Promise.all([
        startUpload(place, place.poolId, { caseSensitive: true }),
        startUpload(place, place.poolId),
        startUpload(place, place.poolId, { caseSensitive: true }),
      ])
      const other = { ...place, books: elsewhere }
      await Promise.all([
        addCodes(place, one, codes, { chunk: 20 }),
        addCodes(
          other,
          two,
          codes.map((code) => code.toUpperCase()),
          { chunk: 20 },
        ),
        addCodes(other, three, codes.toReversed(), { chunk: 20 }),
      ])
      const kept = await test.books.prisma.uploadedCode.findMany({
        where: { accountId: place.accountId, code: { contains: `${round}x-` } },
      })
      expect(kept).toHaveLength(60)
    }
  })

  it('resumes where it was, also with codes of a format', async () => {
    const place = await newPlace()
    const prefix = `${randomUUID().toUpperCase()}-`
    const shape = { prefix, suffix: '', body: { length: 1 }, characters: { list: 'AB' } } as const
    const formatId = await createFormat(place.books, place.accountId, { name: prefix, shape })
    await fill(place, place.poolId, formatId, 1n)
    const space = await place.books.codeSpaces.get(place.books, place.accountId, formatId)
    const codes = space.codesAt(0n, 2)
    const all = [...codes, ...codes.map((code) => code.toLowerCase())]
    const taskId = await startUpload(place, place.poolId, { caseSensitive: true })
    const owner = { accountId: place.accountId, taskId }
    expect(await addChunk(place.books, owner, 0n, chunkOf(all, 0n))).toBe(true)
    expect((await outcomeOf(taskId)).counts).toEqual([3, 0, 1])
  })
})
