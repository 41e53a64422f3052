import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { encodeCursor, forgetEvents, readLog } from '../../../src/domain/books/event-log.ts'
import { readQueue } from '../../../src/domain/books/queue.ts'
import { readDeliveries } from '../../../src/domain/webhook/deliveries.ts'
import { deleteWebhook, updateWebhook } from '../../../src/domain/webhook/manage.ts'
import { rotateSecret, secretText } from '../../../src/domain/webhook/secrets.ts'
import { sendTest } from '../../../src/domain/webhook/test-delivery.ts'
import { maxDeliveries } from '../../../src/domain/webhook/webhook.ts'
import { facts } from '../../../src/telemetry/facts.ts'
import { newPlace, newPool, type Place, useBooks } from '../../support/books.ts'
import { Receiver } from '../../support/receiver.ts'
import {
  happen,
  newWebhook,
  numbersOf,
  outgoingClient,
  range,
  useWorkers,
  verified,
  webhookNow,
} from '../../support/webhooks.ts'

const hourMs = 3_600_000
const all = useBooks()
const startWorker = useWorkers()
const receivers: Receiver[] = []

afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver[Symbol.asyncDispose]()
})

async function openReceiver(port?: number): Promise<Receiver> {
  const receiver = await Receiver.open({ ...(port !== undefined && { port }) })
  receivers.push(receiver)
  return receiver
}

/** Books on which the time can be set forward. */
async function openClock(): Promise<Place & { pass(ms: number): void }> {
  let aheadMs = 0
  const books = await all.another({ now: () => new Date(Date.now() + aheadMs) })
  const { accountId } = await newPlace(all)
  const pass = (ms: number) => {
    aheadMs += ms
    // As the clock of the worker would notice within a second.
    books.notifications.announce({ topic: 'events', key: accountId })
  }
  return { books, accountId, pass }
}

const untilWorks = (place: Place, webhookId: string, what: object) =>
  expect.poll(() => webhookNow(place, webhookId)).toMatchObject(what)

async function queuedAccounts(): Promise<string[]> {
  const pages = await Array.fromAsync(readQueue(all.books, 'WEBHOOKS'))
  return pages.flat().map(({ accountId }) => accountId)
}

/** Resolves when the webhook has seen all events and nobody is at work on it. */
async function untilCaughtUp(place: Place, webhookId: string): Promise<void> {
  const { books, accountId } = place
  await expect
    .poll(
      async () => (await webhookNow(place, webhookId)).sequence === (await readLog(books, accountId)).last,
    )
    .toBe(true)
}

describe('a webhook that works', () => {
  test('gets each event once, in order, signed by the specification', async () => {
    const place = await newPlace(all)
    const poolId = await newPool(place)
    const receiver = await openReceiver()
    const { webhookId, secret } = await newWebhook(place, `${receiver.url}/hook?of=acme`)
    startWorker(all.books)
    for (const part of [range(1, 3), range(4, 4), range(5, 60)]) await happen(place, poolId, part)
    await receiver.receives(60)
    expect(numbersOf(receiver, secret)).toEqual(range(1, 60))
    expect(receiver.received[0]).toMatchObject({
      path: '/hook?of=acme',
      headers: { 'content-type': 'application/json', 'user-agent': 'promo-codes' },
    })
    const [first, ...others] = receiver.received.map((request) => verified(request, secret))
    expect(first).toMatchObject({ type: 'pool.low', data: { availableCount: '1', cursor: first?.id } })
    expect(new Set([first, ...others].map((message) => message?.id)).size).toBe(60)
    await untilCaughtUp(place, webhookId)
    expect(await webhookNow(place, webhookId)).toMatchObject({ attempts: 0, failingSince: undefined })
  })

  test('is told of an event whose notification was lost, and of those from before its process started', async () => {
    const place = await newPlace(all)
    const poolId = await newPool(place)
    const receiver = await openReceiver()
    const { secret } = await newWebhook(place, receiver.url)
    await happen(place, poolId, [1])
    startWorker(await all.another({ losesNotices: true }))
    await receiver.receives(1)
    await happen(place, poolId, [2])
    await receiver.receives(2)
    expect(numbersOf(receiver, secret)).toEqual([1, 2])
  })

  test('gets events from before it was created at once, if it begins there', async () => {
    const place = await newPlace(all)
    const poolId = await newPool(place)
    const receiver = await openReceiver()
    startWorker(all.books)
    const { log, last } = await readLog(all.books, place.accountId)
    await happen(place, poolId, [1, 2])
    const after = encodeCursor({ log, sequence: last })
    const { webhookId, secret } = await newWebhook(place, receiver.url, { after })
    await receiver.receives(2)
    expect(numbersOf(receiver, secret)).toEqual([1, 2])
    expect(await queuedAccounts()).toContain(place.accountId)
    await deleteWebhook(all.books, place.accountId, webhookId)
    // Nobody looks any longer for webhooks of an account that has none.
    all.books.notifications.announce({ topic: 'webhooks', key: '' })
    await expect.poll(queuedAccounts).not.toContain(place.accountId)
  })

  test('gets the kinds of events and the pool that it wants, and passes over a hundred thousand others', async () => {
    const place = await newPlace(all)
    const [poolId, otherId] = [await newPool(place), await newPool(place)]
    const receiver = await openReceiver()
    const { webhookId, secret } = await newWebhook(place, receiver.url, { kinds: ['POOL_LOW'], poolId })
    await happen(place, poolId, [1])
    await happen(place, otherId, [2])
    await all.books.rows({
      text: `
        WITH log AS (UPDATE event_log SET last = last + 100000 WHERE account_id = $1 RETURNING last)
        INSERT INTO event (account_id, sequence, pool_id, kind, payload, at)
        SELECT $1, last - 100000 + n, $2, CASE n % 2 WHEN 0 THEN 'POOL_EMPTY' ELSE 'POOL_CREATED' END::event_kind, '{}', now()
        FROM log, generate_series(1, 100000) n`,
      values: [place.accountId, poolId],
    })
    await happen(place, poolId, [3])
    startWorker(all.books)
    await receiver.receives(2)
    // Even when nothing follows that it wants, it does not look at the same events again.
    await happen(place, otherId, [4])
    await untilCaughtUp(place, webhookId)
    expect(numbersOf(receiver, secret)).toEqual([1, 3])
  })

  test('gets each event from one of several workers alone', async () => {
    const place = await newPlace(all)
    const poolId = await newPool(place)
    const receiver = await openReceiver()
    const { webhookId, secret } = await newWebhook(place, receiver.url)
    for (const books of [all.books, await all.another(), await all.another()]) startWorker(books)
    for (const number of range(1, 40)) await happen(place, poolId, [number])
    await untilCaughtUp(place, webhookId)
    expect(numbersOf(receiver, secret)).toEqual(range(1, 40))
  })
})

describe('a receiver that was down', () => {
  test('misses nothing, and gets everything in order', async () => {
    const place = await openClock()
    const poolId = await newPool(place)
    const { port, url } = await openReceiver()
    const { webhookId } = await newWebhook(place, url)
    await receivers.pop()?.[Symbol.asyncDispose]()
    startWorker(place.books)
    await happen(place, poolId, range(1, 30))
    await untilWorks(place, webhookId, { attempts: 1, failingSince: expect.any(Date) })
    await happen(place, poolId, range(31, 35))
    place.pass(10_000)
    await untilWorks(place, webhookId, { attempts: 2 })
    const receiver = await openReceiver(port)
    place.pass(hourMs)
    await receiver.receives(35)
    expect(receiver.received.map(({ body }) => Number(JSON.parse(body).data.availableCount))).toEqual(
      range(1, 35),
    )
    await untilWorks(place, webhookId, { attempts: 0, failingSince: undefined, nextAttemptAt: undefined })
    const deliveries = await readDeliveries(place.books, place.accountId, webhookId)
    expect(deliveries.slice(-3)).toMatchObject([
      { attempt: 3, status: 200, answer: 'ok', error: undefined },
      { attempt: 2, status: undefined, error: 'The host refused the connection.' },
      { attempt: 1, status: undefined, error: 'The host refused the connection.' },
    ])
    expect(new Set(deliveries.slice(-3).map(({ messageId }) => messageId)).size).toBe(1)
  })

  test('is logged once for an outage, without its URL, and told to the metrics', async () => {
    const place = await openClock()
    const poolId = await newPool(place)
    const lines: Record<string, unknown>[] = []
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
    const receiver = await openReceiver()
    const told: string[] = []
    const stops = [
      facts.delivery.on(({ outcome, delayMs }) =>
        told.push(`${outcome}${delayMs === undefined ? '' : ' late'}`),
      ),
      facts.webhook.on(({ change }) => told.push(change)),
    ]
    onTestFinished(() => {
      for (const stop of stops) stop()
    })
    const { webhookId } = await newWebhook(place, `${receiver.url}/?token=hidden`)
    receiver.answerWith(500)
    startWorker(place.books, { log })
    await happen(place, poolId, [1])
    await untilWorks(place, webhookId, { attempts: 1 })
    place.pass(hourMs)
    await untilWorks(place, webhookId, { attempts: 2 })
    receiver.answerWith(204)
    place.pass(hourMs)
    await untilWorks(place, webhookId, { attempts: 0 })
    await expect.poll(() => lines.length).toBe(2)
    expect(lines).toMatchObject([
      {
        level: 40,
        msg: 'a webhook has failed; trying again',
        webhookId,
        status: 500,
        reason: 'The receiver answered with 500.',
      },
      { level: 30, msg: 'a webhook works again', webhookId, accountId: place.accountId },
    ])
    expect(told).toEqual(['refused', 'failed', 'refused', 'accepted late', 'recovered'])
    expect(JSON.stringify(lines)).not.toMatch(/hidden|127\.0\.0\.1/)
  })

  test('is disabled after three days, with an event, and continues where it stopped when it is enabled', async () => {
    const place = await openClock()
    const poolId = await newPool(place)
    const [receiver, witness] = [await openReceiver(), await openReceiver()]
    const { webhookId } = await newWebhook(place, receiver.url, { kinds: ['POOL_LOW'] })
    await newWebhook(place, witness.url, { kinds: ['WEBHOOK_DISABLED'] })
    receiver.answerWith(500)
    startWorker(place.books)
    await happen(place, poolId, [1])
    await untilWorks(place, webhookId, { attempts: 1 })
    place.pass(71 * hourMs)
    await untilWorks(place, webhookId, { attempts: 2, disabledAt: undefined })
    const { failingSince, nextAttemptAt } = await webhookNow(place, webhookId)
    expect(nextAttemptAt?.getTime()).toBeLessThanOrEqual(Number(failingSince) + 72 * hourMs)
    place.pass(2 * hourMs)
    await untilWorks(place, webhookId, { disabledAt: expect.any(Date), disabledReason: 'FAILED' })
    await witness.receives(1)
    expect(JSON.parse(witness.received[0]?.body ?? '')).toMatchObject({
      type: 'webhook.disabled',
      data: { reason: 'FAILED', message: expect.stringContaining('The receiver answered with 500.') },
    })
    await happen(place, poolId, [2])
    receiver.answerWith(200)
    const changes = { url: undefined, kinds: undefined, poolId: undefined, skipToNow: false }
    const parts = { books: place.books, outgoing: outgoingClient() }
    await updateWebhook(parts, place.accountId, { ...changes, webhookId, enabled: true })
    await receiver.receives(5)
    expect(receiver.received.slice(3).map(({ body }) => JSON.parse(body).data.availableCount)).toEqual([
      '1',
      '2',
    ])
  })
})

describe('what a receiver answers', () => {
  test('410 disables the webhook at once', async () => {
    const place = await newPlace(all)
    const poolId = await newPool(place)
    const receiver = await openReceiver()
    const { webhookId } = await newWebhook(place, receiver.url)
    receiver.answerWith(410)
    startWorker(all.books)
    await happen(place, poolId, [1, 2])
    await untilWorks(place, webhookId, { disabledReason: 'GONE' })
    expect(receiver.received.length).toBe(1)
    const { sequence } = await webhookNow(place, webhookId)
    // The two, and the one that says that it was disabled.
    expect((await readLog(all.books, place.accountId)).last - sequence).toBe(3n)
  })

  test.each([
    ['429 with seconds', 429, '600', 600_000],
    ['503 with a date', 503, 'date', 600_000],
    ['429 with years', 429, '999999999', 6 * hourMs],
    ['429 with nonsense', 429, 'soon', 5_000],
    ['503 with a date that is past', 503, 'Thu, 01 Jan 1970 00:00:00 GMT', 5_000],
    ['500, of which Retry-After says nothing', 500, '600', 5_000],
  ])('%s is respected', async (_, status, retryAfter, waitMs) => {
    const place = await newPlace(all)
    const poolId = await newPool(place)
    const receiver = await openReceiver()
    const { webhookId } = await newWebhook(place, receiver.url)
    const sent = Date.now()
    receiver.answerWith(status, {
      'retry-after': retryAfter === 'date' ? new Date(sent + waitMs).toUTCString() : retryAfter,
    })
    startWorker(all.books)
    await happen(place, poolId, [1])
    await untilWorks(place, webhookId, { attempts: 1 })
    const { nextAttemptAt, failingSince } = await webhookNow(place, webhookId)
    // A date has no milliseconds, and a delay its jitter.
    expect(Math.abs(Number(nextAttemptAt) - Number(failingSince) - waitMs)).toBeLessThan(waitMs / 4)
    expect(receiver.received.length).toBe(1)
  })

  test('a redirect has failed, and says so', async () => {
    const place = await newPlace(all)
    const poolId = await newPool(place)
    const [receiver, inside] = [await openReceiver(), await openReceiver()]
    const { webhookId } = await newWebhook(place, receiver.url)
    receiver.answerWith(301, { location: inside.url })
    startWorker(all.books)
    await happen(place, poolId, [1])
    await untilWorks(place, webhookId, { attempts: 1 })
    const [delivery] = await readDeliveries(all.books, place.accountId, webhookId)
    expect(delivery).toMatchObject({
      status: 301,
      error: expect.stringContaining('a redirect, which is not followed'),
    })
    expect(inside.received).toEqual([])
  })

  test('the beginning of it is kept as text, of the last deliveries', async () => {
    const place = await newPlace(all)
    const poolId = await newPool(place)
    const receiver = await openReceiver()
    const { webhookId } = await newWebhook(place, receiver.url)
    receiver.answering = (response) =>
      response.end(Buffer.from(`a\0b\x1b[31m\xff\n${'😀'.repeat(400)}`, 'latin1'))
    startWorker(all.books)
    await happen(place, poolId, range(1, maxDeliveries + 10))
    await untilCaughtUp(place, webhookId)
    const deliveries = await readDeliveries(all.books, place.accountId, webhookId)
    expect(deliveries.length).toBe(maxDeliveries)
    expect(new Set(deliveries.map(({ messageId }) => messageId)).size).toBe(maxDeliveries)
    expect(deliveries[0]?.answer).toMatch(/^a b \[31m/)
    expect(deliveries[0]?.answer?.length).toBeLessThanOrEqual(500)
    const { rows } = await all.books.connections.query(
      'SELECT count(*)::int FROM webhook_delivery WHERE webhook_id = $1',
      [webhookId],
    )
    expect(rows).toEqual([{ count: maxDeliveries }])
  })
})

describe('while a delivery is under way', () => {
  /** A webhook whose receiver has got event 1, and answers when it is told to. */
  async function openWaiting() {
    const place = await newPlace(all)
    const poolId = await newPool(place)
    const receiver = await openReceiver()
    const made = await newWebhook(place, receiver.url)
    const asked = Promise.withResolvers<void>()
    receiver.answering = async (response) => {
      receiver.answering = (next) => next.end()
      await asked.promise
      response.end()
    }
    const worker = startWorker(all.books)
    await happen(place, poolId, [1])
    await receiver.receives(1)
    return { place, poolId, receiver, worker, answer: () => asked.resolve(), ...made }
  }

  test('events that happen are sent after it', async () => {
    const { place, poolId, receiver, answer, secret } = await openWaiting()
    await happen(place, poolId, [2, 3])
    answer()
    await receiver.receives(3)
    expect(numbersOf(receiver, secret)).toEqual([1, 2, 3])
  })

  test('a secret that is rotated signs beside the new one until its overlap ends', async () => {
    const { place, poolId, receiver, answer, webhookId, secret } = await openWaiting()
    const rotate = async (overlapHours: number) =>
      secretText(await rotateSecret(all.books, place.accountId, { webhookId, overlapHours }))
    const second = await rotate(1)
    answer()
    await happen(place, poolId, [2])
    await receiver.receives(2)
    const third = await rotate(0)
    await happen(place, poolId, [3])
    await receiver.receives(3)
    const verifies = [secret, second, third].map((each) =>
      receiver.received.map((request) => {
        try {
          return verified(request, each).type === 'pool.low'
        } catch {
          return false
        }
      }),
    )
    expect(verifies).toEqual([
      [true, true, false],
      [false, true, false],
      [false, false, true],
    ])
  })

  test('a new URL gets the event again', async () => {
    const { place, receiver, answer, webhookId, secret } = await openWaiting()
    const moved = await openReceiver()
    const parts = { books: all.books, outgoing: outgoingClient() }
    const changes = { kinds: undefined, poolId: undefined, enabled: undefined, skipToNow: false }
    await updateWebhook(parts, place.accountId, { ...changes, webhookId, url: moved.url })
    answer()
    await moved.receives(1)
    await untilCaughtUp(place, webhookId)
    expect([numbersOf(receiver, secret), numbersOf(moved, secret)]).toEqual([[1], [1]])
  })

  test('a webhook can be deleted', async () => {
    const { place, poolId, receiver, worker, answer, webhookId } = await openWaiting()
    await deleteWebhook(all.books, place.accountId, webhookId)
    await happen(place, poolId, [2])
    answer()
    await worker.close()
    expect(receiver.received.length).toBe(1)
  })

  test('a process that stops gives it up, and another one sends it again without counting it', async () => {
    const { place, receiver, worker, webhookId, secret } = await openWaiting()
    await worker.close()
    expect(await webhookNow(place, webhookId)).toMatchObject({ attempts: 0, failingSince: undefined })
    startWorker(await all.another())
    await receiver.receives(2)
    await untilCaughtUp(place, webhookId)
    expect(numbersOf(receiver, secret)).toEqual([1, 1])
    const [first, second] = receiver.received.map(({ headers }) => headers['webhook-id'])
    expect(second).toBe(first)
  })
})

describe('events that are missing', () => {
  test('a receiver is told that events have expired before they were delivered, and gets the rest', async () => {
    const place = await openClock()
    const poolId = await newPool(place)
    const receiver = await openReceiver()
    const { webhookId } = await newWebhook(place, receiver.url)
    receiver.answerWith(503)
    startWorker(place.books)
    await happen(place, poolId, [1, 2])
    await untilWorks(place, webhookId, { attempts: 1 })
    const { books, accountId } = place
    await books.write(accountId, (tx) => forgetEvents(tx, accountId, new Date(Date.now() + hourMs), 100))
    await happen(place, poolId, [3])
    receiver.answerWith(200)
    place.pass(hourMs)
    await receiver.receives(3)
    expect(receiver.received.slice(1).map(({ body }) => JSON.parse(body))).toMatchObject([
      { type: 'events.missed', data: { reason: 'EXPIRED' } },
      { type: 'pool.low', data: { availableCount: '3' } },
    ])
  })

  test('a receiver is told that the event log is another one since a backup was restored', async () => {
    const place = await newPlace(all)
    const poolId = await newPool(place)
    const receiver = await openReceiver()
    await newWebhook(place, receiver.url)
    await happen(place, poolId, [1])
    await all.books.rows({
      text: 'UPDATE event_log SET log = $2 WHERE account_id = $1',
      values: [place.accountId, randomUUID()],
    })
    startWorker(all.books)
    await receiver.receives(2)
    expect(receiver.received.map(({ body }) => JSON.parse(body))).toMatchObject([
      { type: 'events.missed', data: { reason: 'RESTORED' } },
      { type: 'pool.low', data: { availableCount: '1' } },
    ])
  })
})

test('a test delivery is sent at once, whatever the state of the webhook, and changes nothing of it', async () => {
  const place = await newPlace(all)
  const poolId = await newPool(place)
  const receiver = await openReceiver()
  const { webhookId, secret } = await newWebhook(place, receiver.url)
  receiver.answerWith(410)
  startWorker(all.books)
  await happen(place, poolId, [1])
  await untilWorks(place, webhookId, { disabledReason: 'GONE' })
  const before = await webhookNow(place, webhookId)
  receiver.answerWith(202)
  const id = await sendTest(all.books, outgoingClient(), before)
  const [request] = receiver.received.slice(-1)
  expect(request && verified(request, secret)).toMatchObject({ type: 'webhook.test' })
  const [delivery] = await readDeliveries(all.books, place.accountId, webhookId)
  expect(delivery).toMatchObject({ id, type: 'webhook.test', status: 202, error: undefined })
  expect(await webhookNow(place, webhookId)).toEqual(before)
})

test('webhooks that hang delay no other, of their own account or of others', async () => {
  const [hanging, receiver] = [await openReceiver(), await openReceiver()]
  hanging.answering = () => {}
  const places: { place: Place; poolId: string }[] = []
  for (const _ of range(1, 5)) {
    const place = await newPlace(all)
    places.push({ place, poolId: await newPool(place) })
    // 300 in all, of which 60 hang: more than are delivered to at a time.
    await all.books.rows({
      text: `
        WITH made AS (
          INSERT INTO webhook (account_id, id, url, log, sequence, created_at)
          SELECT account_id, gen_random_uuid(), CASE WHEN n <= 12 THEN $2 ELSE $3 END, log, last, now()
          FROM event_log, generate_series(1, 60) n WHERE account_id = $1
          RETURNING account_id, id
        )
        INSERT INTO webhook_secret (account_id, id, webhook_id, number, secret)
        SELECT account_id, gen_random_uuid(), id, 1, '\\x00112233445566778899aabbccddeeff0011223344556677' FROM made`,
      values: [place.accountId, hanging.url, receiver.url],
    })
    await all.books.write(place.accountId, async (tx) => tx.queue('WEBHOOKS'))
  }
  // As if those that hang were never given up.
  const maxMs = 24 * hourMs
  startWorker(all.books, { outgoing: outgoingClient({ limits: { maxAnswerMs: maxMs } }) })
  for (const { place, poolId } of places) await happen(place, poolId, [1])
  await Promise.all([receiver.receives(240), hanging.receives(60)])
})
