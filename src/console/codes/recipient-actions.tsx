import { Button, Group } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { graphql } from '../api/graphql.ts'
import { Refusal, useSubmit } from '../api/submit.ts'
import { ask } from '../parts/confirm.tsx'
import { usePoolOfPage } from '../pools/pool-of-page.ts'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { useAskToVoid } from './ask-to-void.tsx'

const ForgetMutation = graphql(
  `
    mutation ForgetRecipient($input: ForgetRecipientInput!) {
      forgetRecipient(input: $input) {
        __typename
        ... on ForgetRecipientPayload {
          claimCount
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [Refusal],
)

/** What can be done with all codes that a recipient has of this pool, or with what is known of the recipient. */
export function RecipientActions({ recipient, onForgotten }: { recipient: string; onForgotten: () => void }) {
  const { id: poolId } = usePoolOfPage()
  const mayManage = useMay('MANAGE')
  const mayForget = useMay('ADMIN')
  const { askToVoid, askToUnvoid } = useAskToVoid()
  const [forget] = useSubmit(ForgetMutation)
  const select = { recipient: { recipient, poolId } }
  const what = text.codes.allOfRecipient(recipient)
  const askToForget = () =>
    ask({
      title: text.codes.forget.title(recipient),
      children: text.codes.forget.body,
      action: text.codes.forget.action,
      isDestructive: true,
      act: async () => {
        const { payload, problems } = await forget({ input: { recipient } })
        if (problems) return problems
        notifications.show({ message: text.codes.forget.done(payload.claimCount) })
        onForgotten()
        return undefined
      },
    })
  return (
    <Group gap="xs">
      {mayManage && (
        <>
          <Button onClick={() => askToVoid(select, what)} size="xs" variant="default">
            {text.codes.voidAll}
          </Button>
          <Button onClick={() => askToUnvoid(select, what)} size="xs" variant="default">
            {text.codes.unvoidAll}
          </Button>
        </>
      )}
      {mayForget && (
        <Button color="red" onClick={askToForget} size="xs" variant="outline">
          {text.codes.forget.button}
        </Button>
      )}
    </Group>
  )
}
