import { expect, test } from 'vitest'
import { afterFailure, maxFailingMs, maxRetryAfterMs } from '../../../src/domain/webhook/back-off.ts'

const hourMs = 3_600_000
const start = new Date('2026-01-01T00:00:00Z')
const failed = { status: 500, error: 'The receiver answered with 500.', retryAfterMs: undefined }

/** When the attempts of a webhook are made that never succeeds, in milliseconds since the first, and how it ends. */
function outage(chance: number) {
  const timesMs = [0]
  let standing = afterFailure({ attempts: 0, failingSince: undefined }, failed, start, chance)
  while (standing.nextAttemptAt !== undefined) {
    const now = standing.nextAttemptAt
    timesMs.push(now.getTime() - start.getTime())
    standing = afterFailure(standing, failed, now, chance)
  }
  return { timesMs, disabled: standing.disabled }
}

test('a webhook that fails is tried soon at first, then less and less often, and for the last time after three days', () => {
  const { timesMs, disabled } = outage(0.5)
  const waitsS = timesMs.slice(1).map((ms, i) => (ms - (timesMs[i] ?? 0)) / 1_000)
  expect(waitsS.slice(0, 8)).toEqual([5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600])
  expect(waitsS.slice(8, -1).every((wait) => wait === 21_600)).toBe(true)
  expect(timesMs.at(-1)).toBe(maxFailingMs)
  expect(disabled).toEqual({
    reason: 'FAILED',
    message:
      'Every delivery since 2026-01-01T00:00:00.000Z has failed. The last one: The receiver answered with 500. ' +
      'Repair the receiver, and enable the webhook.',
  })
})

test('the delays are varied by a fifth, and the end is not', () => {
  const [early, late] = [outage(0), outage(1)]
  expect([early.timesMs[1], late.timesMs[1]]).toEqual([4_000, 6_000])
  expect([early.timesMs.at(-1), late.timesMs.at(-1)]).toEqual([maxFailingMs, maxFailingMs])
})

test('a receiver can ask for a longer delay, within a bound, and not for a shorter one', () => {
  const waitMs = (retryAfterMs: number, attempts = 0) => {
    const { nextAttemptAt } = afterFailure(
      { attempts, failingSince: start },
      { ...failed, retryAfterMs },
      start,
      0.5,
    )
    return Number(nextAttemptAt) - start.getTime()
  }
  expect(waitMs(60_000)).toBe(60_000)
  expect(waitMs(0)).toBe(5_000)
  expect(waitMs(1_000, 5)).toBe(hourMs)
  expect(waitMs(1_000 * hourMs)).toBe(maxRetryAfterMs)
})

test('a webhook whose process was away at the end of the three days is tried once more before it is disabled', () => {
  const later = new Date(start.getTime() + 2 * maxFailingMs)
  const standing = { attempts: 9, failingSince: start }
  expect(afterFailure(standing, failed, later, 0.5)).toMatchObject({
    attempts: 10,
    disabled: { reason: 'FAILED' },
  })
})

test('a receiver that is gone is not tried again', () => {
  const gone = afterFailure({ attempts: 0, failingSince: undefined }, { ...failed, status: 410 }, start, 0.5)
  expect(gone).toMatchObject({ nextAttemptAt: undefined, disabled: { reason: 'GONE' } })
})
