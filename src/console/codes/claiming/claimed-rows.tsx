import { Alert, Button, CopyButton, Group, ScrollArea, Stack, Table, Text } from '@mantine/core'
import { CopyIcon, DownloadIcon } from '@primer/octicons-react'
import { useEffect, useState } from 'react'
import { count } from '../../intl.ts'
import { text } from '../../text.ts'
import { Recipient } from '../code-table.tsx'
import { CodeText } from '../code-text.tsx'
import type { ClaimedRow } from './claimed-row.ts'
import { csvOf } from './csv.ts'

const words = text.codes.claim

/** More rows are not read on a page, but copied or kept as a file. */
const maxShown = 100

/** The codes that have been claimed: to read, to copy, and to keep as a file. */
export function ClaimedRows({ rows, onAgain }: { rows: readonly ClaimedRow[]; onAgain: () => void }) {
  const heldCount = rows.filter(({ alreadyHeld }) => alreadyHeld).length
  const hasRecipients = rows.some(({ recipient }) => recipient !== null)
  return (
    <Stack>
      <Alert role="status" variant="default">
        {words.claimed((rows.length - heldCount).toString())}
        {heldCount > 0 && ` ${words.held(heldCount.toString())}`}
      </Alert>
      <Group gap="xs">
        <CopyButton value={rows.map(({ code }) => code).join('\n')}>
          {({ copied, copy }) => (
            <Button leftSection={<CopyIcon />} onClick={copy} size="xs" variant="default">
              {copied ? text.common.copied : words.copyAll}
            </Button>
          )}
        </CopyButton>
        <SaveAsFile rows={rows} />
        <Button onClick={onAgain} size="xs" variant="default">
          {words.again}
        </Button>
      </Group>
      <ScrollArea.Autosize mah={420} type="auto" viewportProps={{ tabIndex: 0, 'aria-label': words.result }}>
        <Table stickyHeader>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{text.codes.columns.code}</Table.Th>
              {hasRecipients && <Table.Th>{text.codes.columns.recipient}</Table.Th>}
              {heldCount > 0 && <Table.Th>{words.heldColumn}</Table.Th>}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.slice(0, maxShown).map(({ code, recipient, alreadyHeld }, i) => (
              // A recipient can be in the list twice, with the same code.
              // biome-ignore lint/suspicious/noArrayIndexKey: the rows never change
              <Table.Tr key={i}>
                <Table.Td>
                  <CodeText code={code} />
                </Table.Td>
                {hasRecipients && (
                  <Table.Td>
                    <Recipient recipient={recipient} />
                  </Table.Td>
                )}
                {heldCount > 0 && <Table.Td>{alreadyHeld && words.heldBefore}</Table.Td>}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea.Autosize>
      {rows.length > maxShown && (
        <Text c="dimmed" size="sm">
          {words.moreRows(count(rows.length - maxShown))}
        </Text>
      )}
    </Stack>
  )
}

/** A link to the rows as a file that the browser makes itself. */
function SaveAsFile({ rows }: { rows: readonly ClaimedRow[] }) {
  const [url, setUrl] = useState<string>()
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([csvOf(rows)], { type: 'text/csv' }))
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [rows])
  return (
    <Button
      component="a"
      download="claimed-codes.csv"
      href={url ?? ''}
      leftSection={<DownloadIcon />}
      size="xs"
      variant="default"
    >
      {words.saveAsFile}
    </Button>
  )
}
