import { beforeAll, describe, expect, it } from 'vitest'
import { InvalidInputError, NotFoundError } from '../../../src/domain/books/errors.ts'
import { readHistory } from '../../../src/domain/books/event-log.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { generateCodes } from '../../../src/domain/generation/generation.ts'
import { saveReplenishment } from '../../../src/domain/generation/replenishment.ts'
import { readClaims } from '../../../src/domain/pool/claim-rows.ts'
import type { PoolTerms } from '../../../src/domain/pool/pool.ts'
import { saveTerms } from '../../../src/domain/pool/terms.ts'
import { undoUpload } from '../../../src/domain/upload/finish.ts'
import { fill, newAccount, newFormat, newPool, poolNow, useBooks } from '../../support/books.ts'
import { sessionsThatWait } from '../../support/database.ts'
import { upload } from '../../support/uploads.ts'

const test = useBooks()
let formatId: string
beforeAll(async () => {
  formatId = await newFormat(test)
})

const day = 86_400_000
const fromNow = (days: number) => new Date(Date.now() + days * day)

function save(poolId: string, terms: Partial<PoolTerms> = {}): Promise<void> {
  return saveTerms(test.books, test.accountId, { poolId, ...terms })
}

async function changes(poolId: string): Promise<string[]> {
  const events = await readHistory(test.books, test.accountId, { poolId, limit: 100, fromOldest: true })
  return events.flatMap((event) => (event.kind === 'POOL_CHANGED' ? event.payload.changed : [])).reverse()
}

const noTerms: PoolTerms = {
  issueFrom: undefined,
  issueUntil: undefined,
  validUntil: undefined,
  validForMs: undefined,
  onePerRecipient: false,
  renewAfter: [],
}

describe('the terms of a pool', () => {
  it('are no limits at first', async () => {
    expect((await poolNow(test, await newPool(test))).terms).toEqual(noTerms)
  })

  it('are saved as a whole: what is left out gets its default', async () => {
    const poolId = await newPool(test)
    const terms: PoolTerms = {
      issueFrom: new Date('2027-01-01T00:00:00.001Z'),
      issueUntil: new Date('9999-12-31T23:59:59.999Z'),
      validUntil: new Date('2028-01-01T00:00:00Z'),
      validForMs: 36_500n * BigInt(day),
      onePerRecipient: true,
      renewAfter: ['EXPIRED', 'VOIDED'],
    }
    await save(poolId, terms)
    expect((await poolNow(test, poolId)).terms).toEqual(terms)
    await save(poolId, { validForMs: 1n })
    expect((await poolNow(test, poolId)).terms).toEqual({ ...noTerms, validForMs: 1n })
    await save(poolId)
    expect((await poolNow(test, poolId)).terms).toEqual(noTerms)
    expect(await changes(poolId)).toEqual(['TERMS', 'TERMS', 'TERMS'])
  })

  it('have not changed when they are the same again, in whatever order and however often they say it', async () => {
    const poolId = await newPool(test)
    const terms = { issueFrom: fromNow(1), validForMs: 5n, onePerRecipient: true }
    await save(poolId, { ...terms, renewAfter: ['REDEEMED', 'EXPIRED'] })
    await save(poolId, { ...terms, renewAfter: ['EXPIRED', 'REDEEMED', 'EXPIRED', 'EXPIRED'] })
    expect(await poolNow(test, poolId)).toMatchObject({ terms: { renewAfter: ['EXPIRED', 'REDEEMED'] } })
    expect(await changes(poolId)).toEqual(['TERMS'])
  })

  it('change neither the stock nor claims that were made before', async () => {
    const poolId = await newPool(test)
    await fill(test, poolId, formatId, 5n)
    await new Claims(test.books).claim(test.accountId, { poolId, count: 2, recipient: 'ada' })
    const claims = () => readClaims(test.books, test.accountId, poolId, 0n, 2n)
    const before = { pool: await poolNow(test, poolId), claims: await claims() }
    const terms = { ...noTerms, validUntil: fromNow(-1), validForMs: 1n, onePerRecipient: true }
    await save(poolId, terms)
    expect(await claims()).toEqual(before.claims)
    expect(await poolNow(test, poolId)).toEqual({ ...before.pool, terms })
  })

  it.each<[string, Partial<PoolTerms>, string, RegExp]>([
    [
      'issueUntil before issueFrom',
      { issueFrom: fromNow(2), issueUntil: fromNow(1) },
      'issueUntil',
      /later than/,
    ],
    [
      'both at once',
      { issueFrom: new Date(0), issueUntil: new Date(0) },
      'issueUntil',
      /later than issueFrom.*1970/,
    ],
    [
      'validUntil before issueFrom',
      { issueFrom: fromNow(2), validUntil: fromNow(1) },
      'validUntil',
      /later than/,
    ],
    ['a duration of nothing', { validForMs: 0n }, 'validFor', /longer than zero/],
    ['a negative duration', { validForMs: -1n }, 'validFor', /longer than zero/],
    ['a century and a millisecond', { validForMs: 36_500n * BigInt(day) + 1n }, 'validFor', /36,500 days/],
    ['a huge duration', { validForMs: 2n ** 60n }, 'validFor', /36,500 days/],
  ])('are refused with %s', async (_what, terms, field, message) => {
    const poolId = await newPool(test)
    const refused = save(poolId, terms)
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT', path: [field] })
    await expect(refused).rejects.toThrow(message)
    expect(await poolNow(test, poolId)).toMatchObject({ terms: noTerms })
  })

  it('are refused with all their mistakes together', async () => {
    const terms = { issueFrom: fromNow(2), issueUntil: fromNow(1), validUntil: fromNow(1), validForMs: 0n }
    await expect(save(await newPool(test), terms)).rejects.toMatchObject({
      issues: [{ path: ['issueUntil'] }, { path: ['validUntil'] }, { path: ['validFor'] }],
    })
  })

  it('can be saved only by their account', async () => {
    const poolId = await newPool(test)
    const stranger = await newAccount(test.books)
    await expect(saveTerms(test.books, stranger, { poolId })).rejects.toThrow(NotFoundError)
  })
})

describe('a validUntil in the past', () => {
  const refills = { autoGenerate: true, quantity: 10n } as const

  it('is refused while auto-generation is on, and leads to turning that off', async () => {
    const poolId = await newPool(test, { formatId, ...refills })
    const refused = save(poolId, { validUntil: fromNow(-1) })
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['validUntil'] })
    await expect(refused).rejects.toThrow(/Turn autoGenerate off first/)
    await saveReplenishment(test.books, test.accountId, {
      poolId,
      method: 'GENERATE',
      formatId,
      autoGenerate: false,
      refillThreshold: 0n,
    })
    await save(poolId, { validUntil: fromNow(-1) })
  })

  it('keeps auto-generation from being turned on, by whichever way', async () => {
    const poolId = await newPool(test)
    await save(poolId, { validUntil: fromNow(-1) })
    const before = await poolNow(test, poolId)
    const saved = saveReplenishment(test.books, test.accountId, {
      poolId,
      method: 'GENERATE',
      formatId,
      refillThreshold: 0n,
      ...refills,
    })
    await expect(saved).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['autoGenerate'] })
    const saveSettings = { autoGenerate: true, refillThreshold: 0n }
    const input = { poolId, formatId, quantity: 10n, saveSettings }
    const generated = generateCodes(test.books, test.accountId, input)
    await expect(generated).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      path: ['saveSettings', 'autoGenerate'],
    })
    expect(await poolNow(test, poolId)).toEqual(before)
    await save(poolId, { validUntil: fromNow(1) })
    await generateCodes(test.books, test.accountId, input)
    expect(await poolNow(test, poolId)).toMatchObject({ autoGenerate: true })
  })

  it('is not saved by one process while another turns auto-generation on', async () => {
    const elsewhere = await test.another()
    const poolId = await newPool(test)
    const holder = await test.books.connections.connect()
    await holder.query('BEGIN')
    await holder.query('SELECT 1 FROM pool WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE', [
      test.accountId,
      poolId,
    ])
    // Not through the holder: its transaction would keep seeing the activity as it was at first.
    const waiting = () => sessionsThatWait(test.books, 'FROM pool')
    const on = saveReplenishment(elsewhere, test.accountId, {
      poolId,
      method: 'GENERATE',
      formatId,
      refillThreshold: 0n,
      ...refills,
    })
    await expect.poll(waiting).toHaveLength(1)
    const racing = Promise.allSettled([on, save(poolId, { validUntil: fromNow(-1) })])
    await expect.poll(waiting).toHaveLength(2)
    await holder.query('COMMIT')
    holder.release()
    const outcomes = await racing
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    expect(refused).toEqual([expect.any(InvalidInputError)])
  })

  it('that has come ends the refills of a pool that had them', async () => {
    const tomorrow = await test.another({ now: () => fromNow(1) })
    const stock = async () => {
      const poolId = await newPool(test)
      const taskId = await upload(test, poolId, [`${poolId}-1`])
      // Refilled at once if it were empty.
      await saveReplenishment(test.books, test.accountId, {
        poolId,
        method: 'GENERATE',
        formatId,
        refillThreshold: 0n,
        ...refills,
      })
      await save(poolId, { validUntil: fromNow(0.5) })
      return { poolId, taskId }
    }
    const [today, later] = [await stock(), await stock()]
    await undoUpload(test.books, test.accountId, today.taskId)
    expect(await poolNow(test, today.poolId)).toMatchObject({ total: 10n })
    await undoUpload(tomorrow, test.accountId, later.taskId)
    expect(await poolNow(test, later.poolId)).toMatchObject({ total: 0n })
    const [last] = await readHistory(test.books, test.accountId, {
      poolId: later.poolId,
      limit: 1,
      fromOldest: false,
    })
    expect(last?.kind).toBe('POOL_EMPTY')
  })
})
