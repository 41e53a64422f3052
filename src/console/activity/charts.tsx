import '@mantine/charts/styles.css'
import { AreaChart, BarChart } from '@mantine/charts'
import { Box, Group, Paper, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { count, shortCount } from '../intl.ts'
import { text } from '../text.ts'
import { namesOfSteps, type Period, ticksOf } from './period.ts'
import { StepTooltip } from './step-tooltip.tsx'
import { type CountOfStep, type Step, totalOf } from './steps.ts'

const words = text.activity

/** Colors that can be told from the background, light or dark, and from each other. */
const colors: Record<CountOfStep, string> = {
  claimedCount: 'indigo.6',
  redeemedCount: 'teal.8',
  availableCount: 'cyan.8',
  addedCount: 'violet.6',
}

const labels: Record<CountOfStep, string> = {
  claimedCount: words.counts.claimed,
  redeemedCount: words.counts.redeemed,
  availableCount: words.counts.available,
  addedCount: words.counts.added,
}

// What is pointed at in one is shown in all. The margin is for the label of the topmost line.
const syncedCharts = { syncId: 'activity', margin: { top: 8, right: 8 } }

interface ChartsProps {
  period: Period
  steps: readonly Step[]
}

/**
 * The activity of a pool in three charts, as the numbers of codes that are added and claimed can be of different sizes.
 *
 * @param availableCount how many codes are available now
 */
export function Charts({ availableCount, period, steps }: ChartsProps & { availableCount: string }) {
  const claimed = totalOf(steps, 'claimedCount')
  const redeemed = totalOf(steps, 'redeemedCount')
  const added = totalOf(steps, 'addedCount')
  return (
    <Stack gap="md">
      <ChartPanel
        figures={[
          ['claimedCount', words.inTotal(count(claimed))],
          ['redeemedCount', words.inTotal(count(redeemed))],
        ]}
        period={period}
      >
        <Bars of={['claimedCount', 'redeemedCount']} period={period} steps={steps} />
      </ChartPanel>
      <ChartPanel figures={[['availableCount', `${count(availableCount)} ${words.now}`]]} period={period}>
        <AreaChart
          {...propsOf(['availableCount'], period, steps)}
          areaChartProps={syncedCharts}
          areaProps={{ isAnimationActive: false }}
          curveType="linear"
          fillOpacity={0.25}
          withDots={false}
        />
      </ChartPanel>
      <ChartPanel figures={[['addedCount', words.inTotal(count(added))]]} period={period}>
        <Bars of={['addedCount']} period={period} steps={steps} />
      </ChartPanel>
    </Stack>
  )
}

function Bars({ of: counts, period, steps }: ChartsProps & { of: readonly CountOfStep[] }) {
  return (
    <BarChart
      {...propsOf(counts, period, steps)}
      barChartProps={{ ...syncedCharts, barGap: 1, barCategoryGap: '15%' }}
      barProps={{ isAnimationActive: false, radius: [2, 2, 0, 0] }}
      maxBarWidth={36}
    />
  )
}

function propsOf(counts: readonly CountOfStep[], period: Period, steps: readonly Step[]) {
  const { short } = namesOfSteps[period]
  return {
    // The table says the same to those who cannot see it.
    accessibilityLayer: false,
    // Charts need numbers, which are not exact beyond 2^53. The tooltip and the table show the counts themselves.
    data: steps.map((step) => ({
      ...Object.fromEntries(counts.map((name) => [name, Number(step[name])])),
      from: step.from,
      step,
    })),
    dataKey: 'from',
    gridAxis: 'x' as const,
    h: 180,
    series: counts.map((name) => ({ name, color: colors[name], label: labels[name] })),
    tickLine: 'none' as const,
    tooltipProps: {
      content: ({ payload }: { payload?: readonly { payload?: { step?: Step } }[] }) => (
        <StepTooltip counts={counts} labels={labels} period={period} step={payload?.[0]?.payload?.step} />
      ),
    },
    xAxisProps: {
      tickFormatter: short,
      minTickGap: 24,
      ticks: ticksOf(period, steps),
      // Of hours each, each second or each fourth tick: at regular hours.
      interval: period === 'hours' ? ('equidistantPreserveStart' as const) : ('preserveStartEnd' as const),
      scale: 'band' as const,
    },
    yAxisProps: {
      allowDecimals: false,
      tickFormatter: (value: number) => shortCount(BigInt(Math.round(value))),
      // The same in all charts, so that their steps are below each other.
      width: 48,
    },
  }
}

interface PanelProps {
  /** What the chart shows, each with its figure in words. */
  figures: readonly [what: CountOfStep, figure: string][]
  period: Period
  children: ReactNode
}

/** A chart below its legend, with the same in words for screen readers. */
function ChartPanel({ figures, period, children }: PanelProps) {
  const label = figures
    .map(([what, figure]) => words.chart(labels[what], words.steps[period], figure))
    .join(' ')
  return (
    <Paper p="md" withBorder>
      <Group gap="xs" mb="sm">
        {figures.map(([what, figure]) => (
          <Group align="baseline" gap={8} key={what} mr="sm">
            <Swatch color={colors[what]} />
            <Title order={3} size="h6">
              {labels[what]}
            </Title>
            <Text c="dimmed" size="sm" style={{ overflowWrap: 'anywhere' }}>
              {figure}
            </Text>
          </Group>
        ))}
      </Group>
      <Box aria-label={label} role="img">
        {children}
      </Box>
    </Paper>
  )
}

function Swatch({ color }: { color: string }) {
  return <Box aria-hidden="true" bdrs={2} bg={color} h={10} w={10} />
}
