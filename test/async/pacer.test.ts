import { beforeEach, expect, test, vi } from 'vitest'
import { Pacer, paced, yieldToEventLoop } from '../../src/async/pacer.ts'

let now: number
beforeEach(() => {
  now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
})

/** Whether the event loop has begun another iteration since the call. */
function nextIteration() {
  let isOver = false
  setImmediate(() => {
    isOver = true
  })
  return () => isOver
}

test('yieldToEventLoop resolves in the next iteration of the event loop', async () => {
  const hasYielded = nextIteration()
  await yieldToEventLoop()
  expect(hasYielded()).toBe(true)
})

test('a yield is due maxMs after the last one', async () => {
  const pacer = new Pacer(10)
  now = 9.5
  expect(pacer.isDue()).toBe(false)
  const hasYielded = nextIteration()
  await pacer.yieldIfDue()
  expect(hasYielded()).toBe(false)
  now = 10
  expect(pacer.isDue()).toBe(true)
  await pacer.yieldIfDue()
  expect(hasYielded()).toBe(true)
  expect(pacer.isDue()).toBe(false)
  now = 20
  expect(pacer.isDue()).toBe(true)
})

test('everything that yields in one iteration resumes in the next, and shares its time', async () => {
  const pacer = new Pacer(10)
  now = 10
  const worked: number[] = []
  const work = async (name: number) => {
    await pacer.yield()
    for (let i = 0; i < 3; i++) {
      if (pacer.isDue()) await pacer.yield()
      now += 5
      worked.push(name)
    }
  }
  const all = [work(1), work(2)]
  await yieldToEventLoop()
  expect(worked).toEqual([1, 1])
  await Promise.all(all)
  expect(worked.toSorted()).toEqual([1, 1, 1, 2, 2, 2])
})

test('paced gives the same items, and yields to the event loop in between', async () => {
  const items: number[] = []
  const hasYielded = nextIteration()
  const use = (item: number) => {
    items.push(item)
    expect(hasYielded()).toBe(item > 2)
    now += 5
  }
  await Promise.all(paced([1, 2, 3], new Pacer(10)).map((item) => item.then(use)))
  expect(items).toEqual([1, 2, 3])
})

test('what fails for a paced item can be handled before all others are there', async () => {
  now = 10
  const [first, second] = paced([Promise.reject(new Error('first')), Promise.resolve(2)], new Pacer(10))
  await expect(first).rejects.toThrow('first')
  expect(await second).toBe(2)
})
