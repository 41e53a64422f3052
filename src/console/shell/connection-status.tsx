import { Group, Text } from '@mantine/core'
import { useObserved } from '../api/observable.ts'
import { useService } from '../api/service.tsx'
import { text } from '../text.ts'

const colors = { connected: 'var(--mantine-color-teal-7)', lost: 'var(--mantine-color-orange-7)' }

/** Whether what is on the screen is live. Screen readers are told when that changes. */
export function ConnectionStatus() {
  const { connection } = useService()
  const state = useObserved(connection)
  return (
    <Group aria-live="polite" gap={6} role="status" wrap="nowrap">
      {state !== 'idle' && (
        <>
          <svg aria-hidden="true" height="10" viewBox="0 0 10 10" width="10">
            <circle cx="5" cy="5" fill={colors[state]} r="4" />
          </svg>
          <Text size="sm" {...(state === 'connected' && { visibleFrom: 'sm' })}>
            {text.shell.connection[state]}
          </Text>
        </>
      )}
    </Group>
  )
}
