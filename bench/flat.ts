/**
 * Whether claims slow down as they add up: a pool with a billion available codes and ten million claims against a new pool
 * in a new database on the same PostgreSQL. Also the size of a claim on disk. Run it with `node bench/flat.ts`; inserting
 * the ten million claims takes a minute or two and a few gigabytes.
 */

import { auditBooks } from '../src/domain/audit/audit.ts'
import { Claims } from '../src/domain/claim/claim.ts'
import { maxClaim } from '../src/domain/claim/request.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import {
  type Bench,
  claimBefore,
  compareClaims,
  createDatabase,
  newPool,
  openBench,
  show,
  startPostgres,
  startServer,
} from './support.ts'

const available = 1_000_000_000n
const behind = 10_000_000

await using lifecycle = new Lifecycle()
const postgresUrl = await startPostgres(lifecycle)

async function open(database: string, quantity: bigint): Promise<{ bench: Bench; poolId: string }> {
  const bench = await openBench(lifecycle, await createDatabase(postgresUrl, database))
  return { bench, poolId: await newPool(bench, { quantity }) }
}

/** Bytes of the table of claims and its index. */
async function bytesOfClaims({ books }: Bench): Promise<number> {
  const [row] = await books.rows<{ bytes: string }>({
    text: `SELECT pg_total_relation_size('claim') AS bytes`,
  })
  return Number(row?.bytes)
}

const old = await open('old', available + BigInt(behind))
await claimBefore(old.bench, old.poolId, behind, { each: 1 })
await old.bench.books.rows({ text: 'VACUUM ANALYZE' })
await old.bench.books.rows({ text: 'CHECKPOINT' })
const bytesOfMany = await bytesOfClaims(old.bench)

const fresh = await open('new', available)

await compareClaims(
  { rounds: 11, target: { atLeast: 0.95 } },
  {
    what: `a billion codes available, ${behind.toLocaleString('en')} claims behind`,
    bench: old.bench,
    urls: [await startServer(old.bench)],
    poolIds: [old.poolId],
  },
  {
    what: 'a new pool in a new database',
    bench: fresh.bench,
    urls: [await startServer(fresh.bench)],
    poolIds: [fresh.poolId],
  },
)

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
  await auditBooks(bench.books.connections, (finding) => {
    throw new Error(`The books are not sound: ${finding.what}`)
  })
