import { type FragmentOf, graphql } from '../../api/graphql.ts'

const ListedRedemption = graphql(`
  fragment ListedRedemption on Redemption {
    id
    at
    place
    rolledBackAt
    code {
      id
      code
      pool {
        id
        name
      }
    }
  }
`)

export type ListedRedemptionOf = FragmentOf<typeof ListedRedemption>

/** What was redeemed for an order, by its reference. */
export const OrderQuery = graphql(
  `
    query Order($reference: String!, $after: String) {
      redemptions(reference: $reference, first: 20, after: $after) {
        edges {
          node {
            ...ListedRedemption
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  [ListedRedemption],
)
