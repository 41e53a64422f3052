/**
 * How long the database takes for the activity of a pool: thirty days in steps of a day, over ten million claims, with
 * redemptions in every quarter of an hour, against a pool with a thousand claims. Claims come by day more than by night, with a
 * burst in each quarter of an hour. Run it with `node bench/activity.ts`; inserting the ten million claims takes a minute or two.
 */

import type { QueryResultRow } from 'pg'
import type { Queryable, Statement } from '../src/database/transaction.ts'
import { readActivity } from '../src/domain/activity/activity.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { newPool, openBench, showComparison } from './support.ts'

const many = 10_000_000
const few = 1_000
const days = 30
const attempts = 5

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const { books, accountId } = bench

/** A pool with this many claims of one code in the last forty days, and with redemptions in every quarter of an hour. */
async function poolWith(name: string, claims: number): Promise<string> {
  const poolId = await newPool(bench, { name })
  const fill = (text: string) => books.rows({ text, values: [accountId, poolId, claims] })
  // More by day than by night, and hardly any in the second half of a quarter of an hour.
  await fill(`
    INSERT INTO claim (account_id, pool_id, first, count, at, nonce)
    SELECT $1, $2, n, 1, now() - interval '40 days'
      + interval '1 day' * (day + 0.08 * sin(2 * pi() * day) + 0.0008 * sin(2 * pi() * 96 * day)), 0
    FROM (SELECT n, 40 * n::float8 / $3 AS day FROM generate_series(0, $3::integer - 1) n) AS line`)
  await fill(`
    UPDATE pool SET claimed = $3, created_at = now() - interval '40 days', last_change_at = now()
    WHERE account_id = $1 AND id = $2`)
  await fill(`
    INSERT INTO redemption_count (account_id, pool_id, quarter, count)
    SELECT $1, $2, date_bin('15 minutes', now(), '2000-01-01') - n * interval '15 minutes', least(7, $3::integer)
    FROM generate_series(0, 40 * 96) n`)
  return poolId
}

/** Milliseconds that PostgreSQL takes to execute the statements of the activity of a pool: the least of five attempts. */
function timeOf(poolId: string): () => Promise<number> {
  const to = new Date()
  const from = new Date(to.getTime() - days * 86_400_000)
  const once = async () => {
    let sum = 0
    const explaining: Queryable = {
      async rows<Row extends QueryResultRow>({ text, values = [] }: Statement): Promise<Row[]> {
        const [explained] = await books.rows<{ 'QUERY PLAN': [{ 'Execution Time': number }] }>({
          text: `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${text}`,
          values,
        })
        sum += explained?.['QUERY PLAN'][0]['Execution Time'] ?? Number.NaN
        return await books.rows<Row>({ text, values })
      },
    }
    await readActivity(explaining, accountId, poolId, { from, to, step: 'DAY', timeZone: 'Europe/Berlin' })
    return sum
  }
  // What else the machine does can only add to some milliseconds.
  return async () => {
    let least = Number.POSITIVE_INFINITY
    for (let attempt = 0; attempt < attempts; attempt++) least = Math.min(least, await once())
    return least
  }
}

const old = await poolWith('Old', many)
const young = await poolWith('Young', few)
await books.rows({ text: 'VACUUM ANALYZE' })
await books.rows({ text: 'CHECKPOINT' })

const rounds = 21
console.log(`Thirty days, day by day: the database's time (less than 20 ms), median of ${rounds}`)
await showComparison(
  { rounds, unit: 'ms' },
  { what: `${many.toLocaleString('en')} claims`, figure: timeOf(old) },
  { what: `${few.toLocaleString('en')} claims`, figure: timeOf(young) },
)
