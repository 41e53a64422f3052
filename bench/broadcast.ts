/**
 * One event that 10,000 subscriptions watch, over 2,000 sockets of one server: how long until the last has it, against
 * the same bytes broadcast by a bare `ws` server to as many sockets. Run it with `node bench/broadcast.ts`.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import { openBareServer, openSubscribers } from './reading.ts'
import {
  compare,
  newFormat,
  newPool,
  openBooks,
  show,
  showRatio,
  startPostgres,
  startServer,
} from './support.ts'

const sockets = 2_000
const times = 5
const rounds = 15

await using lifecycle = new Lifecycle()
const bench = await openBooks(lifecycle, await startPostgres(lifecycle))
const { books, accountId, databaseUrl } = bench
const poolId = await newPool(bench, { name: 'Watched', formatId: await newFormat(bench), quantity: 1_000n })
const url = await startServer(lifecycle, { databaseUrl, role: 'all', codeRows: false })
const subscribers = await openSubscribers(lifecycle, bench, url, { poolId, sockets, times })

/** Something that happens to the pool: until when the last subscription has it, in milliseconds. */
async function happen(): Promise<number> {
  const begin = process.hrtime.bigint()
  await books.write(accountId, async (tx) => tx.record({ poolId, kind: 'POOL_EMPTY', payload: {} }))
  return await subscribers.arrivedSince(begin, sockets * times)
}

await happen()
const { bytes } = subscribers
const bare = await openBareServer(lifecycle, { sockets, bytes })

async function broadcast(): Promise<number> {
  const begin = process.hrtime.bigint()
  bare.send(times)
  return await bare.readers.arrivedSince(begin, sockets * times)
}

const { first, second, ratio } = await compare(rounds, happen, broadcast)
console.log(
  `An event to ${sockets * times} subscriptions over ${sockets} sockets, ${bytes} bytes each, median of ${rounds}`,
)
show('from the change to the last subscription', first, 'ms')
show('the same bytes sent by a bare server', second, 'ms')
showRatio('the one by the other', ratio, { atMost: 2 })
