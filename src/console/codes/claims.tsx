import { CloseButton, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { SearchIcon } from '@primer/octicons-react'
import { useState } from 'react'
import { useQuery } from 'urql'
import { Empty } from '../parts/empty.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Pager, type Paging, usePaging } from '../parts/paging.tsx'
import { usePoolOfPage } from '../pools/pool-of-page.ts'
import { text } from '../text.ts'
import { ClaimTable } from './claim-table.tsx'
import { ClaimsOfRecipientQuery, ClaimsQuery, type ListedClaimOf } from './claims-query.ts'
import { RecipientActions } from './recipient-actions.tsx'
import { useFreshWithPool } from './use-fresh.ts'

const typingMs = 400

/** Who got codes of the pool, and when: all claims, or those of one recipient. */
export function Claims() {
  const [typed, setTyped] = useState('')
  const [recipient] = useDebouncedValue(typed, typingMs)
  return (
    <Stack gap="sm">
      <TextInput
        description={text.codes.recipientHint}
        label={text.codes.findRecipient}
        leftSection={<SearchIcon />}
        maw={480}
        maxLength={1_000}
        onChange={(event) => setTyped(event.currentTarget.value)}
        rightSection={
          typed !== '' && <CloseButton aria-label={text.codes.clearRecipient} onClick={() => setTyped('')} />
        }
        value={typed}
      />
      {recipient.trim() === '' ? <AllClaims /> : <ClaimsOfRecipient key={recipient} recipient={recipient} />}
    </Stack>
  )
}

function AllClaims() {
  const { id: poolId } = usePoolOfPage()
  const paging = usePaging(poolId)
  const result = useQuery({
    query: ClaimsQuery,
    variables: { poolId, after: paging.after },
    requestPolicy: 'cache-and-network',
  })
  useFreshWithPool(result[1])
  return (
    <Loaded of={result}>
      {({ pool }) =>
        pool !== null && (
          <ClaimPage
            empty={<Empty title={text.codes.noClaimsTitle}>{text.codes.noClaims}</Empty>}
            page={pool.claims}
            paging={paging}
          />
        )
      }
    </Loaded>
  )
}

function ClaimsOfRecipient({ recipient }: { recipient: string }) {
  const { id: poolId } = usePoolOfPage()
  const paging = usePaging(recipient)
  const result = useQuery({
    query: ClaimsOfRecipientQuery,
    variables: { poolId, recipient, after: paging.after },
    requestPolicy: 'cache-and-network',
  })
  useFreshWithPool(result[1])
  return (
    <Loaded of={result}>
      {({ claims }) => (
        <Stack gap="sm">
          {claims.edges.length > 0 && (
            <RecipientActions
              onForgotten={() => result[1]({ requestPolicy: 'network-only' })}
              recipient={recipient}
            />
          )}
          <ClaimPage
            empty={
              <Text c="dimmed" role="status">
                {text.codes.noSuchRecipient}
              </Text>
            }
            page={claims}
            paging={paging}
          />
        </Stack>
      )}
    </Loaded>
  )
}

function ClaimPage({
  page: { edges, pageInfo },
  paging,
  empty,
}: {
  page: {
    edges: readonly { node: ListedClaimOf }[]
    pageInfo: { hasNextPage: boolean; endCursor: string | null }
  }
  paging: Paging
  empty: React.ReactNode
}) {
  if (edges.length === 0 && paging.isFirst) return empty
  return (
    <>
      <ClaimTable claims={edges.map(({ node }) => node)} />
      <Pager pageInfo={pageInfo} paging={paging} />
    </>
  )
}
