import { Anchor, Group, ScrollArea, Stack, Table, Text, Title } from '@mantine/core'
import { DownloadIcon } from '@primer/octicons-react'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { count } from '../intl.ts'
import { Loaded } from '../parts/loaded.tsx'
import { Pager, usePaging } from '../parts/paging.tsx'
import { text } from '../text.ts'

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

/** The rows of a file that were not added, with the reasons, and the way to all of them as a file. */
export function RejectedRows({
  task: { id, rejectedRowsUrl },
}: {
  task: { id: string; rejectedRowsUrl: string | null }
}) {
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
              <Title order={2} size="h5">
                {text.uploads.rejected} ({count(rows.totalCount)})
              </Title>
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
