import { type Client, createClient } from 'graphql-ws'
import { pause } from './resuming.ts'

export interface SocketOptions {
  /** A page of the service itself needs none: the browser sends the cookie of its session. */
  key?: string
  /** How long the server may take to respond before the socket reconnects. */
  patienceMs?: number
  /** Called when the socket has connected, and when it has lost its connection. */
  onChange?: (isConnected: boolean) => void
}

/** A socket that reconnects after every failure, and when the server stops responding. */
export function connectSocket(url: string, options: SocketOptions = {}): Client {
  const { key, patienceMs = 10_000, onChange = () => {} } = options
  let unanswered: ReturnType<typeof setTimeout>
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    ...(key !== undefined && { connectionParams: { authorization: `Bearer ${key}` } }),
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: pause,
    // By default it gives up where a connection breaks instead of being closed.
    shouldRetry: () => true,
    connectionAckWaitTimeout: patienceMs,
    keepAlive: patienceMs,
    on: {
      connected: () => onChange(true),
      ping: (received) => {
        if (!received) unanswered = setTimeout(() => socket.terminate(), patienceMs)
      },
      pong: () => clearTimeout(unanswered),
      closed: () => {
        clearTimeout(unanswered)
        onChange(false)
      },
    },
  })
  return socket
}
