import { expect, test } from 'vitest'
import { RecentReading } from '../../src/telemetry/recent-reading.ts'

const fail = (error: unknown) => {
  throw error
}

test('a value is read once for all who ask within the time', async () => {
  let reads = 0
  const reading = new RecentReading({ read: async () => ++reads, everyMs: 60_000, onError: fail })
  expect(await Promise.all([reading.get(), reading.get()])).toEqual([1, 1])
  expect(await reading.get()).toBe(1)
})

test('a value is read again after the time', async () => {
  let reads = 0
  const reading = new RecentReading({ read: async () => ++reads, everyMs: 0, onError: fail })
  await reading.get()
  await reading.get()
  expect(reads).toBe(2)
})

test('after a reading that failed there is no value, and the reason is reported', async () => {
  const errors: unknown[] = []
  const reason = new Error('The database is gone.')
  const reading = new RecentReading({
    read: () => Promise.reject(reason),
    everyMs: 60_000,
    onError: (error) => errors.push(error),
  })
  expect(await reading.get()).toBeUndefined()
  expect(errors).toEqual([reason])
})

test('nobody waits for a reading that never ends, and no second one begins', async () => {
  let reads = 0
  const read = () => {
    reads += 1
    return new Promise<number>(() => {})
  }
  const reading = new RecentReading({ read, everyMs: 0, onError: fail })
  expect(await Promise.all([reading.get(), reading.get()])).toEqual([undefined, undefined])
  expect(reads).toBe(1)
})
