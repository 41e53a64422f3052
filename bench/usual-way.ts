/**
 * Against the usual way to keep promo codes: a table with a row for each, filled with Prisma's createMany, from which
 * each claim takes one row by UPDATE … FOR UPDATE SKIP LOCKED. Both behind the same server, from 64 connections.
 * Run it with `node bench/usual-way.ts`; filling the table takes minutes.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import {
  claiming,
  compare,
  newFormat,
  newPool,
  openBooks,
  rateOf,
  show,
  showRatio,
  startPostgres,
  startServer,
} from './support.ts'
import { generateClient, openCodeRows } from './usual/code-rows.ts'

const connections = 64
const rounds = 7
const roundMs = 3_000
const quantity = 1_000_000

await using lifecycle = new Lifecycle()
await generateClient()
const bench = await openBooks(lifecycle, await startPostgres(lifecycle))
const { databaseUrl, key } = bench
const formatId = await newFormat(bench)
const poolId = await newPool(bench, { name: 'Bench', formatId, quantity: BigInt(quantity) })
const codeRows = await openCodeRows(lifecycle, databaseUrl)
await codeRows.createTable()

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1_000
}

console.log(`${quantity.toLocaleString('en')} codes made available`)
const another = { name: 'Another', formatId, quantity: BigInt(quantity) }
show('a new pool and generateCodes', await secondsOf(() => newPool(bench, another)), 's')
show('createMany into a table of codes', await secondsOf(() => codeRows.fill(poolId, quantity)), 's')
// As the server itself does sooner or later: not in the middle of a round.
await bench.books.rows({ text: 'VACUUM ANALYZE' })

const url = await startServer(lifecycle, { databaseUrl, role: 'all', codeRows: true })
const load = { urls: [url], connections, milliseconds: roundMs }

const side = (field: string) => rateOf(claiming(load, { key, field, poolIds: [poolId] }))

console.log(`\nClaims of one code over HTTP, ${connections} connections, median of ${rounds}`)
const claims = await compare(rounds, side('claimCodes'), side('claimRow'))
show('claimCodes', claims.first, 'a second')
show('UPDATE … FOR UPDATE SKIP LOCKED of a row', claims.second, 'a second')
showRatio('the one by the other', claims.ratio, { atLeast: 5 })
