import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DocumentNode } from 'graphql'
import type { Credentials } from '../../graphql/context.ts'

/** What comes with every operation, over HTTP and over WebSocket. */
export interface ServerContext {
  credentials?: Credentials
  /** The length of the request's body, in bytes. */
  bytes?: number
  /** As in `Target` of http/server.ts. */
  onStream?: (end: () => void) => void
  /** Whether the client still waits for the answer. */
  isWanted: () => boolean
  /**
   * Runs an operation that may have a long answer once the client has read what was sent before; resolves to undefined if
   * the client has left by then. Without it, such an operation runs at once.
   */
  enqueueLong?: <T>(run: () => Promise<T>) => Promise<T | undefined>
  /** The parsed document, once there is one. */
  document?: DocumentNode
  /** The length of the operation, in characters. */
  requestLength?: number
  /** Yoga's own, over HTTP. */
  req?: IncomingMessage
  res?: ServerResponse
}
