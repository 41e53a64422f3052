import { Badge, ScrollArea, Table, Text } from '@mantine/core'
import { count } from '../intl.ts'
import { text } from '../text.ts'
import type { UploadTask } from './upload-task.ts'

export type Beginning = NonNullable<NonNullable<UploadTask['upload']>['beginning']>
type Layout = NonNullable<NonNullable<UploadTask['upload']>['layout']>

/** The first rows of a file as a table, with what was taken for the header and for the codes. */
export function BeginningTable({ rows, layout }: { rows: Beginning['rows']; layout: Layout | null }) {
  const columns = Array.from({ length: columnsOf(rows) }, (_, i) => i + 1)
  return (
    <ScrollArea type="auto" viewportProps={{ tabIndex: 0, 'aria-label': text.uploads.beginning }}>
      <Table horizontalSpacing="sm" verticalSpacing={6} w="auto" withColumnBorders withTableBorder>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{text.uploads.row}</Table.Th>
            {columns.map((number) => (
              <Table.Th key={number} style={{ whiteSpace: 'nowrap' }}>
                {text.uploads.column(number)}
                {number === layout?.columnNumber && (
                  <Badge miw="max-content" ml={8} size="sm" tt="none">
                    {text.uploads.codes}
                  </Badge>
                )}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(({ number, cells }) => (
            <Table.Tr key={number}>
              <Table.Td c="dimmed" style={{ whiteSpace: 'nowrap' }}>
                {count(number)}
                {number === layout?.headerRow && (
                  <Badge miw="max-content" ml={8} size="sm" tt="none" variant="default">
                    {text.uploads.header}
                  </Badge>
                )}
              </Table.Td>
              {columns.map((column) => (
                <Table.Td
                  key={column}
                  maw={280}
                  {...(column === layout?.columnNumber &&
                    number !== layout.headerRow && { bg: 'var(--mantine-primary-color-light)' })}
                >
                  <Text ff="monospace" size="sm" truncate {...(number === layout?.headerRow && { fw: 700 })}>
                    {cells[column - 1] ?? ''}
                  </Text>
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  )
}

/** The number of columns of the widest row. */
export function columnsOf(rows: Beginning['rows']): number {
  return Math.max(0, ...rows.map(({ cells }) => cells.length))
}
