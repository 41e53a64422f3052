import { CloseButton, Stack, TextInput } from '@mantine/core'
import { SearchIcon } from '@primer/octicons-react'
import { useQuery } from 'urql'
import { Empty } from '../parts/empty.tsx'
import { useEntryState } from '../parts/entry-state.ts'
import { Loaded } from '../parts/loaded.tsx'
import { Pager, usePaging } from '../parts/paging.tsx'
import { useTyped } from '../parts/use-typed.ts'
import { usePoolOfPage } from '../pools/pool-of-page.ts'
import { text } from '../text.ts'
import { ClaimTable } from './claim-table.tsx'
import { ClaimsQuery } from './claims-query.ts'
import { RecipientClaims, useRecipientClaims } from './recipient-claims.tsx'
import { useFreshWithPool } from './use-fresh.ts'

/** Who got codes of the pool, and when: all claims, or those of one recipient, which the browser's history keeps. */
export function Claims() {
  const [{ recipient = '' }, keep] = useEntryState<{ recipient: string }>()
  const { typed, type, put: search } = useTyped(recipient, (recipient) => keep({ recipient }))
  return (
    <Stack gap="sm">
      <TextInput
        description={text.codes.recipientHint}
        label={text.codes.findRecipient}
        leftSection={<SearchIcon />}
        maw={480}
        maxLength={1_000}
        onChange={(event) => type(event.currentTarget.value)}
        rightSection={
          typed !== '' && <CloseButton aria-label={text.codes.clearRecipient} onClick={() => search('')} />
        }
        value={typed}
      />
      {recipient.trim() === '' ? (
        <AllClaims search={search} />
      ) : (
        <ClaimsOfRecipient key={recipient} recipient={recipient} search={search} />
      )}
    </Stack>
  )
}

function AllClaims({ search }: { search: (recipient: string) => void }) {
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
      {({ pool }) => {
        if (pool === null) return null
        const { edges, pageInfo } = pool.claims
        if (edges.length === 0 && paging.isFirst)
          return <Empty title={text.codes.noClaimsTitle}>{text.codes.noClaims}</Empty>
        return (
          <>
            <ClaimTable claims={edges.map(({ node }) => node)} onRecipient={search} />
            <Pager pageInfo={pageInfo} paging={paging} />
          </>
        )
      }}
    </Loaded>
  )
}

function ClaimsOfRecipient({
  recipient,
  search,
}: {
  recipient: string
  search: (recipient: string) => void
}) {
  const { id } = usePoolOfPage()
  const found = useRecipientClaims(recipient, id)
  useFreshWithPool(found.read)
  return <RecipientClaims found={found} search={search} />
}
