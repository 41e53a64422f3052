import { day, hour, hourOfDay, month, shortDay, timeZone } from '../intl.ts'

/** How far back the activity of a pool is shown: 24 hours, 30 days, 26 weeks or 12 months, each with its steps. */
export type Period = 'hours' | 'days' | 'weeks' | 'months'

export const periods = ['hours', 'days', 'weeks', 'months'] as const satisfies readonly Period[]

/** What the API is asked for: a time, and how it is divided. */
interface SteppedTime {
  from: string
  to: string
  step: 'HOUR' | 'DAY' | 'WEEK' | 'MONTH'
  timeZone: string
}

export const quarterMs = 900_000
const hourMs = 4 * quarterMs

/**
 * The steps of a period, of which the last one is under way. It is the same for a quarter of an hour, at the ends of which
 * hours begin in all time zones.
 */
export function timeOf(period: Period, now: number): SteppedTime {
  const endOfQuarter = (Math.floor(now / quarterMs) + 1) * quarterMs
  const to = new Date(endOfQuarter).toISOString()
  return { ...beginningOf(period, endOfQuarter - quarterMs), to, timeZone }
}

function beginningOf(period: Period, now: number): Pick<SteppedTime, 'from' | 'step'> {
  const today = new Date(now)
  const [year, month, date] = [today.getFullYear(), today.getMonth(), today.getDate()]
  // At noon, which is on that date whatever the clocks do.
  const at = (month: number, date: number) => new Date(year, month, date, 12).toISOString()
  switch (period) {
    case 'hours':
      return { step: 'HOUR', from: new Date(now - 23 * hourMs).toISOString() }
    case 'days':
      return { step: 'DAY', from: at(month, date - 29) }
    case 'weeks':
      return { step: 'WEEK', from: at(month, date - 25 * 7) }
    case 'months':
      return { step: 'MONTH', from: at(month - 11, 1) }
  }
}

/**
 * The steps of a period whose names an axis shows, as far as they fit: of the hours every third, counted from midnight. All of
 * other periods.
 */
export function ticksOf(period: Period, steps: readonly { from: string }[]): string[] {
  const all = steps.map(({ from }) => from)
  return period === 'hours' ? all.filter((from) => new Date(from).getHours() % 3 === 0) : all
}

/** The name of a step of a period by its beginning: short for an axis, and in full. */
export const namesOfSteps: Record<
  Period,
  { short: (from: string) => string; full: (from: string) => string }
> = {
  hours: { short: hour, full: hourOfDay },
  days: { short: shortDay, full: day },
  weeks: { short: shortDay, full: day },
  months: { short: month, full: month },
}
