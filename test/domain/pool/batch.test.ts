import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Semaphore } from '../../../src/async/semaphore.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { readCode, readCodes } from '../../../src/domain/code/code.ts'
import { LookUps } from '../../../src/domain/code/lookup.ts'
import { maxHoles, readBatches } from '../../../src/domain/pool/batch.ts'
import type { CodeStatus } from '../../../src/domain/pool/snapshot.ts'
import { undoUpload } from '../../../src/domain/upload/finish.ts'
import { expectBalance } from '../../support/audit.ts'
import { fill, formatNow, newFormat, newPool, poolNow, useBooks } from '../../support/books.ts'
import { newCodes, upload } from '../../support/uploads.ts'

// A format with many uploaded codes: single ones, neighbours, and runs that are longer than the holes of a batch.
const capacity = 6_000
const quantities = [1, 40, 700, 299, 1_000]

const test = useBooks()
let claims: Claims
let poolId: string
let formatId: string
let uploadId: string
/** All codes of the format, in their secret order, and those of them that were uploaded. */
let codes: string[]
let uploaded: Set<string>
/** The codes that have been generated since. */
let generated: string[]

function isTaken(index: number): boolean {
  if (index < 2 * maxHoles + 10) return true
  if (index < 1_500) return index % 2 === 0
  if (index < 2_500) return index % 7 < 5
  if (index < 2_500 + maxHoles) return true
  return index % 301 === 0
}

beforeAll(async () => {
  claims = new Claims(test.books)
  formatId = await newFormat(test, { length: 2, characters: { list: charactersOf(80) } })
  const space = await test.books.codeSpaces.get(test.books, test.accountId, formatId)
  codes = space.codesAt(0n, capacity)
  uploaded = new Set(codes.filter((_, index) => isTaken(index)))
  uploadId = await upload(test, await newPool(test), [...uploaded])
  poolId = await newPool(test)
  for (const quantity of quantities) await fill(test, poolId, formatId, BigInt(quantity))
  const total = quantities.reduce((sum, quantity) => sum + quantity)
  generated = codes.filter((code) => !uploaded.has(code)).slice(0, total)
})
afterAll(async () => {
  await expectBalance(test)
})

function charactersOf(count: number): string {
  return Array.from({ length: count }, (_, i) => String.fromCodePoint(0x4e00 + i)).join('')
}

async function list(status: CodeStatus): Promise<string[]> {
  const page = await readCodes(
    test.books,
    test.accountId,
    poolId,
    status,
    { after: undefined, before: undefined },
    (total) => ({ from: 0n, to: total }),
  )
  return page?.codes.map(({ code }) => code) ?? []
}

describe('a pool whose format has many uploaded codes', () => {
  it('has all other codes of the format, in their order', async () => {
    expect(await list('AVAILABLE')).toEqual(generated)
  })

  it('needs few batches for them', async () => {
    const batches = await readBatches(test.books, test.accountId, poolId, 0n, { limit: 10_000 })
    expect(batches.length).toBeLessThan(quantities.length + uploaded.size / maxHoles)
    for (const { holes } of batches) expect(holes).toBeLessThanOrEqual(maxHoles)
  })

  it('leaves the rest to the format', async () => {
    const { next, takenAhead } = await formatNow(test, formatId)
    const last = codes.indexOf(generated.at(-1) as string)
    expect(Number(next)).toBe(last + 1)
    expect(Number(takenAhead)).toBe(codes.slice(last + 1).filter((code) => uploaded.has(code)).length)
  })

  it('finds the position of each of its codes, and of no uploaded one', async () => {
    const { books, accountId } = test
    // All 6,000 at once would wait longer for a connection than they may, on a busy machine.
    const reads = new Semaphore(20)
    const found = await Promise.all(
      codes.map((_, index) =>
        reads.run(() => readCode(books, accountId, { formatId, index: BigInt(index) })),
      ),
    )
    expect(found.map((code) => code?.code)).toEqual(
      codes.map((code) => (generated.includes(code) ? code : undefined)),
    )
    const lookUps = new LookUps(books)
    for (const index of [0, 600, 601, 602, 1_501, 2_101, 2_499, 3_000, 3_010, 5_999]) {
      const code = codes[index] as string
      const origin = uploaded.has(code) ? { uploadId } : generated.includes(code) ? { formatId } : undefined
      const answer = await lookUps.find(accountId, code)
      expect(answer === undefined ? undefined : { ...answer, ...origin }).toEqual(answer)
      expect(answer?.code).toBe(origin === undefined ? undefined : code)
    }
  })

  it('is listed from any code on', async () => {
    const { books, accountId } = test
    for (const place of [0, 1, 40, 500, 1_999]) {
      const index = BigInt(codes.indexOf(generated[place] as string))
      const page = await readCodes(
        books,
        accountId,
        poolId,
        'AVAILABLE',
        { after: { formatId, index }, before: undefined },
        (_, after = 0n) => ({ from: after, to: after + 3n }),
      )
      expect(page?.codes.map(({ code }) => code)).toEqual(generated.slice(place, place + 3))
    }
  })

  it('moves down as a whole when an upload before it is undone', async () => {
    const later = await newPool(test)
    const undone = await upload(test, later, newCodes(3))
    const otherFormat = await newFormat(test, { length: 2, characters: { list: charactersOf(40) } })
    const space = await test.books.codeSpaces.get(test.books, test.accountId, otherFormat)
    const all = space.codesAt(0n, 1_600)
    const holes = new Set(all.filter((_, index) => index % 2 === 0))
    await upload(test, await newPool(test), [...holes])
    await fill(test, later, otherFormat, 800n)
    await undoUpload(test.books, test.accountId, undone)
    expect((await poolNow(test, later)).total).toBe(800n)
    const { codes: claimed } = await claims.claim(test.accountId, { poolId: later, count: 800 })
    expect(claimed.map(({ code }) => code)).toEqual(all.filter((code) => !holes.has(code)))
  })

  it('hands them out in order, however many at once', async () => {
    const handedOut: string[] = []
    for (const count of [1, 2, 255, 256, 257, 700, 1, 500]) {
      const { codes: claimed } = await claims.claim(test.accountId, { poolId, count })
      handedOut.push(...claimed.map(({ code }) => code))
    }
    expect(handedOut).toEqual(generated.slice(0, handedOut.length))
    expect(await list('CLAIMED')).toEqual(handedOut.toReversed())
    expect(await list('AVAILABLE')).toEqual(generated.slice(handedOut.length))
  })
})
