import { expect, test } from 'vitest'
import { InFlight } from '../../src/async/in-flight.ts'

test('work counts for its key until it settles, and settles as it does', async () => {
  const inFlight = new InFlight()
  const first = Promise.withResolvers<string>()
  const second = Promise.withResolvers<string>()
  const other = Promise.withResolvers<string>()
  const runs = [
    inFlight.run('key', () => first.promise),
    inFlight.run('key', () => second.promise),
    inFlight.run('other', () => other.promise),
  ]
  expect([inFlight.of('key'), inFlight.of('other'), inFlight.of('none'), inFlight.all]).toEqual([2, 1, 0, 3])
  first.resolve('done')
  expect(await runs[0]).toBe('done')
  second.reject(new RangeError('failed'))
  await expect(runs[1]).rejects.toThrow(RangeError)
  expect([inFlight.of('key'), inFlight.all]).toEqual([0, 1])
  other.resolve('done')
  await runs[2]
  expect(inFlight.all).toBe(0)
})
