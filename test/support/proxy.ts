import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * What becomes of the next COMMIT that passes, and of its connection:
 *
 * - lost: the connection is cut before the server hears of the COMMIT;
 * - overtaken: the same, and nothing more is passed on until `release` is called: others can be first;
 * - unanswered: the server commits, and the connection is cut before its answer arrives;
 * - late: the connection is cut for the client alone; the server gets the COMMIT when `release` is called, and until
 *   then keeps the transaction open.
 */
export type CommitFate = 'lost' | 'overtaken' | 'unanswered' | 'late'

/** Stands between a process and its database, to cut what it says at the worst moment. */
export interface DatabaseProxy extends AsyncDisposable {
  /** The address of the database by way of the proxy. */
  readonly url: string
  /** Decides about the next COMMIT; resolves when it has come and the connection has been cut. */
  cutCommit(fate: CommitFate): Promise<void>
  /** Lets what was kept back go on. */
  release(): void
  /** Cuts all connections, and every new one until `mend`. */
  breakDown(): void
  mend(): void
}

/** How a COMMIT goes over the wire: the simple query 'COMMIT', its length, and the 0 that ends it. */
const commit = Buffer.from('Q\0\0\0\x0bCOMMIT\0', 'latin1')

export async function openProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl)
  const open = new Set<Socket>()
  let broken = false
  let kept: (() => void)[] = []
  let keeping = false
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
      // Cut connections fail in many ways. Each is passed on, as what it is to a proxy: an end.
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
    // A client waits for the answer to COMMIT before it sends more: it ends what has arrived.
    client.on('data', (message) => {
      const decided = next
      if (decided === undefined || !message.subarray(-commit.length).equals(commit)) {
        if (keeping) kept.push(() => upstream.write(message))
        else upstream.write(message)
        return
      }
      next = undefined
      if (decided.fate === 'lost' || decided.fate === 'overtaken') {
        keeping = decided.fate === 'overtaken'
        client.destroy()
        decided.cut()
        return
      }
      silenced = true
      if (decided.fate === 'unanswered') upstream.write(message)
      else {
        kept.push(() => upstream.write(message))
        client.destroy()
        decided.cut()
      }
      upstream.once('data', () => {
        // The answer: by now it is committed.
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
    release: () => {
      keeping = false
      for (const pass of kept) pass()
      kept = []
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
