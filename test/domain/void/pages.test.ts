import { randomUUID } from 'node:crypto'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Books } from '../../../src/domain/books/books.ts'
import { readHistory } from '../../../src/domain/books/event-log.ts'
import type { Code, CodeOrigin } from '../../../src/domain/code/code.ts'
import { CodeVoidedError } from '../../../src/domain/redemption/errors.ts'
import { readUsage } from '../../../src/domain/usage/usage.ts'
import { unvoidCodes, voidCodes } from '../../../src/domain/void/void.ts'
import { expectBalance } from '../../support/audit.ts'
import { newPool, poolNow, useBooks } from '../../support/books.ts'
import { newClaimed, redemptionsOn } from '../../support/redemptions.ts'

const test = useBooks()
let another: Books
beforeAll(async () => {
  another = await test.another()
})
afterEach(() => {
  vi.restoreAllMocks()
})

const pageSize = 5
const count = 60

/** A claim, of whose codes every other one is redeemed. */
async function everyOther() {
  const { poolId, codes } = await newClaimed(test, { count })
  for (const code of codes.filter((_, i) => i % 2 === 0)) await redeem(test.books, code)
  return { poolId, codes, select: { claim: { poolId, first: 0n } } }
}

async function redeem(books: Books, code: Code | undefined): Promise<void> {
  if (code === undefined) throw new Error('There is no such code.')
  await redemptionsOn(books).redeem(test.accountId, randomUUID(), { code: code.code, reference: 'order' })
}

const refused = async (books: Books, code: Code | undefined) =>
  await expect(redeem(books, code)).rejects.toThrow(CodeVoidedError)

/** What stands of each code: R if it is redeemed, V if it is void. */
async function standing(codes: readonly Code[]): Promise<string> {
  const usages = await readUsage(test.books, test.accountId, codes)
  return usages
    .map(
      (usage) => `${usage.redemption === undefined ? '' : 'R'}${usage.void === undefined ? '' : 'V'}` || '-',
    )
    .join('')
}

/** Runs `between` after each transaction of the act, with how many there have been. Resolves to their number. */
async function betweenPages<T>(
  act: () => Promise<T>,
  between: (pages: number) => Promise<void>,
): Promise<{ result: T; pages: number }> {
  let pages = 0
  const write = test.books.write.bind(test.books)
  const spy = vi.spyOn(test.books, 'write').mockImplementation(async (accountId, work) => {
    const result = await write(accountId, work)
    pages += 1
    await between(pages)
    return result
  })
  const result = await act()
  spy.mockRestore()
  return { result, pages }
}

/** The counts of the pool's events of one kind, the newest first. */
async function eventsOf(poolId: string, kind: 'CODES_VOIDED' | 'CODES_UNVOIDED'): Promise<number[]> {
  const events = await readHistory(test.books, test.accountId, { limit: 100, fromOldest: false, poolId })
  return events.flatMap((event) => (event.kind === kind ? [Number(event.payload.count)] : []))
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

describe('of a claim with every other code redeemed, page by page', () => {
  it('voiding leaves each code redeemed or void, and counts it once, also those redeemed between pages', async () => {
    const { poolId, codes, select } = await everyOther()
    const expected = Array.from(codes, (_, i) => (i % 2 === 0 ? 'R' : 'V'))
    const { result, pages } = await betweenPages(
      () => voidCodes(test.books, test.accountId, { select, reason: 'leak' }, { pageSize }),
      async (number) => {
        if (number > 3) return
        await refused(another, codes[1])
        const last = codes.length + 1 - 2 * number
        await redeem(another, codes[last])
        expected[last] = 'R'
      },
    )
    expect(pages).toBe(7)
    expect(await standing(codes)).toBe(expected.join(''))
    const voided = expected.filter((mark) => mark === 'V').length
    expect(result).toEqual({
      voided: BigInt(voided),
      redeemed: BigInt(count - voided),
      alreadyVoid: 0n,
      notClaimed: 0n,
      poolIds: [poolId],
    })
    expect(sum(await eventsOf(poolId, 'CODES_VOIDED'))).toBe(voided)
    expect((await eventsOf(poolId, 'CODES_VOIDED')).length).toBeLessThanOrEqual(pages)
    expect(await poolNow(test, poolId)).toMatchObject({ voided: BigInt(voided) })
    await expectBalance(test)

    const again = await voidCodes(test.books, test.accountId, { select }, { pageSize })
    expect(again).toMatchObject({ voided: 0n, alreadyVoid: BigInt(voided), poolIds: [] })
  })

  it('unvoiding leaves no code void, and counts each once, also those redeemed between pages', async () => {
    const { poolId, codes, select } = await everyOther()
    const expected = Array.from(codes, (_, i) => (i % 2 === 0 ? 'R' : '-'))
    await voidCodes(test.books, test.accountId, { select }, { pageSize })
    const { result, pages } = await betweenPages(
      () => unvoidCodes(test.books, test.accountId, { select }, { pageSize }),
      async (number) => {
        if (number > 3) return
        await refused(another, codes.at(-1))
        await redeem(another, codes[2 * number - 1])
        expected[2 * number - 1] = 'R'
      },
    )
    expect(pages).toBe(6)
    expect(await standing(codes)).toBe(expected.join(''))
    expect(result).toEqual({ unvoided: 30n, notVoid: 30n, poolIds: [poolId] })
    expect(sum(await eventsOf(poolId, 'CODES_UNVOIDED'))).toBe(30)
    expect(await poolNow(test, poolId)).toMatchObject({ voided: 0n })
    await expectBalance(test)
  })

  it.each([
    ['voiding', voidCodes],
    ['unvoiding', unvoidCodes],
  ] as const)('%s that fails leaves whole pages, and repeating it does the rest', async (_, act) => {
    const { poolId, codes, select } = await everyOther()
    if (act === unvoidCodes) await voidCodes(test.books, test.accountId, { select })
    const before = await poolNow(test, poolId)
    const failing = betweenPages(
      (): Promise<object> => act(test.books, test.accountId, { select }, { pageSize }),
      async (number) => {
        if (number === 2) throw new Error('killed')
      },
    )
    await expect(failing).rejects.toThrow('killed')
    vi.restoreAllMocks()
    const between = await poolNow(test, poolId)
    const events = await eventsOf(poolId, act === voidCodes ? 'CODES_VOIDED' : 'CODES_UNVOIDED')
    const changed = between.voided - before.voided
    expect(BigInt(sum(events))).toBe(act === voidCodes ? changed : -changed)
    expect(events).toHaveLength(2)
    await expectBalance(test)

    const rest = await act(test.books, test.accountId, { select }, { pageSize })
    expect(rest).toMatchObject(
      'voided' in rest
        ? { voided: 30n - BigInt(sum(events)), alreadyVoid: BigInt(sum(events)) }
        : { unvoided: 30n - BigInt(sum(events)), notVoid: 30n + BigInt(sum(events)) },
    )
    expect(await standing(codes)).toBe((act === voidCodes ? 'RV' : 'R-').repeat(30))
    await expectBalance(test)
  })
})

describe('whatever the size of a page', () => {
  it('voiding and unvoiding any codes, in two processes in turn, change these and no others', async () => {
    const pools = [await newClaimed(test, { count }), await newClaimed(test, { count })]
    const codes = pools.flatMap((pool) => pool.codes)
    const marks = Array.from(codes, () => '-')
    for (const i of [3, 4, 20, 21, 22, 59, 60, 77]) {
      await redeem(test.books, codes[i])
      marks[i] = 'R'
    }
    let number = 7
    const next = (below: number) => {
      number = (number * 75 + 74) % 65_537
      return number % below
    }
    for (let round = 0; round < 40; round++) {
      const books = round % 2 === 0 ? test.books : another
      const [from, length, step] = [next(codes.length), 1 + next(40), 1 + next(3)]
      const chosen = Array.from(codes.keys()).filter(
        (i) => i >= from && i < from + length && (i - from) % step === 0,
      )
      const select = { codes: chosen.map((i): CodeOrigin => originOf(codes[i])) }
      const of = (mark: string) => BigInt(chosen.filter((i) => marks[i] === mark).length)
      const [fresh, redeemed, void_] = [of('-'), of('R'), of('V')]
      const [wanted, result] =
        next(2) === 0
          ? [
              { voided: fresh, redeemed, alreadyVoid: void_ },
              await voidCodes(books, test.accountId, { select }, { pageSize: 1 + next(6) }),
            ]
          : [
              { unvoided: void_, notVoid: fresh + redeemed },
              await unvoidCodes(books, test.accountId, { select }, { pageSize: 1 + next(6) }),
            ]
      expect(result).toMatchObject(wanted)
      for (const i of chosen) if (marks[i] !== 'R') marks[i] = 'voided' in result ? 'V' : '-'
      expect(await standing(codes)).toBe(marks.join(''))
    }
    await expectBalance(test)
  })

  it('codes between which nothing is redeemed are one transaction', async () => {
    const { poolId, codes } = await newClaimed(test, { count: 1_000 })
    await redeem(test.books, codes[500])
    const select = { claim: { poolId, first: 0n } }
    for (const act of [voidCodes, unvoidCodes]) {
      const { pages } = await betweenPages(
        (): Promise<object> => act(test.books, test.accountId, { select }, { pageSize: 10 }),
        async () => undefined,
      )
      expect(pages).toBe(1)
    }
  })

  it('a recipient has all of its codes voided, however many claims it has in some of its pools', async () => {
    const pools = [await newPool(test), await newPool(test)]
    const recipient = randomUUID()
    for (const [i, poolId] of pools.entries())
      await test.books.rows({
        text: `INSERT INTO claim (account_id, pool_id, first, count, recipient, at, nonce)
               SELECT $1, $2, 2 * n, 1, $3, now(), 0 FROM generate_series(1, $4::integer) n`,
        values: [test.accountId, poolId, recipient, i === 0 ? 12_000 : 10],
      })
    const select = { recipient, poolId: undefined }
    const voided = await voidCodes(test.books, test.accountId, { select })
    expect(voided).toMatchObject({ voided: 12_010n, alreadyVoid: 0n, poolIds: pools.toSorted() })
    const unvoided = await unvoidCodes(test.books, test.accountId, { select })
    expect(unvoided).toMatchObject({ unvoided: 12_010n, notVoid: 0n, poolIds: pools.toSorted() })
  })
})

function originOf(code: Code | undefined): CodeOrigin {
  if (code === undefined) throw new Error('There is no such code.')
  const { formatId, uploadId, index } = code
  return formatId === undefined ? { uploadId, index } : { formatId, index }
}
