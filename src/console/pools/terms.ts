import { type FragmentOf, graphql, type VariablesOf } from '../api/graphql.ts'
import { Refusal } from '../api/submit.ts'
import { durationOf, type Length, lengthOf } from './duration.ts'
import { localTimeOf, momentOf } from './local-time.ts'

export const PoolTerms = graphql(`
  fragment PoolTerms on PoolTerms {
    issueFrom
    issueUntil
    validUntil
    validFor
    onePerRecipient
    renewAfter
  }
`)

export type PoolTerms = FragmentOf<typeof PoolTerms>

export const SaveTerms = graphql(
  `
    mutation SaveTerms($input: SaveTermsInput!) {
      saveTerms(input: $input) {
        __typename
        ... on SaveTermsPayload {
          pool {
            id
            terms {
              ...PoolTerms
            }
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [PoolTerms, Refusal],
)

export type RenewAfter = PoolTerms['renewAfter'][number]

/** The terms as a form has them: times in the browser's time zone, and the duration as a number and a unit. */
export type TermsValues = {
  issueFrom: string
  issueUntil: string
  validUntil: string
  validFor: Length
  onePerRecipient: boolean
  renewAfter: RenewAfter[]
}

export function termsValuesOf(terms: PoolTerms): TermsValues {
  return {
    issueFrom: localTimeOf(terms.issueFrom),
    issueUntil: localTimeOf(terms.issueUntil),
    validUntil: localTimeOf(terms.validUntil),
    validFor: terms.validFor === null ? { amount: '', unit: 'days' } : lengthOf(terms.validFor),
    onePerRecipient: terms.onePerRecipient,
    renewAfter: terms.renewAfter,
  }
}

/** The input for what was entered. `before` are the terms that the form was filled with. */
export function inputOf(
  values: TermsValues,
  before: PoolTerms,
): Omit<VariablesOf<typeof SaveTerms>['input'], 'poolId'> {
  return {
    issueFrom: momentOf(values.issueFrom, before.issueFrom),
    issueUntil: momentOf(values.issueUntil, before.issueUntil),
    validUntil: momentOf(values.validUntil, before.validUntil),
    validFor: durationOf(values.validFor) ?? null,
    onePerRecipient: values.onePerRecipient,
    renewAfter: values.renewAfter,
  }
}
