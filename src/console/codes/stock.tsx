import { Button, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'react-router'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { Empty } from '../parts/empty.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Pager, usePaging } from '../parts/paging.tsx'
import { usePoolOfPage } from '../pools/pool-of-page.ts'
import { text } from '../text.ts'
import { ChangeDialog } from './change-dialog.tsx'
import { ListedCode } from './code-fields.ts'
import { CodeTable } from './code-table.tsx'
import { useFreshWithPool } from './use-fresh.ts'

const StockQuery = graphql(
  `
    query Stock($poolId: ID!, $status: CodeStatus!, $after: String) {
      pool(id: $poolId) {
        id
        codes(status: $status, first: 25, after: $after) {
          edges {
            node {
              ...ListedCode
            }
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  `,
  [ListedCode],
)

/** The codes that nobody has: those that can be claimed, or those that were withdrawn. Only for keys with MANAGE. */
export function Stock({ status }: { status: 'AVAILABLE' | 'WITHDRAWN' }) {
  const pool = usePoolOfPage()
  const paging = usePaging(`${pool.id} ${status}`)
  const [isChanging, setChanging] = useState(false)
  const result = useQuery({
    query: StockQuery,
    variables: { poolId: pool.id, status, after: paging.after },
    requestPolicy: 'cache-and-network',
  })
  useFreshWithPool(result[1])
  const words = text.codes.stock[status]
  return (
    <>
      <Loaded of={result}>
        {({ pool: read }) => {
          const codes = read?.codes
          if (codes == null) return null
          if (codes.edges.length === 0 && paging.isFirst)
            return (
              <Empty
                title={words.emptyTitle}
                {...(status === 'AVAILABLE' && {
                  action: (
                    <Button component={Link} to={`/pools/${pool.id}/promo-codes`}>
                      {text.codes.toPromoCodes}
                    </Button>
                  ),
                })}
              >
                {words.empty}
              </Empty>
            )
          return (
            <Stack gap="sm">
              <Group justify="space-between">
                <Text c="dimmed" size="sm">
                  {words.lead}
                </Text>
                <Button
                  color={status === 'AVAILABLE' ? 'red' : 'indigo'}
                  onClick={() => setChanging(true)}
                  size="xs"
                  variant="outline"
                >
                  {words.change}
                </Button>
              </Group>
              <CodeTable
                codes={codes.edges.map(({ node }) => node)}
                columns={['origin']}
                label={words.lead}
              />
              <Pager pageInfo={codes.pageInfo} paging={paging} />
            </Stack>
          )
        }}
      </Loaded>
      <ChangeDialog
        change={status === 'AVAILABLE' ? 'withdraw' : 'restore'}
        isOpen={isChanging}
        onClose={() => setChanging(false)}
      />
    </>
  )
}
