import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { maxCapacity } from '../../../src/codespace/shape.ts'
import { InvalidInputError } from '../../../src/domain/books/errors.ts'
import { readHistory } from '../../../src/domain/books/event-log.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { generateCodes } from '../../../src/domain/generation/generation.ts'
import { type ReplenishmentInput, saveReplenishment } from '../../../src/domain/generation/replenishment.ts'
import { NotEnoughCodesError } from '../../../src/domain/pool/pool.ts'
import { expectBalance } from '../../support/audit.ts'
import {
  fill,
  formatNow,
  newFormat,
  newPlace,
  newPool,
  newSmallFormat,
  poolNow,
  useBooks,
} from '../../support/books.ts'

const test = useBooks()
let formatId: string
beforeAll(async () => {
  formatId = await newFormat(test)
})

/** Saves the settings in `input`, and defaults for the others. */
function save(input: Partial<ReplenishmentInput> & { poolId: string }): Promise<string | undefined> {
  return saveReplenishment(test.books, test.accountId, {
    method: 'GENERATE',
    formatId,
    autoGenerate: false,
    refillThreshold: 0n,
    ...input,
  })
}

async function eventsOf(poolId: string): Promise<string[]> {
  const page = { poolId, limit: 1_000, fromOldest: true }
  return (await readHistory(test.books, test.accountId, page)).reverse().map((event) => event.kind)
}

describe('the Promo Codes section', () => {
  it('is saved as a whole: settings that are left out get their defaults', async () => {
    const poolId = await newPool(test)
    await fill(test, poolId, formatId, 100n)
    await save({ poolId, autoGenerate: true, quantity: maxCapacity, refillThreshold: 7n })
    expect(await poolNow(test, poolId)).toMatchObject({
      method: 'GENERATE',
      formatId,
      quantity: maxCapacity,
      autoGenerate: true,
      refillThreshold: 7n,
    })
    await save({ poolId, method: 'UPLOAD', formatId: undefined })
    expect(await poolNow(test, poolId)).toMatchObject({
      method: 'UPLOAD',
      formatId: undefined,
      quantity: undefined,
      autoGenerate: false,
      refillThreshold: 0n,
      total: 100n,
    })
  })

  it.each([
    ['GENERATE without a format', { formatId: undefined }, ['formatId']],
    ['UPLOAD that generates', { method: 'UPLOAD', quantity: 1n, autoGenerate: true }, ['autoGenerate']],
    ['autoGenerate without a quantity', { autoGenerate: true }, ['quantity']],
    ['a quantity of 0', { quantity: 0n }, ['quantity']],
    ['a quantity above 2^96', { quantity: maxCapacity + 1n }, ['quantity']],
    ['a negative threshold', { refillThreshold: -1n }, ['refillThreshold']],
    ['a threshold above 2^96', { refillThreshold: maxCapacity + 1n }, ['refillThreshold']],
  ] satisfies [string, Partial<ReplenishmentInput>, string[]][])('refuses %s', async (_what, input, path) => {
    const poolId = await newPool(test)
    await expect(save({ poolId, ...input })).rejects.toMatchObject({ code: 'INVALID_INPUT', path })
  })

  it('reports all issues at once', async () => {
    const wrong = save({
      poolId: await newPool(test),
      formatId: undefined,
      autoGenerate: true,
      refillThreshold: -1n,
    })
    await expect(wrong).rejects.toThrow(InvalidInputError)
    await expect(wrong).rejects.toMatchObject({
      issues: [{ path: ['formatId'] }, { path: ['quantity'] }, { path: ['refillThreshold'] }],
    })
  })

  it('accepts neither a pool nor a format of another account, and changes nothing then', async () => {
    const theirs = await newPlace(test)
    const poolId = await newPool(test)
    await expect(save({ poolId: await newPool(theirs) })).rejects.toMatchObject({ path: ['poolId'] })
    await expect(save({ poolId: randomUUID() })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      path: ['poolId'],
    })
    for (const formatId of [await newFormat(theirs), randomUUID()])
      await expect(save({ poolId, formatId, refillThreshold: 3n })).rejects.toMatchObject({
        code: 'NOT_FOUND',
        path: ['formatId'],
      })
    expect(await poolNow(test, poolId)).toMatchObject({ formatId: undefined, refillThreshold: 0n })
  })
})

describe('saving with auto-generation', () => {
  it('immediately refills a stock that is at the threshold to more than the threshold', async () => {
    const poolId = await newPool(test)
    await fill(test, poolId, formatId, 10n)
    const taskId = await save({ poolId, autoGenerate: true, quantity: 4n, refillThreshold: 10n })
    expect(await poolNow(test, poolId)).toMatchObject({ total: 14n })
    expect(await test.books.prisma.task.findFirstOrThrow({ where: { id: taskId ?? '' } })).toMatchObject({
      status: 'COMPLETED',
      trigger: 'AUTO_GENERATE',
      poolId,
      formatId,
    })
    expect((await eventsOf(poolId)).slice(-2)).toEqual(['TASK_STATUS_CHANGED', 'POOL_REFILLED'])
  })

  it('refills an empty pool with the smallest multiple of the quantity', async () => {
    const poolId = await newPool(test)
    await save({ poolId, autoGenerate: true, quantity: 4n, refillThreshold: 8n })
    expect(await poolNow(test, poolId)).toMatchObject({ total: 12n, claimed: 0n })
  })

  it('refills nothing if the stock is above the threshold', async () => {
    const poolId = await newPool(test)
    await fill(test, poolId, formatId, 11n)
    const settings = { poolId, autoGenerate: true, quantity: 4n, refillThreshold: 10n }
    expect(await save(settings)).toBeUndefined()
    expect(await poolNow(test, poolId)).toMatchObject({ total: 11n })
  })

  it('uses what the format has left, but nothing reserved, and reports that it was too little', async () => {
    const small = await newSmallFormat(test, 10)
    const poolId = await newPool(test)
    await generateCodes(test.books, test.accountId, { poolId, formatId: small, quantity: 7n })
    await save({ poolId, formatId: small, autoGenerate: true, quantity: 5n })
    expect(await poolNow(test, poolId)).toMatchObject({ total: 3n })
    expect(await formatNow(test, small)).toMatchObject({ next: 3n, reserved: 7n })
    expect((await eventsOf(poolId)).filter((kind) => kind === 'POOL_REFILL_FAILED')).toHaveLength(1)
  })

  it('reports again that the format is exhausted, as the settings may have been changed because of that', async () => {
    const small = await newSmallFormat(test, 2)
    const poolId = await newPool(test)
    await fill(test, poolId, small, 2n)
    const claims = new Claims(test.books)
    const settings = { poolId, formatId: small, autoGenerate: true, quantity: 5n }
    const failures = async () =>
      (await eventsOf(poolId)).filter((kind) => kind === 'POOL_REFILL_FAILED').length
    expect(await save(settings)).toBeUndefined()
    expect(await failures()).toBe(0)
    await claims.claim(test.accountId, { poolId, count: 2 })
    expect(await failures()).toBe(1)
    await expect(claims.claim(test.accountId, { poolId, count: 1 })).rejects.toThrow(NotEnoughCodesError)
    expect(await failures()).toBe(1)
    expect(await save(settings)).toBeUndefined()
    expect(await failures()).toBe(2)
    expect(await save({ ...settings, formatId })).toBeTypeOf('string')
    expect((await claims.claim(test.accountId, { poolId, count: 1 })).codes).toHaveLength(1)
  })

  it('concurrently with claims and generations leaves the books in balance', async () => {
    const elsewhere = await test.another()
    const poolId = await newPool(test)
    await fill(test, poolId, formatId, 5n)
    const claims = [new Claims(test.books), new Claims(elsewhere)]
    await Promise.all(
      Array.from({ length: 15 }, (_, i) => [
        saveReplenishment(i % 2 === 0 ? test.books : elsewhere, test.accountId, {
          poolId,
          method: 'GENERATE',
          formatId,
          autoGenerate: true,
          quantity: BigInt(1 + (i % 4)),
          refillThreshold: BigInt(i % 3),
        }),
        ...claims.map((process) =>
          process.claim(test.accountId, { poolId, count: 1 + (i % 3) }).catch(ignoreShort),
        ),
        fill({ ...test, books: elsewhere }, poolId, formatId, 1n),
      ]).flat(),
    )
    await expectBalance(test)
  })
})

function ignoreShort(error: unknown): void {
  // The pool may run out before the first settings are saved.
  if (!(error instanceof NotEnoughCodesError)) throw error
}
