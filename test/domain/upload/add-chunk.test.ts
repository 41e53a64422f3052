import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Books } from '../../../src/domain/books/books.ts'
import { NotFoundError, TaskFinishedError, UploadNotUndoneError } from '../../../src/domain/books/errors.ts'
import { readHistory } from '../../../src/domain/books/event-log.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { readCode } from '../../../src/domain/code/code.ts'
import { LookUps } from '../../../src/domain/code/lookup.ts'
import { createFormat } from '../../../src/domain/format/create.ts'
import { availableForGeneration } from '../../../src/domain/format/format.ts'
import { generateCodes } from '../../../src/domain/generation/generation.ts'
import { cancelTask, markFailed, readTask } from '../../../src/domain/generation/task.ts'
import { lockPool } from '../../../src/domain/pool/pool.ts'
import { addChunk, maxChunkRows } from '../../../src/domain/upload/add-chunk.ts'
import { clearUpload } from '../../../src/domain/upload/clear.ts'
import { completeUpload, undoUpload } from '../../../src/domain/upload/finish.ts'
import { expectBalance } from '../../support/audit.ts'
import {
  fill,
  formatNow,
  newAccount,
  newFormat,
  newPlace,
  newPool,
  newSmallFormat,
  poolNow,
  useBooks,
} from '../../support/books.ts'
import { addCodes, chunkOf, clearAway, newCodes, startUpload, upload } from '../../support/uploads.ts'

const test = useBooks()
let elsewhere: Books
let claims: Claims
beforeAll(async () => {
  elsewhere = await test.another()
  claims = new Claims(test.books)
})
afterAll(async () => {
  await expectBalance(test)
})

/** All codes of a format, by index. */
async function codesOf(formatId: string): Promise<string[]> {
  const space = await test.books.codeSpaces.get(test.books, test.accountId, formatId)
  return space.codesAt(0n, Number(space.capacity))
}

async function countersOf(taskId: string) {
  const { rowsRead, accepted, duplicatesInFile, duplicatesInAccount, refused, added, status } =
    await test.books.prisma.task.findFirstOrThrow({ where: { id: taskId } })
  return {
    status,
    rowsRead: Number(rowsRead),
    accepted: Number(accepted),
    duplicatesInFile: Number(duplicatesInFile),
    duplicatesInAccount: Number(duplicatesInAccount),
    refused: Number(refused),
    added: Number(added),
  }
}

async function rejectedRows(taskId: string) {
  const rows = await test.books.prisma.rejectedRow.findMany({
    where: { taskId },
    orderBy: { number: 'asc' },
  })
  return rows.map(({ number, code, reason }) => ({ number: Number(number), code, reason }))
}

/** The events of a pool, oldest first. */
async function eventsOf(poolId: string): Promise<string[]> {
  const page = { poolId, limit: 1_000, fromOldest: true }
  const events = await readHistory(test.books, test.accountId, page)
  return events
    .reverse()
    .map((event) => (event.kind === 'TASK_STATUS_CHANGED' ? event.payload.status : event.kind))
}

async function hasWork(taskId: string): Promise<boolean> {
  return (await test.books.prisma.task.findFirstOrThrow({ where: { id: taskId } })).hasWork
}

function add(taskId: string, from: number, codes: readonly string[], books = test.books): Promise<boolean> {
  return addChunk(books, { accountId: test.accountId, taskId }, BigInt(from), chunkOf(codes, BigInt(from)))
}

describe('an upload', () => {
  it('adds the codes of a file to the pool, in their order, when it is completed', async () => {
    const poolId = await newPool(test)
    const codes = newCodes(25).toReversed()
    const taskId = await startUpload(test, poolId)
    await addCodes(test, taskId, codes, { chunk: 10 })
    expect(await poolNow(test, poolId)).toMatchObject({ total: 0n })
    expect(await new LookUps(test.books).find(test.accountId, codes[0] as string)).toBeUndefined()
    expect(await readCode(test.books, test.accountId, { uploadId: taskId, index: 0n })).toBeUndefined()
    expect(await countersOf(taskId)).toMatchObject({ status: 'RUNNING', accepted: 25, added: 0 })

    expect(await completeUpload(test.books, { accountId: test.accountId, taskId })).toBe(true)
    expect(await countersOf(taskId)).toMatchObject({ status: 'COMPLETED', accepted: 25, added: 25 })
    const { codes: claimed } = await claims.claim(test.accountId, { poolId, count: 25 })
    expect(claimed.map(({ code }) => code)).toEqual(codes)
    expect(claimed[24]).toMatchObject({ uploadId: taskId, index: 24n })
    expect(await readCode(test.books, test.accountId, { uploadId: taskId, index: 7n })).toMatchObject({
      code: codes[7],
      poolId,
    })
    expect(await eventsOf(poolId)).toEqual([
      'POOL_CREATED',
      'AWAITING_EXECUTION',
      'RUNNING',
      'COMPLETED',
      'POOL_REFILLED',
      'POOL_EMPTY',
    ])
    expect(await completeUpload(test.books, { accountId: test.accountId, taskId })).toBe(false)
  })

  it('with nothing to add is completed', async () => {
    const poolId = await newPool(test)
    const taskId = await upload(test, poolId, [])
    expect(await countersOf(taskId)).toMatchObject({ status: 'COMPLETED', rowsRead: 0, added: 0 })
    expect(await eventsOf(poolId)).toEqual(['POOL_CREATED', 'AWAITING_EXECUTION', 'RUNNING', 'COMPLETED'])
    await undoUpload(test.books, test.accountId, taskId)
    expect(await countersOf(taskId)).toMatchObject({ status: 'UNDONE' })
  })

  it('stores every rejected row with the reason', async () => {
    const poolId = await newPool(test)
    const [known, generated] = [newCodes(1)[0] as string, await newSmallFormat(test, 3)]
    await upload(test, poolId, [known])
    await fill(test, poolId, generated, 1n)
    const [first, second] = await codesOf(generated)
    const { name } = await formatNow(test, generated)
    const taskId = await startUpload(test, poolId)
    const long = 'x'.repeat(300)
    const [fresh] = newCodes(1) as [string]
    const rows = [fresh, known, fresh, known, first as string, second as string]
    const refused = [{ text: `${long}\0\ud800`, reason: 'It is too long.' }]
    const place = { accountId: test.accountId, taskId }
    expect(await addChunk(test.books, place, 0n, chunkOf(rows, 0n, refused))).toBe(true)
    await add(taskId, 7, [second as string])
    expect(await countersOf(taskId)).toEqual({
      status: 'RUNNING',
      rowsRead: 8,
      accepted: 2,
      duplicatesInFile: 2,
      duplicatesInAccount: 3,
      refused: 1,
      added: 0,
    })
    const uploaded = 'The code is already in your account: it was uploaded before.'
    expect(await rejectedRows(taskId)).toEqual([
      { number: 2, code: known, reason: uploaded },
      { number: 3, code: fresh, reason: 'The code is already in row 1 of this file.' },
      { number: 4, code: known, reason: uploaded },
      {
        number: 5,
        code: first,
        reason: `The code is already in your account: the format "${name}" has generated it.`,
      },
      { number: 7, code: `${'x'.repeat(199)}…`, reason: 'It is too long.' },
      { number: 8, code: second, reason: 'The code is already further up in this file.' },
    ])
  })

  it('replaces what PostgreSQL cannot store in a rejected row', async () => {
    const taskId = await startUpload(test, await newPool(test))
    const refused = [{ text: 'a\0b\ud800c', reason: 'It is broken.' }]
    const chunk = chunkOf([], 0n, refused)
    expect(await addChunk(test.books, { accountId: test.accountId, taskId }, 0n, chunk)).toBe(true)
    expect(await rejectedRows(taskId)).toEqual([
      { number: 1, code: 'a\ufffdb\ufffdc', reason: 'It is broken.' },
    ])
  })

  it('continues only from the last row that was read', async () => {
    const taskId = await startUpload(test, await newPool(test))
    const codes = newCodes(4)
    expect(await add(taskId, 0, codes.slice(0, 2))).toBe(true)
    // Another worker, which does not know that the rows were read.
    expect(await add(taskId, 0, codes.slice(0, 2), elsewhere)).toBe(false)
    expect(await add(taskId, 1, codes.slice(2))).toBe(false)
    expect(await add(taskId, 3, codes.slice(2))).toBe(false)
    expect(await add(taskId, 2, codes.slice(2))).toBe(true)
    expect(await countersOf(taskId)).toMatchObject({ accepted: 4, rowsRead: 4 })
    expect(await add(randomUUID(), 0, codes)).toBe(false)
  })

  it('is not read by two workers at the same time', async () => {
    for (let round = 0; round < 10; round++) {
      const taskId = await startUpload(test, await newPool(test))
      const codes = [...newCodes(50), 'twice']
      const outcomes = await Promise.all([add(taskId, 0, codes), add(taskId, 0, codes, elsewhere)])
      expect(outcomes.sort()).toEqual([false, true])
      expect(await countersOf(taskId)).toMatchObject({ rowsRead: 51 })
    }
  })

  it('adds a code only once if two uploads have it at the same time', async () => {
    const poolId = await newPool(test)
    const codes = newCodes(300)
    const [one, two] = [await startUpload(test, poolId), await startUpload(test, poolId)]
    const read = async (taskId: string, books: Books, order: readonly string[]) => {
      for (let from = 0; from < order.length; from += 30)
        expect(await add(taskId, from, order.slice(from, from + 30), books)).toBe(true)
    }
    await Promise.all([read(one, test.books, codes), read(two, elsewhere, codes.toReversed())])
    const [first, second] = [await countersOf(one), await countersOf(two)]
    expect(first.accepted + second.accepted).toBe(300)
    expect(first.duplicatesInAccount).toBe(second.accepted)
    expect(second.duplicatesInAccount).toBe(first.accepted)
  })

  it('does not depend on the codes of other accounts', async () => {
    const [code] = newCodes(1) as [string]
    await upload(test, await newPool(test), [code])
    const other = await newPlace(test)
    const taskId = await upload(other, await newPool(other), [code])
    expect(await countersOf(taskId)).toMatchObject({ accepted: 1, added: 1 })
  })

  it('rejects chunks whose number of rows is wrong', async () => {
    const taskId = await startUpload(test, await newPool(test))
    const chunk = { ...chunkOf(newCodes(2), 0n), rowsRead: 3n }
    await expect(addChunk(test.books, { accountId: test.accountId, taskId }, 0n, chunk)).rejects.toThrow(
      RangeError,
    )
  })

  it('stores each code with the keys by which people may type it', async () => {
    const taskId = await upload(test, await newPool(test), ['Sale-2O26', '7XY2'])
    const rows = await test.books.prisma.uploadedCode.findMany({
      where: { taskId },
      orderBy: { row: 'asc' },
    })
    expect(rows.map(({ typed }) => typed)).toEqual(['5A1E2026', '7XY2'])
  })

  it('stores codes of the maximum length, and finds them', async () => {
    // Letters with long typed forms: those of a whole code have thousands of characters.
    const letters = Array.from({ length: 80 }, (_, i) => String.fromCodePoint(0x3300 + i))
    const codes = Array.from({ length: 50 }, (_, i) =>
      Array.from({ length: 255 }, (_, at) => letters[(at * (i + 7) + i) % 80]).join(''),
    )
    const poolId = await newPool(test)
    expect(await countersOf(await upload(test, poolId, [...codes, ...codes]))).toMatchObject({
      accepted: 50,
      duplicatesInFile: 50,
    })
    const lookUps = new LookUps(test.books)
    for (const code of codes) expect((await lookUps.find(test.accountId, code))?.code).toBe(code)
  })

  it('removes the note that a refill has failed', async () => {
    const formatId = await newSmallFormat(test, 2)
    const poolId = await newPool(test, { formatId, quantity: 5n, autoGenerate: true })
    expect(await poolNow(test, poolId)).toMatchObject({ refillFailed: true, total: 2n })
    await upload(test, poolId, newCodes(1))
    expect(await poolNow(test, poolId)).toMatchObject({ refillFailed: false, total: 3n })
  })
})

describe('an uploaded code of a format', () => {
  it('is never generated, and the format has one code less', async () => {
    const formatId = await newSmallFormat(test, 10)
    const poolId = await newPool(test)
    const codes = await codesOf(formatId)
    await upload(
      test,
      poolId,
      [3, 4, 9].map((index) => codes[index] as string),
    )
    expect(availableForGeneration(await formatNow(test, formatId))).toBe(7n)
    await fill(test, poolId, formatId, 7n)
    const { codes: line } = await claims.claim(test.accountId, { poolId, count: 10 })
    expect(line.map(({ code }) => codes.indexOf(code))).toEqual([3, 4, 9, 0, 1, 2, 5, 6, 7, 8])
    expect(await formatNow(test, formatId)).toMatchObject({ next: 9n, takenAhead: 1n })
    expect(availableForGeneration(await formatNow(test, formatId))).toBe(0n)
  })

  it('is refused if all codes that the format has left are reserved', async () => {
    const formatId = await newSmallFormat(test, 4)
    const poolId = await newPool(test)
    const codes = await codesOf(formatId)
    const generation = await generateCodes(test.books, test.accountId, { poolId, formatId, quantity: 3n })
    const taskId = await startUpload(test, poolId)
    expect(await add(taskId, 0, [codes[1] as string, codes[2] as string])).toBe(true)
    expect(await countersOf(taskId)).toMatchObject({ accepted: 1, refused: 1 })
    expect((await rejectedRows(taskId))[0]?.reason).toMatch('reserved for tasks that have not finished')
    await cancelTask(test.books, test.accountId, generation)
    expect(await add(taskId, 2, [codes[2] as string])).toBe(true)
    expect(await countersOf(taskId)).toMatchObject({ accepted: 2, refused: 1 })
  })

  it('is skipped by a format that is created later', async () => {
    const prefix = `${randomUUID()}-`
    const shape = { prefix, suffix: '', body: { length: 1 }, characters: { set: 'DIGITS' } } as const
    const poolId = await newPool(test)
    const strangers = [`${prefix}x`, `${prefix}12`, `${prefix.toUpperCase()}1`, prefix]
    await upload(test, poolId, [`${prefix}7`, `${prefix}0`, ...strangers])
    const running = await startUpload(test, poolId)
    await add(running, 0, [`${prefix}9`])
    const formatId = await createFormat(test.books, test.accountId, { name: prefix, shape })
    expect(availableForGeneration(await formatNow(test, formatId))).toBe(7n)
    const generating = await newPool(test)
    await fill(test, generating, formatId, 7n)
    const { codes } = await claims.claim(test.accountId, { poolId: generating, count: 7 })
    expect(codes.map(({ code }) => code.at(-1)).sort()).toEqual(['1', '2', '3', '4', '5', '6', '8'])
  })

  it('is skipped by a format that is created at the same time', async () => {
    const poolId = await newPool(test)
    for (let round = 0; round < 5; round++) {
      const prefix = `${randomUUID()}-`
      const shape = { prefix, suffix: '', body: { length: 2 }, characters: { set: 'DIGITS' } } as const
      const own = Array.from({ length: 60 }, (_, i) => `${prefix}${String(i).padStart(2, '0')}`)
      const taskId = await startUpload(test, poolId)
      const [formatId] = await Promise.all([
        createFormat(elsewhere, test.accountId, { name: prefix, shape }),
        addCodes(test, taskId, own, { chunk: 10 }),
      ])
      expect(await formatNow(test, formatId)).toMatchObject({ takenAhead: 60n })
      expect(await countersOf(taskId)).toMatchObject({ accepted: 60 })
    }
  })

  it('goes either to the upload or to a generation at the same time', async () => {
    for (let round = 0; round < 8; round++) {
      const formatId = await newSmallFormat(test, 6)
      const poolId = await newPool(test)
      const codes = await codesOf(formatId)
      const taskId = await startUpload(test, poolId)
      const [asked] = await Promise.allSettled([
        generateCodes(elsewhere, test.accountId, { poolId, formatId, quantity: 4n }),
        add(taskId, 0, codes.slice(0, 4)),
      ])
      const { accepted, refused } = await countersOf(taskId)
      expect(accepted + refused).toBe(4)
      expect(accepted).toBe(asked.status === 'fulfilled' ? 2 : 4)
      expect(availableForGeneration(await formatNow(test, formatId))).toBe(
        asked.status === 'fulfilled' ? 0n : 2n,
      )
    }
  })

  it('is never generated once the format has skipped it, and can be uploaded again', async () => {
    const formatId = await newSmallFormat(test, 6)
    const poolId = await newPool(test)
    const codes = await codesOf(formatId)
    const taskId = await upload(test, poolId, [codes[1] as string, codes[4] as string])
    const generating = await newPool(test)
    await fill(test, generating, formatId, 2n)
    await undoUpload(test.books, test.accountId, taskId)
    await clearAway(test, taskId)
    expect(await formatNow(test, formatId)).toMatchObject({ next: 3n, takenAhead: 0n })
    expect(availableForGeneration(await formatNow(test, formatId))).toBe(3n)
    const again = await upload(test, poolId, [codes[1] as string, codes[4] as string])
    expect(await countersOf(again)).toMatchObject({ accepted: 2 })
    expect(availableForGeneration(await formatNow(test, formatId))).toBe(2n)
  })
})

describe('a generation around many uploaded codes', () => {
  it('skips each of them, wherever they are', async () => {
    const formatId = await newFormat(test, { length: 3, characters: { set: 'DIGITS' } })
    const poolId = await newPool(test)
    const codes = await codesOf(formatId)
    const isHole = (index: number) => index % 7 === 3 || (index >= 100 && index < 350)
    await upload(test, poolId, codes.filter((_code, index) => isHole(index)).toReversed())
    const free = codes.filter((_code, index) => !isHole(index))
    const generating = await newPool(test)
    for (const quantity of [1, 2, 40, 45, 300, free.length - 388])
      await fill(test, generating, formatId, BigInt(quantity))
    const { codes: line } = await claims.claim(test.accountId, { poolId: generating, count: free.length })
    expect(line.map(({ code }) => code)).toEqual(free)
    expect(availableForGeneration(await formatNow(test, formatId))).toBe(0n)
  })

  it('skips them in a claim, too', async () => {
    const formatId = await newSmallFormat(test, 30)
    const codes = await codesOf(formatId)
    await upload(
      test,
      await newPool(test),
      codes.filter((_code, index) => index % 2 === 0),
    )
    const poolId = await newPool(test, { formatId, quantity: 4n, autoGenerate: true })
    const { codes: line } = await claims.claim(test.accountId, { poolId, count: 9 })
    expect(line.map(({ code }) => codes.indexOf(code))).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17])
  })
})

describe('a dry run', () => {
  it('decides like the upload that follows, and adds nothing', async () => {
    const formatId = await newSmallFormat(test, 8)
    const poolId = await newPool(test)
    const codes = await codesOf(formatId)
    const known = newCodes(1)
    await upload(test, poolId, [...known, codes[7] as string])
    await fill(test, poolId, formatId, 2n)
    await generateCodes(test.books, test.accountId, { poolId, formatId, quantity: 2n })
    const file = [...newCodes(2), ...known, ...codes, ...codes]
    const before = await formatNow(test, formatId)
    const dryRun = await upload(test, poolId, file, { dryRun: true, chunk: 3 })
    expect(await countersOf(dryRun)).toMatchObject({ status: 'COMPLETED', accepted: 5, refused: 4, added: 0 })
    expect(await formatNow(test, formatId)).toEqual(before)
    expect(await poolNow(test, poolId)).toMatchObject({ total: 4n })
    const { added: _none, ...foretold } = await countersOf(dryRun)
    const real = await upload(test, poolId, file, { chunk: 5 })
    expect(await countersOf(real)).toEqual({ ...foretold, added: 5 })

    await clearAway(test, dryRun, 2)
    expect(await test.books.prisma.dryRunCode.count({ where: { taskId: dryRun } })).toBe(0)
    expect(await hasWork(dryRun)).toBe(false)
  })
})

describe('a cancelled or failed upload', () => {
  it('adds nothing more, and gives back its indices when it is cleared away', async () => {
    const formatId = await newSmallFormat(test, 9)
    const poolId = await newPool(test)
    const codes = await codesOf(formatId)
    const [cancelled, failed] = [await startUpload(test, poolId), await startUpload(test, poolId)]
    await addCodes(test, cancelled, codes.slice(0, 5))
    await addCodes(test, failed, codes.slice(5, 8))
    await cancelTask(test.books, test.accountId, cancelled)
    await test.books.write(test.accountId, async (tx) => {
      await lockPool(tx, poolId)
      const failure = { code: 'UNREADABLE_FILE', message: 'It is no text.' } as const
      await markFailed(tx, failed, failure)
    })
    for (const taskId of [cancelled, failed]) {
      expect(await add(taskId, taskId === failed ? 3 : 5, newCodes(1))).toBe(false)
      expect(await completeUpload(test.books, { accountId: test.accountId, taskId })).toBe(false)
      expect(await hasWork(taskId)).toBe(true)
    }
    expect(availableForGeneration(await formatNow(test, formatId))).toBe(1n)
    expect(await clearUpload(test.books, { accountId: test.accountId, taskId: cancelled }, 2)).toBe(true)
    expect(availableForGeneration(await formatNow(test, formatId))).toBe(3n)
    for (const taskId of [cancelled, failed]) await clearAway(test, taskId, 2)
    expect(availableForGeneration(await formatNow(test, formatId))).toBe(9n)
    expect([await hasWork(cancelled), await hasWork(failed)]).toEqual([false, false])
    expect(await test.books.prisma.task.findFirst({ where: { id: failed } })).toMatchObject({
      failureCode: 'UNREADABLE_FILE',
      failureMessage: 'It is no text.',
    })
  })

  it('has either all or nothing of a chunk that is added at the same time', async () => {
    for (let round = 0; round < 8; round++) {
      const taskId = await startUpload(test, await newPool(test))
      const [added] = await Promise.all([
        add(taskId, 0, newCodes(40)),
        cancelTask(elsewhere, test.accountId, taskId),
      ])
      expect(await countersOf(taskId)).toMatchObject({ status: 'CANCELLED', accepted: added ? 40 : 0 })
      await clearAway(test, taskId)
    }
  })

  it('can be cancelled before it has started, and not when it is completed', async () => {
    const poolId = await newPool(test)
    const done = await upload(test, poolId, newCodes(1))
    await expect(cancelTask(test.books, test.accountId, done)).rejects.toThrow(TaskFinishedError)
    const waiting = await startUpload(test, poolId)
    await cancelTask(test.books, test.accountId, waiting)
    await cancelTask(test.books, test.accountId, waiting)
    expect((await readTask(test.books, test.accountId, waiting))?.status).toBe('CANCELLED')
  })

  it('is cleared away completely by two workers at the same time', async () => {
    const taskId = await startUpload(test, await newPool(test))
    await addCodes(test, taskId, newCodes(100))
    await cancelTask(test.books, test.accountId, taskId)
    const other = { books: elsewhere, accountId: test.accountId }
    await Promise.all([clearAway(test, taskId, 7), clearAway(other, taskId, 5)])
    expect(await test.books.prisma.uploadedCode.count({ where: { taskId } })).toBe(0)
    expect(await hasWork(taskId)).toBe(false)
  })

  it('keeps its file and its rows until it has ended', async () => {
    const taskId = await startUpload(test, await newPool(test))
    await addCodes(test, taskId, newCodes(3))
    await test.books.prisma.uploadPiece.create({
      data: { accountId: test.accountId, taskId, number: 0, bytes: Buffer.from('file') },
    })
    expect(await clearUpload(test.books, { accountId: test.accountId, taskId }, 10)).toBe(false)
    expect(await hasWork(taskId)).toBe(true)
    await completeUpload(test.books, { accountId: test.accountId, taskId })
    await clearAway(test, taskId)
    expect(await test.books.prisma.uploadPiece.count({ where: { taskId } })).toBe(0)
    expect(await test.books.prisma.uploadedCode.count({ where: { taskId } })).toBe(3)
  })
})

describe('undoing an upload', () => {
  it('removes its codes from the pool, and closes the gap', async () => {
    const formatId = await newSmallFormat(test, 20)
    const poolId = await newPool(test)
    const codes = await codesOf(formatId)
    await fill(test, poolId, formatId, 2n)
    const [first, second] = [newCodes(3), [...newCodes(2), codes[5] as string, codes[7] as string]]
    const undone = await upload(test, poolId, first)
    const kept = await upload(test, poolId, second)
    // Batches of one code, so that each moves to the start of another.
    await fill(test, poolId, formatId, 6n)
    await claims.claim(test.accountId, { poolId, count: 2 })
    await undoUpload(test.books, test.accountId, undone)
    expect(await countersOf(undone)).toMatchObject({ status: 'UNDONE', accepted: 3, added: 0 })
    expect(await hasWork(undone)).toBe(true)
    expect(await readCode(test.books, test.accountId, { uploadId: undone, index: 0n })).toBeUndefined()
    expect(await readCode(test.books, test.accountId, { uploadId: kept, index: 0n })).toMatchObject({
      code: second[0],
    })
    const { codes: line } = await claims.claim(test.accountId, { poolId, count: 10 })
    const generated = [2, 3, 4, 6, 8, 9].map((index) => codes[index])
    expect(line.map(({ code }) => code)).toEqual([...second, ...generated])

    await undoUpload(test.books, test.accountId, undone)
    await clearAway(test, undone)
    expect(await countersOf(await upload(test, poolId, first))).toMatchObject({ added: 3 })
  })

  it('is refused with the reason once one of its codes has been claimed', async () => {
    const poolId = await newPool(test)
    const taskId = await upload(test, poolId, newCodes(3))
    const undo = () => undoUpload(test.books, test.accountId, taskId)
    await claims.claim(test.accountId, { poolId, count: 1 })
    await expect(undo()).rejects.toThrow(/^1 of its 3 codes has been claimed, .* withdraw .* void /)
    await claims.claim(test.accountId, { poolId, count: 1 })
    await expect(undo()).rejects.toThrow(/^2 of its 3 codes have been claimed, .* withdraw .* void /)
    await claims.claim(test.accountId, { poolId, count: 1 })
    await expect(undo()).rejects.toThrow(/^All of its codes have been claimed, .* undone\. .*void /)
    expect(await countersOf(taskId)).toMatchObject({ status: 'COMPLETED', added: 3 })
  })

  it('is refused for anything but a completed upload', async () => {
    const poolId = await newPool(test)
    const generation = await fill(test, poolId, await newFormat(test), 1n)
    const running = await startUpload(test, poolId)
    const dryRun = await upload(test, poolId, newCodes(1), { dryRun: true })
    const cancelled = await startUpload(test, poolId)
    await cancelTask(test.books, test.accountId, cancelled)
    const undo = (taskId: string, accountId = test.accountId) => undoUpload(test.books, accountId, taskId)
    for (const taskId of [generation, running, dryRun, cancelled])
      await expect(undo(taskId)).rejects.toThrow(UploadNotUndoneError)
    await expect(undo(generation)).rejects.toThrow('Only uploads can be undone')
    await expect(undo(running)).rejects.toThrow('Cancel it')
    await expect(undo(cancelled)).rejects.toThrow('The upload is cancelled')
    await expect(undo(dryRun)).rejects.toThrow('dry run')
    await expect(undo(randomUUID())).rejects.toThrow(NotFoundError)
    const done = await upload(test, poolId, newCodes(1))
    await expect(undo(done, await newAccount(test.books))).rejects.toThrow(NotFoundError)
  })

  it('and a claim of its codes at the same time: one of them wins', async () => {
    for (let round = 0; round < 8; round++) {
      const poolId = await newPool(test)
      const taskId = await upload(test, poolId, newCodes(2))
      const [undone, claimed] = await Promise.allSettled([
        undoUpload(elsewhere, test.accountId, taskId),
        claims.claim(test.accountId, { poolId, count: 1 }),
      ])
      expect(undone.status === 'fulfilled').toBe(claimed.status === 'rejected')
    }
  })

  it('refills a pool with auto-generation; any other reports that it is low or empty', async () => {
    const formatId = await newSmallFormat(test, 10)
    const refilled = await newPool(test, { formatId, quantity: 4n, autoGenerate: true, refillThreshold: 1n })
    await claims.claim(test.accountId, { poolId: refilled, count: 2 })
    const one = await upload(test, refilled, newCodes(5))
    await claims.claim(test.accountId, { poolId: refilled, count: 1 })
    await undoUpload(test.books, test.accountId, one)
    expect((await eventsOf(refilled)).slice(-3)).toEqual(['UNDONE', 'COMPLETED', 'POOL_REFILLED'])
    expect(await poolNow(test, refilled)).toMatchObject({ total: 8n, claimed: 3n })

    const plain = await newPool(test, { method: 'UPLOAD', refillThreshold: 2n })
    const [first, second] = [await upload(test, plain, newCodes(2)), await upload(test, plain, newCodes(4))]
    await undoUpload(test.books, test.accountId, second)
    await undoUpload(test.books, test.accountId, first)
    expect((await eventsOf(plain)).slice(-4)).toEqual(['UNDONE', 'POOL_LOW', 'UNDONE', 'POOL_EMPTY'])
  })
})

it('a chunk may have the maximum number of rows', async () => {
  const codes = newCodes(maxChunkRows)
  const taskId = await upload(test, await newPool(test), [...codes, ...codes.slice(0, 10)])
  expect(await countersOf(taskId)).toMatchObject({ added: maxChunkRows, duplicatesInFile: 10 })
})
