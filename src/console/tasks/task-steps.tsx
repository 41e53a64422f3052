import { Flex, Group, Loader, Stack, Text, ThemeIcon } from '@mantine/core'
import { CheckIcon, CircleSlashIcon, ClockIcon, DotFillIcon, UndoIcon, XIcon } from '@primer/octicons-react'
import type { ReactNode } from 'react'
import { clock, exactMoment } from '../intl.ts'
import { text } from '../text.ts'
import { stepsAhead, type TaskStep } from './steps.ts'
import type { TaskStatus } from './task-details.ts'

const outcomes: Partial<Record<TaskStatus, { icon: ReactNode; color: string }>> = {
  COMPLETED: { icon: <CheckIcon />, color: 'green.9' },
  FAILED: { icon: <XIcon />, color: 'red.9' },
  CANCELLED: { icon: <CircleSlashIcon />, color: 'gray.7' },
  UNDONE: { icon: <UndoIcon />, color: 'gray.7' },
}

/** Where a task is on its way: the statuses that it has been through, with their times, and those to come. */
export function TaskSteps({ steps }: { steps: readonly TaskStep[] }) {
  const now = steps.at(-1)?.status ?? 'AWAITING_EXECUTION'
  return (
    <Flex
      component="ol"
      direction={{ base: 'column', xs: 'row' }}
      gap={{ base: 'sm', xs: 'xl' }}
      m={0}
      p={0}
      style={{ listStyle: 'none' }}
    >
      {steps.map(({ status, at }, i) => (
        <li aria-current={i === steps.length - 1 ? 'step' : undefined} key={status}>
          <StepLine at={at} isNow={i === steps.length - 1} status={status} />
        </li>
      ))}
      {stepsAhead(now).map((status) => (
        <li key={status}>
          <StepLine at={undefined} isAhead status={status} />
        </li>
      ))}
    </Flex>
  )
}

function StepLine({
  status,
  at,
  isNow = false,
  isAhead = false,
}: {
  status: TaskStatus
  at: string | undefined
  isNow?: boolean
  isAhead?: boolean
}) {
  return (
    <Group gap="sm" wrap="nowrap">
      <StepIcon isAhead={isAhead} isNow={isNow} status={status} />
      <Stack gap={0}>
        <Text fw={isNow ? 650 : 400} {...(isAhead && { c: 'dimmed' })} size="sm">
          {text.tasks.statuses[status]}
        </Text>
        <Text c="dimmed" size="xs">
          {at === undefined ? (
            '\u00a0'
          ) : (
            <time dateTime={at} title={exactMoment(at)}>
              {clock(at)}
            </time>
          )}
        </Text>
      </Stack>
    </Group>
  )
}

function StepIcon({ status, isNow, isAhead }: { status: TaskStatus; isNow: boolean; isAhead: boolean }) {
  const outcome = outcomes[status]
  if (isAhead)
    return (
      <ThemeIcon color="gray" radius="xl" variant="light">
        <DotFillIcon />
      </ThemeIcon>
    )
  if (outcome !== undefined)
    return (
      <ThemeIcon color={outcome.color} radius="xl">
        {outcome.icon}
      </ThemeIcon>
    )
  if (!isNow)
    return (
      <ThemeIcon radius="xl" variant="light">
        <CheckIcon />
      </ThemeIcon>
    )
  return (
    <ThemeIcon radius="xl" variant="light">
      {status === 'RUNNING' ? <Loader size={16} /> : <ClockIcon />}
    </ThemeIcon>
  )
}
