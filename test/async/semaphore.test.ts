import { expect, test } from 'vitest'
import { yieldToEventLoop } from '../../src/async/pacer.ts'
import { Semaphore } from '../../src/async/semaphore.ts'

test('limits how many run at a time, first come, first served, and settles as each does', async () => {
  const semaphore = new Semaphore(2)
  const begun: string[] = []
  const run = (name: string) => {
    const work = Promise.withResolvers<string>()
    const result = semaphore.run(() => {
      begun.push(name)
      return work.promise
    })
    return { ...work, result }
  }
  const [a, b, c, d] = [run('a'), run('b'), run('c'), run('d')]
  await yieldToEventLoop()
  expect(begun).toEqual(['a', 'b'])
  b.resolve('b')
  expect(await b.result).toBe('b')
  await yieldToEventLoop()
  expect(begun).toEqual(['a', 'b', 'c'])
  a.reject(new Error('a failed'))
  await expect(a.result).rejects.toThrow('a failed')
  await yieldToEventLoop()
  expect(begun).toEqual(['a', 'b', 'c', 'd'])
  c.resolve('c')
  d.resolve('d')
  expect(await Promise.all([c.result, d.result])).toEqual(['c', 'd'])
})

test('is released by work that throws synchronously', async () => {
  const semaphore = new Semaphore(1)
  const failed = semaphore.run(() => {
    throw new Error('failed')
  })
  await expect(failed).rejects.toThrow('failed')
  expect(await semaphore.run(() => 'fine')).toBe('fine')
})
