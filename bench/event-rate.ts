/**
 * How many events a second reach 1,000 subscriptions of one pool without falling behind, against the same bytes sent by a
 * bare `ws` server to as many sockets. Run it with `node bench/event-rate.ts`.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import { openBareServer, openSubscribers } from './reading.ts'
import { cpuMsOf, newPool, openBench, recordEvent, showComparison, startServer } from './support.ts'

const sockets = 1_000
const events = 50
const rounds = 7

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const poolId = await newPool(bench)
const url = await startServer(bench)
const subscribers = await openSubscribers(bench, url, { poolId, sockets, times: 1 })

/** Events a second that arrive everywhere, each recorded in a transaction of its own, one after the other. */
async function rateOfEvents(): Promise<number> {
  const begin = process.hrtime.bigint()
  for (let i = 0; i < events; i++) await recordEvent(bench, poolId)
  return (events / (await subscribers.arrivedSince(begin, sockets * events))) * 1_000
}

await rateOfEvents()
const bare = await openBareServer(lifecycle, { sockets, bytes: subscribers.bytes })

async function rateOfMessages(): Promise<number> {
  const begin = process.hrtime.bigint()
  bare.send(events)
  return (events / (await bare.readers.arrivedSince(begin, sockets * events))) * 1_000
}

/** The processor time of a server for each message, in microseconds. */
async function timeOfMessage(at: string, send: () => Promise<number>): Promise<number> {
  const before = await cpuMsOf(at)
  await send()
  return (1_000 * ((await cpuMsOf(at)) - before)) / sockets / events
}

console.log(`Events of one pool to ${sockets} subscriptions, as fast as possible, median of ${rounds}`)
await showComparison(
  { rounds, unit: 'a second', target: { atLeast: 0.6 } },
  { what: 'events that have reached all subscriptions', figure: rateOfEvents },
  { what: 'messages of as many bytes from a bare server', figure: rateOfMessages },
)
await showComparison(
  { rounds, unit: 'µs of processor time' },
  { what: 'an event to a subscription', figure: () => timeOfMessage(url, rateOfEvents) },
  { what: 'a message from a bare server', figure: () => timeOfMessage(bare.url, rateOfMessages) },
)
