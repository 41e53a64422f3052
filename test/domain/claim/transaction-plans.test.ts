import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { forgetRecipient } from '../../../src/domain/claim/recipients.ts'
import { NotEnoughCodesError } from '../../../src/domain/pool/pool.ts'
import { fill, newFormat, newPool, useBooks } from '../../support/books.ts'
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

test('a claim with a key reads no other keys, even if there were few when the database last counted them', async () => {
  const books = await place.another({ maxConnections: 1 })
  const { accountId } = place
  const poolId = await newPool(place)
  await fill(place, poolId, await newFormat(place), 10n)
  const claims = new Claims(books)
  const claim = (count: number) => claims.claim(accountId, { poolId, count, idempotencyKey: randomUUID() })
  const claimTooMany = () => expect(claim(100)).rejects.toThrow(NotEnoughCodesError)
  await books.connections.query('ALTER TABLE idempotency SET (autovacuum_enabled = off)')
  for (let i = 0; i < 5; i++) await claim(1)
  await books.connections.query('ANALYZE idempotency')
  // So often that a connection would keep the plan of a prepared statement.
  for (let i = 0; i < 10; i++) await claimTooMany()
  await books.connections.query(
    `INSERT INTO idempotency (account_id, operation, key, hash, at)
     SELECT $1, 'claimCodes', 'key ' || n, '', now() FROM generate_series(1, ${many}) n`,
    [accountId],
  )
  const statements = await noteStatements(books)
  await claim(1)
  await claimTooMany()
  const keys = statements.filter(({ text }) => /\bidempotency\b/.test(text))
  expect(keys).not.toEqual([])
  expect(keys.filter(({ rows }) => rows > 10)).toEqual([])
})
