import { Radio, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { Fragment } from 'react'
import { graphql } from '../api/graphql.ts'
import { useProblems } from '../api/problems.tsx'
import { Refusal, useSubmit } from '../api/submit.ts'
import { readCount } from '../intl.ts'
import { CountInput } from '../parts/count-input.tsx'
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

/** For how many hours the old secret stays valid, or 'hours': somebody enters the number. */
const overlaps = ['24', '168', 'hours', '0'] as const

/** As the API has it. */
const maxHours = 168n

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
  const form = useForm({
    initialValues: { overlap: '24', hours: '' },
    validate: { hours: (typed, { overlap }) => (overlap === 'hours' ? hoursProblem(typed) : null) },
  })
  const { overlap, hours } = form.values
  const problems = useProblems(form, { overlapHours: 'overlap' })
  const submit = form.onSubmit(async () => {
    problems.clear()
    const overlapHours = Number(overlap === 'hours' ? readCount(hours) : overlap)
    const { payload, problems: found } = await rotate({ input: { webhookId, overlapHours } })
    if (payload === undefined) return problems.show(found)
    close()
    show(payload.secret)
  })
  return (
    <form noValidate onSubmit={submit}>
      <Stack>
        <Text size="sm">{words.body}</Text>
        <Radio.Group label={words.overlap} {...form.getInputProps('overlap')}>
          <Stack gap="xs" mt="xs">
            {overlaps.map((choice) => (
              <Fragment key={choice}>
                <Radio
                  description={words.overlaps[choice].hint}
                  label={words.overlaps[choice].label}
                  value={choice}
                />
                {choice === 'hours' && overlap === 'hours' && (
                  <CountInput
                    description={words.hoursHint}
                    label={words.hours}
                    maw={220}
                    ml={32}
                    required
                    {...form.getInputProps('hours')}
                    value={hours}
                  />
                )}
              </Fragment>
            ))}
          </Stack>
        </Radio.Group>
        {problems.alert}
        <DialogActions action={words.confirm} cancel={close} isUnderWay={isUnderWay} />
      </Stack>
    </form>
  )
}

function hoursProblem(typed: string): string | null {
  const hours = readCount(typed)
  return hours === undefined || hours > maxHours ? words.notHours : null
}
