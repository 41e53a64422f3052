/** How much memory a subscription uses while nothing happens. Run it with `node bench/idle-subscriptions.ts`. */

import { Lifecycle } from '../src/lifecycle.ts'
import { openSubscribers } from './reading.ts'
import { memoryOf, newPool, openBench, recordEvent, show, startServer } from './support.ts'

const sockets = 2_000

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const poolId = await newPool(bench)
const url = await startServer(bench)

/** How many bytes the server uses once all of these subscriptions have received an event. */
async function memoryWith(times: number): Promise<number> {
  await using opened = new Lifecycle()
  const subscribers = await openSubscribers({ ...bench, lifecycle: opened }, url, { poolId, sockets, times })
  await recordEvent(bench, poolId)
  await subscribers.arrivedSince(process.hrtime.bigint(), sockets * times)
  return await memoryOf(url)
}

await memoryWith(1)
const one = await memoryWith(1)
const five = await memoryWith(5)
const eleven = await memoryWith(11)
console.log(`Memory of the server, ${sockets} sockets`)
show('another subscription on a socket that has 1 to 4', (five - one) / sockets / 4 / 1_000, 'kB')
show('another subscription on a socket that has 5 to 10', (eleven - five) / sockets / 6 / 1_000, 'kB')
