import { graphql } from '../api/graphql.ts'
import { Refusal } from '../api/submit.ts'
import { WebhookFacts } from './webhooks.ts'

/** Changes a webhook, disables or enables it. */
export const UpdateWebhook = graphql(
  `
    mutation UpdateWebhook($input: UpdateWebhookInput!) {
      updateWebhook(input: $input) {
        __typename
        ... on UpdateWebhookPayload {
          webhook {
            ...WebhookFacts
            url
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
