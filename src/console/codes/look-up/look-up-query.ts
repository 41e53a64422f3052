import { graphql } from '../../api/graphql.ts'
import { KnownCode } from '../code-fields.ts'

export const LookUpQuery = graphql(
  `
    query LookUp($code: String!) {
      code(code: $code) {
        ...KnownCode
      }
    }
  `,
  [KnownCode],
)
