/**
 * How many events a second 1,000 subscriptions of one pool are told without falling behind, against the same bytes sent
 * by a bare `ws` server to as many sockets. Run it with `node bench/event-rate.ts`.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import { openBareServer, openSubscribers } from './reading.ts'
import { compare, newFormat, newPool, openBooks, show, startPostgres, startServer } from './support.ts'

const sockets = 1_000
const events = 50
const rounds = 7

await using lifecycle = new Lifecycle()
const bench = await openBooks(lifecycle, await startPostgres(lifecycle))
const { books, accountId, databaseUrl } = bench
const poolId = await newPool(bench, { name: 'Watched', formatId: await newFormat(bench), quantity: 1_000n })
const url = await startServer(lifecycle, { databaseUrl, role: 'all', codeRows: false })
const subscribers = await openSubscribers(lifecycle, bench, url, { poolId, sockets, times: 1 })

/** Events that are written one after the other, each in a transaction of its own: how many a second all are told. */
async function rateOfEvents(): Promise<number> {
  const begin = process.hrtime.bigint()
  for (let i = 0; i < events; i++)
    await books.write(accountId, async (tx) => tx.record({ poolId, kind: 'POOL_EMPTY', payload: {} }))
  return (events / (await subscribers.arrivedSince(begin, sockets * events))) * 1_000
}

await rateOfEvents()
const bare = await openBareServer(lifecycle, { sockets, bytes: subscribers.bytes })

async function rateOfBytes(): Promise<number> {
  const begin = process.hrtime.bigint()
  bare.send(events)
  return (events / (await bare.readers.arrivedSince(begin, sockets * events))) * 1_000
}

const { first, second, ratio } = await compare(rounds, rateOfEvents, rateOfBytes)
console.log(
  `Events of one pool, written as fast as they can be, to ${sockets} subscriptions, median of ${rounds}`,
)
show('events that all subscriptions have been told', first, 'a second')
show('messages of as many bytes from a bare server', second, 'a second')
show('the one by the other', ratio, '')
