import { createContext, useContext } from 'react'
import type { Client } from 'urql'
import { connectSocket } from '../live/socket.ts'
import { createApiClient } from './client.ts'
import { Observable } from './observable.ts'

/** Whether the page is told of changes: "idle" until something on it is live. */
export type Connection = 'idle' | 'connected' | 'lost'

/** The service as the page uses it. */
export interface Service {
  client: Client
  connection: Observable<Connection>
  /** Whether the service no longer accepts the session. */
  sessionEnded: Observable<boolean>
}

export function connectService(): Service {
  const connection = new Observable<Connection>('idle')
  const sessionEnded = new Observable(false)
  const socket = connectSocket(`${location.origin}/graphql`, {
    onChange: (isConnected) => connection.set(isConnected ? 'connected' : 'lost'),
  })
  const client = createApiClient(socket, () => sessionEnded.set(true))
  return { client, connection, sessionEnded }
}

export const ServiceContext = createContext<Service | undefined>(undefined)

export function useService(): Service {
  const service = useContext(ServiceContext)
  if (service === undefined) throw new Error('Nothing is shown outside of the service.')
  return service
}
