import { type PoolActivity as PoolActivityRow, readActivity } from '../domain/activity/activity.ts'
import { type Forecast, forecast } from '../domain/activity/forecast.ts'
import {
  type ActivityStep as ActivityStepName,
  maxSteps,
  mostSteps,
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
    HOUR: { description: 'An hour of 60 minutes. Where clocks are put back, two steps have the same hour.' },
    DAY: { description: 'A day: 23, 24 or 25 hours, as the clocks of the time zone have it.' },
    WEEK: { description: 'A week, from Monday on.' },
    MONTH: { description: 'A calendar month.' },
  } satisfies Record<ActivityStepName, { description: string }>,
})

const PoolActivity = builder.objectRef<PoolActivityRow>('PoolActivity').implement({
  description:
    'What happened to the codes of a pool in one step: from `from` on, and before `to`. Every count is exact.',
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
        'The number of codes that tasks added: generations, refills and uploads, also if the upload was undone later. ' +
        'Restored codes do not count.',
    }),
    redeemedCount: t.expose('redeemed', {
      type: 'BigInt',
      description: 'The number of codes that were redeemed. Redemptions that were rolled back do not count.',
    }),
    availableCount: t.expose('available', {
      type: 'BigInt',
      description:
        'The number of codes that were available at the end of the step. Of a step that has not ended: that are available ' +
        'now.',
    }),
  }),
})

const PoolForecast = builder.objectRef<Forecast>('PoolForecast').implement({
  description:
    'How long the codes of a pool last if they go on being claimed as in the last 7 days: since it was created if it is ' +
    'younger, and in the last hour if it is younger than that.',
  fields: (t) => ({
    claimsPerDay: t.exposeFloat('claimsPerDay', {
      description: 'The number of codes that are claimed in 24 hours, on average.',
    }),
    runsOutAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the codes that are available now will have been claimed: now, if there are none. Null if never, since none ' +
        'were claimed, or not before the year 10000.',
      resolve: ({ runsOutAt }) => runsOutAt ?? null,
    }),
    formatRunsOutAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the codes that the format of the pool can still generate will have been claimed as well, if no other pool ' +
        'uses them. Null if never, and for a pool that is not filled from a format.',
      resolve: ({ formatRunsOutAt }) => formatRunsOutAt ?? null,
    }),
  }),
})

builder.objectFields(Pool, (t) => ({
  activity: t.field({
    type: [PoolActivity],
    description:
      'How many codes were claimed, added and redeemed, and how many were available, hour by hour, or by day, week or ' +
      'month: for a chart. Steps are whole ones of the time zone, in order. The first contains `from`; the last ends at ' +
      `or after \`to\`. At most ${grouped(maxSteps)} steps. Steps in the future are allowed. Needs READ.`,
    authScopes: { scope: 'READ' },
    weight: (time) => {
      // More than these are refused.
      const steps = Math.min(mostSteps(time), maxSteps + 2)
      return { items: steps, reads: 2 * rowReads + steps }
    },
    checkArgs: (time) => {
      const problem = problemOf(time)
      if (problem !== undefined) throw badInput(problem)
    },
    args: {
      from: t.arg({ type: 'DateTime', required: true, description: 'A time in the first step.' }),
      to: t.arg({
        type: 'DateTime',
        required: true,
        description: 'A time at the end of or in the last step.',
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
      'When the pool will run out of codes if they go on being claimed as in the last 7 days. Needs READ.',
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
