import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * What happens to the next COMMIT, and to its connection:
 *
 * - lost: the connection is cut before the server receives the COMMIT;
 * - overtaken: the same, and all other requests are held until `release` is called, so that others can go first;
 * - unanswered: the server commits, and the connection is cut before its answer arrives;
 * - late: only the client's side is cut; the server receives the COMMIT when `release` is called, and keeps the
 *   transaction open until then.
 */
export type CommitFate = 'lost' | 'overtaken' | 'unanswered' | 'late'

/** A proxy between a process and its database, which cuts connections at the worst moment. */
export interface DatabaseProxy extends AsyncDisposable {
  /** The address of the database through the proxy. */
  readonly url: string
  /** Decides what happens to the next COMMIT; resolves when its connection has been cut. */
  cutCommit(fate: CommitFate): Promise<void>
  /** Holds all requests from now on until `release` is called. */
  hold(): void
  /** Forwards what was held. */
  release(): void
  /** Cuts all connections, and every new one until `mend`. */
  breakDown(): void
  mend(): void
}

/** A COMMIT in the protocol: a simple query with its length and terminating 0. */
const commit = Buffer.from('Q\0\0\0\x0bCOMMIT\0', 'latin1')

export async function openProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl)
  const open = new Set<Socket>()
  let broken = false
  let held: (() => void)[] = []
  let holding = false
  let next: { fate: CommitFate; cut: () => void } | undefined

  const server = createServer((client) => {
    if (broken) {
      client.destroy()
      return
    }
    const upstream = connect(Number(target.port), target.hostname)
    let silenced = false
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.setNoDelay(true)
      // Cut connections fail in many ways. The other side only sees a close.
      socket.on('error', () => socket.destroy())
    }
    client.on('close', () => {
      open.delete(client)
      if (!silenced) upstream.destroy()
    })
    upstream.on('close', () => {
      open.delete(upstream)
      client.destroy()
    })
    // A client awaits the answer to COMMIT before it sends more, so that COMMIT is at the end of a chunk.
    client.on('data', (message) => {
      const decided = next
      if (decided === undefined || !message.subarray(-commit.length).equals(commit)) {
        if (holding) held.push(() => upstream.write(message))
        else upstream.write(message)
        return
      }
      next = undefined
      if (decided.fate === 'lost' || decided.fate === 'overtaken') {
        holding = decided.fate === 'overtaken'
        client.destroy()
        decided.cut()
        return
      }
      silenced = true
      if (decided.fate === 'unanswered') upstream.write(message)
      else {
        held.push(() => upstream.write(message))
        client.destroy()
        decided.cut()
      }
      upstream.once('data', () => {
        // The answer says that it is committed.
        upstream.destroy()
        client.destroy()
        decided.cut()
      })
    })
    upstream.on('data', (message) => {
      if (!silenced) client.write(message)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)

  return {
    url: url.href,
    cutCommit: (fate) =>
      new Promise<void>((resolve) => {
        next = { fate, cut: resolve }
      }),
    hold: () => {
      holding = true
    },
    release: () => {
      holding = false
      for (const forward of held) forward()
      held = []
    },
    breakDown: () => {
      broken = true
      for (const socket of open) socket.destroy()
    },
    mend: () => {
      broken = false
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}
