import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Statement } from '../../../src/database/transaction.ts'
import type { Books } from '../../../src/domain/books/books.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import {
  type ChoosePage,
  type Code,
  type CodeOrigin,
  type CodePage,
  readCode,
  readCodes,
} from '../../../src/domain/code/code.ts'
import type { CodeStatus } from '../../../src/domain/pool/snapshot.ts'
import { undoUpload } from '../../../src/domain/upload/finish.ts'
import { fill, newAccount, newFormat, newPool, newSmallFormat, useBooks } from '../../support/books.ts'
import { clearAway, newCodes, upload } from '../../support/uploads.ts'

const test = useBooks()
let claims: Claims
beforeAll(async () => {
  claims = new Claims(test.books)
})

interface Cursors {
  after?: CodeOrigin | undefined
  before?: CodeOrigin | undefined
}

async function read(
  poolId: string,
  status: CodeStatus,
  choose: ChoosePage,
  cursors: Cursors = {},
): Promise<CodePage> {
  const { after, before } = cursors
  const page = await readCodes(test.books, test.accountId, poolId, status, { after, before }, choose)
  if (page === undefined) throw new Error('A cursor was not accepted.')
  return page
}

/** The first ten codes of a list, or after a cursor. */
const firstTen: ChoosePage = (total, after) => {
  const from = after === undefined || after < 0n ? 0n : after + 1n
  return { from, to: from + 10n < total ? from + 10n : total }
}

const all: ChoosePage = (total) => ({ from: 0n, to: total })

function texts(codes: readonly { code: string }[]): string[] {
  return codes.map(({ code }) => code)
}

async function claim(poolId: string, count: number, recipient?: string): Promise<Code[]> {
  return (await claims.claim(test.accountId, { poolId, count, recipient })).codes
}

describe('the available codes of a pool', () => {
  it('come in the order in which they will be claimed', async () => {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    await fill(test, poolId, formatId, 20n)
    await claim(poolId, 3)
    const page = await read(poolId, 'AVAILABLE', firstTen)
    expect(page).toMatchObject({ from: 0n, to: 10n, total: 17n })
    for (const code of page.codes) expect(code).toMatchObject({ poolId, formatId, claim: undefined })
    expect(texts(await claim(poolId, 10))).toEqual(texts(page.codes))
  })

  it('can be read anywhere in a list of a billion', async () => {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    const small = await newSmallFormat(test, 5)
    const billion = 1_000_000_000n
    await fill(test, poolId, formatId, billion)
    await fill(test, poolId, small, 5n)
    const space = await test.books.codeSpaces.get(test.books, test.accountId, formatId)
    const smallSpace = await test.books.codeSpaces.get(test.books, test.accountId, small)
    for (const from of [0n, 123_456_789n, billion - 8n]) {
      const page = await read(poolId, 'AVAILABLE', () => ({ from, to: from + 8n }))
      expect(page.total).toBe(billion + 5n)
      expect(texts(page.codes)).toEqual(space.codesAt(from, 8))
    }
    const end = await read(poolId, 'AVAILABLE', (total) => ({ from: total - 7n, to: total }))
    expect(texts(end.codes)).toEqual([...space.codesAt(billion - 2n, 2), ...smallSpace.codesAt(0n, 5)])

    const deep = { formatId, index: 987_654_321n }
    const next = await read(poolId, 'AVAILABLE', firstTen, { after: deep })
    expect(texts(next.codes)).toEqual(space.codesAt(987_654_322n, 10))
    await claim(poolId, 1_000)
    const same = await read(poolId, 'AVAILABLE', firstTen, { after: deep })
    expect(same).toMatchObject({ from: next.from - 1_000n, total: billion - 995n, codes: next.codes })
  })

  it('continue with the first one if the code of the cursor has been claimed meanwhile', async () => {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    await fill(test, poolId, formatId, 20n)
    const page = await read(poolId, 'AVAILABLE', firstTen)
    const after = page.codes[2]
    await claim(poolId, 5)
    const places: unknown[] = []
    const next = await read(
      poolId,
      'AVAILABLE',
      (total, place, before) => {
        places.push(place, before)
        return firstTen(total, place, before)
      },
      { after, before: page.codes[4] },
    )
    expect(places).toEqual([-3n, -1n])
    expect(next).toMatchObject({ from: 0n, total: 15n })
    expect(texts(next.codes).slice(0, 5)).toEqual(texts(page.codes).slice(5))
  })

  it('are none in an empty pool', async () => {
    const poolId = await newPool(test)
    const page = { from: 0n, to: 0n, total: 0n, codes: [] }
    expect(await read(poolId, 'AVAILABLE', all)).toEqual(page)
    expect(await read(poolId, 'CLAIMED', all)).toEqual(page)
  })
})

describe('the claimed codes of a pool', () => {
  it('come newest first, each with its claim, across claims of all sizes and batches', async () => {
    const formatId = await newFormat(test)
    const small = await newSmallFormat(test, 7)
    const poolId = await newPool(test)
    await fill(test, poolId, formatId, 4n)
    await fill(test, poolId, small, 7n)
    await fill(test, poolId, formatId, 30n)
    const handedOut: Code[] = []
    for (const [i, count] of [1, 5, 1, 12, 3, 1].entries())
      handedOut.unshift(...(await claim(poolId, count, i % 2 === 0 ? `recipient ${i}` : undefined)).reverse())
    const page = await read(poolId, 'CLAIMED', all)
    expect(page).toEqual({ from: 0n, to: 23n, total: 23n, codes: handedOut })

    // With pages of any size.
    for (const size of [1n, 2n, 5n, 22n]) {
      const paged: Code[] = []
      for (let from = 0n; from < 23n; from += size) {
        const to = from + size < 23n ? from + size : 23n
        paged.push(...(await read(poolId, 'CLAIMED', () => ({ from, to }))).codes)
      }
      expect(paged).toEqual(handedOut)
    }
  })

  it('continue after a cursor, even if more have been claimed meanwhile', async () => {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    await fill(test, poolId, formatId, 40n)
    await claim(poolId, 15)
    const page = await read(poolId, 'CLAIMED', firstTen)
    await claim(poolId, 7)
    const rest = await read(poolId, 'CLAIMED', firstTen, { after: page.codes.at(-1) })
    expect(rest).toMatchObject({ from: 17n, to: 22n, total: 22n })
    const newer = await read(
      poolId,
      'CLAIMED',
      (_total, _after, before) => ({ from: 0n, to: before ?? 0n }),
      {
        before: page.codes[0],
      },
    )
    expect(newer.codes).toHaveLength(7)
    expect(texts([...newer.codes, ...page.codes, ...rest.codes])).toEqual(
      texts((await read(poolId, 'CLAIMED', all)).codes),
    )
  })

  it('begin after the cursor of a code that is still available', async () => {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    await fill(test, poolId, formatId, 5n)
    const [first] = await claim(poolId, 2)
    const available = await read(poolId, 'AVAILABLE', all)
    const page = await read(poolId, 'CLAIMED', firstTen, { after: available.codes[0] })
    expect(page.codes).toHaveLength(2)
    expect(page.codes.at(-1)).toEqual(first)
  })
})

describe('a cursor', () => {
  it('is refused if its code is not in the pool', async () => {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    const other = await newPool(test)
    await fill(test, poolId, formatId, 5n)
    await fill(test, other, formatId, 5n)
    const { codes } = await read(other, 'AVAILABLE', all)
    const strange = [
      codes[0],
      { formatId, index: 10n },
      { formatId, index: 2n ** 96n },
      { formatId: randomUUID(), index: 0n },
    ]
    for (const origin of strange)
      for (const cursors of [
        { after: origin, before: undefined },
        { after: undefined, before: origin },
      ])
        for (const status of ['AVAILABLE', 'CLAIMED'] as const)
          expect(await readCodes(test.books, test.accountId, poolId, status, cursors, all)).toBeUndefined()
  })

  it('and a pool of another account do not exist', async () => {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    await fill(test, poolId, formatId, 5n)
    const other = await newAccount(test.books)
    const none = { after: undefined, before: undefined }
    expect(await readCodes(test.books, other, poolId, 'AVAILABLE', none, all)).toBeUndefined()
    const theirs = { books: test.books, accountId: other }
    const theirPool = await newPool(theirs)
    const origin = { after: { formatId, index: 0n }, before: undefined }
    expect(await readCodes(test.books, other, theirPool, 'AVAILABLE', origin, all)).toBeUndefined()
  })
})

describe('while an upload before them is undone, codes', () => {
  /** A pool of three uploaded codes followed by ten generated ones, and books that undo the upload before a statement. */
  async function undoneBefore(statement: string) {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    const taskId = await upload(test, poolId, newCodes(3))
    await fill(test, poolId, formatId, 10n)
    let undone = false
    const books: Books = Object.assign(Object.create(test.books), {
      async rows(asked: Statement) {
        if (asked.name === statement && !undone) {
          undone = true
          await undoUpload(test.books, test.accountId, taskId)
          await clearAway(test, taskId)
        }
        return await test.books.rows(asked)
      },
    })
    const space = await test.books.codeSpaces.get(test.books, test.accountId, formatId)
    return { books, poolId, formatId, generated: space.codesAt(0n, 10), wasUndone: () => undone }
  }

  const none = { after: undefined, before: undefined }

  it.each(['read-snapshot', 'read-batches', 'read-uploaded-codes', 'check-snapshot'])(
    'are listed as they are then (%s)',
    async (statement) => {
      const { books, poolId, generated, wasUndone } = await undoneBefore(statement)
      const page = await readCodes(books, test.accountId, poolId, 'AVAILABLE', none, all)
      expect(wasUndone()).toBe(true)
      expect(page).toMatchObject({ from: 0n, to: 10n, total: 10n })
      expect(texts(page?.codes ?? [])).toEqual(generated)
    },
  )

  it('follow a cursor without a gap', async () => {
    const { books, poolId, formatId, generated, wasUndone } = await undoneBefore('read-batches')
    const cursors = { after: { formatId, index: 4n }, before: undefined }
    const page = await readCodes(books, test.accountId, poolId, 'AVAILABLE', cursors, firstTen)
    expect(wasUndone()).toBe(true)
    expect(texts(page?.codes ?? [])).toEqual(generated.slice(5))
  })

  it('are found by their origin', async () => {
    const { books, formatId, generated, wasUndone } = await undoneBefore('read-batches')
    for (const index of [1n, 9n]) {
      const code = await readCode(books, test.accountId, { formatId, index })
      expect(code).toMatchObject({ formatId, index, code: generated[Number(index)] })
    }
    expect(wasUndone()).toBe(true)
  })
})

describe('a code', () => {
  it('has the same origin before and after it is claimed', async () => {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    await fill(test, poolId, formatId, 3n)
    const [before] = (await read(poolId, 'AVAILABLE', all)).codes
    const [claimed] = await claim(poolId, 1, 'ann')
    expect(claimed).toMatchObject({ formatId: before?.formatId, index: before?.index, code: before?.code })
    const origin = { formatId, index: claimed?.index ?? 0n }
    expect(await readCode(test.books, test.accountId, origin)).toEqual(claimed)
    expect(await readCode(test.books, await newAccount(test.books), origin)).toBeUndefined()
    expect(await readCode(test.books, test.accountId, { formatId, index: 3n })).toBeUndefined()
    expect(await readCode(test.books, test.accountId, { formatId, index: 2n })).toMatchObject({
      claim: undefined,
    })
  })
})
