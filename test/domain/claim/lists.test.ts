import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { readHistory } from '../../../src/domain/books/event-log.ts'
import { Claims, type RecipientClaim } from '../../../src/domain/claim/claim.ts'
import type { ClaimForRecipientsInput } from '../../../src/domain/claim/request.ts'
import { NotEnoughCodesError } from '../../../src/domain/pool/pool.ts'
import { undoUpload } from '../../../src/domain/upload/finish.ts'
import { expectBalance } from '../../support/audit.ts'
import { fill, newFormat, newPool, newSmallFormat, poolNow, useBooks } from '../../support/books.ts'
import { setTerms } from '../../support/terms.ts'
import { newCodes, upload } from '../../support/uploads.ts'

const test = useBooks()
/** Each acts as a process of its own. */
let processes: [Claims, Claims]
let formatId: string
beforeAll(async () => {
  processes = [new Claims(test.books), new Claims(await test.another())]
  formatId = await newFormat(test)
})

async function pool(quantity: bigint, onePerRecipient = false): Promise<string> {
  const poolId = await newPool(test)
  if (quantity > 0n) await fill(test, poolId, formatId, quantity)
  if (onePerRecipient) await setTerms(test, poolId, { onePerRecipient })
  return poolId
}

function list(
  poolId: string,
  recipients: readonly string[],
  more: Partial<ClaimForRecipientsInput> = {},
  process = processes[0],
): Promise<RecipientClaim[]> {
  return process.claimForRecipients(test.accountId, { poolId, recipients, ...more })
}

const codesOf = (claims: readonly RecipientClaim[]) => claims.map(({ code }) => code.code)
const heldOf = (claims: readonly RecipientClaim[]) => claims.map(({ alreadyHeld }) => alreadyHeld)
const people = (count: number, name = randomUUID()) => Array.from({ length: count }, (_, i) => `${name} ${i}`)

describe('a claim for a list of recipients', () => {
  it('gives each a code of the line, in their order, as a claim of its own', async () => {
    const poolId = await pool(10_020n)
    await list(poolId, ['first'])
    const recipients = people(10_000)
    const expiresAt = new Date(Date.now() + 60_000)
    const claims = await list(poolId, recipients, { expiresAt })
    expect(claims.map(({ recipient }) => recipient)).toEqual(recipients)
    expect(new Set(codesOf(claims)).size).toBe(10_000)
    for (const [i, { code, recipient, alreadyHeld }] of claims.entries()) {
      expect(code.position).toBe(BigInt(i + 1))
      if (i % 1_000 > 0) continue
      expect(alreadyHeld).toBe(false)
      expect(code.claim).toMatchObject({ poolId, first: code.position, count: 1n, recipient, expiresAt })
    }
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 10_001n })
    await expectBalance(test)
  })

  it('is for 1 to 10,000 recipients, and says which of them are wrong', async () => {
    const poolId = await pool(3n)
    for (const count of [0, 10_001])
      await expect(list(poolId, people(count))).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        path: ['recipients'],
      })
    await expect(list(poolId, ['a', '', 'b', ' '])).rejects.toMatchObject({
      issues: [{ path: ['recipients', '1'] }, { path: ['recipients', '3'] }],
    })
    const { issues } = await list(
      poolId,
      Array.from({ length: 9_000 }, () => ''),
    ).catch((error) => error)
    expect(issues).toHaveLength(30)
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 0n })
  })

  it('is all or nothing', async () => {
    const poolId = await pool(3n)
    const refused = list(poolId, people(4))
    await expect(refused).rejects.toThrow(NotEnoughCodesError)
    await expect(refused).rejects.toMatchObject({ available: 3n, path: ['recipients'] })
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 0n })
    expect(await list(poolId, people(3))).toHaveLength(3)
  })

  it('gives the same recipient as many codes as it is in the list', async () => {
    const poolId = await pool(10_000n)
    const claims = await list(
      poolId,
      Array.from({ length: 10_000 }, () => 'ann'),
    )
    expect(new Set(codesOf(claims)).size).toBe(10_000)
    expect(heldOf(claims)).not.toContain(true)
  })

  it('gives the same recipient one code, 10,000 times, if the pool has one for each', async () => {
    const poolId = await pool(1n, true)
    const claims = await list(
      poolId,
      Array.from({ length: 10_000 }, () => 'ann'),
    )
    expect(new Set(codesOf(claims)).size).toBe(1)
    expect(heldOf(claims)).toEqual([false, ...Array.from({ length: 9_999 }, () => true)])
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 1n })
  })

  it('gives those who hold a code the same one, and needs codes for the others alone', async () => {
    const poolId = await pool(6n, true)
    const earlier = await list(poolId, ['ann', 'bob', 'cem'])
    const recipients = ['dan', 'bob', 'eve', 'dan', 'ann']
    const idempotencyKey = randomUUID()
    const claims = await list(poolId, recipients, { idempotencyKey })
    expect(heldOf(claims)).toEqual([false, true, false, true, true])
    const [dan, bob, , again, ann] = codesOf(claims)
    expect([ann, bob]).toEqual(codesOf(earlier).slice(0, 2))
    expect(again).toBe(dan)
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 5n })
    await setTerms(test, poolId, {})
    await list(poolId, ['last'])
    // Nothing is left, and the policy has changed.
    for (const process of processes)
      expect(await list(poolId, recipients, { idempotencyKey }, process)).toEqual(claims)
    await expect(list(poolId, [...recipients, 'new'], { idempotencyKey })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    })
    const allHeld = { idempotencyKey: randomUUID() }
    await setTerms(test, poolId, { onePerRecipient: true, archivedAt: new Date() })
    const all = await list(poolId, ['eve', 'ann'], allHeld)
    expect(heldOf(all)).toEqual([true, true])
    await setTerms(test, poolId, {})
    expect(await list(poolId, ['eve', 'ann'], allHeld)).toEqual(all)
    await expectBalance(test)
  })

  it('is answered again with its key, whatever was uploaded or generated into the pool', async () => {
    const poolId = await pool(2n)
    await upload(test, poolId, newCodes(2))
    const undone = await upload(test, poolId, newCodes(3))
    await fill(test, poolId, await newSmallFormat(test, 3), 3n)
    await undoUpload(test.books, test.accountId, undone)
    const key = { idempotencyKey: randomUUID() }
    const recipients = people(6)
    const claims = await list(poolId, recipients, key)
    expect(await list(poolId, recipients, key)).toEqual(claims)
    await setTerms(test, poolId, { onePerRecipient: true })
    const shuffled = [5, 0, 3, 2, 4, 1]
    const again = await list(
      poolId,
      shuffled.map((i) => recipients[i] ?? ''),
    )
    expect(codesOf(again)).toEqual(shuffled.map((i) => claims[i]?.code.code))
    expect(again.map(({ code }) => code)).toEqual(shuffled.map((i) => claims[i]?.code))
  })

  it('and others at the same time, in two processes, get every code exactly once', async () => {
    const poolId = await pool(600n, true)
    const one = people(50)
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => list(poolId, [...one, ...people(20)], {}, processes[i % 2])),
    )
    const mine = outcomes.map((claims) => codesOf(claims.slice(0, 50)).join())
    expect(new Set(mine).size).toBe(1)
    const all = outcomes.flat().filter(({ alreadyHeld }) => !alreadyHeld)
    expect(all).toHaveLength(50 + 20 * 20)
    expect(new Set(codesOf(all)).size).toBe(450)
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 450n })
    await expectBalance(test)
  })

  it('shares a transaction with claims of other kinds, which get their own answers', async () => {
    const poolId = await pool(100n)
    const books = await test.another({ maxConnections: 1 })
    const claims = new Claims(books)
    const connection = await books.connections.connect()
    const { accountId } = test
    const waiting = [
      claims.claim(accountId, { poolId, count: 3 }),
      claims.claimFile(accountId, { poolId, count: 20n, recipient: 'print' }),
      claims.claimForRecipients(accountId, { poolId, recipients: ['ann', 'bob'] }),
      claims.claimFile(accountId, { poolId, count: 200n }),
      claims.claim(accountId, { poolId, count: 2 }),
      claims.claimForRecipients(accountId, { poolId, recipients: people(80) }),
      claims.claimForRecipients(accountId, { poolId, recipients: ['cem'] }),
    ] as const
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
    connection.release()
    const [three, file, two, tooLarge, pair, tooMany, one] = await Promise.allSettled(waiting)
    const positions = (codes: readonly { position: bigint }[] = []) =>
      codes.map(({ position }) => Number(position))
    const value = <T>(outcome: PromiseSettledResult<T>) =>
      outcome.status === 'fulfilled' ? outcome.value : undefined
    const got = [
      ...positions(value(three)?.codes),
      ...Array.from({ length: 20 }, (_, i) => Number(value(file)?.first) + i),
      ...positions(value(two)?.map(({ code }) => code)),
      ...positions(value(pair)?.codes),
      ...positions(value(one)?.map(({ code }) => code)),
    ]
    expect(got.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 28 }, (_, i) => i))
    for (const refused of [tooLarge, tooMany])
      expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'NOT_ENOUGH_CODES' } })
    const rows = await test.books.rows({
      text: 'SELECT DISTINCT nonce FROM claim WHERE pool_id = $1',
      values: [poolId],
    })
    expect(rows).toHaveLength(1)
    await expectBalance(test)
  })
})

describe('a claim of a file', () => {
  const file = (poolId: string, count: bigint, more: { idempotencyKey?: string } = {}) =>
    processes[0].claimFile(test.accountId, { poolId, count, recipient: 'Print shop', ...more })

  it('is one claim of any number of codes, up to all that there are', async () => {
    const poolId = await pool(100_000_000_007n)
    const key = { idempotencyKey: randomUUID() }
    const first = await file(poolId, 100_000_000_000n, key)
    expect(first).toMatchObject({ poolId, first: 0n, count: 100_000_000_000n, recipient: 'Print shop' })
    expect(await file(poolId, 7n)).toMatchObject({ first: 100_000_000_000n, count: 7n })
    expect(await file(poolId, 100_000_000_000n, key)).toEqual(first)
    await expect(file(poolId, 1n, key)).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 100_000_000_007n })
    await expectBalance(test)
  })

  it.each([0n, -1n, 2n ** 96n + 1n, 2n ** 200n])('of %d codes is refused as invalid', async (count) => {
    await expect(file(await pool(1n), count)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      path: ['count'],
    })
  })

  it.each([2n, 2n ** 53n, 2n ** 63n, 2n ** 96n])(
    'of %d codes is refused if there are fewer',
    async (count) => {
      await expect(file(await pool(1n), count)).rejects.toMatchObject({
        code: 'NOT_ENOUGH_CODES',
        available: 1n,
      })
    },
  )

  it('refills its pool, as far as the format goes, and its events name the key that asked', async () => {
    const small = await newSmallFormat(test, 100)
    const poolId = await newPool(test, { formatId: small, quantity: 10n, autoGenerate: true })
    const keyId = randomUUID()
    const { accountId } = test
    const [, claimed] = await Promise.all([
      processes[0].claim(accountId, { poolId, count: 1 }, randomUUID()),
      processes[0].claimFile(accountId, { poolId, count: 60n }, keyId),
      expect(processes[0].claimFile(accountId, { poolId, count: 1_000n }, randomUUID())).rejects.toThrow(
        NotEnoughCodesError,
      ),
    ])
    expect(claimed).toMatchObject({ count: 60n })
    const { total, claimed: all } = await poolNow(test, poolId)
    expect([all, total >= 61n]).toEqual([61n, true])
    const events = await readHistory(test.books, accountId, { poolId, limit: 50, fromOldest: true })
    const last = events.filter(({ kind }) => kind === 'POOL_REFILLED').at(0)
    const rows = await test.books.rows<{ actor_id: string }>({
      text: 'SELECT actor_id FROM event WHERE account_id = $1 AND sequence = $2',
      values: [accountId, last?.sequence],
    })
    expect(rows[0]?.actor_id).toBe(keyId)
    await expectBalance(test)
  })

  it('takes only so many from a format that is still being prepared, which looks up each of them', async () => {
    const unready = await newFormat(test)
    const poolId = await newPool(test, { formatId: unready, quantity: 10n, autoGenerate: true })
    const prepare = (takenTo: string | null) =>
      test.books.rows({
        text: 'UPDATE format SET taken_to = $3 WHERE account_id = $1 AND id = $2',
        values: [test.accountId, unready, takenTo],
      })
    await prepare('')
    await expect(file(poolId, 1_000_100n)).rejects.toMatchObject({
      code: 'NOT_ENOUGH_CODES',
      message: expect.stringContaining('is still being prepared'),
    })
    expect(await file(poolId, 25n)).toMatchObject({ first: 0n, count: 25n })
    await prepare(null)
    expect(await file(poolId, 1_000_100n)).toMatchObject({ first: 25n })
    await expectBalance(test)
  })
})
