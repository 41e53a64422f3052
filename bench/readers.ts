/**
 * Readers of messages over WebSocket, in a process of their own, so that they use no time of the server that is measured.
 * It counts the messages and reports when they have arrived, by the clock of the machine.
 */

import { once } from 'node:events'
import { WebSocket } from 'ws'

export interface ReadersOptions {
  /** The address of the server. */
  url: string
  /** The secret of an API key; undefined for the bare server. */
  key: string | undefined
  sockets: number
  /** What each socket subscribes to, and how many times. */
  subscription: { query: string; variables: Record<string, unknown>; times: number } | undefined
}

/** The parent's question: when will so many messages have arrived since the last question? */
export interface Expectation {
  messages: number
}

/** When the last of them arrived, by process.hrtime, and the length of the first one in bytes. */
export interface Arrival {
  at: string
  bytes: number
}

const options = JSON.parse(process.argv[2] ?? '{}') as ReadersOptions
let arrived = 0
let bytes = 0
let expected: number | undefined

function count(length: number): void {
  arrived += 1
  bytes ||= length
  tell()
}

function tell(): void {
  if (expected === undefined || arrived < expected) return
  const arrival: Arrival = { at: String(process.hrtime.bigint()), bytes }
  arrived -= expected
  expected = undefined
  process.send?.(arrival)
}

process.on('message', ({ messages }: Expectation) => {
  expected = messages
  tell()
})
process.once('disconnect', () => process.exit())

async function open(): Promise<void> {
  const socket = new WebSocket(`${options.url.replace('http', 'ws')}/graphql`, ['graphql-transport-ws'], {
    perMessageDeflate: false,
    skipUTF8Validation: true,
  })
  await once(socket, 'open')
  const { key, subscription } = options
  if (key !== undefined) {
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } }))
    await once(socket, 'message')
  }
  socket.on('message', (message: Buffer) => count(message.length))
  for (let i = 0; i < (subscription?.times ?? 0); i++) {
    const { query, variables } = subscription ?? {}
    socket.send(JSON.stringify({ id: `subscription-${i}`, type: 'subscribe', payload: { query, variables } }))
  }
}

const atOnce = 50
for (let opened = 0; opened < options.sockets; opened += atOnce)
  await Promise.all(Array.from({ length: Math.min(atOnce, options.sockets - opened) }, open))
process.send?.('ready')
