/**
 * Whether claims slow down as they add up: a pool with a billion available codes and ten million claims against a new pool
 * in a new database on the same PostgreSQL. Also the size of a claim on disk. Run it with `node bench/flat.ts`; inserting
 * the ten million claims takes a minute or two and a few gigabytes.
 */

import { auditBooks } from '../src/domain/audit/audit.ts'
import { Claims, maxClaim } from '../src/domain/claim/claim.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import {
  type BenchBooks,
  claiming,
  compare,
  createDatabase,
  newFormat,
  newPool,
  openBooks,
  rateOf,
  show,
  showRatio,
  startPostgres,
  startServer,
} from './support.ts'

const connections = 64
const rounds = 11
const roundMs = 3_000
const available = 1_000_000_000n
const behind = 10_000_000

await using lifecycle = new Lifecycle()
const postgresUrl = await startPostgres(lifecycle)

async function open(database: string, quantity: bigint): Promise<{ bench: BenchBooks; poolId: string }> {
  const bench = await openBooks(lifecycle, await createDatabase(postgresUrl, database))
  const poolId = await newPool(bench, { name: 'Bench', formatId: await newFormat(bench), quantity })
  return { bench, poolId }
}

/** Inserts `count` claims of one code each, as if the service had run for years. */
async function claimBefore({ books, accountId }: BenchBooks, poolId: string, count: number): Promise<void> {
  await books.rows({
    text: `
      INSERT INTO claim (account_id, pool_id, first, count, recipient, at, nonce)
      SELECT $1, $2, position, 1, NULL, now(), 0 FROM generate_series(0, $3::integer - 1) AS position`,
    values: [accountId, poolId, count],
  })
  await books.rows({
    text: 'UPDATE pool SET claimed = $3 WHERE account_id = $1 AND id = $2',
    values: [accountId, poolId, count],
  })
}

/** Bytes of the table of claims and its index. */
async function bytesOfClaims({ books }: BenchBooks): Promise<number> {
  const [row] = await books.rows<{ bytes: string }>({
    text: `SELECT pg_total_relation_size('claim') AS bytes`,
  })
  return Number(row?.bytes)
}

const old = await open('old', available + BigInt(behind))
await claimBefore(old.bench, old.poolId, behind)
await old.bench.books.rows({ text: 'VACUUM ANALYZE' })
await old.bench.books.rows({ text: 'CHECKPOINT' })
const bytesOfMany = await bytesOfClaims(old.bench)

const fresh = await open('new', available)

async function side({ bench, poolId }: typeof old): Promise<() => Promise<number>> {
  const { databaseUrl, key } = bench
  const url = await startServer(lifecycle, { databaseUrl, role: 'all', codeRows: false })
  const load = { urls: [url], connections, milliseconds: roundMs }
  return rateOf(claiming(load, { key, poolIds: [poolId] }))
}

const claims = await compare(rounds, await side(old), await side(fresh))
console.log(`Claims of one code over HTTP, ${connections} connections, median of ${rounds}`)
show(`a billion codes available, ${behind.toLocaleString('en')} claims behind`, claims.first, 'a second')
show('a new pool in a new database', claims.second, 'a second')
showRatio('the one by the other', claims.ratio, { atLeast: 0.95 })

// Made by the service itself, so that claims are written in groups as usual.
const single = await open('single', available)
const bulk = await open('bulk', available)

async function bytesOfOne({ bench, poolId }: typeof old, count: number, times: number): Promise<number> {
  const { accountId, books } = bench
  const claimer = new Claims(books)
  const before = await bytesOfClaims(bench)
  const callers = 64
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (let i = 0; i < times / callers; i++) await claimer.claim(accountId, { poolId, count })
    }),
  )
  return ((await bytesOfClaims(bench)) - before) / times
}

console.log('Bytes on disk, table and index')
show('a claim of one code', await bytesOfOne(single, 1, 64_000), 'bytes')
show('a claim of one code, among ten million', bytesOfMany / behind, 'bytes')
show('a claim of 10,000 codes', await bytesOfOne(bulk, maxClaim, 6_400), 'bytes')

for (const { bench } of [old, fresh, single, bulk])
  await auditBooks(bench.books.pool, (finding) => {
    throw new Error(`The books are not sound: ${finding.what}`)
  })
