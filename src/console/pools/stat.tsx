import { Text, Tooltip } from '@mantine/core'
import { Count } from '../parts/count.tsx'
import { text } from '../text.ts'

/** A count of a pool, with its name and what it means. */
export function Stat({
  name,
  value,
  hint = text.pools.countHints[name],
}: {
  name: keyof typeof text.pools.counts
  value: string
  hint?: string
}) {
  return (
    <div>
      <Tooltip label={hint} maw={280} multiline>
        <Text c="dimmed" component="dt" size="sm" w="fit-content">
          {text.pools.counts[name]}
        </Text>
      </Tooltip>
      <Text component="dd" fw={650} m={0} size="xl">
        <Count of={value} />
      </Text>
    </div>
  )
}
