import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { readCode, readCodes } from '../../../src/domain/code/code.ts'
import { maxHoles, readBatches } from '../../../src/domain/pool/batch.ts'
import { type CodeStatus, rangesOfTask } from '../../../src/domain/pool/snapshot.ts'
import { restoreCodes } from '../../../src/domain/stock/restore.ts'
import { withdrawCodes } from '../../../src/domain/stock/withdraw.ts'
import { expectBalance } from '../../support/audit.ts'
import { fill, newFormat, newPool, newSmallFormat, useBooks } from '../../support/books.ts'
import { upload } from '../../support/uploads.ts'

const test = useBooks()
afterAll(async () => {
  await expectBalance(test)
})

async function list(poolId: string, status: CodeStatus): Promise<string[]> {
  const none = { after: undefined, before: undefined }
  const page = await readCodes(test.books, test.accountId, poolId, status, none, (total) => ({
    from: 0n,
    to: total,
  }))
  return page?.codes.map(({ code }) => code) ?? []
}

async function claim(poolId: string, count: number): Promise<string[]> {
  const { codes } = await new Claims(test.books).claim(test.accountId, { poolId, count })
  return codes.map(({ code }) => code)
}

/** A pool as lists of codes with their tasks. */
interface Line {
  claimed: Stocked[]
  available: Stocked[]
  withdrawn: Stocked[]
}
interface Stocked {
  code: string
  taskId: string
}

const texts = (codes: readonly Stocked[]) => codes.map(({ code }) => code)

/** Moves the codes of a task, or all, from one list to the end of another. */
function move(from: Stocked[], to: Stocked[], taskId: string | undefined): number {
  const leaves = ({ taskId: own }: Stocked) => taskId === undefined || own === taskId
  const moved = from.filter(leaves)
  from.splice(0, from.length, ...from.filter((code) => !leaves(code)))
  to.push(...moved)
  return moved.length
}

type Step =
  | { does: 'generate' | 'upload' | 'claim'; count: number }
  | { does: 'withdraw' | 'restore'; task: number | undefined }

const capacity = 60
const counted = (does: 'generate' | 'upload' | 'claim', max: number): fc.Arbitrary<Step> =>
  fc.record({ does: fc.constant(does), count: fc.integer({ min: 1, max }) })
const moved = (does: 'withdraw' | 'restore'): fc.Arbitrary<Step> =>
  fc.record({ does: fc.constant(does), task: fc.option(fc.nat({ max: 20 }), { nil: undefined, freq: 2 }) })
const step = fc.oneof(
  { weight: 3, arbitrary: counted('generate', 12) },
  { weight: 1, arbitrary: counted('upload', 6) },
  { weight: 4, arbitrary: counted('claim', 6) },
  { weight: 3, arbitrary: moved('withdraw') },
  { weight: 2, arbitrary: moved('restore') },
)

describe('batches that are cut', () => {
  it('give every code its place, wherever they are cut and however many holes they have', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat({ max: capacity - 1 }), { maxLength: capacity / 2 }),
        fc.array(step, { minLength: 4, maxLength: 16 }),
        expectModel,
      ),
      { numRuns: 15 },
    )
  })

  async function expectModel(holes: readonly number[], steps: readonly Step[]): Promise<void> {
    const { books, accountId } = test
    const [formatId, poolId] = [await newSmallFormat(test, capacity), await newPool(test)]
    const space = await books.codeSpaces.get(books, accountId, formatId)
    const all = space.codesAt(0n, capacity)
    // Uploaded into another pool, so that the batches of this one pass over them.
    const taken = new Set(holes.map((index) => all[index] as string))
    if (taken.size > 0) await upload(test, await newPool(test), [...taken])
    const free = all.filter((code) => !taken.has(code))
    const line: Line = { claimed: [], available: [], withdrawn: [] }
    const tasks: string[] = []
    const take = async (does: 'generate' | 'upload' | 'claim', count: number) => {
      if (does === 'claim') {
        if (line.available.length < count) return
        const handedOut = line.available.splice(0, count)
        line.claimed.push(...handedOut)
        expect(await claim(poolId, count)).toEqual(texts(handedOut))
        return
      }
      if (does === 'generate' && free.length < count) return
      const codes =
        does === 'generate'
          ? free.splice(0, count)
          : Array.from({ length: count }, (_, i) => `${poolId}-${tasks.length}-${i}`)
      const taskId =
        does === 'generate'
          ? await fill(test, poolId, formatId, BigInt(count))
          : await upload(test, poolId, codes)
      tasks.push(taskId)
      line.available.push(...codes.map((code) => ({ code, taskId })))
    }
    for (const next of steps) {
      if ('count' in next) {
        await take(next.does, next.count)
        continue
      }
      const taskId = next.task === undefined ? undefined : tasks[next.task % tasks.length]
      const [change, from, to] =
        next.does === 'withdraw'
          ? [withdrawCodes, line.available, line.withdrawn]
          : [restoreCodes, line.withdrawn, line.available]
      const count = BigInt(move(from, to, taskId))
      expect(await change(books, accountId, { poolId, taskId })).toMatchObject({ count })
    }
    expect(await list(poolId, 'CLAIMED')).toEqual(texts(line.claimed).toReversed())
    expect(await list(poolId, 'AVAILABLE')).toEqual(texts(line.available))
    expect(await list(poolId, 'WITHDRAWN')).toEqual(texts(line.withdrawn))
    // By index: the place of each code of the format, and of none that was uploaded.
    const whole = [...line.claimed, ...line.available]
    const found = await Promise.all(
      all.map((_, index) => readCode(books, accountId, { formatId, index: BigInt(index) })),
    )
    for (const [index, code] of all.entries()) {
      const place = [whole, line.withdrawn]
        .map((lane) => lane.findIndex((stocked) => stocked.code === code))
        .map((position, lane) => (position < 0 ? undefined : [lane === 0 ? 'LINE' : 'WITHDRAWN', position]))
        .find((one) => one !== undefined)
      const got = found[index]
      expect(got && [got.lane, Number(got.position)]).toEqual(place)
    }
    // By task: its codes are at its places, and at no others.
    for (const task of tasks) {
      const places = (await rangesOfTask(books, accountId, poolId, task)) ?? []
      const lanes = { LINE: whole, WITHDRAWN: line.withdrawn }
      const own = places.flatMap(({ lane, from, to }) => lanes[lane].slice(Number(from), Number(to)))
      expect(own).toEqual([...whole, ...line.withdrawn].filter(({ taskId }) => taskId === task))
      for (const [at, { lane, from }] of places.entries())
        expect(places[at - 1]).not.toMatchObject({ lane, to: from })
    }
  }

  it('have no more holes than a batch may have', async () => {
    const { books, accountId } = test
    const list60 = Array.from({ length: 60 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join('')
    const [formatId, poolId] = [
      await newFormat(test, { length: 2, characters: { list: list60 } }),
      await newPool(test),
    ]
    const space = await books.codeSpaces.get(books, accountId, formatId)
    const all = space.codesAt(0n, 2_000)
    const isHole = (index: number) => index % 2 === 1 || (index > 700 && index < 1_300)
    await upload(
      test,
      await newPool(test),
      all.filter((_, index) => isHole(index)),
    )
    const free = all.filter((_, index) => !isHole(index))
    await fill(test, poolId, formatId, 600n)
    const handedOut: string[] = []
    // Within the first batch, at its end, and in the run of holes.
    for (const count of [100, 156, 95, 1]) {
      handedOut.push(...(await claim(poolId, count)))
      await withdrawCodes(books, accountId, { poolId })
      await restoreCodes(books, accountId, { poolId })
    }
    const batches = await readBatches(books, accountId, poolId, 0n, { limit: 1_000 })
    for (const { holes, count } of batches) {
      expect(holes).toBeLessThanOrEqual(maxHoles)
      expect(count).toBeGreaterThan(0n)
    }
    handedOut.push(...(await claim(poolId, 600 - handedOut.length)))
    expect(handedOut).toEqual(free.slice(0, 600))
  })
})
