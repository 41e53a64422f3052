/** What a subscription costs in memory while nothing happens. Run it with `node bench/idle-subscriptions.ts`. */

import { Lifecycle } from '../src/lifecycle.ts'
import { openSubscribers } from './reading.ts'
import { memoryOf, newFormat, newPool, openBooks, show, startPostgres, startServer } from './support.ts'

const sockets = 2_000

await using lifecycle = new Lifecycle()
const bench = await openBooks(lifecycle, await startPostgres(lifecycle))
const { books, accountId, databaseUrl } = bench
const poolId = await newPool(bench, { name: 'Watched', formatId: await newFormat(bench), quantity: 1_000n })
const url = await startServer(lifecycle, { databaseUrl, role: 'all', codeRows: false })

/** Bytes that the server holds once all of these have been told of one event. */
async function memoryWith(times: number): Promise<number> {
  await using opened = new Lifecycle()
  const subscribers = await openSubscribers(opened, bench, url, { poolId, sockets, times })
  await books.write(accountId, async (tx) => tx.record({ poolId, kind: 'POOL_EMPTY', payload: {} }))
  await subscribers.arrivedSince(process.hrtime.bigint(), sockets * times)
  return await memoryOf(url)
}

await memoryWith(1)
const one = await memoryWith(1)
const five = await memoryWith(5)
const eleven = await memoryWith(11)
console.log(`Memory of the server, ${sockets} sockets`)
show('a subscription on a socket that has one', (five - one) / sockets / 4 / 1_000, 'kB')
show('and one on a socket that has five', (eleven - five) / sockets / 6 / 1_000, 'kB')
