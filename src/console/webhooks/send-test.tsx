import { Alert, Button, Text } from '@mantine/core'
import { PaperAirplaneIcon } from '@primer/octicons-react'
import { useState } from 'react'
import { graphql } from '../api/graphql.ts'
import { Problems } from '../api/problems.tsx'
import type { Problem } from '../api/read-problems.ts'
import { useService } from '../api/service.tsx'
import { Refusal, useSubmit } from '../api/submit.ts'
import { duration } from '../intl.ts'
import { text } from '../text.ts'
import { type Delivery, DeliveryFacts, WebhookFacts } from './webhooks.ts'

const words = text.webhooks.test

const TestMutation = graphql(
  `
    mutation SendTestDelivery($input: SendTestDeliveryInput!) {
      sendTestDelivery(input: $input) {
        __typename
        ... on SendTestDeliveryPayload {
          delivery {
            ...DeliveryFacts
          }
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
  [DeliveryFacts, Refusal, WebhookFacts],
)

/** A button that sends a test to the receiver, and what came of the last one. They have different places on the page. */
export function useTest(webhookId: string) {
  const { reread } = useService()
  const [send, isSending] = useSubmit(TestMutation)
  const [delivery, setDelivery] = useState<Delivery>()
  const [problems, setProblems] = useState<readonly Problem[]>([])
  const test = async () => {
    setDelivery(undefined)
    setProblems([])
    const { payload, problems: found } = await send({ input: { webhookId } })
    if (payload === undefined) return setProblems(found.map(inPlainWords))
    setDelivery(payload.delivery)
    reread()
  }
  const button = (
    <Button leftSection={<PaperAirplaneIcon />} loading={isSending} onClick={test}>
      {words.action}
    </Button>
  )
  const outcome = (
    <>
      <Problems of={problems} />
      {delivery !== undefined && <Outcome close={() => setDelivery(undefined)} of={delivery} />}
    </>
  )
  return { button, outcome }
}

/** The message of the API is for programs: it names a field with milliseconds. */
function inPlainWords(problem: Problem): Problem {
  return problem.code === 'RATE_LIMITED' ? { ...problem, message: words.limited } : problem
}

function Outcome({ of: delivery, close }: { of: Delivery; close: () => void }) {
  const { succeeded, status, durationMs, error, answer } = delivery
  return (
    <Alert
      closeButtonLabel={text.common.close}
      color={succeeded ? 'teal' : 'red'}
      onClose={close}
      role="alert"
      title={succeeded ? words.accepted : words.failed}
      variant="light"
      withCloseButton
    >
      <Text size="sm">
        {succeeded && status !== null ? words.acceptedText(status, duration(durationMs)) : error}
      </Text>
      {!succeeded && answer !== null && answer !== '' && (
        <Text mt="xs" size="sm" style={{ overflowWrap: 'anywhere' }}>
          {words.answer(answer)}
        </Text>
      )}
    </Alert>
  )
}
