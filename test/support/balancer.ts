import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A load balancer: an address that stays while services behind it come and go, with connections that break. */
export interface Balancer extends AsyncDisposable {
  /** "http://127.0.0.1:54321" */
  readonly url: string
  /** The number of connections so far, including refused ones. */
  readonly connections: number
  /** Leads new connections to this service. */
  leadTo(service: { url: string }): void
  /** Resolves when a service sends this text, in one piece and not compressed. */
  hears(text: string): Promise<void>
  /** Breaks all connections, in both directions, and returns their number. */
  cut(): number
  /** Drops everything on existing connections from now on, without closing them. */
  silence(): void
  /** Breaks all connections, and every new one until `mend`. */
  breakDown(): void
  mend(): void
}

export async function openBalancer(service: { url: string }): Promise<Balancer> {
  let target = new URL(service.url)
  let broken = false
  let connections = 0
  const open = new Map<Socket, Socket>()
  const listening = new Map<string, () => void>()

  const server = createServer((client) => {
    connections += 1
    if (broken) {
      client.resetAndDestroy()
      return
    }
    const upstream = connect(Number(target.port), target.hostname)
    open.set(client, upstream)
    upstream.on('data', (data) => {
      for (const [text, resolve] of listening) if (data.includes(text)) resolve()
    })
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.setNoDelay(true)
      // Broken connections fail in many ways. The other side only sees a close.
      from.on('error', () => from.destroy())
      from.on('close', () => {
        open.delete(client)
        to.destroySoon()
      })
      from.on('data', (data) => to.write(data))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const cut = () => {
    const count = open.size
    for (const [client, upstream] of open) {
      client.resetAndDestroy()
      upstream.resetAndDestroy()
    }
    return count
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections
    },
    leadTo: (other) => {
      target = new URL(other.url)
    },
    hears: async (text) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      listening.set(text, resolve)
      await promise
      listening.delete(text)
    },
    cut,
    silence: () => {
      for (const [client, upstream] of open)
        for (const socket of [client, upstream]) socket.removeAllListeners('data').resume()
    },
    breakDown: () => {
      broken = true
      cut()
    },
    mend: () => {
      broken = false
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}
