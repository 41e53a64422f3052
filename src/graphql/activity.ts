import { type PoolActivity as PoolActivityRow, readActivity } from '../domain/activity/activity.ts'
import { type Forecast, forecast } from '../domain/activity/forecast.ts'
import {
  type ActivityStep as ActivityStepName,
  maxSteps,
  maxStepsIn,
  problemOf,
} from '../domain/activity/steps.ts'
import { availableForGeneration } from '../domain/format/format.ts'
import { grouped } from '../grouped.ts'
import { builder } from './builder.ts'
import { badInput } from './errors/top-level.ts'
import { loadedReads, rowReads } from './field-rules.ts'
import { existing } from './nodes.ts'
import { Pool } from './pool.ts'

const ActivityStep = builder.enumType('ActivityStep', {
  description: 'The length of the steps in which the activity of a pool is counted.',
  values: {
    HOUR: { description: 'An hour of 60 minutes. When clocks are put back, two steps show the same hour.' },
    DAY: { description: 'A day of the time zone: shorter or longer than 24 hours when its clocks change.' },
    WEEK: { description: 'A week, which begins on Monday.' },
    MONTH: { description: 'A calendar month.' },
  } satisfies Record<ActivityStepName, { description: string }>,
})

const PoolActivity = builder.objectRef<PoolActivityRow>('PoolActivity').implement({
  description:
    'What happened to the codes of a pool in one step of time: at or after `from`, and before `to`. Every count is exact.',
  fields: (t) => ({
    from: t.expose('from', { type: 'DateTime', description: 'When the step begins.' }),
    to: t.expose('to', { type: 'DateTime', description: 'When the step ends, and the next one begins.' }),
    claimedCount: t.expose('claimed', {
      type: 'BigInt',
      description: 'The number of codes that were claimed.',
    }),
    addedCount: t.expose('added', {
      type: 'BigInt',
      description:
        'The number of codes that were added by generations, refills and uploads, including uploads that were undone ' +
        'later. Restored codes do not count.',
    }),
    redeemedCount: t.expose('redeemed', {
      type: 'BigInt',
      description:
        'The number of codes that were redeemed, by the time when they were used. Redemptions that were rolled back do ' +
        'not count.',
    }),
    availableCount: t.expose('available', {
      type: 'BigInt',
      description:
        'The number of codes that were available at the end of the step. For a step that has not ended: the number ' +
        'available now.',
    }),
  }),
})

const PoolForecast = builder.objectRef<Forecast>('PoolForecast').implement({
  description:
    'A forecast of when a pool runs out of codes, if they go on being claimed at the rate of the last 7 days. For a ' +
    'younger pool, it is the rate since the pool was created; in its first day, the claims so far count as those of the ' +
    'whole day, so it is too early for a forecast to rely on.',
  fields: (t) => ({
    claimsPerDay: t.exposeFloat('claimsPerDay', {
      description: 'The rate: how many codes are claimed in 24 hours, on average.',
    }),
    runsOutAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When all codes that are available now will have been claimed. If none are available, that is now. Null if the ' +
        'rate is 0, also for an empty pool, and for a time beyond the year 9999.',
      resolve: ({ runsOutAt }) => runsOutAt ?? null,
    }),
    formatRunsOutAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the available codes and all codes that the format of the pool can still generate will have been claimed, if no ' +
        'other pool uses these. Null if the rate is 0, for a time beyond the year 9999, and for a pool that is not filled from a format.',
      resolve: ({ formatRunsOutAt }) => formatRunsOutAt ?? null,
    }),
  }),
})

builder.objectFields(Pool, (t) => ({
  activity: t.field({
    type: [PoolActivity],
    description:
      'How many codes were claimed, added and redeemed, and how many were available, by hour, day, week or month: for a ' +
      'chart. The steps are whole hours, days, weeks or months of the time zone, in order. The first contains `from`; the ' +
      `last ends at or after \`to\`. At most ${grouped(maxSteps)} steps; they may lie in the future. Needs READ.`,
    authScopes: { scope: 'READ' },
    weight: (time) => {
      // More than these are refused.
      const steps = Math.min(maxStepsIn(time), maxSteps + 2)
      return { items: steps, reads: 2 * rowReads + steps }
    },
    checkArgs: (time) => {
      const problem = problemOf(time)
      if (problem !== undefined) throw badInput(problem)
    },
    args: {
      from: t.arg({
        type: 'DateTime',
        required: true,
        description: 'A time in the first step, in the years 1970 to 9998.',
      }),
      to: t.arg({
        type: 'DateTime',
        required: true,
        description:
          'The end: a time in the last step, or at its end. Not before `from`, and not after the year 9998.',
      }),
      step: t.arg({ type: ActivityStep, required: true, description: 'The length of the steps.' }),
      timeZone: t.arg.string({
        required: true,
        defaultValue: 'UTC',
        description:
          'The time zone in which hours, days, weeks and months begin: a name of the IANA time zone database, such as ' +
          '"Europe/Berlin".',
      }),
    },
    resolve: (pool, time, { books, accountId }) => readActivity(books, accountId, pool.id, time),
  }),
  forecast: t.field({
    type: PoolForecast,
    description:
      'A forecast of when the pool runs out of codes, if they go on being claimed as in the last 7 days. Needs READ.',
    authScopes: { scope: 'READ' },
    weight: { reads: rowReads + loadedReads },
    resolve: async (pool, _args, { books, nodes }) => {
      const format =
        pool.method === 'GENERATE' && pool.formatId !== undefined
          ? await existing(nodes.format, pool.formatId)
          : undefined
      const generatable = format && availableForGeneration(format)
      return await forecast(books, pool, { now: books.now(), generatable })
    },
  }),
}))
