import { type FragmentOf, graphql } from '../api/graphql.ts'
import { ListedCode } from './code-fields.ts'

export const ListedClaim = graphql(`
  fragment ListedClaim on Claim {
    id
    at
    count
    recipient
    expiresAt
    codesUrl
    codes(first: 1) {
      edges {
        node {
          id
          code
          validity
        }
      }
    }
  }
`)

export type ListedClaimOf = FragmentOf<typeof ListedClaim>

export const ClaimsQuery = graphql(
  `
    query Claims($poolId: ID!, $after: String) {
      pool(id: $poolId) {
        id
        claims(first: 20, after: $after) {
          edges {
            node {
              ...ListedClaim
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
  [ListedClaim],
)

export const ClaimsOfRecipientQuery = graphql(
  `
    query ClaimsOfRecipient($poolId: ID!, $recipient: String!, $after: String) {
      claims(poolId: $poolId, recipient: $recipient, first: 20, after: $after) {
        edges {
          node {
            ...ListedClaim
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  [ListedClaim],
)

export const ClaimCodesQuery = graphql(
  `
    query CodesOfClaim($id: ID!, $after: String) {
      node(id: $id) {
        __typename
        id
        ... on Claim {
          codes(first: 25, after: $after) {
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
    }
  `,
  [ListedCode],
)
