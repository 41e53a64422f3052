import { Badge, ScrollArea, Table, Text, UnstyledButton } from '@mantine/core'
import { count } from '../intl.ts'
import { text } from '../text.ts'
import type { UploadTask } from './upload-task.ts'

export type Beginning = NonNullable<NonNullable<UploadTask['upload']>['beginning']>

interface BeginningTableProps {
  rows: Beginning['rows']
  columnNumber: number | undefined
  headerRow: number | undefined
  /** Called with the number of a column that is pressed. */
  onChoose: (columnNumber: number) => void
}

/** The first rows of a file as a table, with the header and the column of the codes. Another column can be chosen. */
export function BeginningTable({ rows, columnNumber, headerRow, onChoose }: BeginningTableProps) {
  const columns = Array.from({ length: columnsOf(rows) }, (_, i) => i + 1)
  return (
    <ScrollArea type="auto" viewportProps={{ tabIndex: 0, 'aria-label': text.uploads.beginning }}>
      <Table horizontalSpacing="sm" verticalSpacing={6} w="auto" withColumnBorders withTableBorder>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{text.uploads.row}</Table.Th>
            {columns.map((number) => (
              <Table.Th key={number} style={{ whiteSpace: 'nowrap' }}>
                {columns.length === 1 ? (
                  text.uploads.column(number)
                ) : (
                  <UnstyledButton
                    aria-pressed={number === columnNumber}
                    fw={700}
                    fz="sm"
                    onClick={() => onChoose(number)}
                    td="underline dotted"
                  >
                    {text.uploads.column(number)}
                  </UnstyledButton>
                )}
                {number === columnNumber && (
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
                {number === headerRow && (
                  <Badge miw="max-content" ml={8} size="sm" tt="none" variant="default">
                    {text.uploads.header}
                  </Badge>
                )}
              </Table.Td>
              {columns.map((column) => (
                <Table.Td
                  key={column}
                  maw={280}
                  // The keyboard has the buttons above.
                  {...(columns.length > 1 && {
                    onClick: () => onChoose(column),
                    style: { cursor: 'pointer' },
                  })}
                  {...(column === columnNumber &&
                    number !== headerRow && { bg: 'var(--mantine-primary-color-light)' })}
                >
                  <Text ff="monospace" size="sm" truncate {...(number === headerRow && { fw: 700 })}>
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
