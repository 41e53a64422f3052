import { graphql } from '../../api/graphql.ts'
import { Refusal } from '../../api/submit.ts'
import { PoolCounts } from '../../live/events.tsx'

export const OnePerRecipientQuery = graphql(`
  query OnePerRecipient($poolId: ID!) {
    pool(id: $poolId) {
      id
      terms {
        onePerRecipient
      }
    }
  }
`)

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
