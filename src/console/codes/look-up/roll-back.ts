import { notifications } from '@mantine/notifications'
import { graphql } from '../../api/graphql.ts'
import { Refusal, useSubmit } from '../../api/submit.ts'
import { ask } from '../../parts/confirm.tsx'
import { text } from '../../text.ts'

const RollBackMutation = graphql(
  `
    mutation RollBackRedemption($input: RollBackRedemptionInput!) {
      rollBackRedemption(input: $input) {
        __typename
        ... on RollBackRedemptionPayload {
          redemption {
            id
            rolledBackAt
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

/** Asks before a redemption is rolled back, and then does it. */
export function useAskToRollBack(onDone: (redemptionId: string) => void) {
  const [rollBack] = useSubmit(RollBackMutation)
  const words = text.codes.rollBack
  return (redemptionId: string, code: string) =>
    ask({
      title: words.title(code),
      children: words.body,
      action: words.action,
      act: async () => {
        const { problems } = await rollBack({ input: { redemptionId } })
        if (problems) return problems
        notifications.show({ message: words.done(code) })
        onDone(redemptionId)
        return undefined
      },
    })
}
