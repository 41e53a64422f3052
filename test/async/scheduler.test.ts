import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
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

/** Work that takes `ms` of the scheduler's clock, and is noted when it begins. */
function busy(begun: string[], name: string, ms: number) {
  return () => {
    begun.push(name)
    now += ms
  }
}

/** Lets the event loop go round. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await nextTurn()
}

test('work begins at once where there is none waiting', () => {
  const begun: string[] = []
  void scheduler.run('a', busy(begun, 'a', 0))
  expect(begun).toEqual(['a'])
})

test('one key with much to do lets another begin after one piece of its own', async () => {
  const begun: string[] = []
  const all = Array.from({ length: 300 }, () => scheduler.run('greedy', busy(begun, 'greedy', 20)))
  await nextTurn()
  const before = begun.length
  expect(before).toBeLessThan(5)
  await scheduler.run('modest', busy(begun, 'modest', 1))
  expect(begun.indexOf('modest')).toBeGreaterThanOrEqual(before)
  expect(begun.indexOf('modest')).toBeLessThanOrEqual(before + 1)
  await Promise.all(all)
})

test('keys take turns, whatever each has waiting, and each keeps its order', async () => {
  const begun: string[] = []
  for (const [key, count] of [
    ['a', 6],
    ['b', 2],
    ['c', 3],
  ] as const)
    for (let i = 0; i < count; i++) void scheduler.run(key, busy(begun, `${key}${i}`, 20))
  await turns(400)
  expect(begun.slice(1)).toEqual(['a1', 'b0', 'c0', 'a2', 'b1', 'c1', 'a3', 'c2', 'a4', 'a5'])
})

describe('as many of a key are under way as its answers allow', () => {
  const never = new Promise<void>(() => undefined)

  const beginAll = async (key: string, count = 100) => {
    let begun = 0
    for (let i = 0; i < count; i++)
      void scheduler.run(key, () => {
        begun += 1
        return never
      })
    await turns(20)
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

  test('and what only waits for something does not keep the others back for long', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const begun = await beginAll('a', 40)
    expect(begun()).toBe(16)
    now += 500
    vi.advanceTimersByTime(500)
    await turns(20)
    expect(begun()).toBe(32)
  })

  test.each([
    ['of small requests', 0, 128],
    ['of large requests', 1_000_000, 8],
  ])('but no more %s than there is memory for, however long they take', async (_what, bytes, expected) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const ends: (() => void)[] = []
    const work = () => new Promise<void>((resolve) => ends.push(resolve))
    for (let i = 0; i < 300; i++) void scheduler.run('a', work, { bytes, isPatient: true })
    const wait = async () => {
      now += 500
      vi.advanceTimersByTime(500)
      await turns(20)
    }
    for (let i = 0; i < 40; i++) await wait()
    expect(ends).toHaveLength(expected)
    // What waits is bounded all the same.
    for (let i = 300; i < 2_100; i++) void scheduler.run('a', work, { bytes: 0, isPatient: true })
    await expect(scheduler.run('a', work, { bytes: 1 })).rejects.toThrow(TooMuchWaitingError)
    ends[0]?.()
    await turns(1)
    await wait()
    expect(ends).toHaveLength(expected + 1)
  })

  test('and while the others wait for that, the event loop rests', async () => {
    await beginAll('a')
    const made = vi.spyOn(globalThis, 'setImmediate')
    await turns(20)
    expect(made).not.toHaveBeenCalled()
  })

  test('and one that has ended makes room', async () => {
    const ends = Array.from({ length: 20 }, () => Promise.withResolvers<string>())
    const results = ends.map(({ promise }) => scheduler.run('a', () => promise))
    let last = false
    void scheduler.run('a', () => {
      last = true
    })
    expect(last).toBe(false)
    for (const [i, { resolve }] of ends.entries()) resolve(`${i}`)
    expect(await Promise.all(results)).toEqual(ends.map((_, i) => `${i}`))
    await nextTurn()
    expect(last).toBe(true)
  })
})

describe('work that waits', () => {
  test('is bounded in number and in bytes for each key, and beyond that refused', async () => {
    const begun: string[] = []
    const work = busy(begun, 'x', 20)
    const ask = (key: string, bytes: number) => scheduler.run(key, work, { bytes })
    for (let i = 0; i < 2_000; i++) void ask('many', 1)
    void ask('many', 1)
    await expect(ask('many', 1)).rejects.toThrow(TooMuchWaitingError)
    for (let i = 0; i < 32; i++) void ask('large', 1_000_000)
    await expect(ask('large', 1_000_000)).rejects.toThrow(TooMuchWaitingError)
    await expect(ask('large', 1_000_000)).rejects.toMatchObject({ retryAfterMs: expect.any(Number) })
    // Whoever brings it waits as well: that is bound enough.
    void scheduler.run('many', work)
    void ask('another', 1)
  })

  test('for somebody who has left is not begun', async () => {
    const begun: string[] = []
    void scheduler.run('a', busy(begun, 'first', 20))
    let isWanted = true
    const dropped = scheduler.run('a', busy(begun, 'dropped', 20), { isWanted: () => isWanted })
    void scheduler.run('a', busy(begun, 'last', 20))
    isWanted = false
    await turns(20)
    expect(await dropped).toBeUndefined()
    expect(begun).toEqual(['first', 'last'])
  })
})

test('what goes wrong is told to whoever asked, and keeps nobody back', async () => {
  const failed = scheduler.run('a', () => {
    throw new Error('at once')
  })
  const rejected = scheduler.run('a', () => Promise.reject(new Error('later')))
  await expect(failed).rejects.toThrow('at once')
  await expect(rejected).rejects.toThrow('later')
  expect(await scheduler.run('a', () => 'fine')).toBe('fine')
})

test('keys that ask for nothing more are forgotten, however many there were', async () => {
  for (let i = 0; i < 5_000; i++) await scheduler.run(`key ${i}`, () => undefined)
  expect(scheduler.size).toBeLessThanOrEqual(1_001)
})
