import { randomUUID } from 'node:crypto'
import { setImmediate as nextIteration } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Pacer } from '../../../src/async/pacer.ts'
import { transaction } from '../../../src/database/transaction.ts'
import type { Books } from '../../../src/domain/books/books.ts'
import { ReaderTooSlowError } from '../../../src/domain/books/errors.ts'
import {
  appendEvents,
  type EventDraft,
  type LoggedEvent,
  readLog,
} from '../../../src/domain/books/event-log.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { EventFeed } from '../../../src/domain/subscription/event-feed.ts'
import { fill, newFormat, newPlace, newPool, type Place, silent, useBooks } from '../../support/books.ts'
import { openProxy } from '../../support/proxy.ts'

const test = useBooks()

function openFeed(books: Books): EventFeed {
  const feed = new EventFeed(books, new Pacer(), silent)
  onTestFinished(() => feed.close())
  return feed
}

/** Appends events of a pool that need not exist, and sends notifications. */
async function append(
  { books, accountId }: Place,
  count: number,
  poolId: string = randomUUID(),
): Promise<void> {
  const draft: EventDraft = { poolId, kind: 'POOL_EMPTY', payload: {} }
  await transaction(books.connections, (tx) => appendEvents(tx, accountId, Array(count).fill(draft)))
  books.notifications.announce({ topic: 'events', key: accountId })
}

/** A reader that can be left. */
function follow(feed: EventFeed, { accountId }: Place, after = 0n) {
  const leaving = new AbortController()
  onTestFinished(() => leaving.abort())
  return { events: feed.after({ accountId, sequence: after }, leaving.signal), leave: () => leaving.abort() }
}

/** The next `count` events. */
async function readNext(events: AsyncGenerator<LoggedEvent>, count: number): Promise<bigint[]> {
  const sequences: bigint[] = []
  while (sequences.length < count) {
    const { value, done } = await events.next()
    if (done) throw new Error('The feed has ended.')
    sequences.push(value.sequence)
  }
  return sequences
}

function range(first: number, last: number): bigint[] {
  return Array.from({ length: last - first + 1 }, (_, i) => BigInt(first + i))
}

describe('a reader of the feed', () => {
  it('gets past and new events, without gaps or duplicates', async () => {
    const place = await newPlace(test)
    const elsewhere = { ...place, books: await test.another() }
    const feeds = [openFeed(place.books), openFeed(elsewhere.books)]
    const formatId = await newFormat(place)
    const pools = await Promise.all(Array.from({ length: 4 }, () => newPool(place)))
    const claims = new Claims(place.books)
    const last = randomUUID()

    const readToTheLast = async (feed: EventFeed, after: bigint) => {
      const sequences: bigint[] = []
      for await (const event of follow(feed, place, after).events) {
        sequences.push(event.sequence)
        if (event.poolId === last) break
      }
      return { after, sequences }
    }
    const readers: ReturnType<typeof readToTheLast>[] = []
    await Promise.all(
      pools.map(async (poolId, i) => {
        for (let round = 0; round < 8; round++) {
          await fill(i % 2 === 0 ? place : elsewhere, poolId, formatId, 1n)
          await claims.claim(place.accountId, { poolId, count: 1 })
          // Readers start at any time, at the end of the log and at its beginning.
          const now = await readLog(place.books, place.accountId)
          for (const feed of feeds) readers.push(readToTheLast(feed, round % 2 === 0 ? now.last : 0n))
        }
      }),
    )
    await append(place, 1, last)
    const end = await readLog(place.books, place.accountId)
    for (const { after, sequences } of await Promise.all(readers))
      expect(sequences).toEqual(range(Number(after) + 1, Number(end.last)))
    expect(readers).toHaveLength(64)
  })

  it('gets a history of many pages', async () => {
    const place = await newPlace(test)
    await append(place, 2_500)
    const { events } = follow(openFeed(place.books), place, 3n)
    expect(await readNext(events, 2_497)).toEqual(range(4, 2_500))
    await append(place, 1)
    expect(await readNext(events, 1)).toEqual([2_501n])
  })

  it('that is slow misses nothing, and does not delay others', async () => {
    const place = await newPlace(test)
    const feed = openFeed(place.books)
    const [slow, quick] = [follow(feed, place).events, follow(feed, place).events]
    await append(place, 1)
    expect(await readNext(slow, 1)).toEqual([1n])
    // More than are kept for readers.
    await append(place, 6_000)
    expect(await readNext(quick, 6_001)).toEqual(range(1, 6_001))
    expect(await readNext(slow, 6_000)).toEqual(range(2, 6_001))
    await append(place, 2)
    expect(await readNext(slow, 2)).toEqual([6_002n, 6_003n])
  })

  it('only gets events of its account', async () => {
    const [one, two] = [await newPlace(test), await newPlace(test)]
    const feed = openFeed(test.books)
    const [ones, twos] = [follow(feed, one).events, follow(feed, two).events]
    await Promise.all([append(one, 3, 'a0000000-0000-7000-8000-000000000000'), append(two, 1)])
    expect(await readNext(ones, 3)).toEqual([1n, 2n, 3n])
    const { value } = await twos.next()
    expect(value).toMatchObject({ sequence: 1n, poolId: expect.not.stringMatching(/^a0000000/) })
  })

  it('gets a ReaderTooSlowError when its next events have been removed', async () => {
    const place = await newPlace(test)
    await append(place, 5)
    const { books, accountId } = place
    await books.rows({ text: 'UPDATE event_log SET floor = 3 WHERE account_id = $1', values: [accountId] })
    await books.rows({
      text: 'DELETE FROM event WHERE account_id = $1 AND sequence <= 3',
      values: [accountId],
    })
    const feed = openFeed(books)
    await expect(follow(feed, place, 2n).events.next()).rejects.toThrow(ReaderTooSlowError)
    expect(await readNext(follow(feed, place, 3n).events, 2)).toEqual([4n, 5n])
  })
})

describe('a reader that leaves', () => {
  it('ends at once if it is waiting', async () => {
    const place = await newPlace(test)
    const { events, leave } = follow(openFeed(place.books), place)
    await append(place, 1)
    await readNext(events, 1)
    const next = events.next()
    await nextIteration()
    leave()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  it('gets no more events, whether it has started or not', async () => {
    const place = await newPlace(test)
    await append(place, 3)
    const feed = openFeed(place.books)
    const early = follow(feed, place)
    early.leave()
    expect(await early.events.next()).toEqual({ done: true, value: undefined })
    const late = follow(feed, place)
    expect(await readNext(late.events, 1)).toEqual([1n])
    late.leave()
    expect(await late.events.next()).toEqual({ done: true, value: undefined })
  })

  it('does not affect others, and can come back', async () => {
    const place = await newPlace(test)
    const feed = openFeed(place.books)
    const [stays, goes] = [follow(feed, place), follow(feed, place)]
    await append(place, 1)
    expect(await readNext(stays.events, 1)).toEqual([1n])
    expect(await readNext(goes.events, 1)).toEqual([1n])
    goes.leave()
    expect(await goes.events.next()).toMatchObject({ done: true })
    await append(place, 1)
    expect(await readNext(stays.events, 1)).toEqual([2n])
    expect(await readNext(follow(feed, place, 1n).events, 1)).toEqual([2n])
  })
})

describe('a notification', () => {
  it('that is lost delays its events and loses none', async () => {
    const place = await newPlace(test)
    const deaf = { ...place, books: await test.another({ losesNotices: true }) }
    const { events } = follow(openFeed(place.books), place)
    for (const sequence of [1n, 2n]) {
      const next = readNext(events, 1)
      await append(deaf, 1)
      expect(await next).toEqual([sequence])
    }
  })

  it('from another process wakes the readers of this one', async () => {
    // Polling is off.
    vi.useFakeTimers({ toFake: ['setInterval'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const place = await newPlace(test)
    const { events } = follow(openFeed(place.books), place)
    const elsewhere = { ...place, books: await test.another() }
    for (const sequence of [1n, 2n, 3n]) {
      const next = readNext(events, 1)
      await append(elsewhere, 1)
      expect(await next).toEqual([sequence])
    }
  })
})

describe('a database that is unavailable for a while', () => {
  it('delays events and loses none', async () => {
    const place = await newPlace(test)
    await using proxy = await openProxy(test.databaseUrl)
    const cutOff = await test.another({ url: proxy.url })
    const feed = new EventFeed(cutOff, new Pacer(), silent)
    try {
      const waiting = follow(feed, place)
      await append(place, 1)
      expect(await readNext(waiting.events, 1)).toEqual([1n])
      proxy.breakDown()
      const beginning = follow(feed, place, 1n)
      const read = Promise.all([readNext(waiting.events, 2), readNext(beginning.events, 2)])
      await append(place, 2)
      await expect(cutOff.rows({ text: 'SELECT 1' })).rejects.toThrow()
      proxy.mend()
      expect(await read).toEqual([
        [2n, 3n],
        [2n, 3n],
      ])
    } finally {
      await feed.close()
    }
  })
})
