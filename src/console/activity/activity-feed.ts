import type { Client } from 'urql'
import { currentTime } from '../api/clock.ts'
import { type FragmentOf, graphql } from '../api/graphql.ts'
import { Observable } from '../api/observable.ts'
import { follow, messageOf } from '../live/follow.ts'
import { placeIsLost } from '../live/resuming.ts'
import {
  type EventFacts,
  type PoolEvent,
  PoolEventFacts,
  type WebhookEvent,
  WebhookEventFacts,
} from './event-facts.ts'

const PageOfEvents = graphql(
  `
    fragment PageOfEvents on PoolEventConnection {
      edges {
        node {
          ...PoolEventFacts
        }
      }
      pageInfo {
        hasNextPage
      }
    }
  `,
  [PoolEventFacts],
)

const StartQuery = graphql(
  `
    query FeedStart($poolId: ID) {
      eventCursor
      poolEvents(poolId: $poolId, first: 30) {
        ...PageOfEvents
      }
    }
  `,
  [PageOfEvents],
)

const PageQuery = graphql(
  `
    query FeedPage($poolId: ID, $after: String) {
      poolEvents(poolId: $poolId, after: $after, first: 50) {
        ...PageOfEvents
      }
    }
  `,
  [PageOfEvents],
)

const EventsSubscription = graphql(
  `
    subscription FeedEvents($poolId: ID, $after: String) {
      poolEvents(poolId: $poolId, after: $after) {
        ...PoolEventFacts
      }
    }
  `,
  [PoolEventFacts],
)

const WebhooksSubscription = graphql(
  `
    subscription FeedWebhooks($after: String) {
      webhookDisabled(after: $after) {
        ...WebhookEventFacts
      }
    }
  `,
  [WebhookEventFacts],
)

/** What a feed shows. */
export interface FeedState {
  /** Newest first, each once, without a gap. Undefined until the first have been read. */
  events: readonly EventFacts[] | undefined
  /** Those that came last while the feed was shown, newest first. */
  fresh: readonly EventFacts[]
  /** Whether there are older ones. */
  hasMore: boolean
  isLoadingMore: boolean
  /** Why older ones could not be read. */
  problem: string | undefined
  /** Why no more events come, if they have ended for good. */
  ended: string | undefined
}

const nothing: FeedState = {
  events: undefined,
  fresh: [],
  hasMore: false,
  isLoadingMore: false,
  problem: undefined,
  ended: undefined,
}

/** New events beyond these push the oldest out of the feed, so that a page that stays open does not grow without end. */
const maxEvents = 500

/** New events are shown together, as thousands can come at once: after a long break, or from a busy account. */
const gatherMs = 250

/** The history of a pool, or of all pools and the webhooks, and what happens to it, as it happens. */
export class ActivityFeed {
  readonly state = new Observable<FeedState>(nothing)
  readonly #client: Client
  readonly #poolId: string | undefined
  /** Newest first, in the order of the log. */
  #ofPools: readonly PoolEvent[] = []
  /** By their cursors, as some come twice. They are of no pool, and so are not among the events of pools. */
  readonly #ofWebhooks = new Map<string, WebhookEvent>()
  #gathered: EventFacts[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #beganAt = 0
  #isFollowing = false
  #leave = () => {}
  #leaveWebhooks = () => {}

  constructor(client: Client, poolId?: string) {
    this.#client = client
    this.#poolId = poolId
  }

  /** Follows the events until `stop`. */
  start(): void {
    this.#isFollowing = true
    const documents = { state: StartQuery, events: EventsSubscription }
    this.#leave = follow(this.#client, documents, this.#pool, {
      begin: ({ eventCursor, poolEvents }) => {
        this.#gathered = []
        this.#ofWebhooks.clear()
        this.#beganAt = currentTime()
        this.#ofPools = eventsOf(poolEvents)
        this.#show({ ...nothing, hasMore: poolEvents.pageInfo.hasNextPage })
        this.#followWebhooks(this.#ofPools.at(-1)?.cursor ?? eventCursor)
      },
      next: (event) => this.#gather(event),
      fail: (ended) => this.#end(ended),
    })
  }

  stop(): void {
    this.#leaveAll()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Adds a page of older events. */
  async more(): Promise<void> {
    const last = this.#ofPools.at(-1)
    if (last === undefined || this.state.get().isLoadingMore) return
    this.#show({ isLoadingMore: true, problem: undefined })
    const variables = { ...this.#pool, after: last.cursor }
    const { data, error } = await this.#client.query(PageQuery, variables, { requestPolicy: 'network-only' })
    // In the meantime the feed may have begun anew, or new events may have pushed it out.
    if (this.#ofPools.at(-1) !== last) this.#show({ isLoadingMore: false })
    else if (data === undefined)
      this.#show({
        isLoadingMore: false,
        problem: messageOf(error),
      })
    else {
      const older = eventsOf(data.poolEvents)
      this.#ofPools = [...this.#ofPools, ...older]
      this.#show({ isLoadingMore: false, hasMore: data.poolEvents.pageInfo.hasNextPage })
      const oldest = older.at(-1)
      if (oldest !== undefined && this.#isFollowing) this.#followWebhooks(oldest.cursor)
    }
  }

  /**
   * Adds the webhooks that were disabled after `cursor`, and those that are from now on. They have no history that could be
   * read in pages, so the subscription begins at the oldest event that is shown.
   */
  #followWebhooks(cursor: string): void {
    if (this.#poolId !== undefined) return
    this.#leaveWebhooks()
    const events = this.#client.subscription(WebhooksSubscription, { after: cursor })
    this.#leaveWebhooks = events.subscribe(({ data, error }) => {
      // Looked at first: with an error comes the data of the last event once more.
      if (error === undefined) {
        if (data !== undefined) this.#gather(data.webhookDisabled)
      } else if (placeIsLost(error.graphQLErrors)) {
        // What is so old has been forgotten. If the newest event has been, too, the feed begins anew by itself.
        const [newest] = this.#ofPools
        this.#leaveWebhooks()
        if (newest !== undefined && newest.cursor !== cursor) this.#followWebhooks(newest.cursor)
      } else this.#end(messageOf(error))
    }).unsubscribe
  }

  get #pool(): { poolId?: string } {
    return this.#poolId === undefined ? {} : { poolId: this.#poolId }
  }

  /** Nothing new is shown any more, neither of pools nor of webhooks. */
  #end(ended: string): void {
    this.#leaveAll()
    this.state.set({ ...this.state.get(), ended })
  }

  #leaveAll(): void {
    this.#isFollowing = false
    this.#leave()
    this.#leaveWebhooks()
  }

  #gather(event: EventFacts): void {
    this.#gathered.push(event)
    this.#timer ??= setTimeout(() => this.#showGathered(), gatherMs)
  }

  #showGathered(): void {
    this.#timer = undefined
    // What happened while the history was read is in both.
    const known = new Set([...this.#ofPools.map(({ cursor }) => cursor), ...this.#ofWebhooks.keys()])
    const added = new Map(
      this.#gathered.filter(({ cursor }) => !known.has(cursor)).map((event) => [event.cursor, event]),
    )
    this.#gathered = []
    const newest = [...added.values()].reverse()
    const ofPools = newest.filter((event) => !isOfWebhook(event))
    const ofWebhooks = newest.filter(isOfWebhook)
    for (const event of ofWebhooks) this.#ofWebhooks.set(event.cursor, event)
    const all = [...ofPools, ...this.#ofPools]
    const kept = all.slice(0, Math.max(maxEvents, this.#ofPools.length))
    this.#ofPools = kept
    // The subscription to webhooks also brings what had happened before.
    const fresh = newest.filter((event) => !isOfWebhook(event) || timeOf(event) >= this.#beganAt)
    this.#show({ fresh, ...(kept.length < all.length && { hasMore: true }) })
  }

  #show(change: Omit<Partial<FeedState>, 'events'>): void {
    const state = { ...this.state.get(), ...change }
    // Those of webhooks that are older than all that is shown come with it.
    const events = merged(this.#ofPools, [...this.#ofWebhooks.values()], state.hasMore)
    this.state.set({ ...state, events })
  }
}

function isOfWebhook(event: EventFacts): event is WebhookEvent {
  return event.__typename === 'WebhookDisabledEvent'
}

function timeOf({ at }: EventFacts): number {
  return Date.parse(at)
}

/** Events of pools in their order, and each of a webhook before the first of these that is older; newest first. */
function merged(
  ofPools: readonly PoolEvent[],
  ofWebhooks: readonly WebhookEvent[],
  hasMore: boolean,
): EventFacts[] {
  const left = [...ofWebhooks].sort((a, b) => timeOf(a) - timeOf(b))
  const events: EventFacts[] = []
  for (const event of ofPools) {
    for (let next = left.at(-1); next !== undefined && timeOf(next) >= timeOf(event); next = left.at(-1)) {
      events.push(next)
      left.pop()
    }
    events.push(event)
  }
  return hasMore ? events : [...events, ...left.reverse()]
}

function eventsOf({ edges }: FragmentOf<typeof PageOfEvents>): PoolEvent[] {
  return edges.map(({ node }) => node)
}
