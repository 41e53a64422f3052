import { Checkbox, Group, ScrollArea, Stack, Table, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Distance, Moment } from '../parts/time.tsx'
import { text } from '../text.ts'
import type { ListedCodeOf } from './code-fields.ts'
import { CodeText } from './code-text.tsx'
import { useIsNarrow } from './use-is-narrow.ts'
import { ValidityBadge } from './validity.tsx'

const words = text.codes.columns

export type Column = 'validity' | 'recipient' | 'claimedAt' | 'expiresAt' | 'origin'

const cells: Readonly<Record<Column, (code: ListedCodeOf) => ReactNode>> = {
  validity: ({ validity }) => <ValidityBadge validity={validity} />,
  recipient: ({ recipient }) => <Recipient recipient={recipient} />,
  claimedAt: ({ claimedAt }) => claimedAt !== null && <Distance at={claimedAt} />,
  expiresAt: ({ expiresAt }) =>
    expiresAt === null ? (
      <Text c="dimmed" size="sm">
        {text.codes.never}
      </Text>
    ) : (
      <Moment at={expiresAt} />
    ),
  origin: ({ format }) => format?.name ?? text.codes.uploaded,
}

export interface Selection {
  ids: ReadonlySet<string>
  change: (ids: ReadonlySet<string>) => void
}

/** A page of codes. With `selection`, they can be chosen. */
export function CodeTable({
  label,
  codes,
  columns,
  selection,
}: {
  label: string
  codes: readonly ListedCodeOf[]
  columns: readonly Column[]
  selection?: Selection
}) {
  const isNarrow = useIsNarrow()
  const apart = isNarrow ? [] : columns
  return (
    <ScrollArea type="auto" viewportProps={{ tabIndex: 0, 'aria-label': label }}>
      <Table verticalSpacing="xs" {...(!isNarrow && { miw: columns.length > 1 ? 760 : 320 })}>
        <Table.Thead>
          <Table.Tr>
            {selection !== undefined && <AllBox codes={codes} selection={selection} />}
            <Table.Th>{words.code}</Table.Th>
            {apart.map((column) => (
              <Table.Th key={column}>{words[column]}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {codes.map((code) => (
            <Table.Tr key={code.id}>
              {selection !== undefined && <CodeBox code={code} selection={selection} />}
              <Table.Td>
                <CodeText code={code.code} />
                {isNarrow && <Details code={code} columns={columns} />}
              </Table.Td>
              {apart.map((column) => (
                <Table.Td key={column}>{cells[column](code)}</Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  )
}

/** What would be in columns of its own on a larger screen. */
function Details({ code, columns }: { code: ListedCodeOf; columns: readonly Column[] }) {
  return (
    <Stack gap={4} mt={4}>
      {columns.map((column) => (
        <Group gap={6} key={column} wrap="nowrap">
          <Text c="dimmed" miw={72} size="sm">
            {words[column]}
          </Text>
          <Text component="div" size="sm">
            {cells[column](code)}
          </Text>
        </Group>
      ))}
    </Stack>
  )
}

/** Who a code is for. A long text wraps, and never widens the page. */
export function Recipient({ recipient }: { recipient: string | null }) {
  if (recipient === null)
    return (
      <Text c="dimmed" size="sm">
        {text.codes.nobody}
      </Text>
    )
  return (
    <Text lineClamp={2} maw={260} miw={140} size="sm" style={{ overflowWrap: 'anywhere' }} title={recipient}>
      {recipient}
    </Text>
  )
}

function AllBox({ codes, selection }: { codes: readonly ListedCodeOf[]; selection: Selection }) {
  const chosen = codes.filter(({ id }) => selection.ids.has(id)).length
  return (
    <Table.Th w={40}>
      <Checkbox
        aria-label={text.codes.chooseAll}
        checked={chosen > 0 && chosen === codes.length}
        indeterminate={chosen > 0 && chosen < codes.length}
        onChange={(event) =>
          selection.change(
            chosenAfter(
              selection.ids,
              codes.map(({ id }) => id),
              event.currentTarget.checked,
            ),
          )
        }
      />
    </Table.Th>
  )
}

function CodeBox({ code: { id, code }, selection }: { code: ListedCodeOf; selection: Selection }) {
  return (
    <Table.Td>
      <Checkbox
        aria-label={text.codes.choose(code)}
        checked={selection.ids.has(id)}
        onChange={(event) => selection.change(chosenAfter(selection.ids, [id], event.currentTarget.checked))}
      />
    </Table.Td>
  )
}

function chosenAfter(chosen: ReadonlySet<string>, ids: readonly string[], areChosen: boolean): Set<string> {
  return new Set(areChosen ? [...chosen, ...ids] : [...chosen].filter((id) => !ids.includes(id)))
}
