import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { transaction } from '../../../src/database/transaction.ts'
import { CursorExpiredError, CursorInvalidError } from '../../../src/domain/books/errors.ts'
import {
  appendEvents,
  decodeCursor,
  type EventDraft,
  encodeCursor,
  readEventsAfter,
  readHistory,
  readLog,
  readLogs,
} from '../../../src/domain/books/event-log.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { QuantityExceedsAvailableError } from '../../../src/domain/format/format.ts'
import { generateCodes } from '../../../src/domain/generation/generation.ts'
import { expectBalance } from '../../support/audit.ts'
import {
  fill,
  newFormat,
  newPlace,
  newPool,
  newSmallFormat,
  type Place,
  useBooks,
} from '../../support/books.ts'

const test = useBooks()

/** Writes events of pools that need not exist. */
async function append({ books, accountId }: Place, pools: readonly string[]): Promise<void> {
  const drafts = pools.map((poolId): EventDraft => ({ poolId, kind: 'POOL_EMPTY', payload: {} }))
  await transaction(books.connections, (tx) => appendEvents(tx, accountId, drafts))
}

function upTo(count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => BigInt(i + 1))
}

describe('the event log', () => {
  it('has no gaps after concurrent writes and rollbacks', async () => {
    const place = await newPlace(test)
    const elsewhere = { ...place, books: await test.another() }
    const formatId = await newFormat(place)
    const pools = await Promise.all(
      Array.from({ length: 6 }, () => newPool(place, { formatId, refillThreshold: 2n })),
    )
    const { last: before } = await readLog(place.books, place.accountId)
    const claims = new Claims(elsewhere.books)
    await Promise.all(
      pools.map(async (poolId, i) => {
        const writer = i % 2 === 0 ? place : elsewhere
        for (let round = 0; round < 5; round++) {
          await fill(writer, poolId, formatId, 3n)
          await claims.claim(place.accountId, { poolId, count: 3 })
          // Its event is recorded before the transaction fails.
          const failing = writer.books.write(place.accountId, async (tx) => {
            tx.record({ poolId, kind: 'POOL_EMPTY', payload: {} })
            await tx.execute({ text: 'SELECT 1 / 0' })
          })
          await expect(failing).rejects.toThrow(/zero/)
        }
      }),
    )
    const { last } = await readLog(place.books, place.accountId)
    // Of each round: three changes of the task, the refill, low and empty.
    expect(last - before).toBe(6n * 5n * 6n)
    const events = await readEventsAfter(place.books, place.accountId, 0n, 1_000)
    expect(events.map(({ sequence }) => sequence)).toEqual(upTo(Number(last)))
    await expectBalance(place)
  })

  it('has no event for a request that was refused', async () => {
    const place = await newPlace(test)
    const poolId = await newPool(place)
    const { last } = await readLog(place.books, place.accountId)
    const refused = generateCodes(place.books, place.accountId, {
      poolId,
      formatId: await newSmallFormat(place, 2),
      quantity: 3n,
    })
    await expect(refused).rejects.toThrow(QuantityExceedsAvailableError)
    expect(await readLog(place.books, place.accountId)).toMatchObject({ last })
  })

  it('belongs to one account', async () => {
    const [one, two] = [await newPlace(test), await newPlace(test)]
    await append(one, ['019a0000-0000-7000-8000-000000000001'])
    expect(await readEventsAfter(two.books, two.accountId, 0n, 10)).toEqual([])
    const logs = await readLogs(test.books, [one.accountId, two.accountId])
    expect(logs.map(({ last }) => last).toSorted()).toEqual([0n, 1n])
    expect(new Set(logs.map(({ log }) => log)).size).toBe(2)
  })
})

describe('a cursor', () => {
  it('leads to the events after it', async () => {
    const place = await newPlace(test)
    await append(place, Array(5).fill(randomUUID()))
    const [, second] = await readEventsAfter(place.books, place.accountId, 0n, 10)
    const { log, sequence } = decodeCursor(second?.cursor ?? '')
    expect(log).toBe((await readLog(place.books, place.accountId)).log)
    const rest = await readEventsAfter(place.books, place.accountId, sequence, 10)
    expect(rest.map((event) => event.sequence)).toEqual([3n, 4n, 5n])
    expect(await readEventsAfter(place.books, place.accountId, 5n, 10)).toEqual([])
    expect(await readEventsAfter(place.books, place.accountId, 0n, 2)).toHaveLength(2)
  })

  it('from the future is invalid', async () => {
    const place = await newPlace(test)
    await expect(readEventsAfter(place.books, place.accountId, 1n, 10)).rejects.toThrow(CursorInvalidError)
  })

  it('expires as soon as the first event after it is no longer kept, and not before', async () => {
    const place = await newPlace(test)
    const { books, accountId } = place
    await append(place, Array(6).fill(randomUUID()))
    await books.rows({ text: 'UPDATE event_log SET floor = 4 WHERE account_id = $1', values: [accountId] })
    await expect(readEventsAfter(books, accountId, 3n, 10)).rejects.toThrow(CursorExpiredError)
    await books.rows({
      text: 'DELETE FROM event WHERE account_id = $1 AND sequence <= 4',
      values: [accountId],
    })
    await expect(readEventsAfter(books, accountId, 3n, 10)).rejects.toThrow(CursorExpiredError)
    expect((await readEventsAfter(books, accountId, 4n, 10)).map(({ sequence }) => sequence)).toEqual([
      5n,
      6n,
    ])
    expect(await readEventsAfter(books, accountId, 6n, 10)).toEqual([])
  })

  it('of an emptied log has expired, unless it is the last one', async () => {
    const place = await newPlace(test)
    const { books, accountId } = place
    await append(place, Array(2).fill(randomUUID()))
    await books.rows({ text: 'UPDATE event_log SET floor = 2 WHERE account_id = $1', values: [accountId] })
    await books.rows({ text: 'DELETE FROM event WHERE account_id = $1', values: [accountId] })
    await expect(readEventsAfter(books, accountId, 1n, 10)).rejects.toThrow(CursorExpiredError)
    expect(await readEventsAfter(books, accountId, 2n, 10)).toEqual([])
  })

  it('is written and read back', () => {
    const log = randomUUID()
    for (const sequence of [0n, 1n, 10n ** 18n - 1n])
      expect(decodeCursor(encodeCursor({ log, sequence }))).toEqual({ log, sequence })
  })

  const log = '0d0f9a3e-6b2c-4b7e-9f53-2a1c3e5d7f90'
  it.each([
    ['nothing', ''],
    ['garbage', '💥'],
    ['one with more behind it', `${encodeCursor({ log, sequence: 7n })}!`],
    ['one with padding', `${Buffer.from(`${log}:7`).toString('base64')}==`],
    ['another number for the same place', Buffer.from(`${log}:007`).toString('base64url')],
    ['a negative place', Buffer.from(`${log}:-1`).toString('base64url')],
    ['a place that no log reaches', Buffer.from(`${log}:${10n ** 18n}`).toString('base64url')],
    ['a place alone', Buffer.from('7').toString('base64url')],
    ['no log', Buffer.from(`${'-'.repeat(36)}x:7`).toString('base64url')],
  ])('cannot be %s', (_what, text) => {
    expect(() => decodeCursor(text)).toThrow(CursorInvalidError)
  })
})

describe('the history', () => {
  it('is newest first, for one pool or all, between any two cursors', async () => {
    const place = await newPlace(test)
    const { books, accountId } = place
    const [a, b] = [randomUUID(), randomUUID()]
    await append(place, [a, b, a, a, b, a])
    const read = async (page: Partial<Parameters<typeof readHistory>[2]>) => {
      const events = await readHistory(books, accountId, { limit: 10, fromOldest: false, ...page })
      return events.map(({ sequence }) => Number(sequence))
    }
    expect(await read({})).toEqual([6, 5, 4, 3, 2, 1])
    expect(await read({ poolId: a })).toEqual([6, 4, 3, 1])
    expect(await read({ poolId: a, limit: 2 })).toEqual([6, 4])
    expect(await read({ poolId: a, olderThan: 4n })).toEqual([3, 1])
    expect(await read({ poolId: a, newerThan: 1n, olderThan: 6n })).toEqual([4, 3])
    expect(await read({ limit: 2, fromOldest: true })).toEqual([2, 1])
    expect(await read({ limit: 2, fromOldest: true, newerThan: 3n })).toEqual([5, 4])
    expect(await read({ poolId: randomUUID() })).toEqual([])
    await books.rows({ text: 'UPDATE event_log SET floor = 3 WHERE account_id = $1', values: [accountId] })
    expect(await read({})).toEqual([6, 5, 4])
  })
})
