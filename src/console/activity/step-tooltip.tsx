import { Group, Paper, Text } from '@mantine/core'
import { count } from '../intl.ts'
import { text } from '../text.ts'
import { namesOfSteps, type Period } from './period.ts'
import { type CountOfStep, isUnderWay, type Step } from './steps.ts'

interface StepTooltipProps {
  /** The one that is pointed at. */
  step: Step | undefined
  period: Period
  counts: readonly CountOfStep[]
  labels: Record<CountOfStep, string>
}

/** The exact counts of a step. */
export function StepTooltip({ step, period, counts, labels }: StepTooltipProps) {
  if (step === undefined) return null
  return (
    <Paper px="sm" py="xs" shadow="md" withBorder>
      <Text fw={600} size="sm">
        <StepName period={period} step={step} />
      </Text>
      {counts.map((name) => (
        <Group gap="md" justify="space-between" key={name} wrap="nowrap">
          <Text size="sm">{labels[name]}</Text>
          <Text ff="monospace" size="sm">
            {count(step[name])}
          </Text>
        </Group>
      ))}
    </Paper>
  )
}

/** "Nov 26, 2026", and "so far" for the step that is under way. */
export function StepName({ step, period }: { step: Step; period: Period }) {
  const name = namesOfSteps[period].full(step.from)
  return isUnderWay(step) ? `${name}, ${text.activity.lastStep}` : name
}
