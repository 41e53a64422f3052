import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readPastUsage } from '../../../src/domain/usage/past-usage.ts'
import { newPool, useBooks } from '../../support/books.ts'
import { redeem, rollBack, type Span, unvoidCodes, voidCodes } from '../../support/usage.ts'

const place = useBooks()

const codes = 12

/** What had become of each code of a pool. */
interface Fates {
  version: bigint
  /** The references. */
  redeemed: (string | undefined)[]
  isVoid: boolean[]
}

/** The positions as few spans. */
function spansOf(positions: readonly bigint[]): Span[] {
  const spans: Span[] = []
  for (const position of positions) {
    const last = spans.at(-1)
    if (last !== undefined && last.first + last.count === position) last.count += 1n
    else spans.push({ first: position, count: 1n })
  }
  return spans
}

/** What was read of the positions [from, to), page by page. */
async function read(poolId: string, usage: bigint, from: bigint, to: bigint, limit: number) {
  const redeemed: (string | undefined)[] = Array(codes).fill(undefined)
  const isVoid: boolean[] = Array(codes).fill(false)
  let pages = 0
  for (let position = from; position < to; pages++) {
    const page = await readPastUsage(place.books, place.accountId, poolId, {
      usage,
      from: position,
      to,
      limit,
    })
    expect(page.until).toBeGreaterThan(position)
    for (const { position: at, reference } of page.redemptions)
      if (at < page.until) {
        expect([at, redeemed[Number(at)]]).toEqual([at, undefined])
        redeemed[Number(at)] = reference
      }
    for (const { first, end } of page.voids)
      for (let at = first; at < end; at++)
        if (at >= position && at < page.until) {
          expect([at, isVoid[Number(at)]]).toEqual([at, false])
          isVoid[Number(at)] = true
        }
    position = page.until
  }
  return { redeemed, isVoid, pages }
}

const actions = fc.array(
  fc.record({
    what: fc.constantFrom('redeem', 'roll back', 'void', 'unvoid'),
    from: fc.integer({ min: 0, max: codes - 1 }),
    count: fc.integer({ min: 1, max: 5 }),
  }),
  { minLength: 1, maxLength: 12 },
)

test('what had become of codes can be read as of every version, in pages of any size', async () => {
  await fc.assert(
    fc.asyncProperty(
      actions,
      fc.integer({ min: 2, max: 5 }),
      fc.integer({ min: 0, max: codes - 1 }),
      async (all, limit, from) => {
        const poolId = await newPool(place)
        let now: Fates = {
          version: 0n,
          redeemed: Array(codes).fill(undefined),
          isVoid: Array(codes).fill(false),
        }
        const then = [now]
        for (const { what, from: start, count } of all) {
          const positions = Array.from({ length: codes }, (_, at) => at).slice(start, start + count)
          const { redeemed, isVoid } = structuredClone(now)
          const some = (test: (at: number) => boolean) => positions.filter(test).map(BigInt)
          let version: bigint
          if (what === 'redeem') {
            const free = some((at) => redeemed[at] === undefined)
            const reference = `${then.length}`
            version = await redeem(place, poolId, free, { reference })
            for (const at of free) redeemed[Number(at)] = reference
          } else if (what === 'roll back') {
            version = await rollBack(place, poolId, positions.map(BigInt))
            for (const at of positions) redeemed[at] = undefined
          } else if (what === 'void') {
            const good = some((at) => !isVoid[at])
            version = await voidCodes(place, poolId, ...spansOf(good))
            for (const at of good) isVoid[Number(at)] = true
          } else {
            const last = positions.at(-1) ?? start
            version = await unvoidCodes(place, poolId, {
              first: BigInt(start),
              count: BigInt(last - start + 1),
            })
            for (const at of positions) isVoid[at] = false
          }
          now = { version, redeemed, isVoid }
          then.push(now)
        }
        for (const { version, redeemed, isVoid } of then) {
          const found = await read(poolId, version, BigInt(from), BigInt(codes), limit)
          const here = <T>(values: T[]) => values.slice(from)
          expect([version, here(found.redeemed), here(found.isVoid)]).toEqual([
            version,
            here(redeemed),
            here(isVoid),
          ])
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('a void that begins long before is found, and nothing else is read for it', async () => {
  const poolId = await newPool(place)
  await voidCodes(
    place,
    poolId,
    { first: 0n, count: 2n },
    { first: 3n, count: 7n },
    { first: 11n, count: 1n },
  )
  const { isVoid, pages } = await read(poolId, 1n, 5n, 12n, 100)
  expect(isVoid.slice(5)).toEqual([true, true, true, true, true, false, true])
  expect(pages).toBe(1)
})
