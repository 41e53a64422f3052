/**
 * How much memory another subscription on a socket keeps while nothing happens, and how much larger the process is: what a
 * burst of subscriptions needs while they begin stays with V8. Run it with `node bench/idle-subscriptions.ts`.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import { openSubscribers } from './reading.ts'
import { keptBy, memoryOf, newPool, openBench, recordEvent, show, startServer } from './support.ts'

const sockets = 2_000

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const poolId = await newPool(bench)
const url = await startServer(bench)

/** How many bytes the server keeps and uses once all of these subscriptions have received an event. */
async function memoryWith(times: number): Promise<{ kept: number; used: number }> {
  await using opened = new Lifecycle()
  const subscribers = await openSubscribers({ ...bench, lifecycle: opened }, url, { poolId, sockets, times })
  await recordEvent(bench, poolId)
  await subscribers.arrivedSince(process.hrtime.bigint(), sockets * times)
  return { kept: await keptBy(url), used: await memoryOf(url) }
}

await memoryWith(1)
const one = await memoryWith(1)
const five = await memoryWith(5)
const eleven = await memoryWith(11)
const kilobytes = (from: number, to: number, times: number) => (to - from) / sockets / times / 1_000
console.log(`Memory of another subscription, ${sockets} sockets`)
show('kept, on a socket that has 1 to 4', kilobytes(one.kept, five.kept, 4), 'kB', { atMost: 15 })
show('kept, on a socket that has 5 to 10', kilobytes(five.kept, eleven.kept, 6), 'kB', { atMost: 15 })
show('of the process, on a socket that has 1 to 4', kilobytes(one.used, five.used, 4), 'kB')
show('of the process, on a socket that has 5 to 10', kilobytes(five.used, eleven.used, 6), 'kB')
