import { Button, Group } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { graphql } from '../api/graphql.ts'
import { Refusal, useSubmit } from '../api/submit.ts'
import { ask } from '../parts/confirm.tsx'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { useAskToVoid } from './ask-to-void.tsx'
import { changesOf, type ListedClaimOf } from './claims-query.ts'

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

/** What can be done with all codes that a recipient has of a pool, or of all, or with what is known of the recipient. */
export function RecipientActions({
  recipient,
  poolId,
  claims,
  onChange,
}: {
  recipient: string
  /** All pools if left out. */
  poolId?: string
  /** All claims for the recipient, if they are known. */
  claims?: readonly ListedClaimOf[]
  onChange: () => void
}) {
  const mayManage = useMay('MANAGE')
  const mayForget = useMay('ADMIN')
  const { askToVoid, askToUnvoid } = useAskToVoid(onChange)
  const [forget] = useSubmit(ForgetMutation)
  const select = { recipient: { recipient, ...(poolId !== undefined && { poolId }) } }
  const what = text.codes.allOfRecipient(recipient, poolId !== undefined)
  const { canVoid, canUnvoid } = claims === undefined ? { canVoid: true, canUnvoid: true } : changesOf(claims)
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
        onChange()
        return undefined
      },
    })
  return (
    <Group gap="xs">
      {mayManage && canVoid && (
        <Button onClick={() => askToVoid(select, what)} size="xs" variant="default">
          {text.codes.voidAll}
        </Button>
      )}
      {mayManage && canUnvoid && (
        <Button onClick={() => askToUnvoid(select, what)} size="xs" variant="default">
          {text.codes.unvoidAll}
        </Button>
      )}
      {mayForget && (
        <Button color="red" onClick={askToForget} size="xs" variant="outline">
          {text.codes.forget.button}
        </Button>
      )}
    </Group>
  )
}
