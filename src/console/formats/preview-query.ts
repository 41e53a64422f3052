import { graphql, type ResultOf, type VariablesOf } from '../api/graphql.ts'
import { Refusal } from '../api/submit.ts'

export const PreviewFormat = graphql(
  `
    query PreviewFormat($shape: FormatShapeInput!, $codes: BigInt!) {
      previewFormat(shape: $shape) {
        __typename
        ... on FormatPreview {
          pattern
          characters
          capacity
          guessOdds(codes: $codes)
          examples
          warnings {
            code
            message
          }
          overlaps {
            id
            name
            pattern
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [Refusal],
)

/** The shape of a format's codes, as the API takes it. */
export type Shape = VariablesOf<typeof PreviewFormat>['shape']

export type PreviewedFormat = Extract<
  NonNullable<ResultOf<typeof PreviewFormat>['previewFormat']>,
  { __typename: 'FormatPreview' }
>
