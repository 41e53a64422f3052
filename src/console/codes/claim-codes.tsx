import { Stack } from '@mantine/core'
import { useQuery } from 'urql'
import { Loaded } from '../parts/loaded.tsx'
import { Pager, usePaging } from '../parts/paging.tsx'
import { text } from '../text.ts'
import { ClaimCodesQuery } from './claims-query.ts'
import { CodeTable } from './code-table.tsx'
import { useFreshWithPool } from './use-fresh.ts'

/** The codes of one claim, in the order in which they were claimed. */
export function ClaimCodes({ claimId }: { claimId: string }) {
  const paging = usePaging(claimId)
  const result = useQuery({
    query: ClaimCodesQuery,
    variables: { id: claimId, after: paging.after },
    requestPolicy: 'cache-and-network',
  })
  useFreshWithPool(result[1])
  return (
    <Loaded of={result}>
      {({ node }) =>
        node?.__typename === 'Claim' && (
          <Stack gap="xs">
            <CodeTable
              codes={node.codes.edges.map((edge) => edge.node)}
              columns={['validity']}
              label={text.codes.codesOfClaim}
            />
            <Pager pageInfo={node.codes.pageInfo} paging={paging} />
          </Stack>
        )
      }
    </Loaded>
  )
}
