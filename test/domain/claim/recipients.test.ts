import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Claimed, Claims } from '../../../src/domain/claim/claim.ts'
import {
  findHeld,
  forgetRecipient,
  listClaims,
  listClaimsOf,
  readNewest,
} from '../../../src/domain/claim/recipients.ts'
import type { ClaimCodesInput } from '../../../src/domain/claim/request.ts'
import type { Claim } from '../../../src/domain/pool/claim-rows.ts'
import { PoolArchivedError, PoolNotIssuingError } from '../../../src/domain/pool/issuing.ts'
import { lockPool, NotEnoughCodesError, type PoolTerms } from '../../../src/domain/pool/pool.ts'
import { expectBalance } from '../../support/audit.ts'
import {
  fill,
  newAccount,
  newFormat,
  newPlace,
  newPool,
  openBooks,
  type Place,
  poolNow,
  useBooks,
} from '../../support/books.ts'
import { redemptionsOn } from '../../support/redemptions.ts'
import { redeemPosition, setTerms, voidPositions } from '../../support/terms.ts'

const test = useBooks()
/** Each acts as a process of its own. */
let processes: [Claims, Claims]
let formatId: string
beforeAll(async () => {
  processes = [new Claims(test.books), new Claims(await test.another())]
  formatId = await newFormat(test)
})

async function pool(quantity: bigint, terms: Partial<PoolTerms> = {}, place: Place = test): Promise<string> {
  const poolId = await newPool(place)
  if (quantity > 0n) await fill(place, poolId, place === test ? formatId : await newFormat(place), quantity)
  await setTerms(place, poolId, terms)
  return poolId
}

function claim(input: Partial<ClaimCodesInput> & { poolId: string }, process = processes[0]) {
  return process.claim(test.accountId, { count: 1, ...input })
}

const text = ({ codes }: { codes: { code: string }[] }) => codes.map(({ code }) => code).join()

describe('a recipient', () => {
  it.each([
    ['empty', ''],
    ['blank', ' \t\n\u00a0'],
    ['of joiners alone', '\u200d\u200c'],
    ['of a space without width', '\u200b'],
    ['of what nobody sees', '\ufeff\u2060\u00ad\u3164\u{e0041} '],
    ['of 1,001 characters', 'x'.repeat(1_001)],
    ['of 10,000 characters', 'x'.repeat(10_000)],
    ['of 1,001 emoji', '🎁'.repeat(1_001)],
    ['of 900,000 combining marks', `e${'\u0301\u0316'.repeat(450_000)}`],
    ['with NUL', 'a\0b'],
  ])('that is %s is refused', async (_what, recipient) => {
    const poolId = await pool(1n)
    const path = ['recipient']
    await expect(claim({ poolId, recipient })).rejects.toMatchObject({ code: 'INVALID_INPUT', path })
    await expect(
      processes[0].claimFile(test.accountId, { poolId, count: 1n, recipient }),
    ).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      path,
    })
    await expect(
      processes[0].claimForRecipients(test.accountId, { poolId, recipients: ['ann', recipient] }),
    ).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['recipients', '1'] })
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 0n })
  })

  it('can have 1,000 characters, also if each of them is an emoji, or composed of four', async () => {
    const poolId = await pool(2n)
    for (const [given, stored] of [
      ['🎁'.repeat(1_000), '🎁'.repeat(1_000)],
      ['\u03b1\u0313\u0300\u0345'.repeat(1_000), '\u1f82'.repeat(1_000)],
    ] as const) {
      expect((await claim({ poolId, recipient: given })).claim.recipient).toBe(stored)
      expect(await forgetRecipient(test.books, test.accountId, given)).toBe(1n)
    }
    await expect(claim({ poolId, recipient: '🎁'.repeat(1_001) })).rejects.toThrow('1,001 characters')
  })

  it.each([
    ['empty', ''],
    ['of 3,001 characters', 'x'.repeat(3_001)],
    ['of 900,000 combining marks', `e${'\u0301\u0316'.repeat(450_000)}`],
    ['with NUL', 'a\0b'],
  ])(
    'that is %s cannot have been stored, and is refused when it is to be forgotten',
    async (_what, recipient) => {
      const forgetting = forgetRecipient(test.books, test.accountId, recipient)
      await expect(forgetting).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['recipient'] })
    },
  )

  // A few characters are longer in composed form.
  it.each([
    ['blank', ' \t\n\u00a0'],
    ['of joiners alone', '\u200d\u200c'],
    ['composed since, and longer than is allowed', '\u{1d160}'.repeat(500)],
  ])('that an earlier version has stored although it is %s can be forgotten', async (_what, recipient) => {
    const poolId = await pool(1n)
    await claim({ poolId })
    const stored = recipient.normalize('NFC')
    for (const given of new Set([recipient, stored, stored.normalize('NFD')])) {
      await test.books.rows({
        text: 'UPDATE claim SET recipient = $3 WHERE account_id = $1 AND pool_id = $2',
        values: [test.accountId, poolId, stored],
      })
      expect(await forgetRecipient(test.books, test.accountId, given)).toBe(1n)
      expect(await forgetRecipient(test.books, test.accountId, given)).toBe(0n)
    }
  })

  it('is the same however its accents are composed, but not in another case or with other spaces', async () => {
    const poolId = await pool(10n, { onePerRecipient: true })
    const { claim: first } = await claim({ poolId, recipient: 'zoe\u0308@example.com' })
    expect(first.recipient).toBe('zo\u00eb@example.com')
    const again = await claim({ poolId, recipient: 'zo\u00eb@example.com' })
    expect(again).toMatchObject({ alreadyHeld: true, claim: { first: first.first } })
    for (const recipient of ['Zo\u00eb@example.com', 'zo\u00eb@example.com ', 'zoe@example.com'])
      expect(await claim({ poolId, recipient })).toMatchObject({ alreadyHeld: false, claim: { recipient } })
    const found = await listClaimsOf(
      test.books,
      test.accountId,
      { recipient: first.recipient ?? '', poolId },
      newest(10),
    )
    expect(found).toEqual([first])
  })
})

describe('in a pool with one code for each recipient', () => {
  let poolId: string
  beforeEach(async () => {
    poolId = await pool(10n, { onePerRecipient: true })
  })

  it('a recipient gets the same code again, in every process and with any key', async () => {
    const first = await claim({ poolId, recipient: 'ann' })
    expect(first.alreadyHeld).toBe(false)
    await claim({ poolId, recipient: 'bob' })
    for (const process of processes)
      for (const idempotencyKey of [undefined, randomUUID()]) {
        const again = await claim({ poolId, recipient: 'ann', idempotencyKey }, process)
        expect(again).toEqual({ ...first, alreadyHeld: true })
      }
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 2n })
  })

  it('two claims for one recipient in one group get one code', async () => {
    const [connection, claims] = await held(poolId)
    const waiting = ['ann', 'ann', 'bob', 'ann'].map((recipient) => claim({ poolId, recipient }, claims))
    connection.release()
    const answers = await Promise.all(waiting)
    expect(answers.map(({ alreadyHeld }) => alreadyHeld)).toEqual([false, true, false, true])
    expect(new Set(answers.map(text)).size).toBe(2)
    expect(await transactionsOf(poolId)).toBe(1)
    await expectBalance(test)
  })

  it('claims for one recipient in several processes at the same time get one code', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => claim({ poolId, recipient: 'ann' }, processes[i % 2])),
    )
    expect(new Set(answers.map(text)).size).toBe(1)
    expect(answers.filter(({ alreadyHeld }) => !alreadyHeld)).toHaveLength(1)
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 1n })
  })

  it('a retry with its key gets the same answer, even if the code could be renewed by then', async () => {
    await setTerms(test, poolId, { onePerRecipient: true, renewAfter: ['REDEEMED'] })
    const input = { poolId, recipient: 'ann', idempotencyKey: randomUUID() }
    const first = await claim(input)
    const holding = { ...input, idempotencyKey: randomUUID() }
    expect(await claim(holding)).toEqual({ ...first, alreadyHeld: true })
    await redeemPosition(test, poolId, first.claim.first)
    const renewed = await claim({ poolId, recipient: 'ann' })
    expect(renewed.alreadyHeld).toBe(false)
    expect(text(renewed)).not.toBe(text(first))
    for (const process of processes) {
      expect(await claim(input, process)).toEqual(first)
      expect(await claim(holding, process)).toEqual({ ...first, alreadyHeld: true })
    }
    expect(await claim({ poolId, recipient: 'ann' })).toEqual({ ...renewed, alreadyHeld: true })
  })

  it('a code is renewed after what the terms say, and after nothing else', async () => {
    const outcomes = {
      EXPIRED: (position: bigint) => expire(poolId, position),
      REDEEMED: (position: bigint) => redeemPosition(test, poolId, position),
      VOIDED: (position: bigint) => voidPositions(test, poolId, position - 1n, 2n),
    } as const
    // So that voids can begin before the code.
    await claim({ poolId, recipient: 'first' })
    for (const [outcome, makeSo] of Object.entries(outcomes)) {
      const recipient = `${outcome}@example.com`
      const first = await claim({ poolId, recipient })
      await makeSo(first.claim.first)
      const others = Object.keys(outcomes).filter((other) => other !== outcome) as (keyof typeof outcomes)[]
      await setTerms(test, poolId, { onePerRecipient: true, renewAfter: others })
      expect(text(await claim({ poolId, recipient }))).toBe(text(first))
      await setTerms(test, poolId, { onePerRecipient: true, renewAfter: [outcome as keyof typeof outcomes] })
      const renewed = await claim({ poolId, recipient })
      expect(renewed.alreadyHeld).toBe(false)
      expect(text(await claim({ poolId, recipient }))).toBe(text(renewed))
    }
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 7n })
  })

  // Of several reasons, a code is what comes first of REDEEMED, VOIDED and EXPIRED.
  describe.each([
    ['REDEEMED', (position: bigint) => redeemPosition(test, poolId, position)],
    ['VOIDED', (position: bigint) => voidPositions(test, poolId, position, 1n)],
  ] as const)('a code that was %s before it would have expired', (outcome, makeSo) => {
    it.each<[PoolTerms['renewAfter']]>([
      [[]],
      [['EXPIRED']],
      [['REDEEMED']],
      [['VOIDED']],
      [['EXPIRED', 'REDEEMED']],
      [['EXPIRED', 'VOIDED']],
      [['REDEEMED', 'VOIDED']],
      [['EXPIRED', 'REDEEMED', 'VOIDED']],
    ])('is not EXPIRED for the terms %j', async (renewAfter) => {
      const first = await claim({ poolId, recipient: 'ann' })
      await makeSo(first.claim.first)
      await expire(poolId, first.claim.first)
      await setTerms(test, poolId, { onePerRecipient: true, renewAfter })
      const again = await claim({ poolId, recipient: 'ann' })
      expect(again.alreadyHeld).toBe(!renewAfter.includes(outcome))
    })
  })

  it('a claim is for one code with a recipient', async () => {
    const wrong = [
      [() => claim({ poolId }), ['recipient']],
      [() => claim({ poolId, recipient: 'ann', count: 2 }), ['count']],
      [() => processes[0].claimFile(test.accountId, { poolId, count: 1n, recipient: 'ann' }), ['poolId']],
    ] as const
    for (const [ask, path] of wrong)
      await expect(ask()).rejects.toMatchObject({ code: 'INVALID_INPUT', path })
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 0n })
  })

  it('which is in use when this begins, the first code of the newest claim counts', async () => {
    const used = await pool(20n)
    await claim({ poolId: used, recipient: 'ann', count: 3 })
    const { codes } = await claim({ poolId: used, recipient: 'ann', count: 2 })
    await claim({ poolId: used, count: 1 })
    const replayed = { poolId: used, recipient: 'ann', count: 4, idempotencyKey: randomUUID() }
    await setTerms(test, used, { onePerRecipient: true })
    const again = await claim({ poolId: used, recipient: 'ann' })
    expect(again).toMatchObject({ alreadyHeld: true, claim: { count: 2n, first: 3n } })
    expect(text(again)).toBe(codes[0]?.code)
    await setTerms(test, used, {})
    const more = await claim(replayed)
    await setTerms(test, used, { onePerRecipient: true })
    expect(await claim(replayed)).toEqual(more)
  })

  it('who holds a code gets it also if the pool is empty, archived, or not issuing', async () => {
    const first = await claim({ poolId, recipient: 'ann' })
    for (let i = 0; i < 9; i++) await claim({ poolId, recipient: `${i}` })
    const situations: [Partial<PoolTerms> & { archivedAt?: Date }, new (...args: never[]) => Error][] = [
      [{}, NotEnoughCodesError],
      [{ archivedAt: new Date() }, PoolArchivedError],
      [{ issueUntil: new Date(Date.now() - 1_000) }, PoolNotIssuingError],
      [{ issueFrom: new Date(Date.now() + 60_000) }, PoolNotIssuingError],
      [{ validUntil: new Date(Date.now() - 1_000) }, PoolNotIssuingError],
    ]
    for (const [situation, error] of situations) {
      await setTerms(test, poolId, { onePerRecipient: true, ...situation })
      const [holder, other] = await Promise.allSettled([
        claim({ poolId, recipient: 'ann', expiresAt: new Date(0) }),
        claim({ poolId, recipient: 'new' }),
      ])
      expect(holder).toEqual({ status: 'fulfilled', value: { ...first, alreadyHeld: true } })
      expect(other).toMatchObject({ status: 'rejected', reason: expect.any(error) })
    }
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 10n })
    await expectBalance(test)
  })

  it('who asks is counted only in its own pool and account', async () => {
    await claim({ poolId, recipient: 'ann' })
    const other = await pool(1n, { onePerRecipient: true })
    expect((await claim({ poolId: other, recipient: 'ann' })).alreadyHeld).toBe(false)
  })
})

describe('the terms of a pool', () => {
  it('say until when a claimed code is good: the earliest of all limits', async () => {
    const day = 86_400_000
    const inDays = (days: number) => new Date(Date.now() + days * day)
    const validUntil = inDays(10)
    const both = await pool(9n, { validUntil, validForMs: BigInt(3 * day) })
    const { claim: short, codes } = await claim({ poolId: both, count: 2 })
    expect(short.expiresAt?.getTime()).toBe(short.at.getTime() + 3 * day)
    expect(codes[1]?.claim).toEqual(short)
    const expiresAt = inDays(1)
    expect((await claim({ poolId: both, expiresAt })).claim.expiresAt).toEqual(expiresAt)
    const until = await pool(9n, { validUntil, validForMs: BigInt(30 * day) })
    expect((await claim({ poolId: until })).claim.expiresAt).toEqual(validUntil)
    const none = await pool(9n)
    expect((await claim({ poolId: none })).claim.expiresAt).toBeUndefined()
    expect((await claim({ poolId: none, expiresAt })).claim.expiresAt).toEqual(expiresAt)
    // Later terms touch new claims only.
    await setTerms(test, both, { validUntil: inDays(2) })
    const [newer, older] = await listClaims(test.books, test.accountId, both, newest(2))
    expect([newer?.expiresAt, older?.expiresAt]).toEqual([expiresAt, short.expiresAt])
  })

  it('are only shortened by expiresAt, and never to the past', async () => {
    const validUntil = new Date(Date.now() + 60_000)
    const poolId = await pool(1n, { validUntil })
    for (const [expiresAt, says] of [
      [new Date(Date.now() - 1), 'past'],
      [new Date(validUntil.getTime() + 1), validUntil.toISOString()],
    ] as const)
      await expect(claim({ poolId, expiresAt })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        path: ['expiresAt'],
        message: expect.stringContaining(says),
      })
    expect((await claim({ poolId, expiresAt: validUntil })).claim.expiresAt).toEqual(validUntil)
  })

  it('refuse claims outside their window, and let the others of a group pass', async () => {
    const poolId = await pool(5n, { issueUntil: new Date(Date.now() - 1) })
    const issueUntil = (await poolNow(test, poolId)).terms.issueUntil
    await expect(claim({ poolId })).rejects.toMatchObject({
      code: 'POOL_NOT_ISSUING',
      issueUntil,
      path: ['poolId'],
    })
    await setTerms(test, poolId, {})
    const key = { idempotencyKey: randomUUID() }
    const earlier = await claim({ poolId, ...key })
    await setTerms(test, poolId, { issueUntil: new Date(Date.now() - 1) })
    const [replayed, refused] = await Promise.allSettled([claim({ poolId, ...key }), claim({ poolId })])
    expect(replayed).toEqual({ status: 'fulfilled', value: earlier })
    expect(refused).toMatchObject({ reason: { code: 'POOL_NOT_ISSUING' } })
    await expectBalance(test)
  })

  it('cause no refill for a claim that they refuse', async () => {
    const poolId = await newPool(test, { formatId, quantity: 10n, autoGenerate: true })
    await setTerms(test, poolId, { archivedAt: new Date() })
    const { total } = await poolNow(test, poolId)
    await expect(claim({ poolId, count: 100 })).rejects.toThrow(PoolArchivedError)
    expect(await poolNow(test, poolId)).toMatchObject({ total, claimed: 0n })
  })
})

describe('the times of claims', () => {
  it('do not decrease along a line, although the clocks of two processes differ by seconds', async () => {
    const poolId = await pool(40n, { validForMs: 60_000n, onePerRecipient: true, renewAfter: ['EXPIRED'] })
    const skewed = (ms: number) => test.another({ now: () => new Date(Date.now() + ms) })
    const [behind, ahead] = [new Claims(await skewed(-7_000)), new Claims(await skewed(7_000))]
    const answers: Claimed[] = []
    for (let i = 0; i < 10; i++)
      answers.push(await claim({ poolId, recipient: `${i}` }, i % 2 === 0 ? ahead : behind))
    const times = answers.map((answer) => answer.claim.at.getTime())
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    for (const { claim: one } of answers) expect(one.expiresAt?.getTime()).toBe(one.at.getTime() + 60_000)
    // A recipient does not get a second code because of another clock.
    for (const process of [behind, ahead])
      expect(await claim({ poolId, recipient: '0' }, process)).toEqual({ ...answers[0], alreadyHeld: true })
    await expectBalance(test)
  })
})

describe('a process whose clock is an hour ahead', () => {
  const hour = 3_600_000
  const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000)
  let ahead: Claims
  beforeAll(async () => {
    ahead = new Claims(await test.another({ now: () => new Date(Date.now() + hour) }))
  })

  /** A pool from which that process has claimed a code. */
  async function aheadPool(terms: Partial<PoolTerms> = {}): Promise<string> {
    const poolId = await pool(20n)
    await claim({ poolId, recipient: 'ann' }, ahead)
    await setTerms(test, poolId, terms)
    return poolId
  }

  it.each<[string, () => Partial<PoolTerms>]>([
    ['issueUntil', () => ({ issueUntil: inMinutes(30) })],
    ['validUntil', () => ({ validUntil: inMinutes(30) })],
  ])('does not close a pool for the others before %s', async (_what, terms) => {
    const { issueUntil, validUntil } = terms()
    const poolId = await aheadPool({ issueUntil, validUntil })
    await expect(claim({ poolId }, ahead)).rejects.toBeInstanceOf(PoolNotIssuingError)
    const { claim: made } = await claim({ poolId })
    expect(made.expiresAt).toEqual(validUntil)
  })

  it('does not open a pool for the others before issueFrom', async () => {
    const poolId = await aheadPool({ issueFrom: inMinutes(30) })
    await claim({ poolId }, ahead)
    await expect(claim({ poolId })).rejects.toBeInstanceOf(PoolNotIssuingError)
  })

  it('does not have the others refuse an end of codes that is to come, and the codes can be used until then', async () => {
    const poolId = await aheadPool({ validForMs: 60_000n })
    const expiresAt = inMinutes(30)
    await expect(claim({ poolId, expiresAt }, ahead)).rejects.toMatchObject({ path: ['expiresAt'] })
    await expect(claim({ poolId, expiresAt: inMinutes(-1) })).rejects.toMatchObject({ path: ['expiresAt'] })
    const { claim: made, codes } = await claim({ poolId, expiresAt })
    expect(made.expiresAt).toEqual(expiresAt)
    const code = codes[0]?.code ?? ''
    const redeemed = await redemptionsOn(test.books).redeem(test.accountId, 'key', {
      code,
      reference: 'order',
    })
    expect(redeemed.alreadyRedeemed).toBe(false)
  })

  it('does not have the others renew a code that is good', async () => {
    const poolId = await aheadPool({ onePerRecipient: true, renewAfter: ['EXPIRED'] })
    const first = await claim({ poolId, recipient: 'bob', expiresAt: inMinutes(30) })
    expect(await claim({ poolId, recipient: 'bob' })).toEqual({ ...first, alreadyHeld: true })
  })

  it('does not make times decrease along the line, and codes are good for validFor from there', async () => {
    const poolId = await aheadPool({ validForMs: 60_000n, issueUntil: inMinutes(120) })
    for (const process of [processes[0], ahead, processes[1], processes[0]]) await claim({ poolId }, process)
    const claims = await listClaims(test.books, test.accountId, poolId, newest(10))
    const times = claims.map(({ at }) => at.getTime()).reverse()
    expect(times).toHaveLength(5)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    for (const { at, expiresAt } of claims.slice(0, 4))
      expect(expiresAt?.getTime()).toBe(at.getTime() + 60_000)
    await expectBalance(test)
  })
})

describe('the claims of a recipient', () => {
  const ids = (claims: readonly Claim[]) => claims.map(({ poolId, first }) => `${poolId} ${first}`)

  it('are listed newest first, from all pools of the account or from one, in pages from both ends', async () => {
    const place = await newPlace(test)
    const now = { at: Date.now() - 1_000_000 }
    const claims = new Claims(await test.another({ now: () => new Date(now.at) }))
    const pools = await Promise.all([1, 2, 3, 4].map(() => pool(100n, {}, place)))
    const made: Claim[] = []
    for (let i = 0; i < 60; i++) {
      // Some at the same time, in the same pool and in different ones.
      if (i % 4 === 0) now.at += 1_000
      const poolId = pools[(i * i) % 3] ?? ''
      const recipient = i % 5 === 4 ? 'bob' : 'ann'
      made.push((await claims.claim(place.accountId, { poolId, count: 1 + (i % 3), recipient })).claim)
    }
    const { books, accountId } = place
    for (const poolId of [undefined, ...pools]) {
      const expected = made
        .filter((one) => one.recipient === 'ann' && (poolId === undefined || one.poolId === poolId))
        .sort(
          (a, b) =>
            b.at.getTime() - a.at.getTime() ||
            (a.poolId < b.poolId ? 1 : a.poolId > b.poolId ? -1 : Number(b.first - a.first)),
        )
      const list = (slice: Partial<Parameters<typeof listClaimsOf>[3]>) =>
        listClaimsOf(books, accountId, { recipient: 'ann', poolId }, { ...newest(7), ...slice })
      expect(ids(await list({ limit: 100 }))).toEqual(ids(expected))
      expect(ids(await list({ limit: 100, fromOldest: true }))).toEqual(ids(expected.toReversed()))
      for (const [i, cursor] of expected.entries()) {
        expect(ids(await list({ after: cursor }))).toEqual(ids(expected.slice(i + 1, i + 8)))
        const newer = expected.slice(Math.max(0, i - 7), i).toReversed()
        expect(ids(await list({ before: cursor, fromOldest: true }))).toEqual(ids(newer))
      }
      const [high, low] = [expected[2], expected[9]]
      expect(ids(await list({ after: high, limit: 3 }))).toEqual(ids(expected.slice(3, 6)))
      const between = await list({ after: high, before: low, limit: 9 })
      expect(ids(between)).toEqual(ids(expected.slice(3, 9)))
    }
    expect(await listClaimsOf(books, accountId, { recipient: 'nobody' }, newest(5))).toEqual([])
    expect(await listClaimsOf(books, await newAccount(books), { recipient: 'ann' }, newest(5))).toEqual([])
  })

  it('are not confused with those of others whose key in the index is the same', async () => {
    // Found by trial: of this account, the recipients have equal hashes; and so have the pools.
    const accountId = '019a0000-0000-7000-8000-000000000001'
    const recipients = ['customer 653583', 'customer 2537840']
    const pools = ['019a0000-0000-7000-8000-000000000627', '019a0000-0000-7000-8000-000000009770']
    // A database of its own, whose books do not balance.
    await using unsound = await openBooks()
    const { books } = unsound
    const insert = (sql: string, ...values: unknown[]) =>
      books.rows({ text: sql, values: [accountId, ...values] })
    await insert(`INSERT INTO account (id, name) VALUES ($1, 'Collisions')`)
    for (const id of pools) {
      await insert(
        'INSERT INTO pool (account_id, id, name, claimed, total) VALUES ($1, $2::uuid, $2::uuid::text, 4, 4)',
        id,
      )
      await insert(
        `INSERT INTO claim (account_id, pool_id, first, count, recipient, at, nonce)
         SELECT $1, $2, n, 1, ($3::text[])[1 + n % 2], now(), 0 FROM generate_series(0, 3) n`,
        id,
        recipients,
      )
    }
    for (const [i, recipient] of recipients.entries()) {
      const found = await listClaimsOf(books, accountId, { recipient }, newest(9))
      expect(ids(found)).toEqual(pools.toReversed().flatMap((id) => [`${id} ${2 + i}`, `${id} ${i}`]))
      for (const poolId of pools) {
        const inPool = await listClaimsOf(books, accountId, { recipient, poolId }, newest(9))
        expect(ids(inPool)).toEqual([`${poolId} ${2 + i}`, `${poolId} ${i}`])
        const holds = await books.write(accountId, async (tx) => {
          const locked = await lockPool(tx, poolId)
          return locked && (await findHeld(tx, locked, await readNewest(tx, poolId, recipients)))
        })
        expect(holds?.get(recipient)).toBe(BigInt(2 + i))
      }
    }
    expect(await forgetRecipient(books, accountId, recipients[0] ?? '')).toBe(4n)
    expect(await listClaimsOf(books, accountId, { recipient: recipients[1] ?? '' }, newest(9))).toHaveLength(
      4,
    )
  })

  it('are forgotten in all pools, and nothing else is', async () => {
    const place = await newPlace(test)
    const { books, accountId } = place
    const pools = await Promise.all([1, 2].map(() => pool(5_000n, {}, place)))
    const claims = new Claims(books)
    for (const poolId of pools) {
      await claims.claimForRecipients(accountId, {
        poolId,
        recipients: Array.from({ length: 1_500 }, () => 'ann'),
      })
      await claims.claim(accountId, { poolId, count: 3, recipient: 'bob' })
    }
    expect(await forgetRecipient(books, await newAccount(books), 'ann')).toBe(0n)
    // Two at the same time share the work.
    const counts = await Promise.all([1, 2].map(() => forgetRecipient(books, accountId, 'ann')))
    expect(counts.reduce((a, b) => a + b)).toBe(3_000n)
    expect(await forgetRecipient(books, accountId, 'ann')).toBe(0n)
    expect(await listClaimsOf(books, accountId, { recipient: 'ann' }, newest(5))).toEqual([])
    expect(await listClaimsOf(books, accountId, { recipient: 'bob' }, newest(5))).toHaveLength(2)
    for (const poolId of pools) expect(await poolNow(place, poolId)).toMatchObject({ claimed: 1_503n })
    await expectBalance(place)
  })
})

function newest(limit: number) {
  return { after: undefined, before: undefined, limit, fromOldest: false }
}

/** Claims that wait for their connection, so that all of them are in one group. */
async function held(poolId: string) {
  const books = await test.another({ maxConnections: 1 })
  const claims = new Claims(books)
  await books.write(test.accountId, (tx) => lockPool(tx, poolId))
  return [await books.connections.connect(), claims] as const
}

async function transactionsOf(poolId: string): Promise<number> {
  const rows = await test.books.rows({
    text: 'SELECT DISTINCT nonce FROM claim WHERE pool_id = $1',
    values: [poolId],
  })
  return rows.length
}

async function expire(poolId: string, first: bigint): Promise<void> {
  await test.books.rows({
    // No later than the claim: the clock of the test has gone on since.
    text: 'UPDATE claim SET expires_at = at WHERE account_id = $1 AND pool_id = $2 AND first = $3',
    values: [test.accountId, poolId, first],
  })
}
