/**
 * Whether refills are felt: how long claims take, over 64 connections, from a pool that is refilled every 1,000 claims,
 * against one that is never refilled. Run it with `node bench/refill.ts`.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import { claiming, newPool, openBench, showComparison, startServer } from './support.ts'

const connections = 64
const rounds = 11

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const refilled = await newPool(bench, { name: 'Refilled', quantity: 1_000n, refills: true })
const plenty = await newPool(bench, { name: 'Plenty' })
const load = { urls: [await startServer(bench)], connections, milliseconds: 4_000 }

/** The 99th percentile of how long a claim takes, in milliseconds. */
function percentileOf(poolId: string): () => Promise<number> {
  const claims = claiming(load, { key: bench.key, poolIds: [poolId] })
  return async () => {
    const { latencies } = await claims()
    return latencies.sort((a, b) => a - b)[Math.floor(latencies.length * 0.99)] as number
  }
}

console.log(`The 99th percentile of how long a claim takes, ${connections} connections, median of ${rounds}`)
await showComparison(
  { rounds, unit: 'ms', target: { atMost: 1.5 } },
  { what: 'a refill every 1,000 claims', figure: percentileOf(refilled) },
  { what: 'no refills', figure: percentileOf(plenty) },
)

const [row] = await bench.books.rows<{ count: string; claimed: string }>({
  text: `
    SELECT (SELECT count(*) FROM batch WHERE pool_id = pool.id), claimed FROM pool WHERE id = $1`,
  values: [refilled],
})
console.log(`  ${row?.count} refills for ${row?.claimed} claims`)
