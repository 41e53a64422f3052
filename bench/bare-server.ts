/** A server that only sends the texts it is given to all of its sockets: what `ws` alone can do. */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

export interface Broadcast {
  text: string
  times: number
}

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
await once(server, 'listening')
process.on('message', (asked: Broadcast | 'cpu') => {
  if (asked === 'cpu') {
    const { user, system } = process.cpuUsage()
    process.send?.((user + system) / 1e3)
  } else for (let i = 0; i < asked.times; i++) for (const client of server.clients) client.send(asked.text)
})
process.once('disconnect', () => process.exit())
process.send?.({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` })
