import { describe, expect, it } from 'vitest'
import { RateLimitedError } from '../../../src/domain/books/errors.ts'
import { GuessLimit } from '../../../src/domain/code/guess-limit.ts'

const minute = 60_000

/** A limit whose clock stands still until the test moves it. */
function limitOf(perMinute: number) {
  const clock = { now: 1_000_000 }
  return { clock, limit: new GuessLimit(perMinute, () => clock.now) }
}

const missed = () => Promise.resolve(undefined)
const hit = () => Promise.resolve('found')

async function refusal(attempt: Promise<unknown>): Promise<RateLimitedError> {
  const outcome = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (outcome instanceof RateLimitedError) return outcome
  throw new Error('The attempt was not refused.')
}

describe('attempts that find nothing', () => {
  it('are limited to perMinute at once, and one more after retryAfterMs', async () => {
    const { clock, limit } = limitOf(100)
    for (let i = 0; i < 100; i++) expect(await limit.attempt('key', missed)).toBeUndefined()
    for (let i = 0; i < 5; i++) {
      const { retryAfterMs } = await refusal(limit.attempt('key', missed))
      expect(retryAfterMs).toBe(600)
      clock.now += retryAfterMs - 1
      expect((await refusal(limit.attempt('key', missed))).retryAfterMs).toBe(1)
      clock.now += 1
      expect(await limit.attempt('key', missed)).toBeUndefined()
    }
    clock.now += 10 * minute
    for (let i = 0; i < 100; i++) await limit.attempt('key', missed)
    await refusal(limit.attempt('key', missed))
  })

  it.each([1, 3, 7, 999])(
    'can be made again after exactly retryAfterMs, at %i a minute',
    async (perMinute) => {
      const { clock, limit } = limitOf(perMinute)
      for (let i = 0; i < perMinute; i++) await limit.attempt('key', missed)
      for (let i = 0; i < 200; i++) {
        const { retryAfterMs } = await refusal(limit.attempt('key', missed))
        clock.now += retryAfterMs - 1
        await refusal(limit.attempt('key', missed))
        clock.now += 1
        expect(await limit.attempt('key', missed)).toBeUndefined()
      }
    },
  )

  it('count for each key separately', async () => {
    const { limit } = limitOf(2)
    for (let i = 0; i < 2; i++) await limit.attempt('one', missed)
    await refusal(limit.attempt('one', hit))
    expect(await limit.attempt('other', missed)).toBeUndefined()
  })

  it('are all counted when they are simultaneous', async () => {
    const { limit } = limitOf(10)
    const looked: number[] = []
    const outcomes = await Promise.allSettled(
      Array.from({ length: 500 }, (_, i) =>
        limit.attempt('key', () => {
          looked.push(i)
          return missed()
        }),
      ),
    )
    expect(looked).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(490)
  })

  it('block those that would find something, so that nothing is revealed', async () => {
    const { limit } = limitOf(1)
    await limit.attempt('key', missed)
    let looked = false
    await refusal(
      limit.attempt('key', async () => {
        looked = true
        return 'found'
      }),
    )
    expect(looked).toBe(false)
  })

  it('have no limit at 0', async () => {
    const { limit } = limitOf(0)
    for (let i = 0; i < 1_000; i++) expect(await limit.attempt('key', missed)).toBeUndefined()
    expect(limit.size).toBe(0)
  })
})

describe('attempts that find something', () => {
  it('are never refused, however many are simultaneous', async () => {
    const { limit } = limitOf(3)
    for (let i = 0; i < 50; i++) expect(await limit.attempt('key', hit)).toBe('found')
    const found = await Promise.all(Array.from({ length: 500 }, () => limit.attempt('key', hit)))
    expect(found).toEqual(Array(500).fill('found'))
  })

  it('wait only for those in flight that could still fail', async () => {
    const { limit } = limitOf(2)
    const slow = [Promise.withResolvers<string | undefined>(), Promise.withResolvers<string | undefined>()]
    const [first, second] = slow.map(({ promise }) => limit.attempt('key', () => promise))
    const third = limit.attempt('key', hit)
    slow[0]?.resolve(undefined)
    expect(await first).toBeUndefined()
    slow[1]?.resolve('found')
    expect([await second, await third]).toEqual(['found', 'found'])
  })

  it('cost nothing if they reject', async () => {
    const { limit } = limitOf(1)
    for (let i = 0; i < 5; i++)
      await expect(limit.attempt('key', () => Promise.reject(new Error('away')))).rejects.toThrow('away')
    expect(await limit.attempt('key', hit)).toBe('found')
  })
})

describe('the bucket of a key', () => {
  it('is removed a minute after the last attempt', async () => {
    const { clock, limit } = limitOf(5)
    for (let i = 0; i < 1_000; i++) {
      await limit.attempt(`key ${i}`, missed)
      clock.now += 100
    }
    expect(limit.size).toBe(600)
    clock.now += minute
    await limit.attempt('key', missed)
    expect(limit.size).toBe(1)
  })

  it('is kept while it is not full', async () => {
    const { clock, limit } = limitOf(5)
    for (let i = 0; i < 5; i++) await limit.attempt('key', missed)
    clock.now += minute / 5 - 1
    for (let i = 0; i < 100; i++) await limit.attempt(`other ${i}`, missed)
    await refusal(limit.attempt('key', missed))
  })
})
