import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readActivity } from '../../../src/domain/activity/activity.ts'
import { boundariesOf, type SteppedTime } from '../../../src/domain/activity/steps.ts'
import { Books } from '../../../src/domain/books/books.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { rollBackRedemption } from '../../../src/domain/redemption/roll-back.ts'
import { restoreCodes } from '../../../src/domain/stock/restore.ts'
import { withdrawCodes } from '../../../src/domain/stock/withdraw.ts'
import { undoUpload } from '../../../src/domain/upload/finish.ts'
import { fill, newFormat, newPool, type Place, poolNow, silent, useBooks } from '../../support/books.ts'
import { redemptionsOn } from '../../support/redemptions.ts'
import { upload } from '../../support/uploads.ts'

const test = useBooks()

const quarterMs = 900_000

/** Books whose clock shows `clock.now`. */
function withClock(clock: { now: Date }): Place {
  const { connections, prisma, notifications } = test.books
  const books = new Books({ connections, prisma, notifications, log: silent, now: () => clock.now })
  return { books, accountId: test.accountId }
}

/** What a pool was told to do, and when. */
interface Happened {
  at: Date
  claimed?: bigint
  added?: bigint
  redeemed?: bigint
  /** Codes that became available. */
  gained: bigint
}

/** A pool, and a list of what happens to it. */
async function newStory(start: Date) {
  const clock = { now: start }
  const place = withClock(clock)
  const claims = new Claims(place.books)
  const [poolId, formatId] = [await newPool(place), await newFormat(place)]
  await test.books.rows({
    text: 'UPDATE pool SET created_at = $3 WHERE account_id = $1 AND id = $2',
    values: [place.accountId, poolId, start],
  })
  const redemptions = redemptionsOn(place.books)
  const happened: Happened[] = []
  const claimed: string[] = []
  const redeemedCodes: { id: string; code: string; redeemed: Happened }[] = []
  let lineTime = new Date(0)
  /** Notes it with the time that the line has by then. */
  const note = (what: Omit<Happened, 'at'>) => {
    lineTime = new Date(Math.max(lineTime.getTime(), clock.now.getTime()))
    happened.push({ at: lineTime, ...what })
  }
  const uploads: { taskId: string; from: bigint; count: bigint }[] = []
  return {
    poolId,
    happened,
    /** Turns the clock by quarters of an hour, also back. */
    turn(quarters: number) {
      clock.now = new Date(clock.now.getTime() + quarters * quarterMs)
    },
    async claim(count: number) {
      const before = await poolNow(place, poolId)
      if (before.total - before.claimed < BigInt(count)) return
      const { codes } = await claims.claim(place.accountId, { poolId, count })
      claimed.push(...codes.map(({ code }) => code))
      note({ claimed: BigInt(count), gained: -BigInt(count) })
    },
    async generate(count: number) {
      await fill(place, poolId, formatId, BigInt(count))
      note({ added: BigInt(count), gained: BigInt(count) })
    },
    async upload(count: number) {
      const from = (await poolNow(place, poolId)).total
      const codes = Array.from({ length: count }, () => randomUUID())
      const taskId = await upload(place, poolId, codes)
      uploads.push({ taskId, from, count: BigInt(count) })
      note({ added: BigInt(count), gained: BigInt(count) })
    },
    async undo(_count: number) {
      const last = uploads.pop()
      if (last === undefined) return
      const before = await poolNow(place, poolId)
      // Others would lie before it, or have been claimed or withdrawn.
      if (last.from < before.claimed || last.from + last.count !== before.total) return
      await undoUpload(place.books, place.accountId, last.taskId)
      note({ gained: -last.count })
    },
    async withdraw(_count: number) {
      const { count } = await withdrawCodes(place.books, place.accountId, { poolId })
      if (count > 0n) note({ gained: -count })
      uploads.length = 0
    },
    async restore(_count: number) {
      const { count } = await restoreCodes(place.books, place.accountId, { poolId })
      if (count > 0n) note({ gained: count })
    },
    async redeem(_count: number) {
      const code = claimed.pop()
      if (code === undefined) return
      const input = { code, reference: 'Order', place: undefined, at: undefined, recipient: undefined }
      const { redemption } = await redemptions.redeem(place.accountId, randomUUID(), input)
      const redeemed = { at: redemption.at, redeemed: 1n, gained: 0n }
      happened.push(redeemed)
      redeemedCodes.push({ id: redemption.id, code, redeemed })
    },
    async rollBack(_count: number) {
      const last = redeemedCodes.pop()
      if (last === undefined) return
      await rollBackRedemption(place.books, place.accountId, last.id)
      happened.splice(happened.indexOf(last.redeemed), 1)
      claimed.push(last.code)
    },
    read: (time: SteppedTime) => readActivity(place.books, place.accountId, poolId, time),
  }
}

/** What readActivity should find, by going through everything for each step. */
function expected(happened: readonly Happened[], time: SteppedTime) {
  const boundaries = boundariesOf(time)
  return boundaries.slice(1).map((to, i) => {
    const from = boundaries[i] as Date
    const sum = (what: 'claimed' | 'added' | 'redeemed' | 'gained', since: Date | undefined) =>
      happened
        .filter(({ at }) => (since === undefined || at >= since) && at < to)
        .reduce((all, one) => all + (one[what] ?? 0n), 0n)
    return {
      from,
      to,
      claimed: sum('claimed', from),
      added: sum('added', from),
      redeemed: sum('redeemed', from),
      available: sum('gained', undefined),
    }
  })
}

const places = [
  ['UTC', '2026-01-31T12:00:00Z'],
  ['Europe/Berlin', '2026-03-28T12:00:00Z'],
  ['Europe/Berlin', '2026-10-24T12:00:00Z'],
  ['Asia/Kolkata', '2026-05-31T12:00:00Z'],
  ['America/Sao_Paulo', '2018-11-03T12:00:00Z'],
  ['Pacific/Apia', '2011-12-29T12:00:00Z'],
] as const

const act = fc.record({
  quarters: fc.constantFrom(-2, -1, 0, 0, 0, 1, 1, 2, 3, 20),
  what: fc.constantFrom(
    'claim',
    'claim',
    'claim',
    'generate',
    'upload',
    'undo',
    'withdraw',
    'restore',
    'redeem',
  ),
  count: fc.integer({ min: 1, max: 4 }),
} as const)

const question = fc.record({
  step: fc.constantFrom('HOUR', 'DAY', 'WEEK', 'MONTH'),
  from: fc.integer({ min: -60, max: 200 }),
  length: fc.nat(400),
} as const)

describe('the activity of a pool', () => {
  it('is that of going through all that has happened', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...places),
        fc.array(act, { maxLength: 30 }),
        fc.array(question, { minLength: 1, maxLength: 4 }),
        async ([timeZone, start], acts, asked) => {
          const story = await newStory(new Date(start))
          for (const { quarters, what, count } of acts) {
            story.turn(quarters)
            await story[what](count)
          }
          for (const { step, from, length } of asked) {
            const at = (quarters: number) => new Date(new Date(start).getTime() + quarters * quarterMs)
            const time = { step, timeZone, from: at(from), to: at(from + length) }
            expect(await story.read(time)).toEqual(expected(story.happened, time))
          }
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('what is known of a pool from before its changes of stock were noted', () => {
  it('never shows fewer codes than none, even if its task ended after claims from it', async () => {
    const start = new Date('2026-03-01T00:00:00Z')
    const story = await newStory(start)
    await story.generate(5)
    await story.claim(3)
    const [change] = await test.books.rows<{ at: Date }>({
      text: 'SELECT at FROM stock_change WHERE account_id = $1 AND pool_id = $2',
      values: [test.accountId, story.poolId],
    })
    await test.books.rows({
      text: 'UPDATE stock_change SET at = $3 WHERE account_id = $1 AND pool_id = $2',
      values: [test.accountId, story.poolId, new Date((change?.at.getTime() ?? 0) + 5)],
    })
    const time = { from: new Date(start.getTime() - 1), to: start, step: 'HOUR', timeZone: 'UTC' } as const
    const activity = await story.read({ ...time, to: new Date(start.getTime() + 1) })
    expect(activity.map(({ available }) => available)).toEqual([0n, 2n])
  })
})
