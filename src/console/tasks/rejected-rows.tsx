import { Anchor, Group, ScrollArea, Stack, Table, Text, Title } from '@mantine/core'
import { DownloadIcon } from '@primer/octicons-react'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { count } from '../intl.ts'
import { Loaded } from '../parts/loaded.tsx'
import { Pager, usePaging } from '../parts/paging.tsx'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import type { TaskOfPage } from './task-details.ts'

const RejectedRowsQuery = graphql(`
  query RejectedRows($id: ID!, $after: String) {
    task(id: $id) {
      id
      upload {
        rejectedRows(first: 10, after: $after) {
          totalCount
          edges {
            node {
              number
              code
              reason
            }
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  }
`)

interface RejectedRowsProps {
  task: Pick<TaskOfPage, 'id' | 'rejectedRowsUrl' | 'upload'>
}

/** The rows of a file that were not added: how many there are, and what they are for those who may see that. */
export function RejectedRows({ task }: RejectedRowsProps) {
  const mayManage = useMay('MANAGE')
  if (task.rejectedRowsUrl === null) return <Text c="dimmed">{text.uploads.rejectedGone}</Text>
  return mayManage ? <RowTable task={task} /> : <WithoutRows task={task} />
}

function WithoutRows({ task: { upload } }: RejectedRowsProps) {
  const { duplicatesInFile = '0', duplicatesInAccount = '0', refused = '0' } = upload ?? {}
  const total = BigInt(duplicatesInFile) + BigInt(duplicatesInAccount) + BigInt(refused)
  if (total === 0n) return null
  return (
    <Stack gap="xs">
      <Heading total={total} />
      <Text c="dimmed" size="sm">
        {text.uploads.rejectedHidden}
      </Text>
    </Stack>
  )
}

function Heading({ total }: { total: string | bigint }) {
  return (
    <Title order={2} size="h5">
      {text.uploads.rejected} ({count(total)})
    </Title>
  )
}

/** The rows with the reasons, and the way to all of them as a file. */
function RowTable({ task: { id, rejectedRowsUrl } }: RejectedRowsProps) {
  const paging = usePaging(id)
  const result = useQuery({ query: RejectedRowsQuery, variables: { id, after: paging.after } })
  const columns = text.uploads.rejectedColumns
  return (
    <Loaded of={result}>
      {({ task }) => {
        const rows = task?.upload?.rejectedRows
        if (rows == null) return <Text c="dimmed">{text.uploads.rejectedGone}</Text>
        if (rows.edges.length === 0) return null
        return (
          <Stack gap="xs">
            <Group justify="space-between">
              <Heading total={rows.totalCount} />
              {rejectedRowsUrl !== null && (
                <Anchor download href={`${rejectedRowsUrl}?bom=true`} size="sm">
                  <Group component="span" gap={6} wrap="nowrap">
                    <DownloadIcon />
                    {text.uploads.rejectedFile}
                  </Group>
                </Anchor>
              )}
            </Group>
            <ScrollArea type="auto" viewportProps={{ tabIndex: 0, 'aria-label': text.uploads.rejected }}>
              <Table miw={420} verticalSpacing={6}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th w={80}>{columns.row}</Table.Th>
                    <Table.Th w="30%">{columns.code}</Table.Th>
                    <Table.Th>{columns.reason}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {rows.edges.map(({ node: { number, code, reason } }) => (
                    <Table.Tr key={number}>
                      <Table.Td>{count(number)}</Table.Td>
                      <Table.Td ff="monospace" style={{ overflowWrap: 'anywhere' }}>
                        {code}
                      </Table.Td>
                      <Table.Td>{reason}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </ScrollArea>
            <Pager pageInfo={rows.pageInfo} paging={paging} />
          </Stack>
        )
      }}
    </Loaded>
  )
}
