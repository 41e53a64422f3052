import { Anchor, Code, Progress, Stack, Table, Text } from '@mantine/core'
import { Link } from 'react-router'
import { shareOf } from '../intl.ts'
import { LongCount } from '../parts/long-count.tsx'
import { text } from '../text.ts'
import type { FormatOfPage } from './format-details.ts'

/** Formats as rows that lead to their pages. */
export function FormatTable({ formats }: { formats: readonly FormatOfPage[] }) {
  return (
    <Table aria-label={text.shell.formats} verticalSpacing="sm">
      <Table.Thead visibleFrom="sm">
        <Table.Tr>
          <Table.Th>{text.formats.name}</Table.Th>
          <Table.Th>{text.formats.example}</Table.Th>
          <Table.Th ta="right">{text.formats.available}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {formats.map((format) => (
          <FormatRow format={format} key={format.id} />
        ))}
      </Table.Tbody>
    </Table>
  )
}

function FormatRow({ format }: { format: FormatOfPage }) {
  const { id, name, pattern, examples, availableForGeneration, capacity } = format
  const left = shareOf(availableForGeneration, capacity)
  return (
    <Table.Tr>
      <Table.Td>
        <Stack align="flex-start" gap={4}>
          <Anchor component={Link} style={{ overflowWrap: 'anywhere' }} to={`/formats/${id}`}>
            {name}
          </Anchor>
          <Code style={{ overflowWrap: 'anywhere' }}>{pattern}</Code>
          <Text hiddenFrom="sm" size="sm">
            {text.formats.availableCount(availableForGeneration)}
          </Text>
        </Stack>
      </Table.Td>
      <Table.Td visibleFrom="sm">
        <Text ff="monospace" size="sm" style={{ overflowWrap: 'anywhere' }}>
          {examples[0]}
        </Text>
      </Table.Td>
      <Table.Td ta="right" visibleFrom="sm">
        <Text size="sm">
          <LongCount of={availableForGeneration} />
        </Text>
        <Progress aria-label={text.formats.left(left)} mt={6} size="sm" value={left * 100} />
      </Table.Td>
    </Table.Tr>
  )
}
