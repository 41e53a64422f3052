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
    pool {
      id
      name
    }
    codes(first: 5) {
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

/** Whether all codes of the claim are listed with it, as those of most claims are. */
export const areAllListed = ({ count, codes }: ListedClaimOf) => count === String(codes.edges.length)

/** What can be done with the codes of claims, as far as they are listed: of the others, anything may be. */
export function changesOf(claims: readonly ListedClaimOf[]): { canVoid: boolean; canUnvoid: boolean } {
  const listed = claims.flatMap(({ codes }) => codes.edges.map(({ node }) => node.validity))
  const isUnknown = !claims.every(areAllListed)
  return {
    canVoid: isUnknown || listed.some((validity) => validity === 'VALID' || validity === 'EXPIRED'),
    canUnvoid: isUnknown || listed.includes('VOIDED'),
  }
}

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
    query ClaimsOfRecipient($poolId: ID, $recipient: String!, $after: String) {
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
