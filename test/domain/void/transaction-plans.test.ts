import { beforeAll, describe, expect, it } from 'vitest'
import type { Select } from '../../../src/domain/void/select.ts'
import { unvoidCodes, voidCodes } from '../../../src/domain/void/void.ts'
import { fill, newFormat, newPool, type Place, useBooks } from '../../support/books.ts'
import { onlyOnOneServer } from '../../support/database.ts'
import { noteStatements, type StatementCost } from '../../support/plans.ts'
import { upload } from '../../support/uploads.ts'

onlyOnOneServer('plans are those of one server')

// Whole transactions, statement by statement, on tables of many rows without statistics: see ../plans.test.ts.
const many = 20_000
const few = 200

const test = useBooks()
let place: Place
let statements: StatementCost[]
/** Of the first `many` claimed codes, each of a claim of its own, a quarter is redeemed and a quarter is void. */
let poolId: string
let formatId: string
let smallTask: string
let uploadId: string

beforeAll(async () => {
  // On one connection, which notes what each statement has read.
  const books = await test.another({ maxConnections: 1 })
  place = { books, accountId: test.accountId }
  const run = (sql: string, ...values: unknown[]) =>
    books.connections.query(sql, [place.accountId, ...values])
  for (const table of ['pool', 'pool_usage', 'batch', 'claim', 'redemption', 'code_void', 'task'])
    await books.connections.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`)
  await run(
    `INSERT INTO pool (account_id, id, name)
     SELECT $1, gen_random_uuid(), 'P' || n FROM generate_series(1, ${many}) n`,
  )
  await run(`INSERT INTO pool_usage (account_id, pool_id) SELECT $1, id FROM pool WHERE account_id = $1`)
  poolId = await newPool(place)
  formatId = await newFormat(place)
  await fill(place, poolId, formatId, BigInt(many))
  smallTask = await fill(place, poolId, formatId, 10n)
  uploadId = await upload(place, poolId, ['a', 'b', 'c'])
  const other = await newFormat(place)
  await run(
    `INSERT INTO batch (account_id, pool_id, start, count, format_id, first, task_id)
     SELECT $1, $2, ${many + 13} + n, 1, $3, n, gen_random_uuid() FROM generate_series(0, ${many - 1}) n`,
    poolId,
    other,
  )
  await run(
    `INSERT INTO task (account_id, id, kind, trigger, pool_id, status)
     SELECT $1, gen_random_uuid(), 'GENERATION', 'MANUAL', $2, 'COMPLETED' FROM generate_series(1, ${many}) n`,
    poolId,
  )
  await run(
    `UPDATE pool SET total = ${2 * many + 13}, claimed = ${2 * many} WHERE account_id = $1 AND id = $2`,
    poolId,
  )
  await run(
    `INSERT INTO claim (account_id, pool_id, first, count, recipient, at, nonce)
     SELECT $1, $2, n, 1, 'customer ' || n / 5, now(), 0 FROM generate_series(0, ${2 * many - 1}) n`,
    poolId,
  )
  // In both tables, every other row is one that stands.
  await run(
    `INSERT INTO redemption (account_id, id, pool_id, position, reference, at, version, rolled_back_version)
     SELECT $1, gen_random_uuid(), $2, n / 2 * 4, 'order', now(), n, CASE WHEN n % 2 = 0 THEN n END
     FROM generate_series(0, ${many / 2 - 1}) n`,
    poolId,
  )
  await run(
    `INSERT INTO code_void (account_id, pool_id, first, count, at, version, unvoided_version)
     SELECT $1, $2, n / 2 * 4 + 1, 1, now(), n, CASE WHEN n % 2 = 0 THEN n END
     FROM generate_series(0, ${many / 2 - 1}) n`,
    poolId,
  )
  await run(`UPDATE pool_usage SET version = ${many} WHERE account_id = $1 AND pool_id = $2`, poolId)
  // Until there are statistics, the claims of a recipient are found among those of the account.
  await books.connections.query('ANALYZE claim')
  statements = await noteStatements(books)
}, 60_000)

/** The statements run by `work` that read many rows. */
async function greedy(work: () => Promise<unknown>): Promise<StatementCost[]> {
  statements.length = 0
  await work()
  expect(statements.length).toBeGreaterThan(3)
  return statements.filter(({ rows }) => rows > few)
}

describe('on tables without statistics, voiding and unvoiding read no more rows than they need, for', () => {
  const choices: Record<string, () => Select> = {
    'some codes': () => ({
      codes: Array.from({ length: 10 }, (_, i) => ({ formatId, index: BigInt(many / 2 + i) })),
    }),
    'uploaded codes': () => ({ codes: [0n, 1n, 2n].map((index) => ({ uploadId, index })) }),
    'a claim': () => ({ claim: { poolId, first: BigInt(many / 2 + 11) } }),
    'a task': () => ({ taskId: smallTask }),
    'a recipient in one pool': () => ({ recipient: `customer ${many / 10 + 5}`, poolId }),
    'a recipient in all pools': () => ({ recipient: `customer ${many / 10 + 6}`, poolId: undefined }),
  }
  for (const [what, choice] of Object.entries(choices))
    it(what, async () => {
      const { books, accountId } = place
      const select = choice()
      expect(await greedy(() => voidCodes(books, accountId, { select }))).toEqual([])
      const [middle] = 'codes' in select ? select.codes.slice(5) : []
      if (middle !== undefined)
        expect(await greedy(() => unvoidCodes(books, accountId, { select: { codes: [middle] } }))).toEqual([])
      expect(await greedy(() => unvoidCodes(books, accountId, { select }))).toEqual([])
    })

  describe('a whole pool', () => {
    const wholePool = async (): Promise<Select> => {
      const { books, accountId } = place
      const [all] = await books.rows<{ id: string }>({
        text: 'SELECT task_id AS id FROM batch WHERE account_id = $1 AND pool_id = $2 AND start = 0',
        values: [accountId, poolId],
      })
      return { taskId: all?.id ?? '' }
    }

    it('in small pages', async () => {
      const { books, accountId } = place
      const select = await wholePool()
      const options = { pageSize: few / 2 - 1 }
      expect(await greedy(() => voidCodes(books, accountId, { select }, options))).toEqual([])
      expect(await greedy(() => unvoidCodes(books, accountId, { select }, options))).toEqual([])
    })

    it('in large pages, of which the measurement notices each statement', async () => {
      const { books, accountId } = place
      const select = await wholePool()
      expect(await greedy(() => voidCodes(books, accountId, { select }))).not.toEqual([])
    })
  })
})
