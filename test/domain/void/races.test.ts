import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Books } from '../../../src/domain/books/books.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import type { Code } from '../../../src/domain/code/code.ts'
import { lockPool } from '../../../src/domain/pool/pool.ts'
import { CodeVoidedError } from '../../../src/domain/redemption/errors.ts'
import { rollBackRedemption } from '../../../src/domain/redemption/roll-back.ts'
import { lockUsage } from '../../../src/domain/usage/lock.ts'
import { readUsage } from '../../../src/domain/usage/usage.ts'
import type { Select } from '../../../src/domain/void/select.ts'
import { unvoidCodes, voidCodes } from '../../../src/domain/void/void.ts'
import { expectBalance } from '../../support/audit.ts'
import { fill, newFormat, newPool, poolNow, useBooks } from '../../support/books.ts'
import { sessionsThatWait } from '../../support/database.ts'
import { newClaimed, redemptionsOn } from '../../support/redemptions.ts'

const test = useBooks()
let another: Books
beforeAll(async () => {
  another = await test.another()
})

/** A choice of the codes [from, to). */
function select(codes: readonly Code[], from: number, to: number): { select: Select } {
  return {
    select: {
      codes: codes
        .slice(from, to)
        .map(({ formatId, uploadId, index }) =>
          formatId === undefined ? { uploadId, index } : { formatId, index },
        ),
    },
  }
}

async function taskOf(poolId: string): Promise<string> {
  const [task] = await test.books.rows<{ id: string }>({
    text: 'SELECT id FROM task WHERE account_id = $1 AND pool_id = $2',
    values: [test.accountId, poolId],
  })
  return task?.id ?? ''
}

/** What stands of each code: R if it is redeemed, V if it is void. */
async function standing(codes: readonly Code[]): Promise<string> {
  const usages = await readUsage(test.books, test.accountId, codes)
  return usages
    .map(
      (usage) => `${usage.redemption === undefined ? '' : 'R'}${usage.void === undefined ? '' : 'V'}` || '-',
    )
    .join('')
}

/** Starts `acts` one after the other while a pool's usage is locked, so that they get the lock in this order. */
async function inOrder<T>(poolId: string, acts: readonly (() => Promise<T>)[]): Promise<Promise<T>[]> {
  const holder = await test.another({ maxConnections: 1 })
  const { waiting } = await holder.write(test.accountId, async (tx) => {
    await lockUsage(tx, poolId)
    const waiting: Promise<T>[] = []
    for (const act of acts) {
      const started = act()
      started.catch(() => undefined)
      waiting.push(started)
      await waitingForUsage(waiting.length)
    }
    return { waiting }
  })
  return waiting
}

/** Resolves when `count` sessions wait for the lock of a pool's usage. */
async function waitingForUsage(count: number): Promise<void> {
  await expect.poll(() => sessionsThatWait(test.books, 'FROM pool_usage')).toHaveLength(count)
}

describe('two voids at once in two processes', () => {
  it('void each code once, the later one what the earlier one has left', async () => {
    const { poolId, codes } = await newClaimed(test, { count: 20 })
    const [first, second] = await inOrder(poolId, [
      () => voidCodes(test.books, test.accountId, { ...select(codes, 5, 10), reason: 'first' }),
      () => voidCodes(another, test.accountId, { ...select(codes, 0, 20), reason: 'second' }),
    ])
    expect(await first).toMatchObject({ voided: 5n, alreadyVoid: 0n })
    expect(await second).toMatchObject({ voided: 15n, alreadyVoid: 5n })
    expect(await standing(codes)).toBe('V'.repeat(20))
    const [fifth] = await readUsage(test.books, test.accountId, codes.slice(5, 6))
    expect(fifth?.void?.reason).toBe('first')
    expect(await poolNow(test, poolId)).toMatchObject({ voided: 20n })
    await expectBalance(test)
  })

  it('also if many of them and unvoids overlap, in no order', async () => {
    const { poolId, codes } = await newClaimed(test, { count: 40 })
    const taskId = await taskOf(poolId)
    const acts = Array.from({ length: 40 }, (_, i) => {
      const books = i % 2 === 0 ? test.books : another
      const some = i % 5 === 0 ? { select: { taskId } } : select(codes, (7 * i) % 30, ((7 * i) % 30) + 10)
      return i % 3 === 0 ? unvoidCodes(books, test.accountId, some) : voidCodes(books, test.accountId, some)
    })
    const results = await Promise.all(acts)
    const balance = results.reduce(
      (sum, result) => sum + ('voided' in result ? result.voided : -result.unvoided),
      0n,
    )
    expect(await poolNow(test, poolId)).toMatchObject({ voided: balance })
    expect(BigInt((await standing(codes)).replaceAll('-', '').length)).toBe(balance)
    await expectBalance(test)
  })

  it('of the same pools cannot deadlock: they lock pools in one order, whatever that of the choice', async () => {
    const pools = [await newClaimed(test, { count: 1 }), await newClaimed(test, { count: 1 })]
    const [lesser = '', greater = ''] = pools.map(({ poolId }) => poolId).toSorted()
    const codes = pools.flatMap((pool) => pool.codes)
    for (const both of [codes, codes.toReversed()]) {
      const { voiding } = await test.books.write(test.accountId, async (tx) => {
        await lockUsage(tx, lesser)
        const voiding = voidCodes(another, test.accountId, select(both, 0, 2))
        await waitingForUsage(1)
        // Nobody holds this one yet.
        const free = await tx.rows({
          text: 'SELECT 1 FROM pool_usage WHERE account_id = $1 AND pool_id = $2 FOR NO KEY UPDATE NOWAIT',
          values: [test.accountId, greater],
        })
        expect(free).toHaveLength(1)
        return { voiding }
      })
      expect(await voiding).toMatchObject({ voided: 2n })
      await unvoidCodes(another, test.accountId, select(both, 0, 2))
    }
  })
})

describe('voiding against redeeming in two processes', () => {
  const key = randomUUID()
  const redeem = (books: Books, { code }: Code) =>
    redemptionsOn(books).redeem(test.accountId, key, { code, reference: 'order 1' })

  it('leaves a code void that is voided first, and its redemption is refused', async () => {
    const { poolId, codes } = await newClaimed(test, { count: 3 })
    const [voiding, redeeming] = await inOrder<unknown>(poolId, [
      () => voidCodes(test.books, test.accountId, select(codes, 0, 3)),
      () => redeem(another, codes[1] as Code),
    ])
    expect(await voiding).toMatchObject({ voided: 3n, redeemed: 0n })
    await expect(redeeming).rejects.toThrow(CodeVoidedError)
    expect(await standing(codes)).toBe('VVV')
    await expectBalance(test)
  })

  it('leaves a code redeemed that is redeemed first, and voids the others', async () => {
    const { poolId, codes } = await newClaimed(test, { count: 3 })
    const [redeeming, voiding] = await inOrder<unknown>(poolId, [
      () => redeem(another, codes[1] as Code),
      () => voidCodes(test.books, test.accountId, select(codes, 0, 3)),
    ])
    expect(await redeeming).toMatchObject({ alreadyRedeemed: false })
    expect(await voiding).toMatchObject({ voided: 2n, redeemed: 1n })
    expect(await standing(codes)).toBe('VRV')
    await expectBalance(test)
  })

  it('leaves each of many codes either redeemed or void', async () => {
    const { poolId, codes } = await newClaimed(test, { count: 60 })
    const taskId = await taskOf(poolId)
    const redeemed = codes.map((code, i) => redeem(i % 2 === 0 ? test.books : another, code))
    const [voided, ...settled] = await Promise.all([
      voidCodes(another, test.accountId, { select: { taskId } }),
      ...redeemed.map((one) =>
        one.then(
          () => true,
          (error: unknown) => !(error instanceof CodeVoidedError),
        ),
      ),
    ])
    const count = BigInt(settled.filter(Boolean).length)
    expect(voided).toMatchObject({ voided: 60n - count, redeemed: count })
    expect(await standing(codes)).toMatch(/^[RV]{60}$/)
    expect(await poolNow(test, poolId)).toMatchObject({ redeemed: count, voided: 60n - count })
    await expectBalance(test)
  })

  it('leaves a code good whose redemption is rolled back after the others were voided', async () => {
    const { codes } = await newClaimed(test, { count: 3 })
    const { redemption } = await redeem(test.books, codes[1] as Code)
    await voidCodes(another, test.accountId, select(codes, 0, 3))
    await rollBackRedemption(test.books, test.accountId, redemption.id)
    expect(await standing(codes)).toBe('V-V')
    expect(await voidCodes(another, test.accountId, select(codes, 0, 3))).toMatchObject({
      voided: 1n,
      alreadyVoid: 2n,
    })
    await expectBalance(test)
  })
})

describe('voiding against claims of the same task', () => {
  it('does not wait for them, nor they for it', async () => {
    const { poolId, codes } = await newClaimed(test, { count: 2 })
    await fill(test, poolId, await newFormat(test), 2n)
    await test.books.write(test.accountId, async (tx) => {
      await lockPool(tx, poolId)
      await voidCodes(another, test.accountId, select(codes, 0, 1))
    })
    await test.books.write(test.accountId, async (tx) => {
      await lockUsage(tx, poolId)
      await new Claims(another).claim(test.accountId, { poolId, count: 1 })
    })
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 3n, voided: 1n })
  })

  it('voids what has been claimed so far, and nothing that is claimed later', async () => {
    const poolId = await newPool(test)
    const total = 200
    const taskId = await fill(test, poolId, await newFormat(test), BigInt(total))
    const claims = [new Claims(test.books), new Claims(another)]
    const codes: Code[] = []
    const claim = async (i: number) => {
      for (let n = 0; n < 50; n++) {
        const claimed = await (claims[i] as Claims).claim(test.accountId, { poolId, count: 2 })
        codes.push(...claimed.codes)
      }
    }
    let claiming = true
    const voiding = async () => {
      let sum = 0n
      while (claiming) {
        const result = await voidCodes(another, test.accountId, { select: { taskId } })
        expect(result.voided + result.alreadyVoid + result.notClaimed).toBe(BigInt(total))
        sum += result.voided
        expect(result.alreadyVoid + result.voided).toBe(sum)
      }
      return sum
    }
    const voided = voiding()
    await Promise.all([claim(0), claim(1)])
    claiming = false
    const sum = await voided
    const marks = await standing(codes.toSorted((a, b) => (a.position < b.position ? -1 : 1)))
    expect(marks).toBe('V'.repeat(Number(sum)) + '-'.repeat(total - Number(sum)))
    expect(await poolNow(test, poolId)).toMatchObject({ voided: sum, claimed: BigInt(total) })
    await expectBalance(test)
  })
})
