/**
 * What metrics and logs cost: claims of one code over HTTP, from 64 connections, from a server that has both with one that has
 * neither; then with a line in the log for each request. Run it with `node bench/telemetry.ts`.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import {
  claiming,
  compareClaims,
  cpuMsOf,
  newPool,
  openBench,
  showComparison,
  startServer,
} from './support.ts'

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const poolIds = [await newPool(bench)]
const on = {
  what: 'metrics and logs',
  bench,
  poolIds,
  urls: [await startServer(bench, { telemetry: 'info' })],
}
const debug = {
  what: 'metrics, and a line for each request',
  bench,
  poolIds,
  urls: [await startServer(bench, { telemetry: 'debug' })],
}
const off = { what: 'neither', bench, poolIds, urls: [await startServer(bench)] }

await compareClaims({ rounds: 9, target: { atLeast: 0.97 } }, on, off)
await compareClaims({ rounds: 3 }, debug, off)

// The rates are also limited by the disk, and by whatever else the machine does.
console.log('The same, in processor time of the server')
for (const [first, rounds] of [
  [on, 9],
  [debug, 3],
] as const)
  await showComparison({ rounds, unit: 'ms for a thousand claims' }, cpuSide(first), cpuSide(off))

function cpuSide({ what, urls }: typeof on) {
  const claim = claiming({ urls, connections: 64, milliseconds: 2_000 }, { key: bench.key, poolIds })
  const figure = async () => {
    const [url = ''] = urls
    const before = await cpuMsOf(url)
    const { answered } = await claim()
    return (1_000 * ((await cpuMsOf(url)) - before)) / answered
  }
  return { what, figure }
}
