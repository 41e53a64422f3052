/**
 * Claims of 20 pools against claims of one pool, both from 64 connections to two servers on one database, and PostgreSQL's
 * count of deadlocks afterwards. Run it with `node bench/spread.ts`.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import { compareClaims, newPool, openBench, showRatio, startServer } from './support.ts'

const pools = 20

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const poolIds: string[] = []
for (let i = 0; i < pools; i++)
  poolIds.push(await newPool(bench, { name: `Pool ${i}`, quantity: 100_000_000n }))
const urls = [await startServer(bench), await startServer(bench)]

await compareClaims(
  { rounds: 9, target: { atLeast: 0.5 } },
  { what: `from ${pools} pools, two servers`, bench, urls, poolIds },
  { what: 'from one pool, two servers', bench, urls, poolIds: poolIds.slice(0, 1) },
)

const [row] = await bench.books.rows<{ deadlocks: string }>({
  text: 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
})
showRatio('deadlocks', Number(row?.deadlocks), { atMost: 0 })
