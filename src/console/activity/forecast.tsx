import { Anchor, Paper, Stack, Text, Title } from '@mantine/core'
import { Link } from 'react-router'
import { day, decimal } from '../intl.ts'
import { notFar, type Outlook, outlookOf } from '../parts/outlook.ts'
import { Sentence } from '../parts/sentence.tsx'
import { Distance } from '../parts/time.tsx'
import { text } from '../text.ts'
import type { PoolWithForecast } from './steps.ts'

const words = text.activity.forecast

/** When the pool runs out, and when its format does, in words. */
export function Forecast({ of: pool }: { of: PoolWithForecast }) {
  return (
    <Paper p="md" withBorder>
      <Stack gap={4}>
        <Title order={2} size="h5">
          {words.title}
        </Title>
        <InWords of={pool} outlook={outlookOf(pool)} />
      </Stack>
    </Paper>
  )
}

function InWords({ of: pool, outlook }: { of: PoolWithForecast; outlook: Outlook }) {
  if (outlook.kind === 'early') return <Text>{words.early}</Text>
  if (outlook.kind === 'idle') return <Text>{words.none}</Text>
  const parts = {
    rate: <strong>{rateOf(pool.forecast.claimsPerDay)}</strong>,
    time: outlook.kind === 'dated' && <On at={outlook.at} />,
  }
  return (
    <>
      <Text>
        <Sentence of={templateOf(pool, outlook.kind)} parts={parts} />
      </Text>
      <FormatForecast of={pool} />
      <Text c="dimmed" size="sm">
        {words.basis}
      </Text>
    </>
  )
}

function templateOf({ availableCount, replenishment }: PoolWithForecast, outlook: 'far' | 'dated'): string {
  if (availableCount === '0') return words.empty
  if (outlook === 'far') return words.far
  return replenishment.autoGenerate ? words.refills : words.lasts
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
  const at = notFar(forecast.formatRunsOutAt)
  const parts = {
    format: (
      <Anchor component={Link} inherit to={`/formats/${format.id}`} underline="always">
        <bdi>{format.name}</bdi>
      </Anchor>
    ),
    time: at !== undefined && <On at={at} />,
  }
  return (
    <Text>
      <Sentence of={at === undefined ? words.formatFar : words.format} parts={parts} />
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
