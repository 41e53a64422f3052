import { createContext, useContext } from 'react'
import type { Client } from 'urql'
import { connectSocket } from '../live/socket.ts'
import { createApiClient } from './client.ts'
import { graphql } from './graphql.ts'
import { Observable } from './observable.ts'
import { OpenQueries } from './open-queries.ts'
import { UnansweredRequests } from './unanswered.ts'

/** Whether the page is told of changes: "idle" until something on it is live. */
export type Connection = 'idle' | 'connected' | 'lost'

/** The service as the page uses it. */
export interface Service {
  client: Client
  connection: Observable<Connection>
  /** Whether the service no longer accepts the session. */
  sessionEnded: Observable<boolean>
  /** Whether somebody signs out, in this page or another one of the browser: then nobody is signed in without being asked. */
  isLeaving: Observable<boolean>
  /** Tells the other pages of this browser that a session began or ended, and is told by them. See SessionNews. */
  otherPages: BroadcastChannel
  unanswered: UnansweredRequests
  /** Reads all that is on the screen again. */
  reread(): void
  /** The same, if the service can be reached now. Otherwise that is done when the connection is back. */
  rereadIfReachable(): Promise<void>
}

const ReachQuery = graphql(`
  query Reach {
    __typename
  }
`)

export function connectService(): Service {
  const connection = new Observable<Connection>('idle')
  const sessionEnded = new Observable(false)
  const queries = new OpenQueries()
  const socket = connectSocket(`${location.origin}/graphql`, {
    onChange(isConnected) {
      const wasLost = connection.get() === 'lost'
      connection.set(isConnected ? 'connected' : 'lost')
      // Events are resumed without a gap, but not all that is on the screen has events.
      if (isConnected && wasLost) queries.reread(client)
    },
  })
  const client = createApiClient(socket, { queries, onSessionEnd: () => sessionEnded.set(true) })
  return {
    client,
    connection,
    sessionEnded,
    isLeaving: new Observable(false),
    otherPages: new BroadcastChannel('session'),
    unanswered: new UnansweredRequests(),
    reread: () => queries.reread(client),
    async rereadIfReachable() {
      // Queries that fail would all say so.
      const { error } = await client.query(ReachQuery, {}, { requestPolicy: 'network-only' })
      if (error?.networkError === undefined) queries.reread(client)
    },
  }
}

export const ServiceContext = createContext<Service | undefined>(undefined)

export function useService(): Service {
  const service = useContext(ServiceContext)
  if (service === undefined) throw new Error('Nothing is shown outside of the service.')
  return service
}
