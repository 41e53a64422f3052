import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DatabaseUnavailableError } from '../../../src/database/errors.ts'
import type { Books } from '../../../src/domain/books/books.ts'
import type { Code } from '../../../src/domain/code/code.ts'
import type { Redeemed, Redemptions } from '../../../src/domain/redemption/redeem.ts'
import { rollBackRedemption } from '../../../src/domain/redemption/roll-back.ts'
import { expectBalance } from '../../support/audit.ts'
import { openBooks, type TestBooks } from '../../support/books.ts'
import { sessionsThatWait } from '../../support/database.ts'
import { type DatabaseProxy, openProxy } from '../../support/proxy.ts'
import { expectRedeemed, newClaimed, redemptionsOn } from '../../support/redemptions.ts'

let test: TestBooks
let proxy: DatabaseProxy
/** Reach the database through the proxy. */
let behind: Books
let redemptions: Redemptions
beforeAll(async () => {
  test = await openBooks()
  proxy = await openProxy(test.databaseUrl)
  behind = await test.another({ url: proxy.url, losesNotices: true })
  redemptions = redemptionsOn(behind)
})
afterAll(async () => {
  await test.close()
  await proxy[Symbol.asyncDispose]()
})

const key = randomUUID()

function redeem({ code }: Code, reference: string, from = redemptions): Promise<Redeemed> {
  return from.redeem(test.accountId, key, { code, reference })
}

async function claimed(count: number): Promise<{ poolId: string; codes: Code[] }> {
  return await newClaimed(test, { count })
}

describe('a redemption whose COMMIT was not answered', () => {
  describe.each(['lost', 'unanswered'] as const)('because it was %s', (fate) => {
    it('is made exactly once, by this request', async () => {
      const { poolId, codes } = await claimed(1)
      const [code] = codes as [Code]
      const cut = proxy.cutCommit(fate)
      const { redemption, alreadyRedeemed } = await redeem(code, 'order 1')
      await cut
      expect(alreadyRedeemed).toBe(false)
      expect(await redeem(code, 'order 1', redemptionsOn(test.books))).toEqual({
        code,
        redemption,
        alreadyRedeemed: true,
      })
      await expectRedeemed(test, poolId, 1)
    })

    it('gives each request of its group its own answer', async () => {
      const { poolId, codes } = await claimed(3)
      const [first, second, third] = codes as [Code, Code, Code]
      await redeem(third, 'earlier')
      const cut = proxy.cutCommit(fate)
      const outcomes = await Promise.allSettled([
        redeem(first, 'order 1'),
        redeem(second, 'order 1'),
        redeem(third, 'order 1'),
        redeem(third, 'earlier'),
      ])
      await cut
      expect(outcomes).toMatchObject([
        { value: { alreadyRedeemed: false } },
        { value: { alreadyRedeemed: false } },
        { reason: { code: 'CODE_REDEEMED' } },
        { value: { alreadyRedeemed: true } },
      ])
      await expectRedeemed(test, poolId, 3)
      await expectBalance(test)
    })

    it('is recognised even if others redeem codes of the pool meanwhile', async () => {
      const { poolId, codes } = await claimed(40)
      const others = redemptionsOn(test.books)
      const cut = proxy.cutCommit(fate)
      const answers = await Promise.all(
        codes.map((code, i) => redeem(code, `order ${i}`, i % 2 === 0 ? redemptions : others)),
      )
      await cut
      for (const { alreadyRedeemed } of answers) expect(alreadyRedeemed).toBe(false)
      await expectRedeemed(test, poolId, 40)
    })

    it('can be rolled back, once, also if that is not answered', async () => {
      const { poolId, codes } = await claimed(1)
      const [code] = codes as [Code]
      const { redemption } = await redeem(code, 'order 1')
      const cut = proxy.cutCommit(fate)
      const rolledBack = await rollBackRedemption(behind, test.accountId, redemption.id)
      await cut
      expect(rolledBack).toEqual({ ...redemption, rolledBackAt: expect.any(Date) })
      expect(await rollBackRedemption(test.books, test.accountId, redemption.id)).toEqual(rolledBack)
      await expectRedeemed(test, poolId, 0)
    })
  })

  it('is what it was, although it is rolled back before anybody asks whether it was made', async () => {
    const { poolId, codes } = await claimed(1)
    const [code] = codes as [Code]
    const others = await test.another({ maxConnections: 1 })
    // The database answers nobody behind the proxy until the redemption has been rolled back.
    const cut = proxy.cutCommit('unanswered').then(() => proxy.hold())
    const redeeming = redeem(code, 'order 1')
    await cut
    const [row] = await test.books.rows<{ id: string }>({
      text: 'SELECT id FROM redemption WHERE account_id = $1 AND pool_id = $2',
      values: [test.accountId, poolId],
    })
    await rollBackRedemption(others, test.accountId, row?.id ?? '')
    proxy.release()
    expect(await redeeming).toMatchObject({ redemption: { id: row?.id }, alreadyRedeemed: false })
    await expectRedeemed(test, poolId, 0)
  })

  it('waits for a COMMIT that is still in flight', async () => {
    const { poolId, codes } = await claimed(1)
    const [code] = codes as [Code]
    const cut = proxy.cutCommit('late')
    let answered = false
    const redeeming = redeem(code, 'order 1').finally(() => {
      answered = true
    })
    await cut
    await expect.poll(() => sessionsThatWait(test.books, 'FROM pool_usage')).toHaveLength(1)
    expect(answered).toBe(false)
    proxy.release()
    expect(await redeeming).toMatchObject({ alreadyRedeemed: false })
    await expectRedeemed(test, poolId, 1)
  })

  it('is refused if another process overtakes it', async () => {
    const { poolId, codes } = await claimed(1)
    const [code] = codes as [Code]
    const cut = proxy.cutCommit('overtaken')
    const redeeming = redeem(code, 'order 1')
    await cut
    const { redemption } = await redeem(code, 'order 2', redemptionsOn(test.books))
    proxy.release()
    await expect(redeeming).rejects.toMatchObject({ code: 'CODE_REDEEMED', redemption })
    await expectRedeemed(test, poolId, 1)
  })

  it('is refused if the database stays away, and can be sent again', async () => {
    for (const fate of ['lost', 'unanswered'] as const) {
      const { poolId, codes } = await claimed(1)
      const [code] = codes as [Code]
      const cut = proxy.cutCommit(fate).then(() => proxy.breakDown())
      await expect(redeem(code, 'order 1')).rejects.toThrow(DatabaseUnavailableError)
      await cut
      proxy.mend()
      expect(await redeem(code, 'order 1')).toMatchObject({ alreadyRedeemed: fate === 'unanswered' })
      await expectRedeemed(test, poolId, 1)
    }
  })
})
