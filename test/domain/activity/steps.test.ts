import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ActivityStep,
  boundariesOf,
  maxStepsIn,
  problemOf,
  type SteppedTime,
} from '../../../src/domain/activity/steps.ts'

function time(step: ActivityStep, timeZone: string, from: string, to = from): SteppedTime {
  return { step, timeZone, from: new Date(from), to: new Date(to) }
}

function boundaries(...of: Parameters<typeof time>): string[] {
  return boundariesOf(time(...of)).map((boundary) => boundary.toISOString().slice(0, 16))
}

describe('steps', () => {
  it('are whole, from the one with the beginning to the one with the end', () => {
    const of = (step: ActivityStep) => boundaries(step, 'UTC', '2026-02-26T10:30:00Z', '2026-02-28T12:00:01Z')
    expect(of('HOUR')).toHaveLength(52)
    expect(of('HOUR').at(0)).toBe('2026-02-26T10:00')
    expect(of('HOUR').at(-1)).toBe('2026-02-28T13:00')
    expect(of('DAY')).toEqual([
      '2026-02-26T00:00',
      '2026-02-27T00:00',
      '2026-02-28T00:00',
      '2026-03-01T00:00',
    ])
    expect(of('WEEK')).toEqual(['2026-02-23T00:00', '2026-03-02T00:00'])
    expect(of('MONTH')).toEqual(['2026-02-01T00:00', '2026-03-01T00:00'])
  })

  it('end where the time ends, if that is between two', () => {
    expect(boundaries('DAY', 'UTC', '2026-02-26T00:00:00Z', '2026-02-28T00:00:00Z')).toEqual([
      '2026-02-26T00:00',
      '2026-02-27T00:00',
      '2026-02-28T00:00',
    ])
  })

  it.each([
    ['HOUR', '2026-03-01T00:00', '2026-03-01T01:00'],
    ['DAY', '2026-03-01T00:00', '2026-03-02T00:00'],
    ['WEEK', '2026-02-23T00:00', '2026-03-02T00:00'],
    ['MONTH', '2026-03-01T00:00', '2026-04-01T00:00'],
  ] as const)('of a moment are the one that contains it: %s', (step, ...expected) => {
    expect(boundaries(step, 'UTC', '2026-03-01T00:00:00Z')).toEqual(expected)
  })

  it('begin on Mondays, also at the turn of the year', () => {
    expect(boundaries('WEEK', 'Europe/Berlin', '2026-12-31T12:00:00Z', '2027-01-04T12:00:00Z')).toEqual([
      '2026-12-27T23:00',
      '2027-01-03T23:00',
      '2027-01-10T23:00',
    ])
  })

  it('of a month have its days', () => {
    expect(boundaries('MONTH', 'Europe/Berlin', '2028-01-31T22:59:59Z', '2028-04-15T00:00:00Z')).toEqual([
      '2027-12-31T23:00',
      '2028-01-31T23:00',
      '2028-02-29T23:00',
      '2028-03-31T22:00',
      '2028-04-30T22:00',
    ])
  })
})

describe('where clocks are put forward or back', () => {
  it('a day has 23 or 25 hours', () => {
    expect(boundaries('DAY', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-30T12:00:00Z')).toEqual([
      '2026-03-27T23:00',
      '2026-03-28T23:00',
      '2026-03-29T22:00',
      '2026-03-30T22:00',
    ])
    expect(boundaries('DAY', 'Europe/Berlin', '2026-10-25T12:00:00Z')).toEqual([
      '2026-10-24T22:00',
      '2026-10-25T23:00',
    ])
  })

  it('an hour that occurs twice is two steps, and one that does not occur is none', () => {
    // From 01:30 to 03:30 by the clock.
    expect(boundaries('HOUR', 'Europe/Berlin', '2026-10-24T23:30:00Z', '2026-10-25T02:30:00Z')).toEqual([
      '2026-10-24T23:00',
      '2026-10-25T00:00',
      '2026-10-25T01:00',
      '2026-10-25T02:00',
      '2026-10-25T03:00',
    ])
    expect(boundaries('HOUR', 'Europe/Berlin', '2026-03-29T00:30:00Z', '2026-03-29T01:30:00Z')).toEqual([
      '2026-03-29T00:00',
      '2026-03-29T01:00',
      '2026-03-29T02:00',
    ])
  })

  it('an hour has 60 minutes even if they are put back by 30', () => {
    // The second 01:45 of that night.
    const from = '2026-04-04T15:15:00Z'
    expect(boundaries('HOUR', 'Australia/Lord_Howe', from)).toEqual(['2026-04-04T14:30', '2026-04-04T15:30'])
  })

  it('a day without midnight begins later', () => {
    expect(boundaries('DAY', 'America/Sao_Paulo', '2018-11-03T12:00:00Z', '2018-11-05T12:00:00Z')).toEqual([
      '2018-11-03T03:00',
      '2018-11-04T03:00',
      '2018-11-05T02:00',
      '2018-11-06T02:00',
    ])
  })

  it('a day that was left out is no step', () => {
    // Samoa had no 30 December 2011.
    expect(boundaries('DAY', 'Pacific/Apia', '2011-12-29T12:00:00Z', '2012-01-01T00:00:00Z')).toEqual([
      '2011-12-29T10:00',
      '2011-12-30T10:00',
      '2011-12-31T10:00',
      '2012-01-01T10:00',
    ])
  })

  it('a date that goes on after the next one began belongs to that', () => {
    // In Newfoundland, 00:01 on 29 October 2006 was followed by 23:01 on the 28th. This is 23:10.
    expect(boundaries('DAY', 'America/St_Johns', '2006-10-29T02:40:00Z')).toEqual([
      '2006-10-29T02:30',
      '2006-10-30T03:30',
    ])
  })
})

describe('hours and days of time zones', () => {
  it('begin at half past in zones that are off by half an hour', () => {
    expect(boundaries('HOUR', 'Asia/Kolkata', '2026-03-01T10:00:00Z', '2026-03-01T11:00:00Z')).toEqual([
      '2026-03-01T09:30',
      '2026-03-01T10:30',
      '2026-03-01T11:30',
    ])
    expect(boundaries('DAY', 'Asia/Kolkata', '2026-03-01T10:00:00Z')).toEqual([
      '2026-02-28T18:30',
      '2026-03-01T18:30',
    ])
  })

  const zones = [
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'America/Sao_Paulo',
    'America/Havana',
    'America/St_Johns',
    'Asia/Kolkata',
    'Asia/Kathmandu',
    'Asia/Gaza',
    'Australia/Lord_Howe',
    'Pacific/Apia',
    'Pacific/Chatham',
    'Africa/Casablanca',
  ]
  const times = fc.record({
    timeZone: fc.constantFrom(...zones),
    step: fc.constantFrom('HOUR', 'DAY', 'WEEK', 'MONTH'),
    from: fc.date({ min: new Date('1975-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }),
    length: fc.oneof(fc.nat(3 * 86_400_000), fc.nat(40 * 86_400_000)),
  } as const)

  it('are those that clocks show', { timeout: 300_000 }, () => {
    fc.assert(
      fc.property(times, ({ length, ...rest }) => {
        const asked = { ...rest, to: new Date(rest.from.getTime() + length) }
        expect(problemOf(asked)).toBeUndefined()
        const found = boundariesOf(asked)
        const clock = clockOf(asked.timeZone)
        const steps = found.slice(1).map((end, i) => [found[i] as Date, end] as const)
        expect(steps.length).toBeLessThanOrEqual(maxStepsIn(asked))
        const [first, last] = [steps[0], steps.at(-1)]
        if (first === undefined || last === undefined) throw new Error('There is no step.')
        expect(first[0] <= asked.from && asked.from < first[1]).toBe(true)
        expect(asked.to <= last[1] && (steps.length === 1 || last[0] < asked.to)).toBe(true)
        for (const [begin, end] of steps) {
          if (asked.step === 'HOUR') expect(end.getTime() - begin.getTime()).toBe(3_600_000)
          else {
            // The end of a step is the last moment of a date, and the beginning of the next the first.
            const [date, lastDate] = [clock(begin), clock(new Date(end.getTime() - 1))]
            expect(clock(new Date(begin.getTime() - 1))).not.toEqual(date)
            expect(stepOf(asked.step, date)).toBe(stepOf(asked.step, lastDate))
            expect(stepOf(asked.step, clock(end))).not.toBe(stepOf(asked.step, date))
          }
        }
        if (asked.step === 'HOUR') {
          const shown = new Intl.DateTimeFormat('en', { timeZone: asked.timeZone, minute: 'numeric' })
          const minutes = Math.floor((asked.from.getTime() - first[0].getTime()) / 60_000)
          expect(minutes).toBe(Number(shown.format(asked.from)))
        }
      }),
      { numRuns: 400 },
    )
  })

  /** The date that a clock shows. */
  function clockOf(timeZone: string): (at: Date) => string {
    const shown = new Intl.DateTimeFormat('sv', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    })
    return (at) => shown.format(at)
  }

  /** A name of the step that a date is in. */
  function stepOf(step: ActivityStep, date: string): string {
    if (step === 'MONTH') return date.slice(0, 7)
    if (step === 'DAY') return date
    const days = new Date(date).getTime() / 86_400_000
    // 1 January 1970 was a Thursday.
    return String(Math.floor((days + 3) / 7))
  }
})

describe('a time that cannot be divided', () => {
  it.each(['Europe/Atlantis', '', '+01:00', '2026-01-01T00:00[Europe/Berlin]', 'UTC\0', 'x'.repeat(10_000)])(
    'has the time zone %j',
    (timeZone) => {
      const problem = problemOf(time('DAY', timeZone, '2026-01-01T00:00:00Z'))
      expect(problem).toMatch(/^There is no time zone ".*Europe\/Berlin/)
      expect(problem?.length).toBeLessThan(300)
    },
  )

  it.each([
    'UTC',
    'utc',
    'GMT',
    'Europe/Berlin',
    'europe/berlin',
    'Asia/Calcutta',
    'US/Eastern',
    'Etc/GMT+12',
  ])('but not %s', (timeZone) => {
    expect(problemOf(time('DAY', timeZone, '2026-01-01T00:00:00Z'))).toBeUndefined()
  })

  it('ends before it begins', () => {
    const problem = problemOf(time('DAY', 'UTC', '2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z'))
    expect(problem).toMatch(/^from .*is after to.*Swap/)
  })

  it('has more than 1,000 steps', () => {
    const from = '2026-01-01T00:00:00Z'
    expect(problemOf(time('HOUR', 'UTC', from, '2026-02-11T16:00:00Z'))).toBeUndefined()
    expect(problemOf(time('HOUR', 'UTC', from, '2026-02-11T16:00:00.001Z'))).toMatch(
      /1,001 hours.*at most 1,000/,
    )
    expect(
      problemOf(time('DAY', 'Asia/Kolkata', '2025-12-31T18:30:00Z', '2028-09-26T18:30:00Z')),
    ).toBeUndefined()
    expect(problemOf(time('DAY', 'Asia/Kolkata', '2025-12-31T18:30:00Z', '2028-09-26T18:30:01Z'))).toMatch(
      /1,001 days/,
    )
    expect(problemOf(time('WEEK', 'UTC', from, '2126-01-01T00:00:00Z'))).toMatch(/5,219 weeks/)
    expect(problemOf(time('MONTH', 'UTC', '1970-01-01T00:00:00Z', '9998-12-31T23:59:59.999Z'))).toMatch(
      /96,348 months.*Choose longer steps/,
    )
  })

  it.each([
    ['1969-12-31T23:59:59.999Z', '1970-01-02T00:00:00Z'],
    ['9998-12-31T00:00:00Z', '9999-01-01T00:00:00Z'],
  ])('is from %s to %s', (from, to) => {
    expect(problemOf(time('DAY', 'UTC', from, to))).toMatch(/in the years 1970 to 9998/)
  })

  it('but may be at the ends of the years that are allowed', () => {
    for (const step of ['HOUR', 'DAY', 'WEEK', 'MONTH'] as const)
      for (const timeZone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago'])
        for (const at of ['1970-01-01T00:00:00.000Z', '9998-12-31T23:59:59.999Z']) {
          expect(problemOf(time(step, timeZone, at))).toBeUndefined()
          expect(boundariesOf(time(step, timeZone, at))).toHaveLength(2)
        }
  })
})
