/**
 * Against the usual way to keep promo codes: a table with a row per code, filled with Prisma's createMany, from which each
 * claim updates one row with FOR UPDATE SKIP LOCKED. Both are behind the same server. Run it with
 * `node bench/usual-way.ts`; filling the table takes minutes.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import { compareClaims, newPool, openBench, show, startServer } from './support.ts'
import { generateClient, openCodeRows } from './usual/code-rows.ts'

const quantity = 1_000_000

await using lifecycle = new Lifecycle()
await generateClient()
const bench = await openBench(lifecycle)
const poolId = await newPool(bench, { quantity: BigInt(quantity) })
const codeRows = await openCodeRows(lifecycle, bench.databaseUrl)
await codeRows.createTable()

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1_000
}

console.log(`${quantity.toLocaleString('en')} codes made available`)
const another = { name: 'Another', quantity: BigInt(quantity) }
show('a new pool and generateCodes', await secondsOf(() => newPool(bench, another)), 's')
show('createMany into a table of codes', await secondsOf(() => codeRows.fill(poolId, quantity)), 's')
// The server would do so sooner or later, but not in the middle of a round.
await bench.books.rows({ text: 'VACUUM ANALYZE' })

const claims = { bench, poolIds: [poolId], urls: [await startServer(bench, { codeRows: true })] }
await compareClaims(
  { rounds: 7, target: { atLeast: 5 } },
  { what: 'claimCodes', ...claims },
  { what: 'UPDATE … FOR UPDATE SKIP LOCKED of a row', ...claims, field: 'claimRow' },
)
