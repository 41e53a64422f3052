import { useQuery } from 'urql'
import { graphql } from '../../api/graphql.ts'
import { Refusal } from '../../api/submit.ts'
import { PoolCounts } from '../../live/events.tsx'

const OnePerRecipientQuery = graphql(`
  query OnePerRecipient($poolId: ID!) {
    pool(id: $poolId) {
      id
      terms {
        onePerRecipient
      }
    }
  }
`)

/** Whether the terms of a pool give each recipient one code. */
export function useOnePerRecipient(poolId: string): boolean {
  const [{ data }] = useQuery({ query: OnePerRecipientQuery, variables: { poolId } })
  return data?.pool?.terms.onePerRecipient ?? false
}

export const ClaimCodesMutation = graphql(
  `
    mutation ClaimCodes($input: ClaimCodesInput!) {
      claimCodes(input: $input) {
        __typename
        ... on ClaimCodesPayload {
          alreadyHeld
          codes {
            id
            code
            recipient
          }
          pool {
            ...PoolCounts
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [PoolCounts, Refusal],
)

export const ClaimForRecipientsMutation = graphql(
  `
    mutation ClaimForRecipients($input: ClaimForRecipientsInput!) {
      claimForRecipients(input: $input) {
        __typename
        ... on ClaimForRecipientsPayload {
          claims {
            recipient
            alreadyHeld
            code {
              id
              code
            }
          }
          pool {
            ...PoolCounts
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [PoolCounts, Refusal],
)

export const ClaimFileMutation = graphql(
  `
    mutation ClaimFile($input: ClaimFileInput!) {
      claimFile(input: $input) {
        __typename
        ... on ClaimFilePayload {
          claim {
            id
            count
            codesUrl
          }
          pool {
            ...PoolCounts
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [PoolCounts, Refusal],
)
