import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { yieldToEventLoop } from '../../../src/async/pacer.ts'
import type { Books } from '../../../src/domain/books/books.ts'
import { NotFoundError, RateLimitedError } from '../../../src/domain/books/errors.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { readClaimedCodes } from '../../../src/domain/code/claimed-codes.ts'
import type { Code } from '../../../src/domain/code/code.ts'
import { GuessLimit } from '../../../src/domain/code/guess-limit.ts'
import { LookUps } from '../../../src/domain/code/lookup.ts'
import { lockPool } from '../../../src/domain/pool/pool.ts'
import {
  CodeExpiredError,
  CodeNotClaimedError,
  CodeRedeemedError,
  CodeVoidedError,
  RecipientMismatchError,
} from '../../../src/domain/redemption/errors.ts'
import type { RedeemCodeInput, Redeemed, Redemptions } from '../../../src/domain/redemption/redeem.ts'
import { readRedemptions } from '../../../src/domain/redemption/redemption.ts'
import { rollBackRedemption } from '../../../src/domain/redemption/roll-back.ts'
import { lockUsage, lockUsages } from '../../../src/domain/usage/lock.ts'
import type { Select } from '../../../src/domain/void/select.ts'
import { voidCodes } from '../../../src/domain/void/void.ts'
import { expectBalance } from '../../support/audit.ts'
import { fill, newAccount, newFormat, newPool, poolNow, useBooks } from '../../support/books.ts'
import { sessionsThatWait } from '../../support/database.ts'
import { expectRedeemed, maxAgeDays, newClaimed, redemptionsOn, voidCode } from '../../support/redemptions.ts'
import { upload } from '../../support/uploads.ts'

const test = useBooks()
/** Each acts as a process of its own. */
let books: [Books, Books, Books]
let processes: [Redemptions, Redemptions, Redemptions]
beforeAll(async () => {
  books = [test.books, await test.another({ maxConnections: 3 }), await test.another({ maxConnections: 1 })]
  processes = [redemptionsOn(books[0]), redemptionsOn(books[1]), redemptionsOn(books[2])]
})

const key = randomUUID()
const dayMs = 86_400_000

function redeem(
  { code }: Pick<Code, 'code'>,
  input: Partial<RedeemCodeInput> = {},
  redemptions = processes[0],
): Promise<Redeemed> {
  return redemptions.redeem(test.accountId, key, { code, reference: 'order 1', ...input })
}

/** A claimed code in a pool of its own. */
async function claimed(claim?: Parameters<typeof newClaimed>[1]): Promise<Code> {
  const { codes } = await newClaimed(test, claim)
  return only(codes)
}

function only<T>(items: readonly T[]): T {
  const [item] = items
  if (item === undefined || items.length > 1) throw new Error(`There are ${items.length} items.`)
  return item
}

function claimTime({ claim }: Code): Date {
  if (claim === undefined) throw new Error('The code has not been claimed.')
  return claim.at
}

const later = (time: Date, ms: number) => new Date(time.getTime() + ms)

/** Redeems in a process whose clock stands still. */
async function processAt(now: Date): Promise<Redemptions> {
  return redemptionsOn(await test.another({ maxConnections: 1, now: () => now }))
}

/** Finds codes without the database. */
class KnownCodes extends LookUps {
  readonly #codes: readonly Code[]

  constructor(books: Books, codes: readonly Code[]) {
    super(books)
    this.#codes = codes
  }

  override async find(_accountId: string, text: string): Promise<Code | undefined> {
    return this.#codes.find(({ code }) => code === text)
  }
}

/** Resolves when `count` sessions wait for a lock in such a statement. */
async function waitingFor(statement: string, count = 1): Promise<void> {
  await expect.poll(() => sessionsThatWait(test.books, statement)).toHaveLength(count)
}

describe('a code', () => {
  it('is redeemed once, for a reference, at a place, at a time', async () => {
    const code = await claimed({ recipient: 'ada' })
    const before = new Date()
    const { redemption, ...rest } = await redeem(code, { reference: 'order 7', place: 'Till 3, Utrecht' })
    expect(rest).toEqual({ code, alreadyRedeemed: false })
    const { poolId, position } = code
    expect(redemption).toEqual({
      id: expect.any(String),
      poolId,
      position,
      reference: 'order 7',
      place: 'Till 3, Utrecht',
      at: expect.any(Date),
      rolledBackAt: undefined,
    })
    expect(redemption.at >= before && redemption.at <= new Date()).toBe(true)
    expect(await readRedemptions(test.books, test.accountId, [redemption.id])).toEqual([redemption])
    expect(await poolNow(test, poolId)).toMatchObject({ redeemed: 1n, voided: 0n })
    await expectRedeemed(test, poolId, 1)
  })

  it('is found however it is typed, also if it was uploaded', async () => {
    const poolId = await newPool(test)
    const text = `Gift-${randomUUID().slice(0, 8)}`
    await upload(test, poolId, [text])
    const {
      codes: [code],
    } = await new Claims(test.books).claim(test.accountId, { poolId, count: 1 })
    const { redemption } = await redeem({ code: ` ${text.toUpperCase().replaceAll('-', ' ')} ` })
    expect(await readClaimedCodes(test.books, test.accountId, [redemption])).toEqual([code])
  })

  it('is the same redemption when the request is sent again, whatever has happened since', async () => {
    const code = await claimed({ expiresAt: later(new Date(), 3_600_000) })
    const input = { reference: 'order 7', place: 'Till 3', at: new Date() }
    const { redemption } = await redeem(code, input)
    const muchLater = await processAt(later(new Date(), 100 * dayMs))
    for (const [again, from] of [
      [input, processes[1]],
      [{ ...input, place: 'Till 4', at: undefined }, processes[0]],
      [input, muchLater],
    ] as const)
      expect(await redeem(code, again, from)).toEqual({ code, redemption, alreadyRedeemed: true })
    await expectRedeemed(test, code.poolId, 1)
  })

  it('is not redeemed for another reference', async () => {
    const code = await claimed()
    const { redemption } = await redeem(code)
    const refused = redeem(code, { reference: 'Order 1' }, processes[1])
    await expect(refused).rejects.toThrow(CodeRedeemedError)
    await expect(refused).rejects.toMatchObject({ code: 'CODE_REDEEMED', path: ['code'], redemption })
    await expectRedeemed(test, code.poolId, 1)
  })

  it('that is unknown, or of another account, is not found, and counts as a guess', async () => {
    const code = await claimed()
    const stranger = await newAccount(test.books)
    const redemptions = redemptionsOn(test.books, { guesses: new GuessLimit(2) })
    const ask = (accountId: string, text: string) =>
      redemptions.redeem(accountId, key, { code: text, reference: 'order 1' })
    for (const [accountId, text] of [
      [stranger, code.code],
      [test.accountId, `${code.code}X`],
    ] as const) {
      const refused = ask(accountId, text)
      await expect(refused).rejects.toThrow(NotFoundError)
      await expect(refused).rejects.toMatchObject({
        path: ['code'],
        message: expect.stringMatching(/spelling/),
      })
    }
    await expect(ask(test.accountId, code.code)).rejects.toThrow(RateLimitedError)
    expect(await poolNow(test, code.poolId)).toMatchObject({ redeemed: 0n })
  })

  it.each(['', ' ', '\0', '\ud800', '9'.repeat(100_000)])(
    'that is no text of a code is not found',
    async (text) => {
      await expect(redeem({ code: text })).rejects.toThrow(NotFoundError)
    },
  )

  it('that nobody has claimed is not redeemed', async () => {
    const poolId = await newPool(test)
    const formatId = await newFormat(test)
    await fill(test, poolId, formatId, 1n)
    const space = await test.books.codeSpaces.get(test.books, test.accountId, formatId)
    const available = redeem({ code: space.codeAt(0n) })
    await expect(available).rejects.toThrow(CodeNotClaimedError)
    await expect(available).rejects.toMatchObject({
      path: ['code'],
      message: expect.stringMatching(/not been handed out/),
    })
    const code: Code = {
      formatId,
      index: 0n,
      code: space.codeAt(0n),
      poolId,
      lane: 'WITHDRAWN',
      position: 0n,
      claim: undefined,
    }
    const lookUps = new KnownCodes(test.books, [code])
    const withdrawn = redeem(code, {}, redemptionsOn(test.books, { lookUps }))
    await expect(withdrawn).rejects.toThrow(CodeNotClaimedError)
    await expect(withdrawn).rejects.toThrow(/withdrawn/)
    expect(await poolNow(test, poolId)).toMatchObject({ redeemed: 0n })
  })

  it('is redeemed only by its recipient, whatever the composition of the characters', async () => {
    const recipient = 'Zoë'
    expect(recipient.normalize('NFD')).not.toBe(recipient.normalize('NFC'))
    for (const [held, given] of [
      [recipient.normalize('NFC'), recipient.normalize('NFD')],
      [recipient.normalize('NFD'), recipient.normalize('NFC')],
    ] as const) {
      const code = await claimed({ recipient: held })
      for (const other of ['Zoe', 'zoë', ' Zoë', 'x'.repeat(1_000)]) {
        const refused = redeem(code, { recipient: other })
        await expect(refused).rejects.toThrow(RecipientMismatchError)
        await expect(refused).rejects.toMatchObject({ path: ['recipient'] })
        // Not even in the properties of the error.
        const error = await refused.catch((caught: unknown) => caught)
        expect(JSON.stringify(error) + String(error)).not.toMatch(/Zo/)
      }
      expect(await redeem(code, { recipient: given })).toMatchObject({ alreadyRedeemed: false })
      // A mismatch tells nothing of the redemption either.
      const mismatch = redeem(code, { recipient: 'Eve' })
      await expect(mismatch).rejects.toThrow(RecipientMismatchError)
      await expect(mismatch).rejects.not.toThrow(/redeemed/)
    }
  })

  it('of a claim for nobody in particular is redeemed by anybody', async () => {
    const code = await claimed()
    expect(await redeem(code, { recipient: 'Eve' })).toMatchObject({ alreadyRedeemed: false })
  })

  it('that is void is not redeemed', async () => {
    const code = await claimed()
    await test.books.write(test.accountId, (tx) => voidCode(tx, code, 'leaked'))
    const refused = redeem(code)
    await expect(refused).rejects.toThrow(CodeVoidedError)
    await expect(refused).rejects.toMatchObject({ void: { at: expect.any(Date), reason: 'leaked' } })
    await expectRedeemed(test, code.poolId, 0)
  })

  it('is refused because it is redeemed or void rather than because it has expired', async () => {
    const { codes } = await newClaimed(test, { count: 2, expiresAt: later(new Date(), 60_000) })
    const [first, second] = codes as [Code, Code]
    await redeem(first)
    await test.books.write(test.accountId, (tx) => voidCode(tx, second, 'leaked'))
    const expired = await processAt(later(new Date(), dayMs))
    await expect(redeem(first, { reference: 'order 2' }, expired)).rejects.toThrow(CodeRedeemedError)
    await expect(redeem(second, { reference: 'order 2' }, expired)).rejects.toThrow(CodeVoidedError)
  })
})

describe('the time of a redemption', () => {
  it('decides to the millisecond whether the code has expired, by the clock of the service', async () => {
    const expiresAt = later(new Date(), 3_600_000)
    const { codes, poolId } = await newClaimed(test, { count: 2, expiresAt })
    const [first, second] = codes as [Code, Code]
    const refused = redeem(first, {}, await processAt(expiresAt))
    await expect(refused).rejects.toThrow(CodeExpiredError)
    await expect(refused).rejects.toMatchObject({ expiredAt: expiresAt, path: ['code'] })
    const { redemption } = await redeem(first, {}, await processAt(later(expiresAt, -1)))
    expect(redemption.at).toEqual(later(expiresAt, -1))
    await expect(redeem(second, {}, await processAt(later(expiresAt, 1)))).rejects.toThrow(CodeExpiredError)
    await expectRedeemed(test, poolId, 1)
  })

  it('decides likewise if the till gives it, as it was offline', async () => {
    const expiresAt = later(new Date(), 3_600_000)
    const { codes } = await newClaimed(test, { count: 2, expiresAt })
    const [first, second] = codes as [Code, Code]
    const online = await processAt(later(expiresAt, dayMs))
    await expect(redeem(first, { at: expiresAt }, online)).rejects.toThrow(CodeExpiredError)
    const at = later(expiresAt, -1)
    expect(await redeem(first, { at }, online)).toMatchObject({ redemption: { at } })
    await expect(redeem(second, {}, online)).rejects.toThrow(CodeExpiredError)
  })

  it('is never before the claim', async () => {
    const code = await claimed()
    const { redemption } = await redeem(code, { at: later(claimTime(code), -dayMs) })
    expect(redemption.at).toEqual(claimTime(code))
    await expectRedeemed(test, code.poolId, 1)
  })

  it('lies in the past, by as many days as are configured', async () => {
    const code = await claimed()
    const now = later(new Date(), 50 * dayMs)
    const redemptions = await processAt(now)
    for (const at of [later(now, -maxAgeDays * dayMs - 1), new Date('1999-01-01'), claimTime(code)]) {
      const refused = redeem(code, { at }, redemptions)
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['at'] })
      await expect(refused).rejects.toThrow(/too long ago: .* up to 7 days/)
    }
    await expectRedeemed(test, code.poolId, 0)
    const at = later(now, -maxAgeDays * dayMs)
    expect(await redeem(code, { at }, redemptions)).toMatchObject({ redemption: { at } })
  })

  it('is now if the clock of the till is up to a minute ahead, and refused beyond that', async () => {
    const code = await claimed()
    const now = later(new Date(), 1_000)
    const redemptions = await processAt(now)
    const refused = redeem(code, { at: later(now, 60_001) }, redemptions)
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['at'] })
    await expect(refused).rejects.toThrow(/in the future/)
    const { redemption } = await redeem(code, { at: later(now, 60_000) }, redemptions)
    expect(redemption.at).toEqual(now)
  })

  it('is sound if the clock of the process is behind that of the one that handed the code out', async () => {
    const code = await claimed({ expiresAt: later(new Date(), 3_600_000) })
    const slow = await test.another({ maxConnections: 1, now: () => later(claimTime(code), -30_000) })
    const { redemption } = await redeem(code, {}, redemptionsOn(slow))
    expect(redemption.at).toEqual(claimTime(code))
    // Rolled back not before it was made.
    const { rolledBackAt } = await rollBackRedemption(slow, test.accountId, redemption.id)
    expect(rolledBackAt).toEqual(claimTime(code))
  })
})

describe('a redemption with bad input', () => {
  it.each<[string, Partial<RedeemCodeInput>, string, RegExp]>([
    ['an empty reference', { reference: '' }, 'reference', /blank/],
    ['a blank reference', { reference: ' \n\u200b' }, 'reference', /blank/],
    ['a reference of 256 characters', { reference: 'x'.repeat(256) }, 'reference', /256 .*255/],
    ['an endless reference', { reference: '\u0301'.repeat(100_000) }, 'reference', /100,000 .*255/],
    ['a NUL in the reference', { reference: 'a\0' }, 'reference', /NUL/],
    ['half a surrogate pair in the reference', { reference: 'a\ud83c' }, 'reference', /surrogate/],
    ['an empty place', { place: '' }, 'place', /empty/],
    ['a place of 256 characters', { place: 'x'.repeat(256) }, 'place', /256 .*255/],
    ['a NUL in the place', { place: '\0' }, 'place', /NUL/],
    ['a time in the future', { at: later(new Date(), dayMs) }, 'at', /in the future/],
    ['a time ten years ago', { at: later(new Date(), -3_650 * dayMs) }, 'at', /too long ago/],
    ['an empty recipient', { recipient: '' }, 'recipient', /empty/],
    ['a recipient of 10,000 characters', { recipient: 'x'.repeat(10_000) }, 'recipient', /10,000 .*1,000/],
    ['a NUL in the recipient', { recipient: '\0' }, 'recipient', /NUL/],
  ])('such as %s is refused, and changes nothing', async (_what, input, field, message) => {
    const code = await claimed()
    const refused = redeem(code, input)
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT', path: [field] })
    await expect(refused).rejects.toThrow(message)
    await expectRedeemed(test, code.poolId, 0)
  })

  it('learns of all mistakes at once, even if there is no such code', async () => {
    const input = { reference: '', place: '', at: later(new Date(), dayMs), recipient: '' }
    const paths = ['reference', 'place', 'at', 'recipient'].map((name) => ({ path: [name] }))
    await expect(redeem({ code: 'no code' }, input)).rejects.toMatchObject({ issues: paths })
  })
})

describe('a reference', () => {
  it('has up to 255 characters, and is the same in any composition', async () => {
    const code = await claimed()
    const composed = `${'é'.repeat(254)} `.normalize('NFC')
    const { redemption } = await redeem(code, { reference: composed.normalize('NFD') })
    expect(redemption.reference).toBe(composed)
    expect(await redeem(code, { reference: composed })).toMatchObject({ redemption, alreadyRedeemed: true })
  })

  it('can be that of several codes', async () => {
    const { codes, poolId } = await newClaimed(test, { count: 3 })
    const redeemed = await Promise.all(codes.map((code) => redeem(code)))
    expect(new Set(redeemed.map(({ redemption }) => redemption.id)).size).toBe(3)
    await expectRedeemed(test, poolId, 3)
  })
})

describe('simultaneous redemptions', () => {
  it('of one code in several processes: one is made, and the others learn which', async () => {
    for (let round = 0; round < 10; round++) {
      const code = await claimed()
      const outcomes = await Promise.allSettled(
        Array.from({ length: 12 }, (_, i) => redeem(code, { reference: `order ${i}` }, processes[i % 3])),
      )
      const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
      const { redemption } = only(made)
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') {
          expect(outcome.reason).toBeInstanceOf(CodeRedeemedError)
          expect(outcome.reason).toMatchObject({ redemption })
        }
      await expectRedeemed(test, code.poolId, 1)
    }
  })

  it('of one code with one reference are one redemption', async () => {
    const code = await claimed()
    const redeemed = await Promise.all(
      Array.from({ length: 12 }, (_, i) => redeem(code, {}, processes[i % 3])),
    )
    expect(new Set(redeemed.map(({ redemption }) => redemption.id)).size).toBe(1)
    expect(redeemed.filter(({ alreadyRedeemed }) => !alreadyRedeemed)).toHaveLength(1)
    await expectRedeemed(test, code.poolId, 1)
  })

  it('of many codes in several processes are all made, and counted', async () => {
    const { codes, poolId } = await newClaimed(test, { count: 300 })
    const now = Date.now()
    await Promise.all(
      codes.map((code, i) => redeem(code, { at: new Date(now - i * 1_000) }, processes[i % 3])),
    )
    await expectRedeemed(test, poolId, 300)
    await expectBalance(test)
  })

  it('that wait for the same connection are one transaction, also if a code is among them twice', async () => {
    const { codes, poolId } = await newClaimed(test, { count: 3 })
    const [first, second] = codes as [Code, Code]
    const one = await test.another({ maxConnections: 1 })
    const redemptions = redemptionsOn(one, { lookUps: new KnownCodes(one, codes) })
    const connection = await one.connections.connect()
    const waiting: Promise<unknown>[] = []
    for (const [code, reference] of [
      [first, 'a'],
      [second, 'b'],
      [first, 'a'],
      [first, 'c'],
      [second, 'b'],
    ] as const) {
      const asked = redeem(code, { reference }, redemptions)
      waiting.push(
        asked.then(
          ({ redemption, alreadyRedeemed }) => [redemption.reference, alreadyRedeemed],
          (error: unknown) => (error instanceof CodeRedeemedError ? error.redemption.reference : error),
        ),
      )
      await yieldToEventLoop()
    }
    connection.release()
    expect(await Promise.all(waiting)).toEqual([['a', false], ['b', false], ['a', true], 'a', ['b', true]])
    const [usage] = await test.books.rows({
      text: 'SELECT version FROM pool_usage WHERE account_id = $1 AND pool_id = $2',
      values: [test.accountId, poolId],
    })
    expect(usage).toEqual({ version: '1' })
    await expectRedeemed(test, poolId, 2)
  })

  it('do not fail because of each other', async () => {
    const { codes, poolId } = await newClaimed(test, { count: 4, recipient: 'ada' })
    const [a, b, c, d] = codes as [Code, Code, Code, Code]
    await test.books.write(test.accountId, (tx) => voidCode(tx, b, 'leaked'))
    await redeem(c, { reference: 'earlier' })
    const outcomes = await Promise.allSettled([
      redeem(a),
      redeem(b),
      redeem(c),
      redeem(d, { at: new Date('2000-01-01') }),
      redeem(d, { recipient: 'eve' }),
      redeem(d, { reference: '' }),
      redeem(d),
    ])
    expect(
      outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'redeemed' : outcome.reason.code)),
    ).toEqual([
      'redeemed',
      'CODE_VOIDED',
      'CODE_REDEEMED',
      'INVALID_INPUT',
      'RECIPIENT_MISMATCH',
      'INVALID_INPUT',
      'redeemed',
    ])
    await expectRedeemed(test, poolId, 3)
  })

  it('are decided by the unique index, even against a writer without the lock', async () => {
    const code = await claimed()
    const { poolId, position } = code
    const { asked, id } = await test.books.write(test.accountId, async (tx) => {
      const [row] = await tx.rows<{ id: string }>({
        text: `
          INSERT INTO redemption (account_id, id, pool_id, position, reference, at, version)
          VALUES ($1, gen_random_uuid(), $2, $3, 'theirs', now(), 0) RETURNING id`,
        values: [test.accountId, poolId, position],
      })
      const asked = redeem(code, {}, processes[1])
      asked.catch(() => undefined)
      await waitingFor('INSERT INTO redemption')
      return { asked, id: row?.id }
    })
    await expect(asked).rejects.toThrow(CodeRedeemedError)
    await expect(asked).rejects.toMatchObject({ redemption: { id, reference: 'theirs' } })
    // The books are sound again without it.
    await test.books.rows({
      text: 'DELETE FROM redemption WHERE account_id = $1 AND id = $2',
      values: [test.accountId, id],
    })
  })
})

describe('redeeming against voiding', () => {
  /** Redeems and voids a code at once, in two processes: whoever asks first gets the lock first. */
  async function race(code: Code, order: readonly ('redeem' | 'void')[]) {
    const select: Select = { codes: [code] }
    const start = {
      redeem: () => redeem(code, {}, processes[1]).catch((error: unknown) => error),
      void: () => voidCodes(books[2], test.accountId, { select, reason: 'leaked' }),
    }
    const outcomes = await test.books.write(test.accountId, async (tx) => {
      await lockUsage(tx, code.poolId)
      const outcomes: Promise<unknown>[] = []
      for (const what of order) {
        outcomes.push(start[what]())
        await waitingFor('FROM pool_usage', outcomes.length)
      }
      return { outcomes }
    })
    return await Promise.all(outcomes.outcomes)
  }

  it('is refused if the code is voided first', async () => {
    const code = await claimed()
    const [voided, refused] = await race(code, ['void', 'redeem'])
    expect(voided).toMatchObject({ voided: 1n, redeemed: 0n })
    expect(refused).toBeInstanceOf(CodeVoidedError)
    expect(refused).toMatchObject({ void: { reason: 'leaked' } })
    await expectRedeemed(test, code.poolId, 0)
  })

  it('is seen by voiding if it comes first', async () => {
    const code = await claimed()
    const [redeemed, voided] = await race(code, ['redeem', 'void'])
    expect(redeemed).toMatchObject({ alreadyRedeemed: false })
    expect(voided).toMatchObject({ voided: 0n, redeemed: 1n })
    await expectRedeemed(test, code.poolId, 1)
  })

  it('is decided the one way or the other, whoever is faster', async () => {
    const { codes, poolId } = await newClaimed(test, { count: 40 })
    const outcomes = await Promise.all(
      codes.flatMap((code, i) => [
        redeem(code, {}, processes[i % 3]).then(
          () => 'redeemed',
          (error: unknown) => (error instanceof CodeVoidedError ? 'void' : error),
        ),
        voidCodes(books[(i + 1) % 3] ?? test.books, test.accountId, { select: { codes: [code] } }).then(
          ({ voided }) => (voided === 1n ? 'void' : 'redeemed'),
        ),
      ]),
    )
    let redeemed = 0
    for (let i = 0; i < outcomes.length; i += 2) {
      expect(outcomes[i]).toBe(outcomes[i + 1])
      if (outcomes[i] === 'redeemed') redeemed += 1
    }
    expect(await poolNow(test, poolId)).toMatchObject({ voided: BigInt(40 - redeemed) })
    await expectRedeemed(test, poolId, redeemed)
    await expectBalance(test)
  })
})

describe('redeeming and claiming', () => {
  it('go on in other pools while a process waits for the locks of two', async () => {
    const codes = [await claimed(), await claimed(), await claimed()] as const
    const [locked, alsoLocked, free] = codes
    for (const { poolId } of codes) await fill(test, poolId, await newFormat(test), 1n)
    const claims = new Claims(books[1])
    const claimFrom = ({ poolId }: Code) => claims.claim(test.accountId, { poolId, count: 1 })
    const { waiting: redeemed } = await test.books.write(test.accountId, async (tx) => {
      await lockUsages(tx, [locked.poolId, alsoLocked.poolId])
      const waiting = [redeem(locked, {}, processes[1]), redeem(alsoLocked, {}, processes[1])]
      await waitingFor('FROM pool_usage', 2)
      await redeem(free, {}, processes[1])
      return { waiting }
    })
    await Promise.all(redeemed)
    const { waiting: taken } = await test.books.write(test.accountId, async (tx) => {
      for (const { poolId } of [locked, alsoLocked]) await lockPool(tx, poolId)
      const waiting = [claimFrom(locked), claimFrom(alsoLocked)]
      await waitingFor('FROM pool WHERE', 2)
      await claimFrom(free)
      return { waiting }
    })
    await Promise.all(taken)
    for (const { poolId } of codes) await expectRedeemed(test, poolId, 1)
  })

  it('do not wait for each other', async () => {
    const { codes, poolId } = await newClaimed(test, { count: 1 })
    await fill(test, poolId, await newFormat(test), 1n)
    await test.books.write(test.accountId, async (tx) => {
      await lockPool(tx, poolId)
      await redeem(only(codes), {}, processes[1])
    })
    await test.books.write(test.accountId, async (tx) => {
      await lockUsage(tx, poolId)
      const { codes: next } = await new Claims(books[1]).claim(test.accountId, { poolId, count: 1 })
      expect(next).toHaveLength(1)
    })
    await expectRedeemed(test, poolId, 1)
  })
})

describe('a redemption that is rolled back', () => {
  it('is kept, and its code can be redeemed again, also with the same reference', async () => {
    const code = await claimed()
    const { redemption: first } = await redeem(code)
    const rolledBack = await rollBackRedemption(books[1], test.accountId, first.id)
    expect(rolledBack).toEqual({ ...first, rolledBackAt: expect.any(Date) })
    expect(await readRedemptions(test.books, test.accountId, [first.id])).toEqual([rolledBack])
    expect(await poolNow(test, code.poolId)).toMatchObject({ redeemed: 0n })
    await expectRedeemed(test, code.poolId, 0)
    const { redemption: second, alreadyRedeemed } = await redeem(code)
    expect(alreadyRedeemed).toBe(false)
    expect(second.id).not.toBe(first.id)
    await expect(redeem(code, { reference: 'order 2' })).rejects.toMatchObject({ redemption: second })
    await expectRedeemed(test, code.poolId, 1)
  })

  it('stays as it is if it is rolled back again', async () => {
    const code = await claimed()
    const { redemption } = await redeem(code)
    const rolledBack = await rollBackRedemption(test.books, test.accountId, redemption.id)
    await redeem(code, { reference: 'order 2' })
    const much = await test.another({ maxConnections: 1, now: () => later(new Date(), dayMs) })
    expect(await rollBackRedemption(much, test.accountId, redemption.id)).toEqual(rolledBack)
    await expectRedeemed(test, code.poolId, 1)
  })

  it('by several processes at once is rolled back once', async () => {
    for (let round = 0; round < 10; round++) {
      const code = await claimed()
      const { redemption } = await redeem(code)
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, i) =>
          rollBackRedemption(books[i % 3] ?? test.books, test.accountId, redemption.id),
        ),
      )
      expect(new Set(answers.map(({ rolledBackAt }) => rolledBackAt?.getTime())).size).toBe(1)
      await expectRedeemed(test, code.poolId, 0)
    }
  })

  it('while others redeem the code frees it for exactly one of them', async () => {
    for (let round = 0; round < 10; round++) {
      const code = await claimed()
      const { redemption } = await redeem(code, { reference: 'cancelled' })
      const [rolledBack, ...outcomes] = await Promise.allSettled([
        rollBackRedemption(books[1], test.accountId, redemption.id),
        ...Array.from({ length: 6 }, (_, i) => redeem(code, { reference: `order ${i}` }, processes[i % 3])),
      ])
      expect(rolledBack).toMatchObject({ status: 'fulfilled' })
      const made = outcomes.filter(({ status }) => status === 'fulfilled')
      // They may all have been refused before it was rolled back.
      expect(made.length).toBeLessThanOrEqual(1)
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(CodeRedeemedError)
      await expectRedeemed(test, code.poolId, made.length)
    }
  })

  it('waits for the lock, and then frees the code for one who waits behind it', async () => {
    const code = await claimed()
    const { redemption } = await redeem(code, { reference: 'cancelled' })
    const { rolling, redeeming } = await test.books.write(test.accountId, async (tx) => {
      await lockUsage(tx, code.poolId)
      const rolling = rollBackRedemption(books[1], test.accountId, redemption.id)
      await waitingFor('FROM pool_usage')
      const redeeming = redeem(code, { reference: 'order 2' }, processes[2])
      await waitingFor('FROM pool_usage', 2)
      return { rolling, redeeming }
    })
    expect(await rolling).toMatchObject({ rolledBackAt: expect.any(Date) })
    expect(await redeeming).toMatchObject({ redemption: { reference: 'order 2' } })
    await expectRedeemed(test, code.poolId, 1)
  })

  it('is one of the account', async () => {
    const code = await claimed()
    const { redemption } = await redeem(code)
    const stranger = await newAccount(test.books)
    for (const [accountId, id] of [
      [stranger, redemption.id],
      [test.accountId, randomUUID()],
    ] as const) {
      const refused = rollBackRedemption(test.books, accountId, id)
      await expect(refused).rejects.toThrow(NotFoundError)
      await expect(refused).rejects.toMatchObject({ path: ['redemptionId'] })
    }
    await expectRedeemed(test, code.poolId, 1)
  })
})
