import { graphql, type ResultOf } from '../../api/graphql.ts'
import { Refusal, useSubmit } from '../../api/submit.ts'

/** What every key with REDEEM may know of a code: not who it is for. */
export const RedeemMutation = graphql(
  `
    mutation RedeemCode($input: RedeemCodeInput!) {
      redeemCode(input: $input) {
        __typename
        ... on RedeemCodePayload {
          alreadyRedeemed
          redemption {
            id
            at
            reference
            place
            code {
              id
              code
              pool {
                id
                name
              }
            }
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

export type Redeemed = Extract<
  NonNullable<ResultOf<typeof RedeemMutation>['redeemCode']>,
  { __typename: 'RedeemCodePayload' }
>

/** Redeems a code for what is given: the same code for the same reference is redeemed once, so a repeat does no harm. */
export function useRedeem() {
  const [submit, isRedeeming] = useSubmit(RedeemMutation)
  const redeem = ({ code, reference, place }: { code: string; reference: string; place: string }) =>
    submit({ input: { code, reference, ...(place.trim() !== '' && { place }) } })
  return [redeem, isRedeeming] as const
}
