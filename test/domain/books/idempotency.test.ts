import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { IdempotencyConflictError } from '../../../src/domain/books/errors.ts'
import { checkIdempotencyKey, hashInput, once } from '../../../src/domain/books/idempotency.ts'
import { InputCheck } from '../../../src/domain/books/input.ts'
import { openBooks } from '../../support/books.ts'

describe('an idempotency key', () => {
  function check(key: string | undefined): () => void {
    const check = new InputCheck()
    checkIdempotencyKey(check, key)
    return () => check.done()
  }

  it.each([undefined, 'x', ' ', 'x'.repeat(255), 'Bestellung 17 – 🎄'])('can be %j', (key) => {
    expect(check(key)).not.toThrow()
  })

  it.each(['', 'x'.repeat(256), 'a\0b', 'half \ud83c'])('cannot be %j', (key) => {
    expect(check(key)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', path: ['idempotencyKey'] }))
  })
})

describe('the hash of an input', () => {
  it('ignores the order of the fields, and undefined fields', () => {
    const hash = hashInput({ poolId: 'p', count: 1 })
    expect(hashInput({ count: 1, poolId: 'p' })).toBe(hash)
    expect(hashInput({ poolId: 'p', count: 1, recipient: undefined })).toBe(hash)
  })

  it('differs when any field differs', () => {
    const inputs = [
      { a: 'x', b: 'y' },
      { a: 'xy', b: '' },
      { a: 'x","b', b: 'y' },
      { a: 'x' },
      { a: '' },
      {},
      { a: true },
      { a: 0 },
      { a: 2n ** 96n },
      { a: 2n ** 96n - 1n },
    ]
    expect(new Set(inputs.map((input) => hashInput(input))).size).toBe(inputs.length)
  })
})

describe('work that is done once', () => {
  const hash = hashInput({ poolId: 'p' })

  it('is done by one of several concurrent requests with the same key, and all get its task', async () => {
    await using test = await openBooks()
    const committed: string[] = []
    const request = async (key: string | undefined) => {
      const taskId = randomUUID()
      const done = await test.books.write(test.accountId, (tx) =>
        once(tx, 'try', { key, hash, taskId }, async () => ({ taskId })),
      )
      if (done.taskId === taskId) committed.push(taskId)
      return done.taskId
    }
    const answers = await Promise.all(Array.from({ length: 5 }, () => request('key')))
    expect(committed).toHaveLength(1)
    expect(new Set(answers)).toEqual(new Set(committed))
    expect(await request('key')).toBe(answers[0])
    expect(await request('other key')).not.toBe(answers[0])
    expect(await request(undefined)).not.toBe(await request(undefined))
  })

  it('conflicts with a different input, and leaves the key unused when it fails', async () => {
    await using test = await openBooks()
    const taskId = randomUUID()
    const request = (key: string, input: string, work: () => Promise<{ taskId: string }>) =>
      test.books.write(test.accountId, (tx) => once(tx, 'try', { key, hash: input, taskId }, work))
    const fails = () => Promise.reject(new RangeError('changed its mind'))
    await expect(request('key', hash, fails)).rejects.toThrow(RangeError)
    await request('key', hash, async () => ({ taskId }))
    expect(await request('key', hash, fails)).toEqual({ taskId })
    await expect(request('key', hashInput({ poolId: 'q' }), fails)).rejects.toThrow(IdempotencyConflictError)
  })
})
