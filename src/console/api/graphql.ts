import { initGraphQLTada } from 'gql.tada'
import type { introspection } from '../../generated/schema-types.d.ts'

export type { FragmentOf, ResultOf, VariablesOf } from 'gql.tada'

/** Parses an operation or a fragment; its types follow from schema.graphql. Pass the fragments that it uses. */
export const graphql = initGraphQLTada<{
  introspection: introspection
  // A fragment's fields are visible to whoever has the data: the screens are one program.
  disableMasking: true
  scalars: { BigInt: string; DateTime: string; Duration: string; File: File }
}>()
