import { v7 as newId } from 'uuid'
import { describe, expect, it } from 'vitest'
import type { Books } from '../../../src/domain/books/books.ts'
import { InvalidInputError, NotFoundError } from '../../../src/domain/books/errors.ts'
import { readHistory } from '../../../src/domain/books/event-log.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { type CodeOrigin, readPositions } from '../../../src/domain/code/code.ts'
import { lockUsage } from '../../../src/domain/usage/lock.ts'
import { readUsage } from '../../../src/domain/usage/usage.ts'
import type { Select } from '../../../src/domain/void/select.ts'
import { unvoidCodes, voidCodes } from '../../../src/domain/void/void.ts'
import { fill, newFormat, newPlace, newPool, poolNow, useBooks } from '../../support/books.ts'
import { upload } from '../../support/uploads.ts'

const shared = useBooks()

/** A pool of an account of its own. Of its `total` codes, `claimed` have been claimed, one by one. */
async function stocked({ total = 30n, claimed = 20, recipients = ['Ada'] } = {}) {
  const place = await newPlace(shared)
  const { books, accountId } = place
  const poolId = await newPool(place)
  const taskId = await fill(place, poolId, await newFormat(place), total)
  const claims = new Claims(books)
  for (let i = 0; i < claimed; i++)
    await claims.claim(accountId, { poolId, count: 1, recipient: recipients[i % recipients.length] })
  return { place, accountId, poolId, taskId, claims }
}

type Stock = Awaited<ReturnType<typeof stocked>>

async function originsOf(
  { place, accountId }: Stock,
  poolId: string,
  from: number,
  to: number,
): Promise<CodeOrigin[]> {
  const codes = await readPositions(
    place.books,
    accountId,
    poolId,
    { lane: 'LINE', from: BigInt(from), to: BigInt(to) },
    false,
  )
  return codes.map(({ formatId, uploadId, index }) =>
    formatId === undefined ? { uploadId, index } : { formatId, index },
  )
}

const codesOf = async (stock: Stock, from: number, to: number): Promise<Select> => ({
  codes: await originsOf(stock, stock.poolId, from, to),
})

/** The void positions of [0, 30) of a pool as runs, with their reasons. */
async function voidOf({ place, accountId, poolId }: Stock): Promise<string[]> {
  const positions = Array.from({ length: 30 }, (_, i) => BigInt(i))
  const usages = await readUsage(
    place.books,
    accountId,
    positions.map((position) => ({ poolId, position })),
  )
  const runs: { reason: string; from: number; to: number }[] = []
  for (const [i, usage] of usages.entries()) {
    if (usage.void === undefined) continue
    const reason = usage.void.reason ?? '-'
    const last = runs.at(-1)
    if (last?.to === i && last.reason === reason) last.to = i + 1
    else runs.push({ reason, from: i, to: i + 1 })
  }
  return runs.map(({ reason, from, to }) => `${from}-${to} ${reason}`)
}

interface VoidRow {
  first: string
  count: string
  version: string
  unvoided_version: string | null
}

async function rowsOf({ place, accountId, poolId }: Stock): Promise<VoidRow[]> {
  return await place.books.rows<VoidRow & { reason: string | null }>({
    text: `SELECT first, count, reason, version, unvoided_version FROM code_void
           WHERE account_id = $1 AND pool_id = $2 ORDER BY version, first`,
    values: [accountId, poolId],
  })
}

/** As a redemption of the API is written. */
async function redeem(
  books: Books,
  { accountId, poolId }: Pick<Stock, 'accountId' | 'poolId'>,
  position: number,
) {
  await books.write(accountId, async (tx) => {
    const version = (await lockUsage(tx, poolId)) + 1n
    const [usage] = await readUsage(tx, accountId, [{ poolId, position: BigInt(position) }])
    if (usage?.void !== undefined) throw new Error('It is void.')
    await tx.execute({
      text: `INSERT INTO redemption (account_id, id, pool_id, position, reference, at, version)
             VALUES ($1, $2, $3, $4, 'order', $5, $6)`,
      values: [accountId, newId(), poolId, position, tx.now(), version],
    })
    await tx.execute({
      text: 'UPDATE pool_usage SET redeemed = redeemed + 1, version = $3 WHERE account_id = $1 AND pool_id = $2',
      values: [accountId, poolId, version],
    })
  })
}

async function eventsOf({ place, accountId }: Stock) {
  const events = await readHistory(place.books, accountId, { limit: 100, fromOldest: true })
  return events
    .toReversed()
    .filter(({ kind }) => kind === 'CODES_VOIDED' || kind === 'CODES_UNVOIDED')
    .map(({ kind, poolId, payload }) => ({ kind, poolId, ...payload }))
}

const none = { voided: 0n, redeemed: 0n, alreadyVoid: 0n, notClaimed: 0n }

describe('voiding', () => {
  it('ends the validity of codes chosen by their ids, given twice or in any order', async () => {
    const stock = await stocked()
    const { place, accountId, poolId } = stock
    const codes = await originsOf(stock, poolId, 3, 6)
    const select = { codes: [...codes.toReversed(), ...codes, ...(await originsOf(stock, poolId, 9, 10))] }
    expect(await voidCodes(place.books, accountId, { select, reason: 'leak' })).toEqual({
      ...none,
      voided: 4n,
      poolIds: [poolId],
    })
    expect(await voidOf(stock)).toEqual(['3-6 leak', '9-10 leak'])
    expect(await poolNow(place, poolId)).toMatchObject({ voided: 4n, redeemed: 0n })
    expect(await rowsOf(stock)).toMatchObject([
      { first: '3', count: '3', version: '1' },
      { first: '9', count: '1', version: '1' },
    ])
    expect(await eventsOf(stock)).toEqual([
      { kind: 'CODES_VOIDED', poolId, count: '4', reason: 'leak', taskId: null },
    ])
  })

  it('ends that of the codes of a claim', async () => {
    const stock = await stocked({ claimed: 2 })
    const { place, accountId, poolId, claims } = stock
    await claims.claim(accountId, { poolId, count: 5 })
    await claims.claim(accountId, { poolId, count: 1 })
    await voidCodes(place.books, accountId, { select: { claim: { poolId, first: 2n } } })
    expect(await voidOf(stock)).toEqual(['2-7 -'])
  })

  it('ends that of the claimed codes of a task, and counts the others', async () => {
    const stock = await stocked({ total: 12n, claimed: 10 })
    const { place, accountId, poolId, claims } = stock
    const format = await newFormat(place)
    await upload(place, poolId, ['one', 'two', 'three'])
    const taskId = await fill(place, poolId, format, 5n)
    await claims.claim(accountId, { poolId, count: 7 })
    const first = await voidCodes(place.books, accountId, {
      select: { taskId: stock.taskId },
      reason: 'first',
    })
    expect(first).toEqual({ ...none, voided: 12n, poolIds: [poolId] })
    const second = await voidCodes(place.books, accountId, { select: { taskId }, reason: 'second' })
    expect(second).toEqual({ ...none, voided: 2n, notClaimed: 3n, poolIds: [poolId] })
    expect(await voidOf(stock)).toEqual(['0-12 first', '15-17 second'])
    expect((await eventsOf(stock)).map((event) => ('taskId' in event ? event.taskId : undefined))).toEqual([
      stock.taskId,
      taskId,
    ])
  })

  it('ends that of the codes of a recipient, in one pool or in all', async () => {
    const stock = await stocked({ recipients: ['Ada', 'Bob', 'Bob'] })
    const { place, accountId, poolId, claims } = stock
    const other = { ...stock, poolId: await newPool(place) }
    await fill(place, other.poolId, await newFormat(place), 10n)
    await claims.claim(accountId, { poolId: other.poolId, count: 4, recipient: 'Ada' })
    const select = { recipient: 'Ada', poolId }
    expect(await voidCodes(place.books, accountId, { select })).toEqual({
      ...none,
      voided: 7n,
      poolIds: [poolId],
    })
    expect(await voidOf(stock)).toEqual([
      '0-1 -',
      '3-4 -',
      '6-7 -',
      '9-10 -',
      '12-13 -',
      '15-16 -',
      '18-19 -',
    ])
    expect(await voidOf(other)).toEqual([])
    expect(
      await voidCodes(place.books, accountId, { select: { recipient: 'Ada', poolId: undefined } }),
    ).toEqual({
      ...none,
      voided: 4n,
      alreadyVoid: 7n,
      poolIds: [other.poolId],
    })
    expect(await voidOf(other)).toEqual(['0-4 -'])
    await voidCodes(place.books, accountId, { select: { recipient: 'Bob', poolId: undefined } })
    // Adjacent claims are one row.
    expect((await rowsOf(stock)).slice(-7)).toMatchObject(
      Array.from({ length: 7 }, (_, i) => ({ first: `${1 + 3 * i}` })),
    )
    expect(await poolNow(place, poolId)).toMatchObject({ voided: 20n })
    for (const recipient of ['ada', 'Ada ', 'A', 'Cy'])
      expect(await voidCodes(place.books, accountId, { select: { recipient, poolId: undefined } })).toEqual({
        ...none,
        poolIds: [],
      })
  })

  it('skips redeemed codes and keeps the reason of those that are void already', async () => {
    const stock = await stocked()
    const { place, accountId, poolId } = stock
    for (const position of [2, 3, 19]) await redeem(place.books, stock, position)
    await voidCodes(place.books, accountId, { select: await codesOf(stock, 10, 12), reason: 'first' })
    const all = { select: { taskId: stock.taskId }, reason: 'second' }
    expect(await voidCodes(place.books, accountId, all)).toEqual({
      voided: 15n,
      redeemed: 3n,
      alreadyVoid: 2n,
      notClaimed: 10n,
      poolIds: [poolId],
    })
    expect(await voidOf(stock)).toEqual(['0-2 second', '4-10 second', '10-12 first', '12-19 second'])
    expect(await poolNow(place, poolId)).toMatchObject({ voided: 17n, redeemed: 3n })
  })

  it('of what is void, redeemed or not claimed changes nothing and records nothing', async () => {
    const stock = await stocked({ claimed: 3 })
    const { place, accountId } = stock
    await redeem(place.books, stock, 0)
    await voidCodes(place.books, accountId, { select: await codesOf(stock, 1, 3) })
    const [rows, events] = [await rowsOf(stock), await eventsOf(stock)]
    expect(
      await voidCodes(place.books, accountId, { select: await codesOf(stock, 0, 5), reason: 'again' }),
    ).toEqual({
      voided: 0n,
      redeemed: 1n,
      alreadyVoid: 2n,
      notClaimed: 2n,
      poolIds: [],
    })
    expect(await rowsOf(stock)).toEqual(rows)
    expect(await eventsOf(stock)).toEqual(events)
    const [usage] = await place.books.rows({
      text: 'SELECT version FROM pool_usage WHERE account_id = $1',
      values: [accountId],
    })
    expect(usage).toEqual({ version: '2' })
  })

  it('of codes of many pools is one act, with an event for each', async () => {
    const stock = await stocked({ claimed: 4 })
    const { place, accountId, claims } = stock
    const format = await newFormat(place)
    const pools = [stock.poolId]
    for (let i = 0; i < 3; i++) {
      const poolId = await newPool(place)
      await fill(place, poolId, format, 4n)
      await claims.claim(accountId, { poolId, count: 2 })
      pools.push(poolId)
    }
    const codes = (await Promise.all(pools.map((poolId) => originsOf(stock, poolId, 1, 4)))).flat()
    const result = await voidCodes(place.books, accountId, { select: { codes } })
    expect(result).toEqual({ ...none, voided: 6n, notClaimed: 6n, poolIds: pools.toSorted() })
    expect((await eventsOf(stock)).map(({ poolId }) => poolId)).toEqual(pools.toSorted())
    for (const [i, poolId] of pools.entries())
      expect(await poolNow(place, poolId)).toMatchObject({ voided: i === 0 ? 3n : 1n })
  })
})

describe('unvoiding', () => {
  it('in the middle leaves both sides void, as they were', async () => {
    const stock = await stocked()
    const { place, accountId, poolId } = stock
    await voidCodes(place.books, accountId, { select: { taskId: stock.taskId }, reason: 'leak' })
    const before = await readUsage(place.books, accountId, [{ poolId, position: 0n }])
    expect(await unvoidCodes(place.books, accountId, { select: await codesOf(stock, 5, 8) })).toEqual({
      unvoided: 3n,
      notVoid: 0n,
      poolIds: [poolId],
    })
    expect(await voidOf(stock)).toEqual(['0-5 leak', '8-20 leak'])
    expect(await readUsage(place.books, accountId, [{ poolId, position: 8n }])).toEqual(before)
    expect(await poolNow(place, poolId)).toMatchObject({ voided: 17n })
    expect(await rowsOf(stock)).toMatchObject([
      { first: '0', count: '20', version: '1', unvoided_version: '2' },
      { first: '0', count: '5', version: '2', unvoided_version: null },
      { first: '8', count: '12', version: '2', unvoided_version: null },
    ])
    expect((await eventsOf(stock)).at(-1)).toEqual({
      kind: 'CODES_UNVOIDED',
      poolId,
      count: '3',
      reason: null,
      taskId: null,
    })
  })

  it('of several parts of several voids ends just these, whatever lies between', async () => {
    const stock = await stocked()
    const { place, accountId, poolId } = stock
    for (const [from, to, reason] of [
      [0, 6, 'a'],
      [6, 8, 'b'],
      [10, 20, 'c'],
    ] as const)
      await voidCodes(place.books, accountId, { select: await codesOf(stock, from, to), reason })
    const parts = await Promise.all(
      [
        [0, 1],
        [2, 3],
        [4, 7],
        [8, 11],
        [12, 13],
        [18, 22],
      ].map(([from = 0, to = 0]) => originsOf(stock, poolId, from, to)),
    )
    expect(await unvoidCodes(place.books, accountId, { select: { codes: parts.flat() } })).toEqual({
      unvoided: 9n,
      notVoid: 4n,
      poolIds: [poolId],
    })
    expect(await voidOf(stock)).toEqual(['1-2 a', '3-4 a', '7-8 b', '11-12 c', '13-18 c'])
    expect(await poolNow(place, poolId)).toMatchObject({ voided: 9n })
    // What has been unvoided can be voided again.
    await voidCodes(place.books, accountId, { select: { taskId: stock.taskId }, reason: 'd' })
    expect(await poolNow(place, poolId)).toMatchObject({ voided: 20n })
    expect((await voidOf(stock))[0]).toBe('0-1 d')
  })

  it('of what is not void changes nothing and records nothing', async () => {
    const stock = await stocked()
    const { place, accountId } = stock
    expect(await unvoidCodes(place.books, accountId, { select: await codesOf(stock, 18, 22) })).toEqual({
      unvoided: 0n,
      notVoid: 4n,
      poolIds: [],
    })
    expect(await eventsOf(stock)).toEqual([])
  })
})

describe('a choice of codes', () => {
  const unknown = async (select: Select, path: string[]) => {
    const { books, accountId } = shared
    for (const act of [voidCodes, unvoidCodes]) {
      const error = await act(books, accountId, { select }).catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(NotFoundError)
      expect(error).toMatchObject({ path: ['select', ...path] })
    }
  }

  it('of another account does not exist', async () => {
    const stock = await stocked({ claimed: 2 })
    const { poolId, taskId } = stock
    await unknown(await codesOf(stock, 0, 1), ['codeIds', '0'])
    await unknown({ claim: { poolId, first: 0n } }, ['claimId'])
    await unknown({ taskId }, ['taskId'])
    await unknown({ recipient: 'Ada', poolId }, ['recipient', 'poolId'])
    const { books, accountId } = shared
    const all = { select: { recipient: 'Ada', poolId: undefined } }
    expect(await voidCodes(books, accountId, all)).toEqual({ ...none, poolIds: [] })
    expect(await voidOf(stock)).toEqual([])
  })

  it('that names a code that does not exist says which one, and voids nothing', async () => {
    const stock = await stocked({ claimed: 3 })
    const { place, accountId, poolId } = stock
    const codes = await originsOf(stock, poolId, 0, 3)
    const [first] = codes
    const missing: CodeOrigin = { formatId: first?.formatId ?? '', index: 30n }
    const select = { codes: [...codes, missing, { ...missing, index: 31n }, ...codes] }
    const refused = voidCodes(place.books, accountId, { select })
    await expect(refused).rejects.toMatchObject({
      path: ['select', 'codeIds', '3'],
      message: expect.stringMatching(/^2 of/),
    })
    expect(await voidOf(stock)).toEqual([])
  })

  it('that is not the first position of a claim does not exist', async () => {
    const stock = await stocked({ claimed: 0 })
    const { place, accountId, poolId, claims } = stock
    await claims.claim(accountId, { poolId, count: 3 })
    for (const first of [1n, 3n])
      await expect(
        voidCodes(place.books, accountId, { select: { claim: { poolId, first } } }),
      ).rejects.toThrow(NotFoundError)
  })

  it.each<[Select, string[]]>([
    [{ codes: [] }, ['select', 'codeIds']],
    [
      { codes: Array.from({ length: 10_001 }, () => ({ formatId: newId(), index: 0n })) },
      ['select', 'codeIds'],
    ],
    [{ recipient: '', poolId: undefined }, ['select', 'recipient', 'recipient']],
    [{ recipient: 'x'.repeat(1_001), poolId: undefined }, ['select', 'recipient', 'recipient']],
    [{ recipient: 'a\0', poolId: undefined }, ['select', 'recipient', 'recipient']],
  ])('that is empty, too large or unwritable is refused', async (select, path) => {
    const { books, accountId } = shared
    for (const act of [voidCodes, unvoidCodes])
      await expect(act(books, accountId, { select })).rejects.toMatchObject({ code: 'INVALID_INPUT', path })
  })

  it.each(['', ' \n', '\u200b', 'x'.repeat(1_001), 'a\0', '\udc00'])(
    'with the reason %j is refused',
    async (reason) => {
      const { books, accountId } = shared
      const refused = voidCodes(books, accountId, { select: { recipient: 'Ada', poolId: undefined }, reason })
      await expect(refused).rejects.toThrow(InvalidInputError)
      await expect(refused).rejects.toMatchObject({ path: ['reason'] })
    },
  )

  it('of more claims of a recipient than can be voided at a time is refused', async () => {
    const stock = await stocked({ claimed: 0 })
    const { place, accountId, poolId } = stock
    await place.books.rows({
      text: `INSERT INTO claim (account_id, pool_id, first, count, recipient, at, nonce)
             SELECT $1, $2, n, 1, 'Ada', now(), 0 FROM generate_series(0, 100000) n`,
      values: [accountId, poolId],
    })
    const refused = voidCodes(place.books, accountId, { select: { recipient: 'Ada', poolId } })
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['select', 'recipient'] })
    await place.books.rows({
      text: 'DELETE FROM claim WHERE account_id = $1 AND first = 50000',
      values: [accountId],
    })
    const allowed = await voidCodes(place.books, accountId, { select: { recipient: 'Ada', poolId } })
    expect(allowed).toMatchObject({ voided: 100_000n })
  })
})
