import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { backfillFormat, readUnreadyFormat } from '../../../src/domain/format/backfill.ts'
import { createFormat } from '../../../src/domain/format/create.ts'
import { generateCodes, runGeneration } from '../../../src/domain/generation/generation.ts'
import { addChunk } from '../../../src/domain/upload/add-chunk.ts'
import { clearUpload } from '../../../src/domain/upload/clear.ts'
import { completeUpload, undoUpload } from '../../../src/domain/upload/finish.ts'
import { HeldByEndedUploadError } from '../../../src/domain/upload/known-codes.ts'
import { readNextUpload, readUploadWaits } from '../../../src/domain/upload/queue.ts'
import { newPlace, newPool, type Place, useBooks } from '../../support/books.ts'
import { onlyOnOneServer } from '../../support/database.ts'
import { noteStatements, type StatementCost } from '../../support/plans.ts'
import { addCodes, chunkOf, newCodes, startUpload, upload } from '../../support/uploads.ts'

onlyOnOneServer('plans are those of one server')

// Whole transactions, statement by statement, on tables of many rows without statistics: see ../plans.test.ts.
const many = 20_000
const few = 300
const length = 5

const test = useBooks()
let place: Place
let statements: StatementCost[]
let poolId: string
/** A format with codes that were uploaded later, and one that is not ready, as its codes were uploaded before. */
let ready: { prefix: string; formatId: string }
let unready: { prefix: string; formatId: string }

function codesOf({ prefix }: { prefix: string }, from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, at) => prefix + String(from + at).padStart(length, '0'))
}

async function newFormat(prefix: string): Promise<string> {
  const shape = { prefix, suffix: '', body: { length }, characters: { set: 'DIGITS' as const } }
  return await createFormat(place.books, place.accountId, { name: prefix, shape }, 10)
}

beforeAll(async () => {
  // On one connection, which notes what each statement has read.
  const books = await test.another({ maxConnections: 1 })
  place = { books, accountId: test.accountId }
  const fill = (sql: string, ...values: unknown[]) =>
    books.connections.query(sql, [place.accountId, ...values])
  const tables = ['format', 'batch', 'taken', 'task', 'uploaded_code', 'upload_piece', 'dry_run_code']
  for (const table of [...tables, 'rejected_row'])
    await books.connections.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`)
  poolId = await newPool(place)
  await fill(
    `INSERT INTO format (account_id, id, name, pattern, characters, length, version, key, first_code, capacity)
     SELECT $1, gen_random_uuid(), 'F' || n, '##', '01', 2, 1, '', '00', 4 FROM generate_series(1, ${many}) n`,
  )
  await fill(
    `INSERT INTO task (account_id, id, kind, trigger, pool_id, status)
     SELECT $1, gen_random_uuid(), 'GENERATION', 'MANUAL', $2, 'COMPLETED' FROM generate_series(1, ${many}) n`,
    poolId,
  )
  await fill(
    `INSERT INTO upload_piece (account_id, task_id, number, bytes)
     SELECT $1, gen_random_uuid(), n, '' FROM generate_series(1, ${many}) n`,
  )
  await fill(
    `INSERT INTO dry_run_code (account_id, task_id, code)
     SELECT $1, gen_random_uuid(), 'C-' || n FROM generate_series(1, ${many}) n`,
  )
  await fill(
    `INSERT INTO rejected_row (account_id, task_id, number, code, reason)
     SELECT $1, gen_random_uuid(), n, 'code', 'reason' FROM generate_series(1, ${many}) n`,
  )
  const [later, earlier] = [`${randomUUID()}-`, `${randomUUID()}-`]
  ready = { prefix: later, formatId: await newFormat(later) }
  await upload(place, poolId, codesOf(ready, 0, many))
  await upload(place, poolId, codesOf({ prefix: earlier }, 0, many))
  unready = { prefix: earlier, formatId: await newFormat(earlier) }
  statements = await noteStatements(books)
}, 60_000)

/** The statements run by `work` that read many rows. */
async function greedy(work: () => Promise<unknown>): Promise<StatementCost[]> {
  statements.length = 0
  await work()
  expect(statements.length).toBeGreaterThan(0)
  return statements.filter(({ rows }) => rows > few)
}

/** Codes of both formats and of none: new ones, and some that exist already. */
function someCodes(from: number): string[] {
  return [ready, unready].flatMap((format) => codesOf(format, from, from + 3)).concat(newCodes(3))
}

describe('on tables without statistics, no statement reads more rows than it needs', () => {
  it('when codes are added, completed, undone and cleared away', async () => {
    const own = { accountId: place.accountId, taskId: await startUpload(place, poolId) }
    expect(await greedy(() => addCodes(place, own.taskId, someCodes(many)))).toEqual([])
    const again = someCodes(many - 1)
    expect(await greedy(() => addCodes(place, own.taskId, again, { from: 9n }))).toEqual([])
    expect(await greedy(() => completeUpload(place.books, own))).toEqual([])
    expect(await greedy(() => undoUpload(place.books, place.accountId, own.taskId))).toEqual([])
    expect(await greedy(() => clearUpload(place.books, own, 10))).toEqual([])
    expect(await greedy(() => clearUpload(place.books, own, 10))).toEqual([])
  })

  it('in a dry run', async () => {
    const taskId = await startUpload(place, poolId, { dryRun: true })
    expect(await greedy(() => addCodes(place, taskId, someCodes(many + 100)))).toEqual([])
    expect(await greedy(() => addCodes(place, taskId, someCodes(many - 1), { from: 9n }))).toEqual([])
  })

  it('when a worker reads the queue', async () => {
    const taskId = await startUpload(place, poolId)
    const { accountId, books } = place
    expect(await greedy(() => readNextUpload(books, accountId))).toEqual([])
    expect(await greedy(() => readUploadWaits(books, accountId, [taskId]))).toEqual([])
  })

  it('when codes are held by an upload that was undone', async () => {
    const { accountId, books } = place
    const codes = newCodes(3)
    await undoUpload(books, accountId, await upload(place, poolId, codes))
    const taskId = await startUpload(place, poolId)
    const chunk = chunkOf(codes, 0n)
    const adding = () => addChunk(books, { accountId, taskId }, 0n, chunk, { waits: true })
    expect(await greedy(() => expect(adding()).rejects.toThrow(HeldByEndedUploadError))).toEqual([])
  })

  it('when a format is backfilled, step by step', async () => {
    const { accountId, books } = place
    const { formatId } = unready
    expect(await greedy(() => readUnreadyFormat(books, accountId))).toEqual([])
    for (let step = 0; step < 3; step++)
      expect(await greedy(() => backfillFormat(books, { accountId, formatId }, 200))).toEqual([])
  })

  it('when a claim refills from a format, ready or not', async () => {
    const claims = new Claims(place.books)
    for (const { formatId } of [ready, unready]) {
      const settings = { formatId, quantity: 10n, autoGenerate: true }
      const claimed = await newPool(place, settings)
      expect(await greedy(() => claims.claim(place.accountId, { poolId: claimed, count: 15 }))).toEqual([])
    }
  })

  it('when a generation skips uploaded codes', async () => {
    const { accountId, books } = place
    const quantity = { poolId, formatId: ready.formatId, quantity: 10n }
    const taskId = await generateCodes(books, accountId, quantity)
    expect(await greedy(() => runGeneration(books, { accountId, taskId }))).toEqual([])
  })

  it('when the planner knows only codes of other accounts', async () => {
    const { books } = place
    await books.connections.query('ANALYZE uploaded_code')
    for (const caseSensitive of [false, true]) {
      const own = await newPlace({ books })
      const ownPool = await newPool(own)
      const codes = newCodes(1_000)
      await upload(own, ownPool, codes, { caseSensitive })
      const again = await startUpload(own, ownPool, { caseSensitive })
      expect(await greedy(() => addCodes(own, again, codes.slice(-10)))).toEqual([])
    }
  })

  it('and the test would notice a statement that reads all rows', async () => {
    const scan = { text: 'SELECT count(*) FROM taken WHERE account_id = $1', values: [place.accountId] }
    expect(await greedy(() => place.books.rows(scan))).toMatchObject([{ text: scan.text }])
  })
})
