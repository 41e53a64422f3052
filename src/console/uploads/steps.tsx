import { Group, Text, ThemeIcon } from '@mantine/core'
import { CheckIcon } from '@primer/octicons-react'
import { text } from '../text.ts'

const steps = [text.uploads.steps.choose, text.uploads.steps.check, text.uploads.steps.add]

/** How far an upload has come, from 0. Not a Stepper of Mantine, whose steps are buttons. */
export function Steps({ current }: { current: number }) {
  return (
    <Group aria-label={text.uploads.steps.label} component="ol" gap="lg" m={0} p={0}>
      {steps.map((label, i) => (
        <Group
          component="li"
          gap="xs"
          key={label}
          wrap="nowrap"
          {...(i === current && { 'aria-current': 'step' as const })}
        >
          <ThemeIcon radius="xl" size={26} variant={i <= current ? 'filled' : 'default'}>
            {i < current ? <CheckIcon /> : <span aria-hidden="true">{i + 1}</span>}
          </ThemeIcon>
          <Text c={i === current ? 'inherit' : 'dimmed'} fw={i === current ? 650 : 400} size="sm">
            {label}
          </Text>
        </Group>
      ))}
    </Group>
  )
}
