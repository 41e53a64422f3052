import { type FragmentOf, graphql } from '../api/graphql.ts'

/** What is said of a task in the sentence about an event. */
const TaskFacts = graphql(`
  fragment TaskFacts on Task {
    id
    kind
    trigger
    quantity
    format {
      id
      name
    }
    failure {
      message
    }
    upload {
      dryRun
    }
  }
`)

/** All that the sentence about an event of a pool says. */
export const PoolEventFacts = graphql(
  `
    fragment PoolEventFacts on PoolEvent {
      __typename
      cursor
      at
      actor {
        id
        name
      }
      pool {
        id
        name
      }
      ... on PoolCreatedEvent {
        name
      }
      ... on PoolChangedEvent {
        changed
        name
        archivedAt
      }
      ... on TaskStatusChangedEvent {
        status
        task {
          ...TaskFacts
        }
      }
      ... on PoolRefilledEvent {
        addedCount
        task {
          ...TaskFacts
        }
      }
      ... on PoolRefillFailedEvent {
        failure {
          message
        }
      }
      ... on PoolLowEvent {
        availableCount
      }
      ... on CodesWithdrawnEvent {
        count
        reason
        chosenTask: task {
          id
        }
      }
      ... on CodesRestoredEvent {
        count
        reason
        chosenTask: task {
          id
        }
      }
      ... on CodesVoidedEvent {
        count
        reason
        chosenTask: task {
          id
        }
      }
      ... on CodesUnvoidedEvent {
        count
        reason
        chosenTask: task {
          id
        }
      }
    }
  `,
  [TaskFacts],
)

/** All that the sentence about an event of a webhook says. It is of no pool. */
export const WebhookEventFacts = graphql(`
  fragment WebhookEventFacts on WebhookDisabledEvent {
    __typename
    cursor
    at
    actor {
      id
      name
    }
    reason
    webhook {
      id
      host
    }
  }
`)

export type PoolEvent = FragmentOf<typeof PoolEventFacts>
export type WebhookEvent = FragmentOf<typeof WebhookEventFacts>
export type EventFacts = PoolEvent | WebhookEvent
export type TaskFacts = FragmentOf<typeof TaskFacts>
