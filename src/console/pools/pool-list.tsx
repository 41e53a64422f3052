import { Alert, Button, Center, Paper, SimpleGrid, Table } from '@mantine/core'
import { useMediaQuery, useThrottledCallback } from '@mantine/hooks'
import { type ReactNode, useState } from 'react'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { problemsOf } from '../api/read-problems.ts'
import { type News, useEvents } from '../live/events.tsx'
import { text } from '../text.ts'
import type { LastDays } from './days.ts'
import { argumentsOf, type PoolListFilter } from './filter.ts'
import { PoolCard } from './pool-card.tsx'
import { PoolInList } from './pool-in-list.ts'
import { PoolRow } from './pool-row.tsx'

export const PoolsQuery = graphql(
  `
    query Pools(
      $after: String
      $search: String
      $status: [PoolStatus!]
      $archived: Boolean
      $from: DateTime!
      $to: DateTime!
      $timeZone: String!
    ) {
      pools(first: 20, after: $after, search: $search, status: $status, archived: $archived) {
        totalCount
        edges {
          node {
            ...PoolInList
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  [PoolInList],
)

/** The pools that a filter lets through, newest first: a table, or cards where that is too narrow. */
export function PoolList({ filter, days }: { filter: PoolListFilter; days: LastDays }) {
  const isNarrow = useMediaQuery('(max-width: 75em)')
  const of = JSON.stringify(filter)
  const [shown, setShown] = useState({ of, pages: 1 })
  // With another filter, the list begins anew.
  const pages = shown.of === of ? shown.pages : 1
  const items = (
    <PoolPage
      days={days}
      filter={filter}
      isNarrow={isNarrow}
      more={() => setShown({ of, pages: pages + 1 })}
      pages={pages}
    />
  )
  if (isNarrow)
    return (
      <SimpleGrid cols={{ base: 1, xs: 2 }} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
        {items}
      </SimpleGrid>
    )
  const { columns } = text.pools
  return (
    <Paper withBorder>
      <Table highlightOnHover layout="fixed" verticalSpacing="sm">
        {/* Widths of their own keep columns from moving as counts and times change. */}
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{columns.name}</Table.Th>
            <Table.Th w={100}>{columns.status}</Table.Th>
            <Table.Th ta="right" w={140}>
              {columns.available}
            </Table.Th>
            <Table.Th ta="right" w={130}>
              {columns.claimed}
            </Table.Th>
            <Table.Th style={{ whiteSpace: 'nowrap' }} w={150}>
              {columns.trend}
            </Table.Th>
            <Table.Th w={150}>{columns.runsOut}</Table.Th>
            <Table.Td w={52} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{items}</Table.Tbody>
      </Table>
    </Paper>
  )
}

interface PageProps {
  filter: PoolListFilter
  days: LastDays
  isNarrow: boolean
  after?: string
  /** How many pages to show, this one included. */
  pages: number
  more: () => void
}

const rereadEveryMs = 1_000

/**
 * A page of the list, and those after it. Each begins where the one before it ends, so that all are right again when they are
 * read again after a pool was created.
 */
function PoolPage({ after, pages, ...props }: PageProps) {
  const { filter, days, isNarrow, more } = props
  const [{ data, error, fetching }, read] = useQuery({
    query: PoolsQuery,
    variables: { ...argumentsOf(filter), ...days, after: after ?? null },
  })
  const readAgain = () => read({ requestPolicy: 'network-only' })
  const readSoon = useThrottledCallback(readAgain, rereadEveryMs)
  useEvents((news) => {
    if (changesList(news, filter)) readSoon()
  })
  if (data === undefined)
    return (
      <Foot isNarrow={isNarrow}>
        {error !== undefined && !fetching ? (
          <Failed again={readAgain} messages={problemsOf(error).map(({ message }) => message)} />
        ) : (
          <Button loading variant="default">
            {text.common.more}
          </Button>
        )}
      </Foot>
    )
  const { edges, pageInfo } = data.pools
  const Item = isNarrow ? PoolCard : PoolRow
  return (
    <>
      {edges.map(({ node }) => (
        <Item days={days} key={node.id} pool={node} />
      ))}
      {pageInfo.hasNextPage && pageInfo.endCursor !== null && pages > 1 && (
        <PoolPage {...props} after={pageInfo.endCursor} pages={pages - 1} />
      )}
      {pageInfo.hasNextPage && pages === 1 && (
        <Foot isNarrow={isNarrow}>
          <Button onClick={more} variant="default">
            {text.common.more}
          </Button>
        </Foot>
      )}
    </>
  )
}

/** Whether a pool may have come into the list or left it. */
function changesList(news: News, { show }: PoolListFilter): boolean {
  // All that is on the screen is read again then.
  if (news === 'missed') return false
  const { __typename } = news
  if (__typename === 'PoolCreatedEvent' || __typename === 'PoolChangedEvent') return true
  // A pool's status changes with its stock. Claims that do not empty a pool are no event.
  return show === 'ready' || show === 'low' || show === 'empty'
}

function Foot({ isNarrow, children }: { isNarrow: boolean; children: ReactNode }) {
  if (isNarrow)
    return (
      <Center component="li" style={{ gridColumn: '1 / -1' }}>
        {children}
      </Center>
    )
  return (
    <Table.Tr>
      <Table.Td colSpan={7}>
        <Center>{children}</Center>
      </Table.Td>
    </Table.Tr>
  )
}

function Failed({ messages, again }: { messages: readonly string[]; again: () => void }) {
  return (
    <Alert color="red" role="alert" variant="light">
      {messages.join(' ')}{' '}
      <Button color="red" onClick={again} size="compact-sm" variant="light">
        {text.common.retry}
      </Button>
    </Alert>
  )
}
