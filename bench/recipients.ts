/**
 * What recipients and terms cost: claims with a recipient, from a pool with one code for each recipient, an end of validity
 * and an end of issuing, against claims without any of it; the same with ten million claims with recipients behind them,
 * against a new pool; and the claims of one recipient out of ten million against one out of a thousand. Run it with
 * `node bench/recipients.ts`; inserting the ten million claims takes some minutes and a few gigabytes.
 */

import { listClaimsOf } from '../src/domain/claim/recipients.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import {
  type Bench,
  claimBefore,
  compareClaims,
  createDatabase,
  newPool,
  openBench,
  showComparison,
  startPostgres,
  startServer,
} from './support.ts'

const available = 1_000_000_000n
const behind = 10_000_000
const few = 1_000
const lookUps = 500

await using lifecycle = new Lifecycle()
const postgresUrl = await startPostgres(lifecycle)

interface Opened {
  bench: Bench
  /** A pool whose claims have recipients, and which has terms. */
  poolId: string
  /** A pool without. */
  plainId: string
  urls: string[]
}

/** Books with `claimed` claims behind, each of a recipient of its own. */
async function open(database: string, claimed: number): Promise<Opened> {
  const bench = await openBench(lifecycle, await createDatabase(postgresUrl, database))
  const { books, accountId } = bench
  const plainId = await newPool(bench, { name: 'Plain', quantity: available })
  const poolId = await newPool(bench, { name: 'Terms', quantity: available + BigInt(claimed) })
  await books.rows({
    text: `
      UPDATE pool SET one_per_recipient = true, renew_after = '{EXPIRED}', valid_for_ms = 2592000000,
        issue_until = now() + interval '1 year'
      WHERE account_id = $1 AND id = $2`,
    values: [accountId, poolId],
  })
  await claimBefore(bench, poolId, claimed, { each: 1, recipient: true })
  await books.rows({ text: 'VACUUM ANALYZE' })
  await books.rows({ text: 'CHECKPOINT' })
  return { bench, poolId, plainId, urls: [await startServer(bench)] }
}

const fresh = await open('fresh', few)

await compareClaims(
  { rounds: 9, target: { atLeast: 0.9 } },
  {
    what: 'with recipients, one code for each, and terms',
    bench: fresh.bench,
    urls: fresh.urls,
    poolIds: [fresh.poolId],
    withRecipients: true,
  },
  { what: 'without', bench: fresh.bench, urls: fresh.urls, poolIds: [fresh.plainId], withRecipients: false },
)

const old = await open('old', behind)

await compareClaims(
  { rounds: 11, target: { atLeast: 0.9 } },
  {
    what: `with recipients and terms, ${behind.toLocaleString('en')} such claims behind`,
    bench: old.bench,
    urls: old.urls,
    poolIds: [old.poolId],
    withRecipients: true,
  },
  {
    what: `the same, ${few.toLocaleString('en')} such claims behind`,
    bench: fresh.bench,
    urls: fresh.urls,
    poolIds: [fresh.poolId],
    withRecipients: true,
  },
)

/** Milliseconds to find the claims of a recipient, of whom there are `recipients`. */
async function timeToFind({ bench: { books, accountId } }: Opened, recipients: number): Promise<number> {
  const slice = { after: undefined, before: undefined, limit: 20, fromOldest: false }
  const start = performance.now()
  for (let i = 0; i < lookUps; i++) {
    const recipient = `customer ${Math.floor(Math.random() * recipients)}`
    const found = await listClaimsOf(books, accountId, { recipient }, slice)
    if (found.length !== 1) throw new Error(`There are ${found.length} claims of ${recipient}.`)
  }
  return (performance.now() - start) / lookUps
}

console.log(`The claims of one recipient, out of all pools, median of 9 times ${lookUps}`)
await showComparison(
  { rounds: 9, unit: 'ms', target: { atMost: 1.2 } },
  { what: `of ${behind.toLocaleString('en')}`, figure: () => timeToFind(old, behind) },
  { what: `of ${few.toLocaleString('en')}`, figure: () => timeToFind(fresh, few) },
)
