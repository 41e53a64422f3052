import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DatabaseUnavailableError } from '../../../src/database/errors.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { expectBalance } from '../../support/audit.ts'
import {
  fill,
  newFormat,
  newPool,
  newSmallFormat,
  openBooks,
  poolNow,
  type TestBooks,
} from '../../support/books.ts'
import { sessionsThatWait } from '../../support/database.ts'
import { type DatabaseProxy, openProxy } from '../../support/proxy.ts'
import { setTerms } from '../../support/terms.ts'

let test: TestBooks
let proxy: DatabaseProxy
/** Reaches the database through the proxy. */
let claims: Claims
let formatId: string
beforeAll(async () => {
  test = await openBooks()
  proxy = await openProxy(test.databaseUrl)
  claims = new Claims(await test.another({ url: proxy.url, losesNotices: true }))
  formatId = await newFormat(test)
})
afterAll(async () => {
  await test.close()
  await proxy[Symbol.asyncDispose]()
})

async function pool(quantity: bigint): Promise<string> {
  const poolId = await newPool(test)
  await fill(test, poolId, formatId, quantity)
  return poolId
}

describe('a claim whose COMMIT was not answered', () => {
  describe.each(['lost', 'unanswered'] as const)('because it was %s', (fate) => {
    it.each([undefined, 'with a key'])('claims its codes exactly once (%s)', async (key) => {
      const poolId = await pool(10n)
      const idempotencyKey = key && randomUUID()
      const cut = proxy.cutCommit(fate)
      const claimed = await claims.claim(test.accountId, {
        poolId,
        count: 3,
        recipient: 'ann',
        idempotencyKey,
      })
      const { codes } = claimed
      await cut
      expect(codes).toHaveLength(3)
      expect(await poolNow(test, poolId)).toMatchObject({ claimed: 3n })
      const { codes: next } = await new Claims(test.books).claim(test.accountId, { poolId, count: 7 })
      const space = await test.books.codeSpaces.get(test.books, test.accountId, formatId)
      expect([...codes, ...next].map(({ code }) => code)).toEqual(space.codesAt(codes[0]?.index ?? 0n, 10))
      await expectBalance(test)
    })

    it('gives each claim of its group its own result', async () => {
      const poolId = await pool(6n)
      const idempotencyKey = randomUUID()
      const { codes: earlier } = await claims.claim(test.accountId, { poolId, count: 1, idempotencyKey })
      const cut = proxy.cutCommit(fate)
      const outcomes = await Promise.allSettled([
        claims.claim(test.accountId, { poolId, count: 2 }),
        claims.claim(test.accountId, { poolId, count: 1, idempotencyKey }),
        claims.claim(test.accountId, { poolId, count: 9 }),
        claims.claim(test.accountId, { poolId, count: 3 }),
      ])
      await cut
      expect(outcomes).toMatchObject([
        { value: { codes: { length: 2 } } },
        { value: { codes: [{ code: earlier[0]?.code }] } },
        { reason: { code: 'NOT_ENOUGH_CODES' } },
        { value: { codes: { length: 3 } } },
      ])
      expect(await poolNow(test, poolId)).toMatchObject({ claimed: 6n })
      await expectBalance(test)
    })

    it('gives lists, files and holders of a code their own results, too', async () => {
      const poolId = await pool(1_000n)
      await setTerms(test, poolId, { onePerRecipient: true })
      const { accountId } = test
      const held = await claims.claim(accountId, { poolId, count: 1, recipient: 'ann' })
      const holding = { poolId, count: 1, recipient: 'ann', idempotencyKey: randomUUID() }
      const list = { poolId, recipients: ['bob', 'ann', 'cem', 'bob'], idempotencyKey: randomUUID() }
      const cut = proxy.cutCommit(fate)
      const [again, people] = await Promise.all([
        claims.claim(accountId, holding),
        claims.claimForRecipients(accountId, list),
      ])
      await cut
      expect(again).toEqual({ ...held, alreadyHeld: true })
      expect(people.map(({ code, alreadyHeld }) => [code.position, alreadyHeld])).toEqual([
        [1n, false],
        [0n, true],
        [2n, false],
        [1n, true],
      ])
      // Only keys are written, and no claims.
      const cutAgain = proxy.cutCommit(fate)
      const holdingAgain = { ...holding, idempotencyKey: randomUUID() }
      expect(await claims.claim(accountId, holdingAgain)).toEqual(again)
      await cutAgain
      await setTerms(test, poolId, {})
      expect(await claims.claim(accountId, holding)).toEqual(again)
      expect(await claims.claimForRecipients(accountId, list)).toEqual(people)
      const cutFile = proxy.cutCommit(fate)
      const file = await claims.claimFile(accountId, { poolId, count: 900n })
      await cutFile
      expect(file).toMatchObject({ first: 3n, count: 900n })
      expect(await poolNow(test, poolId)).toMatchObject({ claimed: 903n })
      await expectBalance(test)
    })

    it('refills its pool exactly once', async () => {
      const small = await newSmallFormat(test, 20)
      const poolId = await newPool(test, { formatId: small, quantity: 4n, autoGenerate: true })
      const cut = proxy.cutCommit(fate)
      await claims.claim(test.accountId, { poolId, count: 6 })
      await cut
      expect(await poolNow(test, poolId)).toMatchObject({ total: 8n, claimed: 6n })
      await expectBalance(test)
    })

    it('is recognised even if others have claimed meanwhile', async () => {
      const poolId = await pool(100n)
      const others = new Claims(test.books)
      const cut = proxy.cutCommit(fate)
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          (i % 2 === 0 ? claims : others).claim(test.accountId, { poolId, count: 2 }),
        ),
      )
      await cut
      expect(new Set(answers.flatMap(({ codes }) => codes).map(({ code }) => code)).size).toBe(80)
      expect(await poolNow(test, poolId)).toMatchObject({ claimed: 80n })
      await expectBalance(test)
    })
  })

  it('waits for a COMMIT that is still in flight', async () => {
    const poolId = await pool(10n)
    const cut = proxy.cutCommit('late')
    let answered = false
    const claiming = claims.claim(test.accountId, { poolId, count: 3 }).finally(() => {
      answered = true
    })
    await cut
    await waitForLock(poolId)
    expect(answered).toBe(false)
    proxy.release()
    expect((await claiming).codes).toHaveLength(3)
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 3n })
    await expectBalance(test)
  })

  it('is not confused with the claim of another process', async () => {
    const poolId = await pool(10n)
    const input = { poolId, count: 3, recipient: 'ann' }
    const cut = proxy.cutCommit('overtaken')
    const claiming = claims.claim(test.accountId, input)
    await cut
    // The same positions, the same count, the same recipient.
    const { codes: others } = await new Claims(test.books).claim(test.accountId, input)
    proxy.release()
    const { codes: own } = await claiming
    expect(own.map(({ index }) => index)).toEqual(others.map(({ index }) => index + 3n))
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 6n })
    await expectBalance(test)
  })

  it('is refused if the database stays away, and can be retried with its key', async () => {
    for (const fate of ['lost', 'unanswered'] as const) {
      const poolId = await pool(10n)
      const input = { poolId, count: 3, idempotencyKey: randomUUID() }
      const cut = proxy.cutCommit(fate).then(() => proxy.breakDown())
      await expect(claims.claim(test.accountId, input)).rejects.toThrow(DatabaseUnavailableError)
      await cut
      proxy.mend()
      const { codes } = await claims.claim(test.accountId, input)
      expect(codes).toHaveLength(3)
      expect((await claims.claim(test.accountId, input)).codes).toEqual(codes)
      expect(await poolNow(test, poolId)).toMatchObject({ claimed: 3n })
    }
    await expectBalance(test)
  })

  /** Resolves when a session waits for the lock of a pool. */
  async function waitForLock(poolId: string): Promise<void> {
    await expect.poll(() => sessionsThatWait(test.books, 'FROM pool')).toHaveLength(1)
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 0n })
  }
})

describe('claims without a database', () => {
  it('are all refused, and served again once it is back', async () => {
    const poolId = await pool(10n)
    proxy.breakDown()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => claims.claim(test.accountId, { poolId, count: 1 })),
    )
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(DatabaseUnavailableError) })
    proxy.mend()
    expect((await claims.claim(test.accountId, { poolId, count: 10 })).codes).toHaveLength(10)
  })
})
