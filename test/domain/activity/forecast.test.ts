import { describe, expect, it } from 'vitest'
import { forecast } from '../../../src/domain/activity/forecast.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { fill, newFormat, newPool, poolNow, useBooks } from '../../support/books.ts'

const test = useBooks()

const dayMs = 86_400_000

/**
 * A pool that is `days` old. Each claim is a number of days ago, and a number of codes. Resolves to its forecast, with times
 * in days from now.
 */
async function forecastOf(
  age: { days: number; available: number; generatable?: bigint },
  claims: readonly [daysAgo: number, count: number][],
) {
  const { books, accountId } = test
  const poolId = await newPool(test)
  const claimed = claims.reduce((sum, [, count]) => sum + count, 0)
  await fill(test, poolId, await newFormat(test), BigInt(claimed + age.available))
  const now = new Date(Date.now() + 1_000 * dayMs)
  const set = (text: string, ...values: unknown[]) =>
    books.rows({ text, values: [accountId, poolId, ...values] })
  const ago = (days: number) => new Date(now.getTime() - days * dayMs)
  await set('UPDATE pool SET created_at = $3 WHERE account_id = $1 AND id = $2', ago(age.days))
  for (const [daysAgo, count] of claims) {
    const { claimed: first } = await poolNow(test, poolId)
    await new Claims(books).claim(accountId, { poolId, count })
    await set(
      'UPDATE claim SET at = $4 WHERE account_id = $1 AND pool_id = $2 AND first = $3',
      first,
      ago(daysAgo),
    )
  }
  const found = await forecast(books, await poolNow(test, poolId), { now, generatable: age.generatable })
  const days = (at: Date | undefined) => at && (at.getTime() - now.getTime()) / dayMs
  return { ...found, runsOutAt: days(found.runsOutAt), formatRunsOutAt: days(found.formatRunsOutAt) }
}

describe('the forecast of a pool', () => {
  it('goes by the last seven days', async () => {
    const claims: [number, number][] = [
      [8, 1_000],
      [7.001, 500],
      [7, 20],
      [3, 40],
      [0, 10],
    ]
    expect(await forecastOf({ days: 30, available: 100, generatable: 200n }, claims)).toEqual({
      claimsPerDay: 10,
      runsOutAt: 10,
      formatRunsOutAt: 30,
    })
  })

  it('goes by all days of a younger pool', async () => {
    expect(await forecastOf({ days: 2, available: 30 }, [[1.5, 20]])).toEqual({
      claimsPerDay: 10,
      runsOutAt: 3,
      formatRunsOutAt: undefined,
    })
  })

  it('goes by a whole day if the pool is younger than that', async () => {
    for (const days of [1 / 86_400, 0.5, 1])
      expect(await forecastOf({ days, available: 480 }, [[0, 10]])).toMatchObject({
        claimsPerDay: 10,
        runsOutAt: 48,
      })
  })

  it('is never if nothing was claimed, and now if everything was', async () => {
    expect(await forecastOf({ days: 30, available: 5, generatable: 5n }, [[8, 10]])).toEqual({
      claimsPerDay: 0,
      runsOutAt: undefined,
      formatRunsOutAt: undefined,
    })
    expect(await forecastOf({ days: 30, available: 0, generatable: 70n }, [[1, 7]])).toEqual({
      claimsPerDay: 1,
      runsOutAt: 0,
      formatRunsOutAt: 70,
    })
  })

  it('is never if the date could not be written', async () => {
    const found = await forecastOf({ days: 30, available: 7, generatable: 2n ** 96n }, [[1, 7]])
    expect(found).toEqual({ claimsPerDay: 1, runsOutAt: 7, formatRunsOutAt: undefined })
  })

  it('is exact for the largest pools', async () => {
    const { books, accountId } = test
    const poolId = await newPool(test)
    const now = new Date()
    const pool = { ...(await poolNow(test, poolId)), total: 2n ** 96n, claimed: 2n ** 96n - 1n }
    const found = await forecast(books, { ...pool, accountId }, { now, generatable: 2n ** 96n })
    expect(found.claimsPerDay).toBeCloseTo(2 ** 96, -20)
    expect(found.runsOutAt).toEqual(now)
    expect(found.formatRunsOutAt).toEqual(new Date(now.getTime() + dayMs))
  })
})
