import { expect, test } from 'vitest'
import { retry } from '../../src/async/retry.ts'

const transient = new Error('transient')
const isTransient = (error: unknown) => error === transient

test('runs work again after transient errors, until it resolves', async () => {
  const work = async (attempt: number) => {
    if (attempt < 3) throw transient
    return attempt
  }
  await expect(retry(3, work, isTransient)).resolves.toBe(3)
  await expect(retry(2, work, isTransient)).rejects.toBe(transient)
})

test('rejects with any other error at once', async () => {
  const attempts: number[] = []
  const work = async (attempt: number) => {
    attempts.push(attempt)
    throw new RangeError()
  }
  await expect(retry(3, work, isTransient)).rejects.toThrow(RangeError)
  expect(attempts).toEqual([1])
})
