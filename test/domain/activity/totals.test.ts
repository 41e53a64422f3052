import { v7 as newId } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Queryable, Statement } from '../../../src/database/transaction.ts'
import { readTotals } from '../../../src/domain/activity/totals.ts'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { type Plan, rowsRead } from '../../support/plans.ts'

const many = 20_000
const start = new Date('2026-03-01T00:00:00Z')
const accountId = newId()

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
  // Without statistics the planner guesses.
  for (const table of ['pool', 'claim', 'stock_change', 'redemption_count'])
    await database.connections.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`)
  await database.connections.query(`INSERT INTO account (id, name) VALUES ($1, 'Many')`, [accountId])
})

afterAll(() => database.close())

/**
 * A pool with `many` claims of `count` codes each, of which the nth was made `second` seconds after the start (SQL, of n).
 * It has as many changes of stock, two at a time, and quarters of an hour with a redemption. Resolves to its id.
 */
async function newLine(second: string, count = 1n): Promise<string> {
  const poolId = newId()
  const fill = (sql: string) => database.connections.query(sql, [accountId, poolId])
  const at = `'${start.toISOString()}'::timestamptz`
  await fill(
    `INSERT INTO pool (account_id, id, name, created_at, claimed, last_change_at)
     SELECT $1, $2, $2::uuid::text, ${at}, ${BigInt(many) * count}, ${at} + (${second}) * interval '1 second'
     FROM (SELECT ${many - 1} AS n) AS last`,
  )
  await fill(
    `INSERT INTO claim (account_id, pool_id, first, count, at, nonce)
     SELECT $1, $2, ${count}::numeric * n, ${count}, ${at} + (${second}) * interval '1 second', 0
     FROM generate_series(0, ${many - 1}) n`,
  )
  await fill(
    `INSERT INTO stock_change (account_id, pool_id, number, at, total, added)
     SELECT $1, $2, n, ${at} + n / 2 * interval '200 seconds', ${BigInt(many) * count} + n, n
     FROM generate_series(1, ${many}) n`,
  )
  await fill(
    `INSERT INTO redemption_count (account_id, pool_id, quarter, count)
     SELECT $1, $2, ${at} + n * interval '15 minutes', 1 FROM generate_series(0, ${many - 1}) n`,
  )
  return poolId
}

/** Reads the totals before moments so many seconds after the start, and how many rows that has read. */
async function read(poolId: string, seconds: readonly number[]) {
  let rows = 0
  const books: Queryable = {
    async rows({ text, values = [] }: Statement) {
      const explained = await database.connections.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
        `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
        values,
      )
      const plan = explained.rows[0]?.['QUERY PLAN'][0].Plan
      if (plan === undefined) throw new Error('There is no plan.')
      rows += rowsRead(plan)
      return (await database.connections.query(text, values)).rows
    },
  }
  const moments = seconds.map((second) => new Date(start.getTime() + second * 1_000))
  const totals = await readTotals(books, accountId, poolId, moments)
  expect(totals.map(({ at }) => at)).toEqual(moments)
  return { totals, rows }
}

const day = 86_400
const lines: Record<string, string> = {
  'evenly spread': 'n * 100',
  'at one moment': '1000000',
  'slower and slower': 'power(1.0008, n)',
  'nearly all in the last minute': 'CASE WHEN n < 100 THEN n * 20000 ELSE 2000000 + n / 333 END',
  'nearly all in the first minute': `CASE WHEN n < ${many - 100} THEN n / 333 ELSE (n - ${many - 101}) * 20000 END`,
}

describe.each(Object.entries(lines))('of claims %s', (how, second) => {
  let poolId: string
  beforeAll(async () => {
    poolId = await newLine(second, 10_000n)
  })

  it('exactly those before a moment count', async () => {
    const seconds = [
      -day,
      0,
      1,
      59,
      60,
      61,
      3_600,
      999_999,
      1_000_000,
      1_000_001,
      1_999_000,
      2_000_060,
      90 * day,
    ]
    const { totals } = await read(poolId, seconds)
    for (const [i, { at, claimed, added, available }] of totals.entries()) {
      const { rows } = await database.connections.query<{ claims: string }>(
        'SELECT count(*) AS claims FROM claim WHERE account_id = $1 AND pool_id = $2 AND at < $3',
        [accountId, poolId, at],
      )
      const claims = Number(rows[0]?.claims)
      expect(claimed, `before second ${seconds[i]}`).toBe(10_000n * BigInt(claims))
      const { rows: changes } = await database.connections.query<{ last: string }>(
        'SELECT coalesce(max(number), 0) AS last FROM stock_change WHERE account_id = $1 AND pool_id = $2 AND at < $3',
        [accountId, poolId, at],
      )
      const last = BigInt(changes[0]?.last ?? 0)
      expect(added).toBe(last)
      expect(available).toBe(last === 0n ? 0n : BigInt(many) * 10_000n + last - claimed)
    }
  })

  it('each moment takes few steps, also on tables without statistics', async () => {
    const moments = 100
    const seconds = Array.from({ length: moments }, (_, i) => i * 21_000)
    const { rows } = await read(poolId, seconds)
    // As many as bisection, which are log2(20,000), and eight more. Each reads a claim, and three times a row of the search.
    const steps = how === 'evenly spread' ? 4 : 15 + 8
    expect(rows / moments).toBeLessThan(4 * steps + 20)
  })
})
