import { type FragmentOf, graphql } from '../api/graphql.ts'

/** A code in a list, and what became of it. */
export const ListedCode = graphql(`
  fragment ListedCode on Code {
    id
    code
    status
    validity
    recipient
    claimedAt
    expiresAt
    format {
      id
      name
    }
  }
`)

export type ListedCodeOf = FragmentOf<typeof ListedCode>
export type Validity = ListedCodeOf['validity']

/** All that a key with READ may know of a code. */
export const KnownCode = graphql(
  `
    fragment KnownCode on Code {
      ...ListedCode
      pool {
        id
        name
      }
      claim {
        id
        count
      }
      redemption {
        id
        at
        reference
        place
      }
      void {
        at
        reason
      }
    }
  `,
  [ListedCode],
)

export type KnownCodeOf = FragmentOf<typeof KnownCode>
