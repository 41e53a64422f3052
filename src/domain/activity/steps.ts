import { Temporal } from 'temporal-polyfill'
import { hourMs } from '../../dates.ts'
import { grouped } from '../../grouped.ts'
import { quoted } from '../../quoted.ts'

export type ActivityStep = 'HOUR' | 'DAY' | 'WEEK' | 'MONTH'

/** A time to divide into steps: whole hours, days, weeks or months of a time zone. */
export interface SteppedTime {
  from: Date
  to: Date
  step: ActivityStep
  /** A name of the IANA time zone database, in any case. */
  timeZone: string
}

export const maxSteps = 1_000

// RFC 3339 can express all times in these years, and the end of the step after them. No pool is older. And since 1970, the
// clocks of all time zones have differed by multiples of a quarter of an hour, by which redemptions are counted (those of
// Liberia since 1972).
const firstYear = 1970
const lastYear = 9998

/** What is wrong with the time, and what to do about it; undefined if it can be divided. */
export function problemOf(time: SteppedTime): string | undefined {
  const { from, to, timeZone } = time
  if (!isTimeZone(timeZone))
    return `There is no time zone ${quoted(timeZone)}. Use a name of the IANA time zone database, such as "Europe/Berlin" or "UTC".`
  if (from > to)
    return `from (${from.toISOString()}) is after to (${to.toISOString()}). Swap them, or choose other times.`
  if (from.getUTCFullYear() < firstYear || to.getUTCFullYear() > lastYear)
    return `from and to must be in the years ${firstYear} to ${lastYear}. Choose times within them.`
  const count = countSteps(time)
  if (count > maxSteps)
    return (
      `From ${from.toISOString()} to ${to.toISOString()} there are ${grouped(count)} ${time.step.toLowerCase()}s, and at ` +
      `most ${grouped(maxSteps)} steps are allowed. Choose longer steps, or a shorter time.`
    )
  return undefined
}

const minHours: Record<ActivityStep, number> = { HOUR: 1, DAY: 24, WEEK: 7 * 24, MONTH: 28 * 24 }

/** An upper bound of the number of steps, whatever the time zone; hardly more than there are. */
export function maxStepsIn({ from, to, step }: Omit<SteppedTime, 'timeZone'>): number {
  // Two more: where the time begins and ends within a step, and where clocks are put forward.
  return Math.max(0, Math.ceil((to.getTime() - from.getTime()) / (minHours[step] * hourMs))) + 2
}

/**
 * The moments at which the steps of a time without a problem begin, and the one at which the last of them ends. The first step
 * contains `from`. The last one ends at or after `to`; there is at least one.
 *
 * A day begins when the clocks of the time zone show its date for the first time. So it can have 23 or 25 hours, and a day
 * that a time zone has left out is no step. An hour always has 60 minutes: where clocks are put back, two have the same name.
 */
export function boundariesOf(time: SteppedTime): Date[] {
  const [from, to] = [time.from.getTime(), time.to.getTime()]
  const nth = boundaryOf(time)
  const boundaries: number[] = []
  let last: number
  do {
    last = nth(boundaries.length)
    boundaries.push(last)
  } while (last < to || last <= from)
  // Where clocks are put back across midnight, a date goes on after the next one has begun.
  const first = boundaries.findLastIndex((boundary) => boundary <= from)
  return [...new Set(boundaries.slice(first))].map((boundary) => new Date(boundary))
}

/** How many steps there are. Dates that the time zone has left out count, too. */
function countSteps(time: SteppedTime): number {
  const { to, timeZone, step } = time
  const nth = boundaryOf(time)
  if (step === 'HOUR') return Math.ceil((to.getTime() - nth(0)) / hourMs)
  const { first, unit } = datesOf(time, step)
  const whole = first.until(zoned(to, timeZone).toPlainDate(), { largestUnit: unit })[unit]
  return nth(whole) < to.getTime() ? whole + 1 : whole
}

/** When the nth step begins, in milliseconds since 1970. */
function boundaryOf(time: SteppedTime): (n: number) => number {
  const { from, timeZone, step } = time
  if (step === 'HOUR') {
    // The offset from UTC at `from`: the clock that shows it reads a whole hour.
    const offset = zoned(from, timeZone).offsetNanoseconds / 1e6
    const first = Math.floor((from.getTime() + offset) / hourMs) * hourMs - offset
    return (n) => first + n * hourMs
  }
  const { first, unit } = datesOf(time, step)
  return (n) => first.add({ [unit]: n }).toZonedDateTime(timeZone).epochMilliseconds
}

/** The first date of the step that contains `from`, and the unit from each step to the next. */
function datesOf(
  { from, timeZone }: SteppedTime,
  step: Exclude<ActivityStep, 'HOUR'>,
): { first: Temporal.PlainDate; unit: 'days' | 'weeks' | 'months' } {
  const date = zoned(from, timeZone).toPlainDate()
  if (step === 'DAY') return { first: date, unit: 'days' }
  if (step === 'WEEK') return { first: date.subtract({ days: date.dayOfWeek - 1 }), unit: 'weeks' }
  return { first: date.with({ day: 1 }), unit: 'months' }
}

function zoned(time: Date, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(time.getTime()).toZonedDateTimeISO(timeZone)
}

// Temporal also accepts offsets, such as +05:37, and whole dates with a time zone.
const name = /^[A-Za-z][\w+/-]{0,99}$/

function isTimeZone(timeZone: string): boolean {
  if (!name.test(timeZone)) return false
  try {
    zoned(new Date(0), timeZone)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
