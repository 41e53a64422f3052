import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { forgetRecipient } from '../../../src/domain/claim/recipients.ts'
import { newPool, useBooks } from '../../support/books.ts'
import { onlyOnOneServer } from '../../support/database.ts'
import { noteStatements } from '../../support/plans.ts'

onlyOnOneServer('plans are those of one server')

// Whole transactions, statement by statement, on tables of many rows without statistics: see ../plans.test.ts.
const many = 20_000
const page = 1_000

const place = useBooks()

test('forgetting a recipient of thousands of claims reads no other claims, and no claim again and again', async () => {
  // On one connection, which notes what each statement has read.
  const books = await place.another({ maxConnections: 1 })
  const { accountId } = place
  const poolId = await newPool(place)
  const recipient = randomUUID()
  await books.connections.query('ALTER TABLE claim SET (autovacuum_enabled = off)')
  await books.connections.query(
    `INSERT INTO claim (account_id, pool_id, first, count, recipient, at, nonce)
     SELECT $1, $2, n, 1, CASE n % 4 WHEN 0 THEN $3 ELSE 'customer ' || n END, now(), 0 FROM generate_series(0, ${many - 1}) n`,
    [accountId, poolId, recipient],
  )
  const statements = await noteStatements(books)
  expect(await forgetRecipient(books, accountId, recipient)).toBe(BigInt(many / 4))
  const claims = statements.filter(({ text }) => /FROM claim|UPDATE claim/.test(text))
  // PostgreSQL counts the claims of a page up to twice: in the index, and where they are handed on.
  expect(Math.max(...claims.map(({ rows }) => rows))).toBeGreaterThanOrEqual(page)
  expect(claims.filter(({ rows }) => rows > 2 * page + 10)).toEqual([])
})
