import type { Client } from 'urql'
import { graphql } from '../api/graphql.ts'
import { Observable } from '../api/observable.ts'
import { problemsOf } from '../api/submit.ts'
import { follow } from '../live/follow.ts'
import { EventFacts } from './event-facts.ts'

const StartQuery = graphql(
  `
    query FeedStart($poolId: ID) {
      eventCursor
      poolEvents(poolId: $poolId, first: 30) {
        edges {
          node {
            ...EventFacts
          }
        }
        pageInfo {
          hasNextPage
        }
      }
    }
  `,
  [EventFacts],
)

const PageQuery = graphql(
  `
    query FeedPage($poolId: ID, $after: String) {
      poolEvents(poolId: $poolId, after: $after, first: 50) {
        edges {
          node {
            ...EventFacts
          }
        }
        pageInfo {
          hasNextPage
        }
      }
    }
  `,
  [EventFacts],
)

const EventsSubscription = graphql(
  `
    subscription FeedEvents($poolId: ID, $after: String) {
      poolEvents(poolId: $poolId, after: $after) {
        ...EventFacts
      }
    }
  `,
  [EventFacts],
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

/** The history of a pool, or of all pools, and what happens to it, as it happens. */
export class ActivityFeed {
  readonly state = new Observable<FeedState>(nothing)
  readonly #client: Client
  readonly #poolId: string | undefined
  #gathered: EventFacts[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #leave = () => {}

  constructor(client: Client, poolId?: string) {
    this.#client = client
    this.#poolId = poolId
  }

  /** Follows the events until `stop`. */
  start(): void {
    const documents = { state: StartQuery, events: EventsSubscription }
    this.#leave = follow(this.#client, documents, this.#pool, {
      begin: ({ poolEvents }) => {
        this.#gathered = []
        this.state.set({ ...nothing, ...pageOf(poolEvents) })
      },
      next: (event) => {
        this.#gathered.push(event)
        this.#timer ??= setTimeout(() => this.#showGathered(), gatherMs)
      },
      fail: (ended) => this.#change({ ended }),
    })
  }

  stop(): void {
    this.#leave()
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
    }
  }

  get #pool(): { poolId?: string } {
    return this.#poolId === undefined ? {} : { poolId: this.#poolId }
  }

  #showGathered(): void {
    this.#timer = undefined
    const { events = [], hasMore } = this.state.get()
    // What happened while the history was read is in both.
    const known = new Set(events.map(({ cursor }) => cursor))
    const fresh = this.#gathered.filter(({ cursor }) => !known.has(cursor)).reverse()
    this.#gathered = []
    const all = [...fresh, ...events]
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
