import type { PoolClient } from 'pg'
import { v7 as newId } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Queryable, Statement } from '../../src/database/transaction.ts'
import type { Books, BookTransaction } from '../../src/domain/books/books.ts'
import { readEventsAfter, readWantedEvents } from '../../src/domain/books/event-log.ts'
import { findKeys, forgetKeys } from '../../src/domain/books/idempotency.ts'
import { readFormatsFrom } from '../../src/domain/books/known-formats.ts'
import { listIds } from '../../src/domain/books/listing.ts'
import { readQueue } from '../../src/domain/books/queue.ts'
import { listClaims, listClaimsOf, readNewest } from '../../src/domain/claim/recipients.ts'
import { findClaimed, readClaimedCodes } from '../../src/domain/code/claimed-codes.ts'
import { BatchReader } from '../../src/domain/code/code.ts'
import { findCodes } from '../../src/domain/code/find-codes.ts'
import { HolesAhead } from '../../src/domain/code/holes.ts'
import { readUnreadyFormat } from '../../src/domain/format/backfill.ts'
import { readFormat } from '../../src/domain/format/format.ts'
import { readQueuedGenerations } from '../../src/domain/generation/generation.ts'
import { readTask, readTaskInLog } from '../../src/domain/generation/task.ts'
import { findPlace, readBatches } from '../../src/domain/pool/batch.ts'
import { readClaim, readClaimPages, readClaims } from '../../src/domain/pool/claim-rows.ts'
import { findPoolByExternalId, readPool, readPools } from '../../src/domain/pool/pool.ts'
import { isCurrent, rangesOfTask, readSnapshot } from '../../src/domain/pool/snapshot.ts'
import { readRedemptions, redemptionsFor, redemptionsOfPool } from '../../src/domain/redemption/redemption.ts'
import { readAddedCodes } from '../../src/domain/stock/added-codes.ts'
import { readBeginnings } from '../../src/domain/upload/beginning.ts'
import { readNextUpload } from '../../src/domain/upload/queue.ts'
import { listRejectedRows, readRejectedRows } from '../../src/domain/upload/rejected-rows.ts'
import { readPastUsage } from '../../src/domain/usage/past-usage.ts'
import { readUsage } from '../../src/domain/usage/usage.ts'
import { findPending, findSending } from '../../src/domain/webhook/deliver.ts'
import { onlyOnOneServer, type TestDatabase, testDatabase } from '../support/database.ts'
import { type Plan, reportPlans, rowsRead } from '../support/plans.ts'

onlyOnOneServer('plans are those of one server')

// A table that has just been filled has no statistics, so the planner guesses, and may choose to read all rows of an account.
// What is measured here is how many rows are read, in large tables.
const many = 20_000
const few = 30

const accountId = newId()
/** It has nearly all webhooks. */
const otherAccountId = newId()
const poolId = newId()
/**
 * Of the first half, every third code is redeemed. Those between, as those of the other half, were made void and good
 * again, twice.
 */
const unvoidedPoolId = newId()
const formatId = newId()
const taskId = newId()
const redemptionId = newId()
const uploadId = newId()
const half = BigInt(many / 2)
// A format in which every other index is taken.
const amongHoles = BigInt(many) + 20_000n

let database: TestDatabase
/** A connection with plans that were made while the tables were empty. */
let early: PoolClient
let rowsReadEarly = 0

beforeAll(async () => {
  database = await testDatabase()
  const tables = [
    'pool',
    'format',
    'batch',
    'claim',
    'taken',
    'idempotency',
    'queue',
    'event',
    'webhook',
    'task',
    'uploaded_code',
    'rejected_row',
    'redemption',
    'code_void',
  ]
  for (const table of tables)
    await database.connections.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`)
  await planEarly()
  const fill = (sql: string, ...values: unknown[]) => database.connections.query(sql, [accountId, ...values])
  await fill(`INSERT INTO account (id, name) VALUES ($1, 'Many')`)
  await fill(`INSERT INTO catalog (account_id) VALUES ($1)`)
  await fill(`INSERT INTO event_log (account_id, log, last) VALUES ($1, gen_random_uuid(), ${many})`)
  await fill(
    `INSERT INTO format (account_id, id, name, pattern, characters, length, version, key, first_code, capacity)
     SELECT $1, CASE n WHEN 1 THEN $2::uuid ELSE gen_random_uuid() END, 'F' || n, '##', '01', 2, 1, '', '00', 4
     FROM generate_series(1, ${many}) n`,
    formatId,
  )
  await fill(
    `INSERT INTO pool (account_id, id, name, external_id)
     SELECT $1, CASE n WHEN 1 THEN $2::uuid ELSE gen_random_uuid() END, 'P' || n, 'E' || n
     FROM generate_series(1, ${many}) n`,
    poolId,
  )
  await fill(
    `INSERT INTO task (account_id, id, kind, trigger, pool_id, status)
     SELECT $1, CASE n WHEN 1 THEN $3::uuid ELSE gen_random_uuid() END, 'GENERATION', 'MANUAL', $2, 'COMPLETED'
     FROM generate_series(1, ${many}) n`,
    poolId,
    taskId,
  )
  await fill(
    `INSERT INTO batch (account_id, pool_id, start, count, format_id, first, task_id)
     SELECT $1, $2, n, 1, $3, n, $4 FROM generate_series(0, ${many - 1}) n`,
    poolId,
    formatId,
    taskId,
  )
  await fill(
    `INSERT INTO batch (account_id, pool_id, start, count, format_id, first, holes, task_id)
     SELECT $1, $2, ${3 * many} + n, 10, $3, ${many} + 20 * n, 10, $4 FROM generate_series(0, ${many - 1}) n`,
    poolId,
    formatId,
    taskId,
  )
  await fill(
    `INSERT INTO taken (account_id, format_id, index)
     SELECT $1, $2, ${many} + 2 * n FROM generate_series(0, ${10 * many - 1}) n`,
    formatId,
  )
  await fill('UPDATE format SET next = $3 WHERE account_id = $1 AND id = $2', formatId, amongHoles + 20n)
  await fill(
    `INSERT INTO batch (account_id, pool_id, start, count, task_id)
     SELECT $1, $2, ${many} + n, 1, CASE n WHEN 1 THEN $3::uuid ELSE gen_random_uuid() END
     FROM generate_series(1, ${many}) n`,
    poolId,
    uploadId,
  )
  await fill(
    `INSERT INTO claim (account_id, pool_id, first, count, recipient, at, nonce)
     SELECT $1, $2, n, 1, CASE n % 2 WHEN 0 THEN 'Everybody' ELSE 'Customer ' || n END, now(), n
     FROM generate_series(0, ${many - 1}) n`,
    poolId,
  )
  await fill('UPDATE pool SET claimed = $3 WHERE account_id = $1 AND id = $2', poolId, many)
  // Every other one has been rolled back or unvoided.
  await fill(
    `INSERT INTO redemption (account_id, id, pool_id, position, reference, at, version, rolled_back_version)
     SELECT $1, CASE n WHEN 1 THEN $3::uuid ELSE gen_random_uuid() END, $2, n / 2, 'order', now(), n,
       CASE WHEN n % 2 = 0 THEN n END
     FROM generate_series(0, ${2 * many - 1}) n`,
    poolId,
    redemptionId,
  )
  await fill(
    `INSERT INTO code_void (account_id, pool_id, first, count, at, version, unvoided_version)
     SELECT $1, $2, n / 2 * 2, 1, now(), n, CASE WHEN n % 2 = 0 THEN n END FROM generate_series(0, ${2 * many - 1}) n`,
    poolId,
  )
  await fill(
    `INSERT INTO redemption (account_id, id, pool_id, position, reference, at, version)
     SELECT $1, gen_random_uuid(), $2, 3 * n, 'earlier order', now(), 0 FROM generate_series(0, ${many - 1}) n`,
    unvoidedPoolId,
  )
  await fill(
    `INSERT INTO code_void (account_id, pool_id, first, count, at, version, unvoided_version)
     SELECT $1, $2, 3 * n + 1, size, now(), version, version + 1
     FROM generate_series(0, ${2 * many - 1}) n, (VALUES (2, 1), (1, 3)) AS void (size, version)`,
    unvoidedPoolId,
  )
  await fill(
    `INSERT INTO rejected_row (account_id, task_id, number, code, reason)
     SELECT $1, CASE WHEN n <= 10 THEN $2::uuid ELSE gen_random_uuid() END, n, 'code', 'reason'
     FROM generate_series(1, ${many}) n`,
    uploadId,
  )
  await fill(
    `INSERT INTO task (account_id, id, kind, trigger, pool_id, status)
     SELECT $1, $3, 'UPLOAD', 'MANUAL', $2, 'COMPLETED'`,
    poolId,
    uploadId,
  )
  await fill(
    `INSERT INTO idempotency (account_id, operation, key, hash, at)
     SELECT $1, 'claimCodes', 'key ' || n, '', now() FROM generate_series(1, ${many}) n`,
  )
  await fill(
    `INSERT INTO queue (account_id, kind, since, nonce)
     SELECT CASE n WHEN 1 THEN $1 ELSE gen_random_uuid() END, CASE n WHEN 1 THEN 'UPLOADS' ELSE 'FORMATS' END::queue_kind, now(), n
     FROM generate_series(1, ${many}) n`,
  )
  await fill(
    `INSERT INTO event (account_id, sequence, pool_id, kind, payload, at)
     SELECT $1, n, $2, 'POOL_EMPTY', '{}', now() FROM generate_series(1, ${many}) n`,
    poolId,
  )
  await database.connections.query(
    `WITH other AS (INSERT INTO account (id, name) VALUES ($1, 'Others') RETURNING id)
     INSERT INTO event_log (account_id, log, last) SELECT id, gen_random_uuid(), 1 FROM other`,
    [otherAccountId],
  )
  await fill(
    `INSERT INTO webhook (account_id, id, url, log, sequence, created_at)
     SELECT CASE n WHEN 1 THEN $1::uuid ELSE $2::uuid END, gen_random_uuid(), '', gen_random_uuid(), 0, now()
     FROM generate_series(1, ${many}) n`,
    otherAccountId,
  )
  await fill(
    `INSERT INTO uploaded_code (account_id, task_id, row, code, typed)
     SELECT $1, $2, n, 'C-' || n, 'C' || n FROM generate_series(0, ${many - 1}) n`,
    uploadId,
  )
  await fill(
    `INSERT INTO uploaded_code (account_id, task_id, row, code, typed)
     SELECT $1, $2, ${many} + n, 'W' || translate(n::bit(15)::text, '1', 'O'), 'W' || repeat('0', 15)
     FROM generate_series(0, ${many - 1}) n`,
    uploadId,
  )
})

afterAll(async () => {
  early.release()
  await database.close()
})

/** Has the frequent statements planned, for as long as the connection lives or until the statistics of a table change. */
async function planEarly(): Promise<void> {
  await database.connections.query('VACUUM ANALYZE')
  early = await database.connections.connect()
  await early.query('SET plan_cache_mode = force_generic_plan')
  const planned = new Error('It finds nothing yet.')
  const planner: Queryable = {
    async rows(statement: Statement) {
      await early.query(statement)
      throw planned
    },
  }
  for (const read of Object.values(frequent)) await expect(read(planner)).rejects.toBe(planned)
  await reportPlans(early, ({ rows }) => {
    rowsReadEarly += rows
  })
}

/** Runs something that reads the books. Resolves to how many rows its statements have read. */
async function reading(read: (books: Queryable) => Promise<unknown>): Promise<number> {
  let sum = 0
  const books: Queryable = {
    async rows({ text, values = [] }: Statement) {
      const explained = await database.connections.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
        `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
        values,
      )
      const plan = explained.rows[0]?.['QUERY PLAN'][0].Plan
      if (plan === undefined) throw new Error('There is no plan.')
      sum += rowsRead(plan)
      return (await database.connections.query(text, values)).rows
    },
  }
  await read(books)
  return sum
}

/** What is read often. Its plans are kept, so they must be good ones whenever they were made. */
const frequent: Record<string, (books: Queryable) => Promise<unknown>> = {
  'the pool': (books) => readPool(books, accountId, poolId),
  'the format': (books) => readFormat(books, accountId, formatId),
  'the task': (books) => readTask(books, accountId, taskId),
  'the newest claims of recipients': async (books) => {
    const tx = Object.assign(books, { accountId }) as BookTransaction
    const newest = await readNewest(tx, poolId, ['Everybody', 'Customer 7', 'Nobody'])
    expect(newest.map(({ first }) => first)).toEqual([BigInt(many - 2), 7n])
  },
  'where the codes of a task are now': async (books) => {
    const added = await readAddedCodes(books, accountId, [uploadId])
    expect(added).toEqual([{ available: 1n, claimed: 0n, withdrawn: 0n }])
  },
  'the batch of a position': (books) => readBatches(books, accountId, poolId, half, half + 1n),
  'the holes of a batch': async (books) => {
    const batch = { formatId, start: 0n, count: 10n, first: amongHoles, holes: 10 }
    const reader = new BatchReader(books as Books, accountId, batch)
    expect((await reader.indices(0n, 2)).passed).toEqual([1])
  },
  'the holes of a batch, and of those behind it': async (books) => {
    const batch = { formatId, start: 0n, count: 10n, first: amongHoles, holes: 10 }
    const [holes = []] = await new HolesAhead(books).read(accountId, [batch])
    expect(holes.map((index) => index - amongHoles)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18].map(BigInt))
  },
  'redemptions, of which one does not exist': async (books) =>
    expect(await readRedemptions(books, accountId, [newId(), redemptionId])).toMatchObject([
      { id: redemptionId },
    ]),
  'the position of a code': (books) => findPlace(books, accountId, { formatId, index: half }),
  'the position of a code among holes': async (books) => {
    const found = await findPlace(books, accountId, { formatId, index: amongHoles + 1n })
    expect(found?.position).toBe(3n * BigInt(many) + 1_000n)
  },
  'that a hole has no position': async (books) => {
    expect(await findPlace(books, accountId, { formatId, index: amongHoles })).toBeUndefined()
  },
  'the position of an uploaded code': (books) => findPlace(books, accountId, { uploadId, index: half }),
  'the claim of a position': (books) => readClaims(books, accountId, poolId, half, half + 1n),
  'what has become of codes': async (books) => {
    const positions = [half, half + 1n]
    const found = await readUsage(
      books,
      accountId,
      positions.map((position) => ({ poolId, position })),
    )
    expect(found.map((usage) => usage.redemption?.position)).toEqual(positions)
    expect(found.map((usage) => usage.void !== undefined)).toEqual([true, false])
  },
  'claimed codes, by where they are': async (books) => {
    const found = await findClaimed(books, accountId, [
      { poolId, position: half },
      { poolId, position: half + 1n },
    ])
    expect(found.map(({ claim }) => claim.first)).toEqual([half, half + 1n])
  },
  'what a typed text may stand for': async (books) => {
    const generated = [{ code: { formatId, index: half, code: '' } }]
    const found = await findCodes(books, accountId, [
      { text: 'C-7', generated },
      {
        text: 'none',
        generated: [amongHoles, amongHoles + 1n].map((index) => ({
          code: { formatId, index, code: '' },
        })),
      },
    ])
    // One of them is itself a hole.
    expect(found.generated.size).toBe(2)
    expect(found.uploaded.get('C7')?.size).toBe(1)
  },
  'what a text with punctuation may stand for': async (books) => {
    const found = await findCodes(books, accountId, [{ text: '“c8”', generated: [] }])
    expect(found.uploaded.get('C8')?.size).toBe(1)
  },
}

describe('on tables without statistics, a statement reads no more rows than it needs', () => {
  const statements: Record<string, (books: Queryable) => Promise<unknown>> = {
    'the pool with an external id': async (books) =>
      expect(await findPoolByExternalId(books, accountId, 'E1')).toBe(poolId),
    'the task in the log': (books) => readTaskInLog(books, accountId, taskId),
    'a page of batches': (books) => readBatches(books, accountId, poolId, half, { limit: 10 }),
    'a page of claims': (books) =>
      readClaimPages(books, accountId, poolId, { from: half, to: BigInt(many), limit: 10 }).next(),
    'what had become of a page of codes': async (books) => {
      const page = { usage: 2n * BigInt(many), from: half, to: BigInt(many), limit: 3 }
      const { redemptions, voids, until } = await readPastUsage(books, accountId, poolId, page)
      expect([redemptions.length, voids.length, until]).toEqual([3, 4, half + 3n])
    },
    ...Object.fromEntries(
      // What is void at each version, of the two codes between two that are redeemed.
      [2n, 0n, 1n, 0n].map((size, i) => [
        `what had become of codes at version ${i + 1}, when thousands of voids have ended`,
        async (books: Queryable) => {
          const page = { usage: BigInt(i + 1), from: 3n * half, to: 3n * BigInt(many), limit: 3 }
          const { redemptions, voids, until } = await readPastUsage(books, accountId, unvoidedPoolId, page)
          expect(redemptions.map(({ position }) => position)).toEqual([0n, 3n, 6n].map((n) => page.from + n))
          expect(until).toBe(page.from + 7n)
          const inPage = voids.filter(({ first }) => first < until).map(({ first, end }) => [first, end])
          const expected = size === 0n ? [] : [1n, 4n].map((n) => [page.from + n, page.from + n + size])
          expect(inPage).toEqual(expected)
        },
      ]),
    ),
    'what had become of codes of which none is redeemed, when thousands of voids have ended': async (
      books,
    ) => {
      const page = { usage: 4n, from: 3n * BigInt(many), to: 6n * BigInt(many), limit: 3 }
      const read = await readPastUsage(books, accountId, unvoidedPoolId, page)
      expect(read).toEqual({ redemptions: [], voids: [], until: page.to })
    },
    'codes by their positions': async (books) => {
      const read = readClaimedCodes(books as Books, accountId, [{ poolId, position: half }])
      await expect(read).rejects.toThrow()
    },
    'the newest claims of a pool': async (books) => {
      const slice = { after: half, before: undefined, limit: 10, fromOldest: false }
      expect(await listClaims(books, accountId, poolId, slice)).toHaveLength(10)
    },
    'the oldest claims of a pool': async (books) => {
      const slice = { after: undefined, before: half, limit: 10, fromOldest: true }
      expect(await listClaims(books, accountId, poolId, slice)).toHaveLength(10)
    },
    'a recipient of one claim': async (books) => {
      const slice = { after: undefined, before: undefined, limit: 5, fromOldest: false }
      const claims = await listClaimsOf(books, accountId, { recipient: 'Customer 7' }, slice)
      expect(claims).toMatchObject([{ first: 7n }])
    },
    'a recipient of many claims': async (books) => {
      const slice = { after: undefined, before: undefined, limit: 5, fromOldest: false }
      for (const fromOldest of [true, false]) {
        const claims = await listClaimsOf(
          books,
          accountId,
          { recipient: 'Everybody' },
          { ...slice, fromOldest },
        )
        expect(claims).toHaveLength(5)
      }
    },
    'a page of the claims of a recipient': async (books) => {
      const after = await readClaim(books, accountId, { poolId, first: half })
      const slice = { after, before: undefined, limit: 5, fromOldest: false }
      const claims = await listClaimsOf(books, accountId, { recipient: 'Everybody' }, slice)
      expect(claims[0]?.first).toBe(half - 2n)
    },
    'the snapshot of a line': (books) =>
      readSnapshot({ ...books, now: () => new Date() }, accountId, poolId, 'ALL'),
    'whether a snapshot is current': (books) =>
      isCurrent(books, accountId, poolId, {
        claimed: 0n,
        total: half,
        withdrawn: 0n,
        lineVersion: 0n,
        usage: 0n,
        at: new Date(),
      }),
    'where the codes of a task are': (books) => rangesOfTask(books, accountId, poolId, uploadId),
    'the rejected rows of an upload': async (books) => {
      for await (const page of (await readRejectedRows(books, accountId, uploadId)) ?? [])
        expect(page.length).toBe(10)
    },
    'the last rejected rows of an upload': async (books) => {
      const slice = { before: '9', limit: 5, fromEnd: true }
      expect(await listRejectedRows(books, accountId, uploadId, slice)).toHaveLength(5)
    },
    'how the file of an upload begins': (books) => readBeginnings(books, accountId, [uploadId]),
    ...frequent,
    ...Object.fromEntries(
      Object.entries({
        'of a pool': redemptionsOfPool(poolId),
        'of a pool without any': redemptionsOfPool(newId()),
        'for a reference': redemptionsFor('order'),
        'for a reference that none has': redemptionsFor('another order'),
      }).map(([which, filter]) => [
        `a page of redemptions ${which}`,
        (books: Queryable) => listIds(books, accountId, filter, { limit: 10, fromOldest: false }),
      ]),
    ),
    'the uses of keys': (books) =>
      findKeys(Object.assign(books, { accountId }) as BookTransaction, 'claimCodes', [
        'key 7',
        'key 8',
        'new',
      ]),
    'the keys to forget': (books) => {
      const execute = async (statement: Statement) => (await books.rows(statement)).length
      return forgetKeys(Object.assign(books, { accountId, execute }) as BookTransaction, new Date(), few / 3)
    },
    'the newest formats': async (books) => {
      const newest = { text: 'SELECT id FROM format WHERE account_id = $1 ORDER BY id DESC LIMIT 1' }
      const [row] = await books.rows<{ id: string }>({ ...newest, values: [accountId] })
      const formats = await readFormatsFrom(books, accountId, row?.id ?? '')
      expect(formats).toHaveLength(1)
    },
    'the accounts in the queue': async (books) => {
      const first = await readQueue(books, 'UPLOADS').next()
      expect(first.value).toMatchObject([{ accountId }])
    },
    'the generations of an account in the queue': (books) => readQueuedGenerations(books, accountId, 100),
    'the format of an account in the queue': (books) => readUnreadyFormat(books, accountId),
    'the upload of an account in the queue': (books) => readNextUpload(books, accountId),
    'the next events': (books) => readEventsAfter(books, accountId, half, 10),
    'the next events that a webhook wants': async (books) => {
      const wanted = {
        sequence: half,
        kinds: ['POOL_EMPTY' as const],
        poolId,
        maxLookedAt: 10_000,
        limit: 10,
      }
      expect((await readWantedEvents(books, accountId, wanted)).events).toHaveLength(10)
    },
    'the webhooks of accounts': async (books) => {
      const courier = { id: newId(), now: new Date() }
      expect(await findPending(books, [accountId, newId()], courier)).toHaveLength(1)
      expect(await findSending(books, [accountId, newId()])).toEqual(new Set([accountId]))
    },
  }
  for (const [what, read] of Object.entries(statements))
    it(what, async () => {
      expect(await reading(read)).toBeLessThan(few)
    })

  for (const [what, read] of Object.entries(frequent))
    it(`${what}, also with a plan from when the tables were empty`, async () => {
      rowsReadEarly = 0
      await read({ rows: async (statement: Statement) => (await early.query(statement)).rows })
      expect(rowsReadEarly).toBeLessThan(few)
      expect(rowsReadEarly).toBeGreaterThan(0)
    })

  it('also for a typed text when all codes look alike', async () => {
    const read = async (books: Queryable) => {
      const found = await findCodes(books, accountId, [{ text: 'w0o0o0o0oo0o0o0o', generated: [] }])
      expect(found.uploaded.get(`W${'0'.repeat(15)}`)?.has('W0O0O0O0OO0O0O0O')).toBe(true)
    }
    // As many of them as are looked at, and for each whether it is in a pool.
    expect(await reading(read)).toBeLessThan(300)
  })

  it('and plans of frequent statements are kept, however many codes, texts or ids a statement is about', async () => {
    await database.connections.query('ANALYZE')
    const client = await database.connections.connect()
    const books: Queryable = { rows: async (statement: Statement) => (await client.query(statement)).rows }
    const small = newId()
    for (let i = 0; i < 7; i++) {
      // Of a pool that has much less in it than others.
      await readBatches(books, accountId, small, 0n, 1n)
      await readClaims(books, accountId, small, 0n, 1n)
    }
    for (const size of [1, 1, 1, 1, 1, 1, 40]) {
      for (const read of Object.values(frequent)) await read(books)
      const texts = Array.from({ length: size }, (_, n) => ({
        text: `C-${n}`,
        generated: [{ code: { formatId, index: BigInt(n), code: '' } }],
      }))
      await findCodes(books, accountId, texts)
      await readPools(
        books,
        accountId,
        Array.from({ length: size }, () => newId()),
      )
    }
    const { rows } = await client.query<{ name: string; custom: number; generic: number }>(`
      SELECT name, custom_plans::integer AS custom, generic_plans::integer AS generic FROM pg_prepared_statements`)
    client.release()
    expect(rows.map(({ name }) => name).sort()).toEqual([
      'find-claimed-codes',
      'find-codes',
      'find-generated-place',
      'find-uploaded-place',
      'newest-claims-of',
      'read-added-codes',
      'read-batches',
      'read-claims',
      'read-formats',
      'read-holes',
      'read-pools',
      'read-redemptions',
      'read-tasks',
      'read-usage',
    ])
    // PostgreSQL tries a plan for the values five times.
    expect(rows.filter(({ custom, generic }) => custom !== 5 || generic === 0)).toEqual([])
  })

  it('and the measurement notices a statement that reads them all', async () => {
    const scan = { text: 'SELECT 1 FROM claim WHERE account_id = $1 AND nonce = 7', values: [accountId] }
    expect(await reading((books) => books.rows(scan))).toBeGreaterThanOrEqual(many)
  })
})
