import { Group, Text, ThemeIcon } from '@mantine/core'
import { CheckIcon } from '@primer/octicons-react'
import { useQuery } from 'urql'
import { text } from '../text.ts'
import type { UploadStep } from './pool-upload.ts'
import { UploadTaskQuery } from './upload-task.ts'

const steps = [text.uploads.steps.choose, text.uploads.steps.check, text.uploads.steps.add]

/** How far an upload has come. Not a Stepper of Mantine, whose steps are buttons. */
export function Steps({ of }: { of: UploadStep }) {
  const isAdded = useIsAdded(of)
  const current = isAdded ? steps.length : placeOf(of)
  return (
    <Group aria-label={text.uploads.steps.label} component="ol" gap="sm" m={0} p={0}>
      {steps.map((label, i) => (
        <Group
          component="li"
          gap={6}
          key={label}
          wrap="nowrap"
          {...(i === current && { 'aria-current': 'step' as const })}
        >
          <ThemeIcon radius="xl" size={24} variant={i <= current ? 'filled' : 'default'}>
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

function placeOf(step: UploadStep): number {
  if (step.name === 'choosing') return 0
  return step.request.dryRun ? 1 : 2
}

function useIsAdded(step: UploadStep): boolean {
  const id = step.name === 'sent' && !step.request.dryRun ? step.taskId : undefined
  const [{ data }] = useQuery({
    query: UploadTaskQuery,
    variables: { id: id ?? '' },
    pause: id === undefined,
  })
  return id !== undefined && data?.task?.id === id && data.task.status === 'COMPLETED'
}
