import { Button, Group, SegmentedControl, Skeleton, Stack } from '@mantine/core'
import { useDidUpdate, useInterval, useThrottledCallback } from '@mantine/hooks'
import { useMemo, useState } from 'react'
import { Link } from 'react-router'
import { useQuery } from 'urql'
import { currentTime } from '../api/clock.ts'
import { Empty } from '../parts/empty.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { NothingHere } from '../parts/nothing-here.tsx'
import type { PoolOfPage } from '../pools/pool-of-page.ts'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { ActivityTable } from './activity-table.tsx'
import { Charts } from './charts.tsx'
import { Forecast } from './forecast.tsx'
import { type Period, periods, quarterMs, timeOf } from './period.ts'
import { PoolActivityQuery } from './steps.ts'

const words = text.activity

/** How often the charts are read again while codes are claimed. */
const refreshMs = 2_000

type View = 'charts' | 'table'
const views = ['charts', 'table'] as const satisfies readonly View[]

interface PoolActivityProps {
  pool: PoolOfPage
  period: Period
  choosePeriod: (period: Period) => void
}

/** The forecast of a pool, and what happened to its codes in a period, as charts or as a table. */
export function PoolActivity({ pool, period, choosePeriod }: PoolActivityProps) {
  const [view, setView] = useState<View>('charts')
  if (pool.claimedCount === '0' && pool.availableCount === '0') return <NothingYet />
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Choice
          label={words.period}
          names={words.periods}
          of={periods}
          onChange={choosePeriod}
          value={period}
        />
        <Choice label={words.view} names={words.views} of={views} onChange={setView} value={view} />
      </Group>
      {/* With another period come other steps: nothing of those before is shown under the new names. */}
      <ActivityOfPeriod key={`${pool.id} ${period}`} period={period} pool={pool} view={view} />
    </Stack>
  )
}

function ActivityOfPeriod({ pool, period, view }: { pool: PoolOfPage; period: Period; view: View }) {
  const result = useLiveActivity(pool, period)
  return (
    <Loaded of={result} skeleton={<Skeleton height={680} />}>
      {({ pool: read }) => {
        if (read === null) return <NothingHere />
        return (
          <>
            <Forecast of={read} />
            {view === 'charts' ? (
              <Charts availableCount={pool.availableCount} period={period} steps={read.activity} />
            ) : (
              <ActivityTable period={period} steps={read.activity} />
            )}
          </>
        )
      }}
    </Loaded>
  )
}

/** Reads the activity of a pool, and again when its counts have changed, and when the next step may have begun. */
function useLiveActivity(pool: PoolOfPage, period: Period) {
  const [now, setNow] = useState(currentTime)
  useInterval(() => setNow(currentTime()), 5_000, { autoInvoke: true })
  const quarter = Math.floor(now / quarterMs) * quarterMs
  const variables = useMemo(() => ({ id: pool.id, ...timeOf(period, quarter) }), [pool.id, period, quarter])
  const result = useQuery({ query: PoolActivityQuery, variables, requestPolicy: 'cache-and-network' })
  const [, readAgain] = result
  const refresh = useThrottledCallback(
    (_counts: string) => readAgain({ requestPolicy: 'network-only' }),
    refreshMs,
  )
  const counts = [pool.availableCount, pool.claimedCount, pool.redeemedCount].join()
  useDidUpdate(() => refresh(counts), [counts])
  return result
}

function NothingYet() {
  const mayManage = useMay('MANAGE')
  return (
    <Empty
      action={
        mayManage && (
          <Button component={Link} to="../promo-codes">
            {words.nothing.action}
          </Button>
        )
      }
      title={words.nothing.title}
    >
      {words.nothing.advice}
    </Empty>
  )
}

interface ChoiceProps<Option extends string> {
  label: string
  of: readonly Option[]
  names: Record<Option, string>
  value: Option
  onChange: (option: Option) => void
}

function Choice<Option extends string>({ label, of: options, names, value, onChange }: ChoiceProps<Option>) {
  return (
    <SegmentedControl
      aria-label={label}
      data={options.map((option) => ({ value: option, label: names[option] }))}
      onChange={onChange}
      size="sm"
      value={value}
    />
  )
}
