/**
 * Whether refills are felt: how long claims take, from 64 connections, of a pool that is refilled every 1,000 claims,
 * against one that never has to be. Run it with `node bench/refill.ts`.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import {
  claiming,
  compare,
  newFormat,
  newPool,
  openBooks,
  show,
  showRatio,
  startPostgres,
  startServer,
} from './support.ts'

const connections = 64
const rounds = 11
const roundMs = 4_000

await using lifecycle = new Lifecycle()
const bench = await openBooks(lifecycle, await startPostgres(lifecycle))
const { books, databaseUrl, key } = bench
const formatId = await newFormat(bench)
const refilled = await newPool(bench, { name: 'Refilled', formatId, quantity: 1_000n, refills: true })
const plenty = await newPool(bench, { name: 'Plenty', formatId, quantity: 1_000_000_000n })
const url = await startServer(lifecycle, { databaseUrl, role: 'all', codeRows: false })
const load = { urls: [url], connections, milliseconds: roundMs }

/** The 99th percentile of how long a claim takes, in milliseconds. */
function side(poolId: string): () => Promise<number> {
  const claims = claiming(load, { key, poolIds: [poolId] })
  return async () => {
    const { latencies } = await claims()
    return latencies.sort((a, b) => a - b)[Math.floor(latencies.length * 0.99)] as number
  }
}

const { first, second, ratio } = await compare(rounds, side(refilled), side(plenty))
console.log(`The 99th percentile of how long a claim takes, ${connections} connections, median of ${rounds}`)
show('a refill every 1,000 claims', first, 'ms')
show('no refills', second, 'ms')
showRatio('the one by the other', ratio, { atMost: 1.5 })

const [row] = await books.rows<{ count: string; claimed: string }>({
  text: `
    SELECT (SELECT count(*) FROM batch WHERE pool_id = pool.id), claimed FROM pool WHERE id = $1`,
  values: [refilled],
})
console.log(`  ${row?.count} refills for ${row?.claimed} claims`)
