import pino from 'pino'
import { beforeEach, expect, test, vi } from 'vitest'
import { logRetry, Poll, retryWhileUnavailable } from '../../src/async/poll.ts'
import { DatabaseUnavailableError } from '../../src/database/errors.ts'
import { silent } from '../support/books.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  return () => {
    vi.useRealTimers()
  }
})

/** A poll whose runs end on demand. */
function open(everyMs?: number) {
  const runs: PromiseWithResolvers<unknown>[] = []
  const run = () => {
    const ending = Promise.withResolvers<unknown>()
    runs.push(ending)
    return ending.promise
  }
  const poll = new Poll({
    purpose: 'do the work',
    run,
    ...(everyMs !== undefined && { everyMs }),
    log: silent,
  })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  const end = async (result?: unknown) => {
    runs.at(-1)?.resolve(result)
    await settle()
  }
  const fail = async (error: Error) => {
    runs.at(-1)?.reject(error)
    await settle()
  }
  return { poll, runs, end, fail }
}

test('runs when it is woken and at each tick, and not before', async () => {
  const { poll, runs, end } = open(1_000)
  vi.advanceTimersByTime(999)
  expect(runs).toHaveLength(0)
  poll.wake()
  expect(runs).toHaveLength(1)
  await end()
  vi.advanceTimersByTime(1)
  expect(runs).toHaveLength(2)
  await end()
  vi.advanceTimersByTime(1_000)
  expect(runs).toHaveLength(3)
})

test('runs once more if it was woken during a run, however often, and not because of a tick', async () => {
  const { poll, runs, end } = open(1_000)
  poll.wake()
  poll.wake()
  poll.wake()
  expect(runs).toHaveLength(1)
  await end()
  expect(runs).toHaveLength(2)
  vi.advanceTimersByTime(1_000)
  await end()
  expect(runs).toHaveLength(2)
})

test('runs again at once while the function resolves to true', async () => {
  const { poll, runs, end } = open()
  poll.wake()
  await end(true)
  expect(runs).toHaveLength(2)
  await end(false)
  expect(runs).toHaveLength(2)
})

test('retries after a failure at the next wake-up or tick', async () => {
  const { poll, runs, fail } = open(1_000)
  poll.wake()
  await fail(new Error('broken'))
  expect(runs).toHaveLength(1)
  vi.advanceTimersByTime(1_000)
  expect(runs).toHaveLength(2)
  poll.wake()
  await fail(new Error('broken'))
  expect(runs).toHaveLength(3)
})

test('survives a function that throws before it returns a promise', async () => {
  let calls = 0
  const run = () => {
    calls += 1
    throw new Error('broken')
  }
  const poll = new Poll({ purpose: 'do the work', run, log: silent })
  poll.wake()
  await poll.idle()
  poll.wake()
  expect(calls).toBe(2)
})

test('logs an outage of the database once a minute, and its end', async () => {
  const lines: string[] = []
  const log = pino({ base: null }, { write: (line) => lines.push(line) })
  const clock = vi.spyOn(performance, 'now')
  let run = () => Promise.reject<void>(new DatabaseUnavailableError(undefined))
  const poll = new Poll({ purpose: 'do the work', run: () => run(), log })
  const runAt = async (now: number) => {
    clock.mockReturnValue(now)
    poll.wake()
    await poll.idle()
    return lines.splice(0).map((line) => JSON.parse(line))
  }
  const outage = { level: 40, msg: 'could not do the work: the database is unavailable; trying again' }
  expect(await runAt(1_000)).toMatchObject([outage])
  expect(await runAt(60_999)).toEqual([])
  expect(await runAt(61_000)).toMatchObject([outage])
  expect(await runAt(62_000)).toEqual([])
  run = async () => {}
  const end = { level: 30, awayMs: 62_000, msg: 'the database is available again: going on to do the work' }
  expect(await runAt(63_000)).toMatchObject([end])
  expect(await runAt(64_000)).toEqual([])
  run = () => Promise.reject(new DatabaseUnavailableError(undefined))
  expect(await runAt(65_000)).toMatchObject([outage])
  clock.mockRestore()
})

test('is idle after all requested runs', async () => {
  const { poll, runs, end } = open()
  await poll.idle()
  poll.wake()
  poll.wake()
  let isIdle = false
  const idle = poll.idle().then(() => {
    isIdle = true
  })
  await end()
  expect([runs.length, isIdle]).toEqual([2, false])
  await end()
  await idle
  expect(isIdle).toBe(true)
})

test('aborts its signal, waits for the current run and starts no other when it is closed', async () => {
  const { poll, runs, end } = open(1_000)
  poll.wake()
  poll.wake()
  expect(poll.signal.aborted).toBe(false)
  let isClosed = false
  const closed = poll.close().then(() => {
    isClosed = true
  })
  expect([poll.signal.aborted, isClosed]).toEqual([true, false])
  await end(true)
  await closed
  poll.wake()
  vi.advanceTimersByTime(5_000)
  expect(runs).toHaveLength(1)
})

test.each([
  [
    'a database that is unavailable',
    new DatabaseUnavailableError(undefined),
    'warn',
    ': the database is unavailable',
  ],
  ['a conflict', { code: '40P01' }, 'warn', ': a transaction conflicted with others'],
  ['anything else', {}, 'error', ''],
])('logs %s for what it is', (_what, properties, level, why) => {
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line) => lines.push(line) })
  const error = properties instanceof Error ? properties : Object.assign(new Error('failed'), properties)
  logRetry(log, error, 'read the queue', { accountId: 'a' })
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      level: pino.levels.values[level],
      msg: `could not read the queue${why}; trying again`,
      err: expect.objectContaining({ message: error.message }),
      accountId: 'a',
    }),
  ])
})

test('retries while the database is unavailable, and gives up when it is told to', async () => {
  const ending = new AbortController()
  const options = { purpose: 'read the queue', log: silent, signal: ending.signal }
  const unavailable = async () => {
    throw new DatabaseUnavailableError(undefined)
  }
  const waiting = retryWhileUnavailable(unavailable, options)
  ending.abort()
  await expect(waiting).resolves.toBeUndefined()
})

test('retries after no other error', async () => {
  const options = { purpose: 'read the queue', log: silent, signal: new AbortController().signal }
  await expect(retryWhileUnavailable(() => Promise.reject(new RangeError()), options)).rejects.toThrow(
    RangeError,
  )
})
