import { Group, Progress, Stack, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { duration, percent } from '../intl.ts'
import { text } from '../text.ts'

// A guess after less than one of these would be far off.
const minElapsedMs = 10_000
const minShare = 0.02

/**
 * A phase under way: how much is done, and how long the rest takes if it goes on as since the bar is shown.
 *
 * @param share what is done, from 0 to 1; unknown if left out
 */
export function UploadProgress({
  label,
  share,
  children,
}: {
  label: string
  share?: number
  children: ReactNode
}) {
  const [first] = useState(() => ({ share: share ?? 0, at: Date.now() }))
  const elapsedMs = Date.now() - first.at
  const done = (share ?? 0) - first.share
  const isLongEnough = done >= minShare || (done > 0 && elapsedMs >= minElapsedMs)
  const isKnown = share !== undefined && share < 1 && isLongEnough
  return (
    <Stack gap={6}>
      <Progress
        animated={share === undefined}
        aria-label={label}
        size="lg"
        striped={share === undefined}
        value={share === undefined ? 100 : share * 100}
      />
      <Group gap="xs" justify="space-between">
        <Text c="dimmed" size="sm">
          {children}
        </Text>
        <Text c="dimmed" size="sm">
          {share !== undefined && percent(share)}
          {isKnown &&
            ` · ${text.uploads.timeLeft(duration(Math.max(1_000, (elapsedMs * (1 - share)) / done)))}`}
        </Text>
      </Group>
    </Stack>
  )
}
