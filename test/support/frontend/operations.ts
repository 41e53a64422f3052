/** How a pool stands, and the place in the event log from which to go on. */
export const poolState = `query PoolState($poolId: ID!) {
  eventCursor
  pool(id: $poolId) { id name availableCount claimedCount status }
}`

/** What happens to the pool after that place. */
export const poolEvents = `subscription PoolEvents($poolId: ID!, $after: String!) {
  poolEvents(poolId: $poolId, after: $after) {
    __typename
    cursor
    at
    pool { id name availableCount claimedCount status }
    ... on TaskStatusChangedEvent { status }
    ... on PoolRefilledEvent { addedCount }
    ... on PoolRefillFailedEvent { failure { message } }
    ... on PoolLowEvent { availableCount }
  }
}`

export interface PoolState {
  eventCursor: string
  pool: { id: string; name: string; availableCount: string; claimedCount: string; status: string } | null
}

export interface PoolEvents {
  poolEvents: {
    __typename: string
    cursor: string
    at: string
    pool: { id: string; name: string; availableCount: string; claimedCount: string; status: string }
    [field: string]: unknown
  }
}

/** Where a pool is shown. */
export interface View {
  /** The pool as it is, in place of all that was shown before. */
  show(pool: NonNullable<PoolState['pool']>): void
  /** What happened to it next: every event once, in order. */
  apply(event: PoolEvents['poolEvents']): void
  /** Nothing more will come. */
  fail(reason: unknown): void
}
