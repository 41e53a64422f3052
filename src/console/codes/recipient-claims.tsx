import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from 'urql'
import { Loaded } from '../parts/loaded.tsx'
import { Pager, usePaging } from '../parts/paging.tsx'
import { text } from '../text.ts'
import { ClaimTable } from './claim-table.tsx'
import { ClaimsOfRecipientQuery } from './claims-query.ts'
import { RecipientActions } from './recipient-actions.tsx'

/** The claims for a recipient, a page at a time: of one pool, or of all. */
export function useRecipientClaims(recipient: string, poolId?: string) {
  const paging = usePaging(recipient)
  const [result, read] = useQuery({
    query: ClaimsOfRecipientQuery,
    variables: { ...(poolId !== undefined && { poolId }), recipient, after: paging.after },
    requestPolicy: 'cache-and-network',
  })
  return { recipient, poolId, paging, result, read }
}

/** What a recipient has, and what can be done with it. Where there is nothing, other ways of writing the name are offered. */
export function RecipientClaims({
  found: { recipient, poolId, paging, result, read },
  search,
}: {
  found: ReturnType<typeof useRecipientClaims>
  search: (recipient: string) => void
}) {
  const again = () => read({ requestPolicy: 'network-only' })
  return (
    <Loaded of={[result, read]}>
      {({ claims: { edges, pageInfo } }) => {
        if (edges.length === 0 && paging.isFirst)
          return <NoSuchRecipient isOfPool={poolId !== undefined} recipient={recipient} search={search} />
        const claims = edges.map(({ node }) => node)
        const areAll = paging.isFirst && !pageInfo.hasNextPage
        return (
          <Stack gap="sm">
            <RecipientActions
              onChange={again}
              recipient={recipient}
              {...(poolId !== undefined && { poolId })}
              {...(areAll && { claims })}
            />
            <ClaimTable claims={claims} onChange={again} showsPool={poolId === undefined} />
            <Pager pageInfo={pageInfo} paging={paging} />
          </Stack>
        )
      }}
    </Loaded>
  )
}

function NoSuchRecipient({
  recipient,
  isOfPool,
  search,
}: {
  recipient: string
  isOfPool: boolean
  search: (recipient: string) => void
}) {
  return (
    <Stack gap="xs">
      <Text c="dimmed" role="status">
        {isOfPool ? text.codes.noSuchRecipient : text.codes.noSuchCustomer}
      </Text>
      <Group gap="xs">
        {otherSpellings(recipient).map((other) => (
          <Button
            key={other}
            maw="100%"
            onClick={() => search(other)}
            size="xs"
            styles={{ label: { textOverflow: 'ellipsis' } }}
            variant="default"
          >
            {text.codes.searchFor(other)}
          </Button>
        ))}
      </Group>
    </Stack>
  )
}

/** How others may have written the same name: recipients are found only by exactly the text that they were given. */
function otherSpellings(recipient: string): string[] {
  const lower = recipient.trim().toLowerCase()
  const capitalized = lower.replace(/(?<!\p{L})\p{L}/gu, (letter) => letter.toUpperCase())
  const others = lower.includes('@') ? [lower] : [lower, capitalized]
  return [...new Set(others)].filter((other) => other !== recipient)
}
