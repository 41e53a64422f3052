import { currentTime } from '../api/clock.ts'
import { graphql, type ResultOf } from '../api/graphql.ts'

export const PoolActivityQuery = graphql(`
  query ActivityOfPool($id: ID!, $from: DateTime!, $to: DateTime!, $step: ActivityStep!, $timeZone: String!) {
    pool(id: $id) {
      id
      activity(from: $from, to: $to, step: $step, timeZone: $timeZone) {
        from
        to
        claimedCount
        addedCount
        redeemedCount
        availableCount
      }
      forecast {
        claimsPerDay
        runsOutAt
        formatRunsOutAt
      }
      createdAt
      availableCount
      replenishment {
        autoGenerate
        format {
          id
          name
        }
      }
    }
  }
`)

type PoolWithActivity = NonNullable<ResultOf<typeof PoolActivityQuery>['pool']>

/** What happened to the codes of a pool in an hour, a day, a week or a month. */
export type Step = PoolWithActivity['activity'][number]
export type PoolWithForecast = Pick<
  PoolWithActivity,
  'createdAt' | 'availableCount' | 'forecast' | 'replenishment'
>
export type CountOfStep = 'claimedCount' | 'redeemedCount' | 'addedCount' | 'availableCount'

/** Whether a step has not ended. */
export function isUnderWay({ to }: Step, now = currentTime()): boolean {
  return Date.parse(to) > now
}

export function totalOf(steps: readonly Step[], what: Exclude<CountOfStep, 'availableCount'>): bigint {
  return steps.reduce((sum, step) => sum + BigInt(step[what]), 0n)
}
