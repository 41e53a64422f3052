import { Button, Center, Paper, SimpleGrid, Table } from '@mantine/core'
import { useMediaQuery, useThrottledCallback } from '@mantine/hooks'
import { type ReactNode, useState } from 'react'
import { useQuery } from 'urql'
import { graphql, type ResultOf } from '../api/graphql.ts'
import { type News, useEvents } from '../live/events.tsx'
import { Failed } from '../parts/loaded.tsx'
import { text } from '../text.ts'
import type { LastDays } from './days.ts'
import { argumentsOf, type PoolListFilter } from './filter.ts'
import { PoolCard } from './pool-card.tsx'
import { PoolInList } from './pool-in-list.ts'
import { PoolRow } from './pool-row.tsx'

const PoolsQuery = graphql(
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

const rereadEveryMs = 1_000

interface PagePlace {
  filter: PoolListFilter
  days: LastDays
  /** The cursor that the page before ends with. */
  after?: string
}

/** A page of the pools that a filter lets through, read again when one may have come into it or left it. */
export function usePoolPage({ filter, days, after }: PagePlace) {
  const page = useQuery({
    query: PoolsQuery,
    variables: { ...argumentsOf(filter), ...days, after: after ?? null },
    // Pools that others have created since are events only while the page is open.
    requestPolicy: 'cache-and-network',
  })
  const [, read] = page
  const readSoon = useThrottledCallback(() => read({ requestPolicy: 'network-only' }), rereadEveryMs)
  useEvents((news) => {
    if (changesList(news, filter)) readSoon()
  })
  return page
}

interface PoolListProps {
  filter: PoolListFilter
  days: LastDays
  /** The first page, by `usePoolPage`. */
  first: ResultOf<typeof PoolsQuery>
}

/** The pools that a filter lets through, newest first: a table, or cards where that is too narrow. */
export function PoolList({ filter, days, first }: PoolListProps) {
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
      page={first}
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

interface PageProps extends PagePlace {
  isNarrow: boolean
  /** How many pages to show, this one included. */
  pages: number
  more: () => void
}

/** A page of the list, and those after it. */
function PoolPage({ page, pages, ...props }: PageProps & { page: ResultOf<typeof PoolsQuery> }) {
  const { days, isNarrow, more } = props
  const { edges, pageInfo } = page.pools
  const Item = isNarrow ? PoolCard : PoolRow
  return (
    <>
      {edges.map(({ node }) => (
        <Item days={days} key={node.id} pool={node} />
      ))}
      {pageInfo.hasNextPage && pageInfo.endCursor !== null && pages > 1 && (
        <NextPage {...props} after={pageInfo.endCursor} pages={pages - 1} />
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

/** It begins where the page before it ends, so that all pages are right again when they are read again after a pool was created. */
function NextPage(props: PageProps) {
  const [{ data, error, fetching }, read] = usePoolPage(props)
  if (data !== undefined) return <PoolPage {...props} page={data} />
  return (
    <Foot isNarrow={props.isNarrow}>
      {error !== undefined && !fetching ? (
        <Failed again={() => read({ requestPolicy: 'network-only' })} error={error} />
      ) : (
        <Button loading variant="default">
          {text.common.more}
        </Button>
      )}
    </Foot>
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
