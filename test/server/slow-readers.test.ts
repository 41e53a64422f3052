import { beforeAll, describe, expect, test } from 'vitest'
import { transaction } from '../../src/database/transaction.ts'
import {
  appendEvents,
  type EventDraft,
  encodeCursor,
  forgetEvents,
  readLog,
} from '../../src/domain/books/event-log.ts'
import { decodeId, uuidOf } from '../../src/graphql/ids.ts'
import { newPool, newStock } from '../support/api.ts'
import { useBooks } from '../support/books.ts'
import { useClient, useService } from '../support/service.ts'
import { Socket } from '../support/socket.ts'

const patience = { timeout: 110_000 }

const service = useService()
const client = useClient(service)
const opened = useBooks(service)
let accountId: string

beforeAll(async () => {
  const { account } = await client.ask<{ account: { id: string } }>('{ account { id } }')
  accountId = decodeId(account.id).id
})

/** Adds events to a pool, a thousand in each transaction. */
async function happen(poolId: string, count: number): Promise<void> {
  const draft: EventDraft = { poolId: uuidOf('Pool', poolId), kind: 'POOL_EMPTY', payload: {} }
  for (let left = count; left > 0; left -= 1_000) {
    await opened.books.write(accountId, async (tx) => {
      for (let i = 0; i < Math.min(left, 1_000); i++) tx.record(draft)
    })
  }
}

/** The cursor of the latest event. */
async function now(): Promise<string> {
  const { log, last } = await readLog(opened.books, accountId)
  return encodeCursor({ log, sequence: last })
}

/** Events so long that a few thousand fill all buffers on the way. */
const wordy = `subscription ($after: String) {
  poolEvents(after: $after) { cursor ${Array.from({ length: 60 }, (_, i) => `c${i}: cursor`).join(' ')} } }`

describe('a subscription that is read too slowly', () => {
  test('catches up from the log, and does not delay others', patience, async () => {
    const poolId = await newPool(client)
    const after = await now()
    await using slow = await Socket.connect(service, client.authorization())
    slow.subscribe('slow', wordy, { after })
    slow.socket.pause()
    const quick = client.subscribe<{ poolEvents: { cursor: string } }>(wordy, { after })
    await happen(poolId, 3_000)
    const cursors: (string | undefined)[] = []
    while (cursors.length < 3_000) cursors.push((await quick.next()).value?.data?.poolEvents.cursor)
    expect(slow.received).toHaveLength(1)
    slow.socket.resume()
    for (const cursor of cursors)
      expect(await slow.next('slow')).toMatchObject({
        type: 'next',
        payload: { data: { poolEvents: { cursor } } },
      })
    await quick.return?.()
  })

  test(
    'alone ends with SUBSCRIBER_TOO_SLOW when the log no longer has its next event',
    patience,
    async () => {
      const [poolId, quietId] = [await newPool(client), await newPool(client)]
      const after = await now()
      await using socket = await Socket.connect(service, client.authorization())
      const ofPool =
        'subscription ($poolId: ID, $after: String) { poolEvents(poolId: $poolId, after: $after) { cursor } }'
      socket.subscribe('quiet', ofPool, { poolId: quietId, after })
      socket.subscribe('slow', wordy, { after })
      socket.socket.pause()
      await happen(poolId, 10_000)
      // The client that reads shows how far the service has come: the other has stopped on the way.
      const quick = client.subscribe<{ poolEvents: { cursor: string } }>(ofPool, { poolId, after })
      for (let i = 0; i < 10_000; i++) await quick.next()
      await quick.return?.()
      const soon = new Date(Date.now() + 60_000)
      const forgotten = await opened.books.write(accountId, (tx) =>
        forgetEvents(tx, accountId, soon, 100_000),
      )
      expect(forgotten).toBeGreaterThanOrEqual(10_000)

      socket.socket.resume()
      const told = await socket.all('slow')
      expect(told.length).toBeGreaterThan(100)
      expect(told.length).toBeLessThan(10_000)
      expect(told.at(-1)).toMatchObject({
        type: 'error',
        payload: [{ extensions: { code: 'SUBSCRIBER_TOO_SLOW' } }],
      })
      await happen(quietId, 1)
      expect(await socket.next('quiet')).toMatchObject({
        type: 'next',
        payload: { data: { poolEvents: {} } },
      })

      // As the message says: read the state again, together with eventCursor, and continue from there.
      const { eventCursor } = await client.ask<{ eventCursor: string }>(
        '{ eventCursor pools { totalCount } }',
      )
      socket.subscribe('again', wordy, { after: eventCursor })
      await happen(poolId, 1)
      expect(await socket.next('again')).toMatchObject({ type: 'next' })
      socket.subscribe('late', wordy, { after })
      expect(await socket.next('late')).toMatchObject({
        payload: { errors: [{ extensions: { code: 'CURSOR_EXPIRED' } }] },
      })
    },
  )
})

test('a long answer is executed when the previous one has been read, and all arrive', patience, async () => {
  const { poolId } = await newStock(client, 800)
  await using slow = await Socket.connect(service, client.authorization())
  const recipients = Array.from({ length: 80 }, (_, i) => `r${i}: recipient`).join(' ')
  const claiming = `mutation ($input: ClaimCodesInput!) {
    claimCodes(input: $input) { ... on ClaimCodesPayload { codes { ${recipients} } } } }`
  const input = { poolId, count: 100, recipient: 'x'.repeat(1_000) }
  const left = async () => {
    const { pool } = await client.ask<{ pool: { availableCount: string } }>(
      `{ pool(id: "${poolId}") { availableCount } }`,
    )
    return Number(pool.availableCount)
  }
  slow.socket.pause()
  for (let i = 0; i < 8; i++) slow.subscribe(`claim ${i}`, claiming, { input })
  await expect.poll(left).toBeLessThan(800)
  for (let i = 0; i < 50; i++) await left()
  expect(await left()).toBeGreaterThanOrEqual(400)
  slow.socket.resume()
  for (let i = 0; i < 8; i++) {
    const answer = await slow.next(`claim ${i}`)
    expect(answer).toMatchObject({
      type: 'next',
      payload: { data: { claimCodes: { codes: { length: 100 } } } },
    })
  }
  expect(await left()).toBe(0)
})

test(
  'twenty thousand events at once are sent, and others are answered in the meantime',
  patience,
  async () => {
    const poolId = await newPool(client)
    const events = client.subscribe<{ poolEvents: { cursor: string } }>(
      'subscription ($after: String) { poolEvents(after: $after) { cursor } }',
      { after: await now() },
    )
    // Twenty pages of the log.
    const count = 20_000
    const draft: EventDraft = { poolId: uuidOf('Pool', poolId), kind: 'POOL_EMPTY', payload: {} }
    await transaction(opened.books.connections, (tx) => appendEvents(tx, accountId, Array(count).fill(draft)))
    opened.books.notifications.announce({ topic: 'events', key: accountId })
    let told = 0
    const askings: Promise<number>[] = []
    for (; told < count; told++) {
      await events.next()
      if (told % 400 === 0) askings.push(client.ask('{ account { name } }').then(() => told))
    }
    await events.return?.()
    const toldByThen = await Promise.all(askings)
    expect(toldByThen.filter((before) => before < count).length).toBeGreaterThan(20)
  },
)
