import { Button, Group, Stack, Table, Text } from '@mantine/core'
import { DownloadIcon } from '@primer/octicons-react'
import { count } from '../intl.ts'
import { text } from '../text.ts'
import type { Period } from './period.ts'
import { StepName } from './step-tooltip.tsx'
import { type Step, totalOf } from './steps.ts'

const words = text.activity.table

const columns = [
  ['claimedCount', text.activity.counts.claimed],
  ['redeemedCount', text.activity.counts.redeemed],
  ['addedCount', text.activity.counts.added],
  ['availableCount', words.available],
] as const

/** The activity of a pool as a table, newest first, with exact counts. */
export function ActivityTable({ period, steps }: { period: Period; steps: readonly Step[] }) {
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Text c="dimmed" size="sm">
          {words.caption}
        </Text>
        <Button
          leftSection={<DownloadIcon />}
          onClick={() => saveAsFile(csvOf(steps), words.file)}
          size="xs"
          variant="default"
        >
          {words.download}
        </Button>
      </Group>
      <Table.ScrollContainer aria-label={words.region} minWidth={0} role="region" tabIndex={0} type="native">
        <Table aria-label={words.region} fz="sm" highlightOnHover horizontalSpacing={8} withTableBorder>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{words.time}</Table.Th>
              {columns.map(([name, label]) => (
                <Table.Th key={name} scope="col" ta="right">
                  {label}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {steps.toReversed().map((step) => (
              <Table.Tr key={step.from}>
                <Table.Th fw="normal" scope="row">
                  <StepName period={period} step={step} />
                </Table.Th>
                {columns.map(([name]) => (
                  <Table.Td key={name} ta="right">
                    {count(step[name])}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
          <Table.Tfoot>
            <Table.Tr>
              <Table.Th scope="row">{words.total}</Table.Th>
              {columns.map(([name]) => (
                <Table.Td fw={600} key={name} ta="right">
                  {name !== 'availableCount' && count(totalOf(steps, name))}
                </Table.Td>
              ))}
            </Table.Tr>
          </Table.Tfoot>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  )
}

/** As CSV, oldest first, for programs: times in ISO 8601, and counts without separators. */
function csvOf(steps: readonly Step[]): string {
  const lines = steps.map(({ from, to, claimedCount, redeemedCount, addedCount, availableCount }) =>
    [from, to, claimedCount, redeemedCount, addedCount, availableCount].join(','),
  )
  return ['from,to,claimed,redeemed,added,available', ...lines, ''].join('\r\n')
}

function saveAsFile(content: string, name: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: 'text/csv' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
