/**
 * Claims of 20 pools against claims of one pool, both from 64 connections to two servers on one database, and PostgreSQL's
 * count of deadlocks afterwards. Run it with `node bench/spread.ts`.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import {
  claimedOf,
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
const pools = 20
const rounds = 9
const roundMs = 3_000

await using lifecycle = new Lifecycle()
const bench = await openBooks(lifecycle, await startPostgres(lifecycle))
const { books, databaseUrl, key } = bench
const formatId = await newFormat(bench)
const poolIds: string[] = []
for (let i = 0; i < pools; i++)
  poolIds.push(await newPool(bench, { name: `Bench ${i}`, formatId, quantity: 100_000_000n }))
const urls = [
  await startServer(lifecycle, { databaseUrl, role: 'all', codeRows: false }),
  await startServer(lifecycle, { databaseUrl, role: 'all', codeRows: false }),
]
const load = { urls, connections, milliseconds: roundMs }

let claimed = 0

function side(chosen: readonly string[]): () => Promise<number> {
  const claims = claiming(load, { key, poolIds: chosen })
  return async () => {
    const { rate, answered } = await claims()
    claimed += answered
    return rate
  }
}

const claims = await compare(rounds, side(poolIds), side(poolIds.slice(0, 1)))
console.log(`Claims of one code over HTTP, ${connections} connections to two servers, median of ${rounds}`)
show(`over ${pools} pools`, claims.first, 'a second')
show('of one pool', claims.second, 'a second')
showRatio('the one by the other', claims.ratio, { atLeast: 0.5 })

let booked = 0
for (const poolId of poolIds) booked += await claimedOf(bench, poolId)
if (booked !== claimed) throw new Error('The pools have handed out more or less than was answered.')
const [row] = await books.rows<{ deadlocks: string }>({
  text: 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
})
showRatio('deadlocks', Number(row?.deadlocks), { atMost: 0 })
