import { type Client, createClient } from 'graphql-ws'
import { pause } from './resuming.ts'

/** A socket that reconnects after every failure, and when the server stops responding. */
export function connectSocket(url: string, key: string, patienceMs = 10_000): Client {
  let unanswered: ReturnType<typeof setTimeout>
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { authorization: `Bearer ${key}` },
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: pause,
    // By default it gives up where a connection breaks instead of being closed.
    shouldRetry: () => true,
    connectionAckWaitTimeout: patienceMs,
    keepAlive: patienceMs,
    on: {
      ping: (received) => {
        if (!received) unanswered = setTimeout(() => socket.terminate(), patienceMs)
      },
      pong: () => clearTimeout(unanswered),
      closed: () => clearTimeout(unanswered),
    },
  })
  return socket
}
