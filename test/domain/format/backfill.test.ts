import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Books } from '../../../src/domain/books/books.ts'
import { readHistory } from '../../../src/domain/books/event-log.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { LookUps } from '../../../src/domain/code/lookup.ts'
import { backfillFormat, readUnreadyFormat } from '../../../src/domain/format/backfill.ts'
import { createFormat } from '../../../src/domain/format/create.ts'
import { availableForGeneration, lockFormat } from '../../../src/domain/format/format.ts'
import {
  generateCodes,
  readQueuedGenerations,
  runGeneration,
} from '../../../src/domain/generation/generation.ts'
import { cancelTask, readTask } from '../../../src/domain/generation/task.ts'
import { undoUpload } from '../../../src/domain/upload/finish.ts'
import { GenerationWorker } from '../../../src/worker/generations.ts'
import { expectBalance } from '../../support/audit.ts'
import { formatNow, newPlace, newPool, type Place, poolNow, silent, useBooks } from '../../support/books.ts'
import { sessionsThatWait } from '../../support/database.ts'
import { addCodes, clearAway, newCodes, startUpload, upload } from '../../support/uploads.ts'

const test = useBooks()
let elsewhere: Books
let place: Place
let claims: Claims
beforeAll(async () => {
  elsewhere = await test.another()
  claims = new Claims(test.books)
})
// An account of its own, as all of its codes are looked at.
beforeEach(async () => {
  place = await newPlace(test)
})

const digits = 3
const capacity = 1_000

/** All codes that a format with a prefix can produce. */
function codesOf(prefix: string, length = digits): string[] {
  return Array.from({ length: 10 ** length }, (_, number) => prefix + String(number).padStart(length, '0'))
}

interface Unready {
  formatId: string
  poolId: string
  uploadId: string
  /** All codes of the format; the first ones were uploaded before. */
  codes: string[]
  earlier: string[]
}

/** A format over uploaded codes, of which ten were looked at when it was created. */
async function newUnready(count = 100): Promise<Unready> {
  const prefix = `${randomUUID()}-`
  const codes = codesOf(prefix)
  const earlier = codes.slice(0, count)
  const poolId = await newPool(place)
  const uploadId = await upload(place, poolId, earlier)
  const formatId = await newFormatOver(prefix, 10)
  expect((await formatNow(place, formatId)).takenTo).toBe(codes[9])
  return { formatId, poolId, uploadId, codes, earlier }
}

async function newFormatOver(prefix: string, takenAtOnce?: number, length = digits): Promise<string> {
  const shape = { prefix, suffix: '', body: { length }, characters: { set: 'DIGITS' as const } }
  return await createFormat(place.books, place.accountId, { name: prefix, shape }, takenAtOnce)
}

async function available(formatId: string): Promise<number> {
  return Number(availableForGeneration(await formatNow(place, formatId)))
}

async function takenCount(formatId: string): Promise<number> {
  return await place.books.prisma.taken.count({ where: { formatId } })
}

async function isReady(formatId: string): Promise<boolean> {
  return (await formatNow(place, formatId)).takenTo === undefined
}

async function makeReady(formatId: string, limit = 30): Promise<void> {
  while (await backfillFormat(place.books, { accountId: place.accountId, formatId }, limit));
  expect(await isReady(formatId)).toBe(true)
  await expectBalance(place)
}

async function claim(poolId: string, count: number): Promise<string[]> {
  return (await claims.claim(place.accountId, { poolId, count })).codes.map(({ code }) => code)
}

async function eventsOf(poolId: string): Promise<string[]> {
  const events = await readHistory(place.books, place.accountId, { poolId, limit: 1_000, fromOldest: true })
  return events.map(({ kind }) => kind)
}

/** A pool with automatic refills. */
async function newRefilled(formatId: string, quantity: bigint, refillThreshold = 0n): Promise<string> {
  return await newPool(place, { formatId, quantity, refillThreshold, autoGenerate: true })
}

describe('a format that is created over uploaded codes', () => {
  it('is ready at once if there are few', async () => {
    const prefix = `${randomUUID()}-`
    await upload(place, await newPool(place), [...codesOf(prefix).slice(0, 5), ...newCodes(20)])
    const formatId = await newFormatOver(prefix)
    expect(await formatNow(place, formatId)).toMatchObject({ takenAhead: 5n, takenTo: undefined })
    expect(await takenCount(formatId)).toBe(5)
  })

  it('is ready at once if all uploaded codes are of other formats, however many there are', async () => {
    await upload(place, await newPool(place), newCodes(50))
    const formatId = await newFormatOver(`${randomUUID()}-`, 10)
    expect(await formatNow(place, formatId)).toMatchObject({ takenAhead: 0n, takenTo: undefined })
  })

  it('has an exact count of available codes at once, even if a worker has to backfill many', async () => {
    const prefix = `${randomUUID()}-`
    const earlier = codesOf(prefix, 5).slice(0, 12_000)
    await upload(place, await newPool(place), earlier)
    const formatId = await newFormatOver(prefix, undefined, 5)
    expect([await available(formatId), await isReady(formatId)]).toEqual([100_000 - 12_000, false])
    await expectBalance(place)
    const poolId = await newPool(place)
    const taskId = await generateCodes(place.books, place.accountId, { poolId, formatId, quantity: 88_000n })
    const worker = new GenerationWorker(place.books, silent)
    await expect.poll(() => statusOf(taskId), { timeout: 30_000 }).toBe('COMPLETED')
    await worker.close()
    expect(await takenCount(formatId)).toBe(12_000)
    expect((await poolNow(place, poolId)).total).toBe(88_000n)
    await expectBalance(place)
  })

  it('wakes the workers to take them out, and after the last one for the generations that wait', async () => {
    const announce = vi.spyOn(place.books.notifications, 'announce')
    const announced = () => announce.mock.calls.map(([{ topic }]) => topic)
    const { formatId } = await newUnready()
    expect(announced()).toContain('formats')
    await backfillFormat(place.books, { accountId: place.accountId, formatId }, 10)
    expect(announced()).not.toContain('generations')
    await makeReady(formatId)
    expect(announced()).toContain('generations')
    announce.mockRestore()
  })

  it('is found by look-ups during the backfill, as are its earlier codes', async () => {
    const { formatId, uploadId, codes, earlier } = await newUnready()
    const lookUps = new LookUps(place.books)
    const last = earlier.at(-1) as string
    expect(await lookUps.find(place.accountId, last.toLowerCase())).toMatchObject({ uploadId, code: last })
    expect(await lookUps.find(place.accountId, codes.at(-1) as string)).toBeUndefined()
    await makeReady(formatId)
    expect(await lookUps.find(place.accountId, last)).toMatchObject({ uploadId, code: last })
  })
})

async function uploadRow(taskId: string) {
  return await place.books.prisma.task.findFirstOrThrow({ where: { id: taskId } })
}

async function queued(limit: number): Promise<string[]> {
  const tasks = await readQueuedGenerations(place.books, place.accountId, limit)
  return tasks.map(({ taskId }) => taskId)
}

async function statusOf(taskId: string): Promise<string | undefined> {
  return (await readTask(place.books, place.accountId, taskId))?.status
}

describe('during the backfill of a format', () => {
  it('newly uploaded codes count once, and those uploaded before are duplicates', async () => {
    const { formatId, poolId, codes } = await newUnready()
    const taskId = await startUpload(place, poolId)
    await addCodes(place, taskId, codes.slice(90, 110))
    expect(await available(formatId)).toBe(capacity - 110)
    await expectBalance(place)
    await makeReady(formatId)
    expect(await available(formatId)).toBe(capacity - 110)
    expect(await takenCount(formatId)).toBe(110)
    expect(await uploadRow(taskId)).toMatchObject({ accepted: 10n, duplicatesInAccount: 10n, refused: 0n })
  })

  it('an uploaded code is a duplicate even if all remaining codes of the format are reserved', async () => {
    const { formatId, poolId, codes } = await newUnready()
    await generateCodes(place.books, place.accountId, { poolId, formatId, quantity: 900n })
    const taskId = await startUpload(place, poolId)
    await addCodes(place, taskId, [codes[50] as string])
    const second = await startUpload(place, poolId)
    await addCodes(place, second, [codes[100] as string, codes[60] as string])
    expect(await uploadRow(taskId)).toMatchObject({ accepted: 0n, duplicatesInAccount: 1n, refused: 0n })
    expect(await uploadRow(second)).toMatchObject({ accepted: 0n, duplicatesInAccount: 1n, refused: 1n })
    await expectBalance(place)
  })

  it('a dry run says what would be added', async () => {
    const { formatId, poolId, codes } = await newUnready()
    await generateCodes(place.books, place.accountId, { poolId, formatId, quantity: 895n })
    const taskId = await startUpload(place, poolId, { dryRun: true })
    await addCodes(place, taskId, codes.slice(80, 120), { chunk: 7 })
    expect(await uploadRow(taskId)).toMatchObject({ accepted: 5n, duplicatesInAccount: 20n, refused: 15n })
    await expectBalance(place)
  })

  it('undoing an upload frees its codes, whether they have been backfilled or not', async () => {
    const { formatId, uploadId } = await newUnready()
    await undoUpload(place.books, place.accountId, uploadId)
    expect(await available(formatId)).toBe(capacity - 100)
    await clearAway(place, uploadId, 30)
    expect([await available(formatId), await takenCount(formatId)]).toEqual([capacity, 0])
    await expectBalance(place)
    await makeReady(formatId)
    expect([await available(formatId), await takenCount(formatId)]).toEqual([capacity, 0])
  })

  it('cancelling an upload half-way frees its own codes and no others', async () => {
    const { formatId, poolId, codes } = await newUnready()
    const taskId = await startUpload(place, poolId)
    await addCodes(place, taskId, codes.slice(100, 150))
    await backfillFormat(place.books, { accountId: place.accountId, formatId }, 100)
    await cancelTask(place.books, place.accountId, taskId)
    await clearAway(place, taskId, 20)
    expect(await available(formatId)).toBe(capacity - 100)
    await makeReady(formatId)
    expect([await available(formatId), await takenCount(formatId)]).toEqual([capacity - 100, 100])
  })

  it('generations are accepted up to the available codes, and wait', async () => {
    const { formatId, poolId } = await newUnready()
    const { books, accountId } = place
    await expect(generateCodes(books, accountId, { poolId, formatId, quantity: 901n })).rejects.toMatchObject(
      { code: 'QUANTITY_EXCEEDS_AVAILABLE', availableForGeneration: 900n },
    )
    const taskId = await generateCodes(books, accountId, { poolId, formatId, quantity: 900n })
    expect(await queued(100)).not.toContain(taskId)
    // If a worker runs one nevertheless, it starts, and ends later.
    expect(await runGeneration(books, { accountId, taskId })).toBe(true)
    expect(await runGeneration(books, { accountId, taskId })).toBe(false)
    expect(await statusOf(taskId)).toBe('RUNNING')
    await makeReady(formatId)
    expect(await queued(100)).toContain(taskId)
    expect(await runGeneration(books, { accountId, taskId })).toBe(true)
    expect((await poolNow(place, poolId)).total).toBe(1_000n)
    await expectBalance(place)
  })

  it('a waiting generation can be cancelled, which returns its reservation', async () => {
    const { formatId, poolId } = await newUnready()
    const { books, accountId } = place
    const taskId = await generateCodes(books, accountId, { poolId, formatId, quantity: 900n })
    await cancelTask(books, accountId, taskId)
    expect(await available(formatId)).toBe(900)
    await expectBalance(place)
  })

  it('generations of other formats do not wait, however many wait for it', async () => {
    const { formatId, poolId } = await newUnready()
    const { books, accountId } = place
    for (let i = 0; i < 5; i++) await generateCodes(books, accountId, { poolId, formatId, quantity: 1n })
    const other = await newFormatOver(`${randomUUID()}-`)
    const taskId = await generateCodes(books, accountId, { poolId, formatId: other, quantity: 1n })
    expect(await queued(1)).toEqual([taskId])
    await runGeneration(books, { accountId, taskId })
  })

  it('claims are served down to the last code, and never with an uploaded one', async () => {
    const { formatId, codes } = await newUnready(600)
    const poolId = await newRefilled(formatId, 7n)
    const claimed: string[] = []
    for (let i = 0; i < 3; i++) {
      claimed.push(...(await claim(poolId, 111)))
      await expectBalance(place)
    }
    claimed.push(...(await claim(poolId, 67)))
    expect(claimed.toSorted()).toEqual(codes.slice(600))
    await expect(claim(poolId, 1)).rejects.toMatchObject({ code: 'NOT_ENOUGH_CODES', available: 0n })
    expect(await isReady(formatId)).toBe(false)
    await makeReady(formatId)
    expect(await takenCount(formatId)).toBe(600)
  })

  it('a refill is as large as needed, and a smaller one is no failure', async () => {
    const prefix = `${randomUUID()}-`
    const earlier = codesOf(prefix, 5).slice(0, 100)
    await upload(place, await newPool(place), earlier)
    const formatId = await newFormatOver(prefix, 10, 5)
    const poolId = await newRefilled(formatId, 50_000n)
    expect(await poolNow(place, poolId)).toMatchObject({ total: 10_000n, refillFailed: false })
    const claimed = (await Promise.all([1, 2, 3].map(() => claim(poolId, 10_000)))).flat()
    expect(new Set([...claimed, ...earlier]).size).toBe(30_100)
    // The pool was never empty, and nothing has failed.
    expect(new Set(await eventsOf(poolId))).toEqual(
      new Set(['POOL_CREATED', 'POOL_CHANGED', 'POOL_REFILLED', 'TASK_STATUS_CHANGED']),
    )
    const before = await poolNow(place, poolId)
    expect(before.refillFailed).toBe(false)
    await makeReady(formatId, 1_000)
    await claim(poolId, Number(before.total - before.claimed))
    expect((await poolNow(place, poolId)).total - before.total).toBe(50_000n)
    await expectBalance(place)
  })

  it('undoing an upload refills the pool with codes that are not uploaded', async () => {
    const { formatId, codes } = await newUnready()
    const poolId = await newRefilled(formatId, 5n, 3n)
    const uploadId = await upload(place, poolId, codes.slice(100, 200))
    await claim(poolId, 5)
    await undoUpload(place.books, place.accountId, uploadId)
    const claimed = await claim(poolId, 20)
    expect(claimed.filter((code) => codes.indexOf(code) < 200)).toEqual([])
    await expectBalance(place)
    await makeReady(formatId)
  })
})

describe('the backfill of a format', () => {
  it('continues after the last step when a process is killed in the middle', async () => {
    const { formatId } = await newUnready()
    const { accountId } = place
    const { takenTo } = await formatNow(place, formatId)
    let killed: Promise<unknown> | undefined
    await place.books.write(accountId, async (tx) => {
      await lockFormat(tx, formatId)
      killed = backfillFormat(elsewhere, { accountId, formatId }, 50).catch((error: unknown) => error)
      await expect.poll(() => terminateWaiting()).toBe(true)
    })
    expect(await killed).toBeInstanceOf(Error)
    expect(await formatNow(place, formatId)).toMatchObject({ takenTo, takenAhead: 100n })
    // The killed backend releases its lock a moment after its client has been told.
    await expect.poll(() => backfillFormat(place.books, { accountId, formatId }, 30)).toBe(true)
    await makeReady(formatId)
    expect(await takenCount(formatId)).toBe(100)
  })

  it('is done once by several processes at the same moment', async () => {
    const { formatId } = await newUnready()
    const unready = { accountId: place.accountId, formatId }
    await Promise.all(
      [place.books, elsewhere].map(async (books) => {
        while (!(await isReady(formatId))) await backfillFormat(books, unready, 3)
      }),
    )
    expect([await available(formatId), await takenCount(formatId)]).toEqual([capacity - 100, 100])
    await expectBalance(place)
  })

  it('covers several formats, in any order', async () => {
    const formats = [await newUnready(40), await newUnready(60)]
    for (;;) {
      const unready = await readUnreadyFormat(place.books, place.accountId)
      if (unready === undefined) break
      await backfillFormat(place.books, unready, 1_000)
    }
    expect(await Promise.all(formats.map(({ formatId }) => takenCount(formatId)))).toEqual([40, 60])
  })

  it('handles codes that differ only in characters that people mix up', async () => {
    const prefix = `${randomUUID()}-`
    const alike = ['o0o', '0oo', 'oo0', '00o', 'ooo', '000'].map((body) => `${prefix}${body}`)
    await upload(place, await newPool(place), alike)
    const shape = { prefix, suffix: '', body: { length: 3 }, characters: { list: 'o0' } }
    const formatId = await createFormat(place.books, place.accountId, { name: prefix, shape }, 1)
    expect(await available(formatId)).toBe(2)
    await makeReady(formatId, 2)
    expect(await takenCount(formatId)).toBe(6)
  })

  it('finds nothing to do for a format that is ready', async () => {
    const formatId = await newFormatOver(`${randomUUID()}-`)
    expect(await backfillFormat(place.books, { accountId: place.accountId, formatId }, 10)).toBe(false)
  })
})

/** Ends the connection that waits for a lock, as if its process were killed. Resolves to whether there was one. */
async function terminateWaiting(): Promise<boolean> {
  const waiting = await sessionsThatWait(test.books, 'FOR NO KEY UPDATE')
  for (const { pid } of waiting) await test.books.connections.query(`SELECT pg_terminate_backend(${pid})`)
  return waiting.length === 1
}
