import type { Client } from 'urql'
import { graphql } from '../api/graphql.ts'
import { Observable } from '../api/observable.ts'
import { problemsOf } from '../api/submit.ts'
import { follow, messageOf } from '../live/follow.ts'
import { placeIsLost } from '../live/resuming.ts'
import { type EventFacts, PoolEventFacts, WebhookEventFacts } from './event-facts.ts'

const StartQuery = graphql(
  `
    query FeedStart($poolId: ID) {
      eventCursor
      poolEvents(poolId: $poolId, first: 30) {
        edges {
          node {
            ...PoolEventFacts
          }
        }
        pageInfo {
          hasNextPage
        }
      }
    }
  `,
  [PoolEventFacts],
)

const PageQuery = graphql(
  `
    query FeedPage($poolId: ID, $after: String) {
      poolEvents(poolId: $poolId, after: $after, first: 50) {
        edges {
          node {
            ...PoolEventFacts
          }
        }
        pageInfo {
          hasNextPage
        }
      }
    }
  `,
  [PoolEventFacts],
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
  /** By their cursors, as some may come twice. */
  readonly #gathered = new Map<string, EventFacts>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #leave = () => {}
  #leaveWebhooks = () => {}

  constructor(client: Client, poolId?: string) {
    this.#client = client
    this.#poolId = poolId
  }

  /** Follows the events until `stop`. */
  start(): void {
    const documents = { state: StartQuery, events: EventsSubscription }
    this.#leave = follow(this.#client, documents, this.#pool, {
      begin: ({ eventCursor, poolEvents }) => {
        this.#gathered.clear()
        const page = pageOf(poolEvents)
        this.state.set({ ...nothing, ...page })
        this.#followWebhooks(page.events.at(-1)?.cursor ?? eventCursor)
      },
      next: (event) => this.#gather(event),
      fail: (ended) => this.#change({ ended }),
    })
  }

  stop(): void {
    this.#leave()
    this.#leaveWebhooks()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Adds a page of older events. */
  async more(): Promise<void> {
    const { events, isLoadingMore } = this.state.get()
    const last = events?.at(-1)
    if (last === undefined || isLoadingMore) return
    this.#change({ isLoadingMore: true, problem: undefined })
    const variables = { ...this.#pool, after: last.cursor }
    const { data, error } = await this.#client.query(PageQuery, variables, { requestPolicy: 'network-only' })
    const { events: now = [] } = this.state.get()
    // In the meantime the feed may have begun anew, or new events may have pushed it out.
    if (now.at(-1) !== last) this.#change({ isLoadingMore: false })
    else if (data === undefined)
      this.#change({
        isLoadingMore: false,
        problem:
          error &&
          problemsOf(error)
            .map(({ message }) => message)
            .join(' '),
      })
    else {
      const page = pageOf(data.poolEvents)
      this.#change({ ...page, events: [...now, ...page.events], isLoadingMore: false })
      const oldest = page.events.at(-1)
      if (oldest !== undefined) this.#followWebhooks(oldest.cursor)
    }
  }

  /**
   * Adds the webhooks that were disabled after `cursor`, and those that are from now on: they are of no pool, and so are not among
   * the events of pools. They have no history that could be read in pages. So the subscription begins at the oldest event that is
   * shown, and what it brings once more, also after a lost connection, is left out.
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
        this.stop()
        this.start()
      } else this.#change({ ended: messageOf(error) })
    }).unsubscribe
  }

  get #pool(): { poolId?: string } {
    return this.#poolId === undefined ? {} : { poolId: this.#poolId }
  }

  #gather(event: EventFacts): void {
    this.#gathered.set(event.cursor, event)
    this.#timer ??= setTimeout(() => this.#showGathered(), gatherMs)
  }

  #showGathered(): void {
    this.#timer = undefined
    const { events = [], hasMore } = this.state.get()
    // What happened while the history was read is in both.
    const known = new Set(events.map(({ cursor }) => cursor))
    const added = [...this.#gathered.values()].filter(({ cursor }) => !known.has(cursor)).reverse()
    this.#gathered.clear()
    // Those of webhooks belong between others.
    const all = [...added, ...events].sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
    const [newest] = events
    const fresh = newest === undefined ? all : all.slice(0, all.indexOf(newest))
    const kept = all.slice(0, Math.max(maxEvents, events.length))
    this.#change({ events: kept, fresh, hasMore: hasMore || kept.length < all.length })
  }

  #change(change: Partial<FeedState>): void {
    this.state.set({ ...this.state.get(), ...change })
  }
}

interface EventPage {
  edges: readonly { node: EventFacts }[]
  pageInfo: { hasNextPage: boolean }
}

function pageOf({ edges, pageInfo }: EventPage) {
  return { events: edges.map(({ node }) => node), hasMore: pageInfo.hasNextPage }
}
