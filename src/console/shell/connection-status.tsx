import { Group, Text, Tooltip } from '@mantine/core'
import { useObserved } from '../api/observable.ts'
import { useService } from '../api/service.tsx'
import { text } from '../text.ts'

/** Whether what is on the screen is live. */
export function ConnectionStatus() {
  const { connection } = useService()
  if (useObserved(connection) !== 'connected') return null
  return (
    <Tooltip
      events={{ hover: true, focus: true, touch: true }}
      label={text.shell.liveHint}
      maw={280}
      multiline
    >
      <Group gap={6} wrap="nowrap">
        <svg aria-hidden="true" height="10" viewBox="0 0 10 10" width="10">
          <circle cx="5" cy="5" fill="var(--mantine-color-teal-6)" r="4" />
        </svg>
        <Text c="dimmed" size="sm">
          {text.shell.live}
        </Text>
      </Group>
    </Tooltip>
  )
}
