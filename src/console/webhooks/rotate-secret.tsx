import { Radio, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { graphql } from '../api/graphql.ts'
import { useProblems } from '../api/problems.tsx'
import { Refusal, useSubmit } from '../api/submit.ts'
import { Dialog } from '../parts/dialog.tsx'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { text } from '../text.ts'
import { WebhookFacts } from './webhooks.ts'

const words = text.webhooks.rotate

const RotateMutation = graphql(
  `
    mutation RotateWebhookSecret($input: RotateWebhookSecretInput!) {
      rotateWebhookSecret(input: $input) {
        __typename
        ... on RotateWebhookSecretPayload {
          secret
          webhook {
            ...WebhookFacts
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [Refusal, WebhookFacts],
)

/** In hours. */
const overlaps = [24, 168, 0] as const

interface RotateSecretProps {
  webhookId: string
  isOpen: boolean
  close: () => void
  /** Called with the new secret. */
  show: (secret: string) => void
}

/** The dialog that gives a webhook a new secret. */
export function RotateSecret({ isOpen, ...props }: RotateSecretProps) {
  return (
    <Dialog onClose={props.close} opened={isOpen} title={words.title}>
      <RotateForm {...props} />
    </Dialog>
  )
}

function RotateForm({ webhookId, close, show }: Omit<RotateSecretProps, 'isOpen'>) {
  const [rotate, isUnderWay] = useSubmit(RotateMutation, text.common.lost.secret)
  const form = useForm({ initialValues: { overlapHours: '24' } })
  const problems = useProblems(form)
  const submit = form.onSubmit(async ({ overlapHours }) => {
    problems.clear()
    const input = { webhookId, overlapHours: Number(overlapHours) }
    const { payload, problems: found } = await rotate({ input })
    if (payload === undefined) return problems.show(found)
    close()
    show(payload.secret)
  })
  return (
    <form noValidate onSubmit={submit}>
      <Stack>
        <Text size="sm">{words.body}</Text>
        <Radio.Group label={words.overlap} {...form.getInputProps('overlapHours')}>
          <Stack gap="xs" mt="xs">
            {overlaps.map((hours) => (
              <Radio
                description={words.overlaps[hours].hint}
                key={hours}
                label={words.overlaps[hours].label}
                value={String(hours)}
              />
            ))}
          </Stack>
        </Radio.Group>
        {problems.alert}
        <DialogActions action={words.confirm} cancel={close} isUnderWay={isUnderWay} />
      </Stack>
    </form>
  )
}
