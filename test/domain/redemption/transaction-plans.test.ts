import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { readClaimedCodes } from '../../../src/domain/code/claimed-codes.ts'
import type { Code } from '../../../src/domain/code/code.ts'
import type { Redeemed, Redemptions } from '../../../src/domain/redemption/redeem.ts'
import { rollBackRedemption } from '../../../src/domain/redemption/roll-back.ts'
import { type Place, useBooks } from '../../support/books.ts'
import { onlyOnOneServer } from '../../support/database.ts'
import { noteStatements, type StatementCost } from '../../support/plans.ts'
import { newClaimed, redemptionsOn, voidCode } from '../../support/redemptions.ts'

onlyOnOneServer('plans are those of one server')

// Whole transactions, statement by statement. Their statements were prepared while the tables were nearly empty, and known to
// be. Since then the tables have grown, and nobody has analyzed them.
const many = 20_000
const few = 30

const test = useBooks()
const key = randomUUID()
let place: Place
let redemptions: Redemptions
let statements: StatementCost[]
/** Claimed codes of a pool without voids, and of one with many. */
let sound: Code[]
let leaky: Code[]

function redeem(code: Code, reference: string): Promise<Redeemed> {
  return redemptions.redeem(place.accountId, key, { code: code.code, reference })
}

/** Everything that is done with codes: they are redeemed, and again, and rolled back. */
async function use(codes: readonly Code[]): Promise<void> {
  const made = await Promise.all(codes.map((code) => redeem(code, 'order 1')))
  const [code] = codes
  const [first] = made
  if (code === undefined || first === undefined) throw new Error('There are no codes.')
  expect(await redeem(code, 'order 1')).toMatchObject({ alreadyRedeemed: true })
  await expect(redeem(code, 'order 2')).rejects.toMatchObject({ code: 'CODE_REDEEMED' })
  await rollBackRedemption(place.books, place.accountId, first.redemption.id)
  await rollBackRedemption(place.books, place.accountId, first.redemption.id)
  await readClaimedCodes(
    place.books,
    place.accountId,
    made.map(({ redemption }) => redemption),
  )
}

beforeAll(async () => {
  // On one connection, which notes what each statement has read.
  const books = await test.another({ maxConnections: 1 })
  place = { books, accountId: test.accountId }
  redemptions = redemptionsOn(books)
  const tables = ['redemption', 'redemption_count', 'code_void']
  for (const table of tables)
    await books.connections.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`)
  sound = (await newClaimed(place, { count: 200 })).codes
  leaky = (await newClaimed(place, { count: 200 })).codes
  const poolIds = [sound[0]?.poolId, leaky[0]?.poolId]
  await books.write(place.accountId, (tx) => voidCode(tx, leaky.at(-1) as Code, 'leaked'))
  for (const table of tables) await books.connections.query(`VACUUM ANALYZE ${table}`)
  // A plan is kept from the sixth time on.
  for (let time = 0; time < 8; time++)
    for (const codes of [sound, leaky]) await use(codes.slice(10 * time, 10 * time + 10))
  await books.connections.query(
    `INSERT INTO redemption (account_id, id, pool_id, position, reference, at, version)
     SELECT $1, gen_random_uuid(), pool_id, ${many} + n, 'n', now(), 1
     FROM generate_series(1, ${many}) n, unnest($2::uuid[]) AS pool_id`,
    [place.accountId, poolIds],
  )
  await books.connections.query(
    `INSERT INTO code_void (account_id, pool_id, first, count, at, version)
     SELECT $1, $2, ${many} + 2 * n, 1, now(), 1 FROM generate_series(1, ${many}) n`,
    [place.accountId, leaky[0]?.poolId],
  )
  await books.connections.query(
    `INSERT INTO redemption_count (account_id, pool_id, quarter, count)
     SELECT $1, pool_id, '2000-01-01'::timestamptz + n * interval '15 minutes', 1
     FROM generate_series(1, ${many}) n, unnest($2::uuid[]) AS pool_id`,
    [place.accountId, poolIds],
  )
  statements = await noteStatements(books)
}, 60_000)

describe('in tables that have grown, no statement reads more rows than it needs', () => {
  it.each([
    ['when codes are redeemed in a pool without voids', () => sound],
    ['when codes are redeemed in a pool with voids', () => leaky],
  ])('%s, and rolled back', async (_what, codes) => {
    statements.length = 0
    // All are looked up by one statement.
    await use(codes().slice(100, 103))
    expect(statements.length).toBeGreaterThan(8)
    expect(statements.filter(({ rows }) => rows > few)).toEqual([])
  })
})
