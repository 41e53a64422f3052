import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DocumentNode } from 'graphql'
import type { Credentials } from '../graphql/context.ts'

/** What comes with every operation, over HTTP and over WebSocket. */
export interface ServerContext {
  /** Whose it is. */
  credentials?: Credentials
  /** How long its body was. */
  bytes?: number
  /**
   * Called when an HTTP request is going to be answered with a stream, which may never end by itself: how to end it.
   */
  onStream?: (end: () => void) => void
  /** Whether somebody still waits for the answer. Always, if it is not said. */
  isWanted?: () => boolean
  /**
   * Runs an operation that may have a long answer when its client has read what was sent before; resolves to nothing if
   * the client has left by then. Without it, such an operation runs at once.
   */
  inTurnOfLong?: <T>(run: () => Promise<T>) => Promise<T | undefined>
  /** The document of the operation, once it has been read. */
  document?: DocumentNode
  /** How long the operation was, in characters. */
  requestLength?: number
  /** What Yoga adds to what comes over HTTP. */
  req?: IncomingMessage
  res?: ServerResponse
}
