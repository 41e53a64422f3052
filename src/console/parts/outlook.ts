import { currentTime, dayMs } from '../api/clock.ts'

/** What can be said of when a pool runs out of codes. */
export type Outlook =
  /** The pool is so young that its claims are no rate yet; nothing is claimed; or a date would be too far away to mean much. */
  { kind: 'early' | 'idle' | 'far' } | { kind: 'dated'; at: string }

interface Foreseen {
  createdAt: string
  forecast: { claimsPerDay: number; runsOutAt: string | null }
}

const farMs = 3_653 * dayMs

export function outlookOf({ createdAt, forecast }: Foreseen, now = currentTime()): Outlook {
  if (Date.parse(createdAt) > now - dayMs) return { kind: 'early' }
  if (forecast.claimsPerDay === 0) return { kind: 'idle' }
  const at = notFar(forecast.runsOutAt, now)
  return at === undefined ? { kind: 'far' } : { kind: 'dated', at }
}

/** A moment of the forecast, unless it is more than ten years away. The API has null for what is beyond all calendars. */
export function notFar(at: string | null, now = currentTime()): string | undefined {
  return at === null || Date.parse(at) > now + farMs ? undefined : at
}
