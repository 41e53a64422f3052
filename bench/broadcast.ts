/**
 * One event for 10,000 subscriptions over 2,000 sockets of one server: how long until it has reached all, against the same
 * bytes broadcast by a bare `ws` server to as many sockets. Run it with `node bench/broadcast.ts`.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import { openBareServer, openSubscribers } from './reading.ts'
import { newPool, openBench, recordEvent, showComparison, startServer } from './support.ts'

const sockets = 2_000
const times = 5
const rounds = 15

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const poolId = await newPool(bench)
const subscribers = await openSubscribers(bench, await startServer(bench), { poolId, sockets, times })

/** Records an event, and resolves to how many milliseconds later it has reached all subscriptions. */
async function sendEvent(): Promise<number> {
  const begin = process.hrtime.bigint()
  await recordEvent(bench, poolId)
  return await subscribers.arrivedSince(begin, sockets * times)
}

await sendEvent()
const { bytes } = subscribers
const bare = await openBareServer(lifecycle, { sockets, bytes })

async function sendMessages(): Promise<number> {
  const begin = process.hrtime.bigint()
  bare.send(times)
  return await bare.readers.arrivedSince(begin, sockets * times)
}

console.log(
  `An event to ${sockets * times} subscriptions over ${sockets} sockets, ${bytes} bytes each, median of ${rounds}`,
)
await showComparison(
  { rounds, unit: 'ms', target: { atMost: 2 } },
  { what: 'from the change to the last subscription', figure: sendEvent },
  { what: 'the same bytes from a bare server', figure: sendMessages },
)
