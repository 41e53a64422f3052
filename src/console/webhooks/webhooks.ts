import { type FragmentOf, graphql, type ResultOf } from '../api/graphql.ts'

/** How a webhook stands, without its address, which only a key with ADMIN may know. */
export const WebhookFacts = graphql(`
  fragment WebhookFacts on Webhook {
    id
    host
    kinds
    pool {
      id
      name
    }
    status
    failingSince
    nextAttemptAt
    disabledAt
    disabledReason
    eventsBehind
    behindSince
    overlapUntil
  }
`)

export const DeliveryFacts = graphql(`
  fragment DeliveryFacts on WebhookDelivery {
    messageId
    type
    at
    attempt
    durationMs
    succeeded
    status
    answer
    error
  }
`)

export type Delivery = FragmentOf<typeof DeliveryFacts>

const WebhookInList = graphql(
  `
    fragment WebhookInList on Webhook {
      ...WebhookFacts
      url @include(if: $mayManage)
      deliveries(first: 1) @include(if: $mayManage) {
        edges {
          node {
            at
            succeeded
          }
        }
      }
    }
  `,
  [WebhookFacts],
)

export type WebhookInList = FragmentOf<typeof WebhookInList>
export type EventKind = WebhookInList['kinds'][number]

export const WebhooksQuery = graphql(
  `
    query Webhooks($mayManage: Boolean!) {
      account {
        id
        webhooks {
          ...WebhookInList
        }
      }
    }
  `,
  [WebhookInList],
)

const WebhookOfPage = graphql(
  `
    fragment WebhookOfPage on Webhook {
      ...WebhookFacts
      url @include(if: $mayManage)
      createdAt
      createdBy {
        id
        name
      }
    }
  `,
  [WebhookFacts],
)

export type WebhookOfPage = FragmentOf<typeof WebhookOfPage>

export const WebhookQuery = graphql(
  `
    query Webhook($id: ID!, $mayManage: Boolean!) {
      webhook(id: $id) {
        ...WebhookOfPage
      }
    }
  `,
  [WebhookOfPage],
)

export const DeliveriesQuery = graphql(
  `
    query Deliveries($id: ID!, $after: String) {
      webhook(id: $id) {
        id
        deliveries(first: 10, after: $after) {
          edges {
            node {
              ...DeliveryFacts
            }
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  `,
  [DeliveryFacts],
)

export type Deliveries = NonNullable<ResultOf<typeof DeliveriesQuery>['webhook']>['deliveries']
