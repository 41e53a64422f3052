import { createContext, useContext, useEffect, useRef } from 'react'
import type { Client } from 'urql'
import { graphql, type ResultOf } from '../api/graphql.ts'
import { Observable } from '../api/observable.ts'
import { follow } from './follow.ts'

/** What the page shows of a pool in most places, so that every event brings it up to date. */
export const PoolCounts = graphql(`
  fragment PoolCounts on Pool {
    id
    name
    status
    archivedAt
    availableCount
    claimedCount
    withdrawnCount
    redeemedCount
    voidedCount
  }
`)

const PlaceQuery = graphql(`
  query Place {
    eventCursor
  }
`)

const EventsSubscription = graphql(
  `
    subscription Events($after: String) {
      poolEvents(after: $after) {
        __typename
        cursor
        at
        pool {
          ...PoolCounts
        }
        ... on TaskStatusChangedEvent {
          status
          task {
            id
            status
            trigger
            progress
            addedCount
            generatedCount
            startedAt
            finishedAt
            upload {
              dryRun
              rowsRead
            }
            format {
              id
              availableForGeneration
              generatedCount
              reservedCount
              guessOdds
            }
          }
        }
      }
    }
  `,
  [PoolCounts],
)

export type LiveEvent = ResultOf<typeof EventsSubscription>['poolEvents']

/** What listeners are told: an event, or that some may have been missed, so that everything has to be read again. */
export type News = LiveEvent | 'missed'

/**
 * All events of the account, in order and each once, also over lost connections. Its answers keep the pools and tasks on the
 * page up to date; `listen` is for what has to be read again.
 */
export class LiveEvents {
  readonly #client: Client
  readonly #listeners = new Set<(news: News) => void>()
  /**
   * Whether there is a place to follow events from: what is read from then on misses nothing that happens after it. Also true if
   * there is none for the moment: then all is read again once there is.
   */
  readonly isReady = new Observable(false)
  /** Why events have ended for good, if they have. */
  readonly failure = new Observable<string | undefined>(undefined)
  #leave = () => {}

  constructor(client: Client) {
    this.#client = client
  }

  listen(listener: (news: News) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Follows the events until `stop`. */
  start(): void {
    const documents = { state: PlaceQuery, events: EventsSubscription }
    this.#leave = follow(
      this.#client,
      documents,
      {},
      {
        begin: () => {
          if (this.isReady.get()) this.#tell('missed')
          else this.isReady.set(true)
        },
        next: (event) => this.#tell(event),
        wait: () => this.isReady.set(true),
        fail: (message) => {
          this.failure.set(message)
          this.isReady.set(true)
        },
      },
    )
  }

  stop(): void {
    this.#leave()
    this.failure.set(undefined)
  }

  #tell(news: News): void {
    for (const listener of this.#listeners) listener(news)
  }
}

export const LiveEventsContext = createContext<LiveEvents | undefined>(undefined)

/** Calls `listener` with each event of the account while the component is shown. */
export function useEvents(listener: (news: News) => void): void {
  const events = useContext(LiveEventsContext)
  const latest = useRef(listener)
  useEffect(() => {
    latest.current = listener
  })
  useEffect(() => events?.listen((news) => latest.current(news)), [events])
}
