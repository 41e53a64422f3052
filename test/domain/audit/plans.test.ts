import { afterAll, beforeAll, expect, it } from 'vitest'
import { auditBooks, type Finding } from '../../../src/domain/audit/audit.ts'
import type { Books } from '../../../src/domain/books/books.ts'
import { newPool, openBooks, type TestBooks } from '../../support/books.ts'
import { isDistributed, onlyOnOneServer, runSql } from '../../support/database.ts'
import { noteStatements } from '../../support/plans.ts'

onlyOnOneServer('plans are those of one server')

// A table that has just been filled has no statistics, so the planner guesses, and may choose to read all rows of a pool for each
// of them.
const many = 10_000
const pageSize = 500

let place: TestBooks
let books: Books
let poolId: string
beforeAll(async () => {
  place = await openBooks()
  if (isDistributed()) return
  books = await place.another({ maxConnections: 1 })
  poolId = await newPool(place)
  const { accountId, databaseUrl } = place
  const tables = [
    'batch',
    'claim',
    'stock_change',
    'redemption',
    'redemption_count',
    'code_void',
    'idempotency',
  ]
  const off = tables.map((table) => `ALTER TABLE ${table} SET (autovacuum_enabled = off)`)
  const key = `'${accountId}'::uuid, '${poolId}'::uuid`
  // Uploaded codes, each in a batch of its own; every other one is claimed. Of the claimed codes, some are redeemed, and some
  // are void; for each of these, one was so before.
  const taskId = '00000000-0000-7000-8000-000000000000'
  await runSql(
    databaseUrl,
    `${off.join(';')};
     UPDATE event_log SET last = 9, floor = 9;
     DELETE FROM event;
     UPDATE pool SET total = ${2 * many}, claimed = ${many}, withdrawn = ${many}, last_change_at = '2026-01-01T00:00Z';
     INSERT INTO batch (account_id, pool_id, withdrawn, start, count, first, task_id)
       SELECT ${key}, n >= ${2 * many}, n % ${2 * many}, 1, n, '${taskId}'::uuid FROM generate_series(0, ${3 * many - 1}) n;
     INSERT INTO claim (account_id, pool_id, first, count, at, nonce)
       SELECT ${key}, n, 1, '2026-01-01T00:00Z'::timestamptz, 1 FROM generate_series(0, ${many - 1}) n;
     INSERT INTO stock_change
       SELECT ${key}, n, '2026-01-01T00:00Z'::timestamptz, least(n, ${2 * many}), n FROM generate_series(1, ${3 * many}) n
       UNION ALL SELECT ${key}, ${3 * many + 1}, '2026-01-01T00:00Z'::timestamptz, ${2 * many}, ${3 * many};
     INSERT INTO redemption (account_id, id, pool_id, position, reference, at, rolled_back_at, version, rolled_back_version)
       SELECT '${accountId}'::uuid, gen_random_uuid(), '${poolId}'::uuid, n / 2 * 2, 'order', '2026-01-01T00:00Z'::timestamptz,
         CASE n % 2 WHEN 0 THEN now() END, n + 1, CASE n % 2 WHEN 0 THEN n + 2 END FROM generate_series(0, ${many - 1}) n;
     INSERT INTO redemption_count VALUES (${key}, '2026-01-01T00:00Z', ${many / 2});
     INSERT INTO code_void (account_id, pool_id, first, count, at, version, unvoided_version)
       SELECT ${key}, n / 2 * 2 + 1, 1, now(), n + 1, CASE n % 2 WHEN 0 THEN n + 2 END FROM generate_series(0, ${many - 1}) n;
     UPDATE pool_usage SET redeemed = ${many / 2}, voided = ${many / 2}, version = ${many + 1};
     INSERT INTO idempotency (account_id, operation, key, hash, pool_id, first, at)
       SELECT '${accountId}', 'claimCodes', n, sha256('x'), '${poolId}', n, now() FROM generate_series(0, ${many - 1}) n;
     INSERT INTO idempotency (account_id, operation, key, hash, pool_id, positions, at)
       SELECT '${accountId}', 'claimForRecipients', n, sha256('x'), '${poolId}', ARRAY[n, 0], now()
       FROM generate_series(0, ${many - 1}) n`,
  )
})
afterAll(() => place.close())

it('The audit reads a few rows for each that it checks, also on tables without statistics', async () => {
  const statements = await noteStatements(books)
  const findings: Finding[] = []
  const { checked } = await auditBooks(books.connections, (finding) => findings.push(finding), { pageSize })
  // The task of the batches is missing.
  expect([...new Set(findings.map(({ kind }) => kind))]).toEqual(['batch-reference'])
  const rows = [...checked.values()].reduce((sum, count) => sum + count, 0)
  expect(rows).toBeGreaterThan(10 * many)
  const read = statements.reduce((sum, statement) => sum + statement.rows, 0)
  expect(read).toBeLessThan(10 * rows)
  // Each table is also searched once for accounts that do not exist.
  const pages = statements.filter(
    ({ text }) => !/redemption_count|in_force|SELECT DISTINCT account_id/.test(text),
  )
  const [largest] = pages.toSorted((a, b) => b.rows - a.rows)
  expect(largest?.rows, largest?.text).toBeLessThan(20 * pageSize)
})
