import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { yieldToEventLoop } from '../../src/async/pacer.ts'
import { Scheduler, TooMuchWaitingError } from '../../src/async/scheduler.ts'

let scheduler: Scheduler
let now: number

beforeEach(() => {
  now = 0
  scheduler = new Scheduler(() => now)
})

afterEach(() => {
  vi.useRealTimers()
})

/** Work that takes `ms` on the scheduler's clock and records its start. */
function busy(begun: string[], name: string, ms: number) {
  return () => {
    begun.push(name)
    now += ms
  }
}

/** Waits for `count` iterations of the event loop. */
async function iterations(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await yieldToEventLoop()
}

test('work starts at once if none is waiting', () => {
  const begun: string[] = []
  void scheduler.run('a', busy(begun, 'a', 0))
  expect(begun).toEqual(['a'])
})

test('a key with much work lets another start after one job of its own', async () => {
  const begun: string[] = []
  const all = Array.from({ length: 300 }, () => scheduler.run('greedy', busy(begun, 'greedy', 20)))
  await yieldToEventLoop()
  const before = begun.length
  expect(before).toBeLessThan(5)
  await scheduler.run('modest', busy(begun, 'modest', 1))
  expect(begun.indexOf('modest')).toBeGreaterThanOrEqual(before)
  expect(begun.indexOf('modest')).toBeLessThanOrEqual(before + 1)
  await Promise.all(all)
})

test('keys are served round-robin, however much each has waiting, and each in order of arrival', async () => {
  const begun: string[] = []
  for (const [key, count] of [
    ['a', 6],
    ['b', 2],
    ['c', 3],
  ] as const)
    for (let i = 0; i < count; i++) void scheduler.run(key, busy(begun, `${key}${i}`, 20))
  await iterations(400)
  expect(begun.slice(1)).toEqual(['a1', 'b0', 'c0', 'a2', 'b1', 'c1', 'a3', 'c2', 'a4', 'a5'])
})

describe('a key has as many operations running as the size of its answers allows', () => {
  const never = new Promise<void>(() => undefined)

  const beginAll = async (key: string, count = 100) => {
    let begun = 0
    for (let i = 0; i < count; i++)
      void scheduler.run(key, () => {
        begun += 1
        return never
      })
    await iterations(20)
    return () => begun
  }

  test.each([
    ['at first', [], 16],
    ['when they were small', Array(100).fill(200), 64],
    ['when they were large', Array(100).fill(1_000_000), 4],
  ])('%s', async (_when, answers, expected) => {
    await scheduler.run('a', () => undefined)
    for (const bytes of answers) scheduler.weigh('a', bytes)
    expect((await beginAll('a'))()).toBe(expected)
    // Another key has its own.
    expect((await beginAll('b'))()).toBe(16)
  })

  test('slow ones soon make room for others', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const begun = await beginAll('a', 40)
    expect(begun()).toBe(16)
    now += 500
    vi.advanceTimersByTime(500)
    await iterations(20)
    expect(begun()).toBe(32)
  })

  test.each([
    ['of small requests', 0, 128],
    ['of large requests', 1_000_000, 8],
  ])(
    'no more are in flight %s than memory allows, however long they take',
    async (_what, bytes, expected) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      const ends: (() => void)[] = []
      const work = () => new Promise<void>((resolve) => ends.push(resolve))
      for (let i = 0; i < 300; i++) void scheduler.run('a', work, { bytes, isPatient: true })
      const wait = async () => {
        now += 500
        vi.advanceTimersByTime(500)
        await iterations(20)
      }
      for (let i = 0; i < 40; i++) await wait()
      expect(ends).toHaveLength(expected)
      // Slow jobs count towards the limit of waiting ones.
      for (let i = 300; i < 2_100; i++) void scheduler.run('a', work, { bytes: 0, isPatient: true })
      await expect(scheduler.run('a', work, { bytes: 1 })).rejects.toThrow(TooMuchWaitingError)
      ends[0]?.()
      await iterations(1)
      await wait()
      expect(ends).toHaveLength(expected + 1)
    },
  )

  test('the event loop is idle until one of them ends', async () => {
    await beginAll('a')
    const made = vi.spyOn(globalThis, 'setImmediate')
    await iterations(20)
    expect(made).not.toHaveBeenCalled()
  })

  test('one that has ended makes room', async () => {
    const ends = Array.from({ length: 20 }, () => Promise.withResolvers<string>())
    const results = ends.map(({ promise }) => scheduler.run('a', () => promise))
    let last = false
    void scheduler.run('a', () => {
      last = true
    })
    expect(last).toBe(false)
    for (const [i, { resolve }] of ends.entries()) resolve(`${i}`)
    expect(await Promise.all(results)).toEqual(ends.map((_, i) => `${i}`))
    await yieldToEventLoop()
    expect(last).toBe(true)
  })
})

describe('work that waits', () => {
  test('is limited in number and bytes for each key, and rejected above that', async () => {
    const begun: string[] = []
    const work = busy(begun, 'x', 20)
    const ask = (key: string, bytes: number) => scheduler.run(key, work, { bytes })
    for (let i = 0; i < 2_000; i++) void ask('many', 1)
    void ask('many', 1)
    await expect(ask('many', 1)).rejects.toThrow(TooMuchWaitingError)
    for (let i = 0; i < 32; i++) void ask('large', 1_000_000)
    await expect(ask('large', 1_000_000)).rejects.toThrow(TooMuchWaitingError)
    await expect(ask('large', 1_000_000)).rejects.toMatchObject({ retryAfterMs: expect.any(Number) })
    // The caller applies back-pressure.
    void scheduler.run('many', work)
    void ask('another', 1)
  })

  test('is not started if it is no longer wanted', async () => {
    const begun: string[] = []
    void scheduler.run('a', busy(begun, 'first', 20))
    let isWanted = true
    const dropped = scheduler.run('a', busy(begun, 'dropped', 20), { isWanted: () => isWanted })
    void scheduler.run('a', busy(begun, 'last', 20))
    isWanted = false
    await iterations(20)
    expect(await dropped).toBeUndefined()
    expect(begun).toEqual(['first', 'last'])
  })
})

test('a failure rejects its own promise and holds back no other work', async () => {
  const failed = scheduler.run('a', () => {
    throw new Error('at once')
  })
  const rejected = scheduler.run('a', () => Promise.reject(new Error('later')))
  await expect(failed).rejects.toThrow('at once')
  await expect(rejected).rejects.toThrow('later')
  expect(await scheduler.run('a', () => 'fine')).toBe('fine')
})

test('idle keys are forgotten, however many there were', async () => {
  for (let i = 0; i < 5_000; i++) await scheduler.run(`key ${i}`, () => undefined)
  expect(scheduler.size).toBeLessThanOrEqual(1_001)
})
