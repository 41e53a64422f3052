import { Anchor, Paper, Stack, Text, Title } from '@mantine/core'
import { Link } from 'react-router'
import { day, decimal } from '../intl.ts'
import { Sentence } from '../parts/sentence.tsx'
import { Distance } from '../parts/time.tsx'
import { text } from '../text.ts'
import type { PoolWithForecast } from './steps.ts'

const words = text.activity.forecast

/** When the pool runs out, and when its format does, in words. */
export function Forecast({ of: pool }: { of: PoolWithForecast }) {
  const { claimsPerDay } = pool.forecast
  return (
    <Paper p="md" withBorder>
      <Stack gap={4}>
        <Title order={2} size="h5">
          {words.title}
        </Title>
        {claimsPerDay === 0 ? (
          <Text>{words.none}</Text>
        ) : (
          <>
            <Text>
              <Sentence of={templateOf(pool)} parts={partsOf(pool)} />
            </Text>
            <FormatForecast of={pool} />
            <Text c="dimmed" size="sm">
              {words.basis}
            </Text>
          </>
        )}
      </Stack>
    </Paper>
  )
}

function templateOf({ availableCount, forecast: { runsOutAt }, replenishment }: PoolWithForecast): string {
  if (availableCount === '0') return words.empty
  if (runsOutAt === null) return words.endless
  return replenishment.autoGenerate ? words.refills : words.lasts
}

function partsOf({ forecast: { claimsPerDay, runsOutAt } }: PoolWithForecast) {
  return {
    rate: <strong>{rateOf(claimsPerDay)}</strong>,
    time: runsOutAt !== null && <On at={runsOutAt} />,
  }
}

/** Where there are few claims, "3 claims a week" says more than "0.4 claims a day". */
function rateOf(claimsPerDay: number): string {
  return claimsPerDay < 1
    ? words.rate(decimal(claimsPerDay * 7), 'week')
    : words.rate(decimal(claimsPerDay), 'day')
}

function FormatForecast({ of: { forecast, replenishment } }: { of: PoolWithForecast }) {
  const { format } = replenishment
  if (format === null) return null
  const { formatRunsOutAt: at } = forecast
  const parts = {
    format: (
      <Anchor component={Link} inherit to={`/formats/${format.id}`} underline="always">
        <bdi>{format.name}</bdi>
      </Anchor>
    ),
    time: at !== null && <On at={at} />,
  }
  return (
    <Text>
      <Sentence of={at === null ? words.formatEndless : words.format} parts={parts} />
    </Text>
  )
}

/** "on Dec 3, 2026, in 7 days" */
function On({ at }: { at: string }) {
  return (
    <strong>
      <Sentence of={words.on} parts={{ day: day(at), distance: <Distance at={at} /> }} />
    </strong>
  )
}
