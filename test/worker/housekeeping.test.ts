import { v7 as newId } from 'uuid'
import { expect, it, vi } from 'vitest'
import { createApiKey, hashOfSecret } from '../../src/domain/account/account.ts'
import { findSessions } from '../../src/domain/account/sessions.ts'
import { CursorExpiredError, RejectedRowsForgottenError } from '../../src/domain/books/errors.ts'
import { readEventsAfter, readLog } from '../../src/domain/books/event-log.ts'
import { readRejectedRows } from '../../src/domain/upload/rejected-rows.ts'
import { facts } from '../../src/telemetry/facts.ts'
import { Housekeeping } from '../../src/worker/housekeeping.ts'
import { expectBalance } from '../support/audit.ts'
import { newAccount, newPool, openBooks, silent, type TestBooks } from '../support/books.ts'
import { onlyOnOneServer, runSql, sessionsThatWait, testDatabase } from '../support/database.ts'
import { startService } from '../support/service.ts'
import { addCodes, clearAway, startUpload, upload } from '../support/uploads.ts'
import { happen, newWebhook } from '../support/webhooks.ts'

const dayMs = 24 * 60 * 60 * 1_000

/** Housekeeping that keeps events and rejected rows for thirty days. */
function keepHouse({ books }: TestBooks): Housekeeping & AsyncDisposable {
  const kept = { eventsAreKeptMs: 30 * dayMs, rejectedRowsAreKeptMs: 30 * dayMs }
  const housekeeping = new Housekeeping(books, silent, kept)
  return Object.assign(housekeeping, { [Symbol.asyncDispose]: () => housekeeping.close() })
}

it('removes any number of idempotency keys after two days, and no others', async () => {
  await using test = await openBooks()
  const { books, accountId } = test
  const other = await newAccount(books)
  const use = (account: string, name: string, at: string, count: number) =>
    books.rows({
      text: `
        INSERT INTO idempotency (account_id, operation, key, hash, at)
        SELECT $1, 'claimCodes', $2 || n, '', now() - $3::interval FROM generate_series(1, $4::int) n`,
      values: [account, name, at, count],
    })
  await use(accountId, 'old', '49 hours', 12_000)
  await use(accountId, 'young', '47 hours', 3)
  await use(other, 'old', '49 hours', 1)
  await use(other, 'young', '47 hours', 1)
  await using _service = await startService({ databaseUrl: test.databaseUrl })
  const left = async () =>
    await books.rows({
      text: 'SELECT account_id = $1 AS own, array_agg(key ORDER BY key) AS keys FROM idempotency GROUP BY 1 ORDER BY 1',
      values: [accountId],
    })
  await expect.poll(left).toEqual([
    { own: false, keys: ['young1'] },
    { own: true, keys: ['young1', 'young2', 'young3'] },
  ])
})

it('removes any number of events after thirty days, and leaves no gap among the others', async () => {
  await using test = await openBooks()
  const { books, accountId } = test
  const happen = (count: number, at: string) =>
    books.rows({
      text: `
        WITH log AS (UPDATE event_log SET last = last + $2 WHERE account_id = $1 RETURNING last)
        INSERT INTO event (account_id, sequence, pool_id, kind, payload, at)
        SELECT $1, last - $2 + n, gen_random_uuid(), 'POOL_LOW', '{"available":"1"}', now() - $3::interval
        FROM log, generate_series(1, $2) n`,
      values: [accountId, count, at],
    })
  await happen(12_000, '31 days')
  await happen(2, '29 days')
  // Recorded after newer ones, by a wrong clock: it is kept as long as they are.
  await happen(1, '40 days')
  await happen(3, '1 hour')
  await using _service = await startService({ databaseUrl: test.databaseUrl })
  await expect.poll(() => readLog(books, accountId)).toMatchObject({ floor: 12_000n, last: 12_006n })
  const left = await readEventsAfter(books, accountId, 12_000n, 100)
  expect(left.map(({ sequence }) => sequence)).toEqual([1n, 2n, 3n, 4n, 5n, 6n].map((n) => 12_000n + n))
  const rows = await books.rows({ text: 'SELECT 1 FROM event WHERE account_id = $1', values: [accountId] })
  expect(rows).toHaveLength(6)
  await expect(readEventsAfter(books, accountId, 11_999n, 1)).rejects.toThrow(CursorExpiredError)
})

it('removes any number of rejected rows, and the beginning of the file, thirty days after an upload has finished, and no others', async () => {
  await using test = await openBooks()
  const { books, accountId } = test
  const poolId = await newPool(test)
  const finish = async (codes: readonly string[], daysAgo: number) => {
    const taskId = await upload(test, poolId, codes)
    await books.rows({
      text: `UPDATE task SET finished_at = now() - $2 * interval '1 day', beginning = '{}' WHERE id = $1`,
      values: [taskId, daysAgo],
    })
    await clearAway(test, taskId)
    return taskId
  }
  const many = Array.from({ length: 25_000 }, () => 'twice')
  const old = await finish(many, 31)
  const without = await finish(['once'], 31)
  const young = await finish(['thrice', 'thrice'], 29)
  const reading = await startUpload(test, poolId)
  await addCodes(test, reading, ['four', 'four'])
  await using _service = await startService({ databaseUrl: test.databaseUrl })
  const left = async () =>
    await books.rows<{ id: string; forgotten: boolean; kept: number; begins: boolean; hasWork: boolean }>({
      text: `
        SELECT id, rejected_forgotten AS forgotten, has_work AS "hasWork",
          beginning IS NOT NULL AS begins,
          (
            SELECT count(*)::int FROM rejected_row WHERE account_id = task.account_id AND task_id = task.id
          ) AS kept
        FROM task WHERE id = ANY ($1::uuid[]) ORDER BY id`,
      values: [[old, without, young]],
    })
  await expect.poll(left, { timeout: 20_000 }).toEqual([
    { id: old, forgotten: true, kept: 0, begins: false, hasWork: false },
    { id: without, forgotten: true, kept: 0, begins: false, hasWork: false },
    { id: young, forgotten: false, kept: 1, begins: true, hasWork: false },
  ])
  const [kept] = await books.rows({
    text: `SELECT rejected_forgotten AS forgotten FROM task WHERE id = $1`,
    values: [reading],
  })
  expect(kept).toEqual({ forgotten: false })
  await expect(readRejectedRows(books, accountId, old)).rejects.toThrow(RejectedRowsForgottenError)
  await expectBalance(test)
})

it('removes files that were received in part by a killed process after a day, and no others', async () => {
  await using database = await testDatabase()
  const hoursAgo = (hours: number) => newId({ msecs: Date.now() - hours * 60 * 60 * 1_000 })
  const accountId = newId()
  const ids = { forgotten: hoursAgo(25), arriving: hoursAgo(23), waiting: hoursAgo(26) }
  for (const id of Object.values(ids))
    await database.connections.query(
      `INSERT INTO upload_piece (account_id, task_id, number, bytes)
       SELECT $1, $2, n, 'code' FROM generate_series(1, 100) n`,
      [accountId, id],
    )
  const poolId = newId()
  await database.connections.query(
    `WITH account AS (INSERT INTO account (id, name) VALUES ($1, 'Acme') RETURNING id),
       pool AS (INSERT INTO pool (account_id, id, name) SELECT id, $2, 'Pool' FROM account RETURNING account_id, id)
     SELECT id FROM pool`,
    [accountId, poolId],
  )
  await database.connections.query(
    `INSERT INTO task (account_id, id, kind, trigger, pool_id, status)
     VALUES ($1, $2, 'UPLOAD', 'MANUAL', $3, 'AWAITING_EXECUTION')`,
    [accountId, ids.waiting, poolId],
  )
  await using _service = await startService({ databaseUrl: database.url })
  const left = async () =>
    (
      await database.connections.query<{ task_id: string; count: number }>(
        'SELECT task_id, count(*)::int FROM upload_piece GROUP BY 1 ORDER BY 1',
      )
    ).rows
  await expect.poll(left).toEqual([
    { task_id: ids.waiting, count: 100 },
    { task_id: ids.arriving, count: 100 },
  ])
})

it('removes any number of sessions that have expired, and no others', async () => {
  await using test = await openBooks()
  const { books, accountId } = test
  const { keyId } = await createApiKey(books.connections, accountId, { name: 'Desk', scopes: ['READ'] })
  const open = (count: number, name: string, opened: string, used: string) =>
    books.rows({
      text: `
        INSERT INTO session (hash, api_key_id, created_at, used_at)
        SELECT sha256(convert_to($2 || n, 'UTF8')), $1, now() - $3::interval, now() - $4::interval
        FROM generate_series(1, $5::int) n`,
      values: [keyId, name, opened, used, count],
    })
  await open(12_000, 'idle', '40 minutes', '31 minutes')
  await open(1, 'old', '13 hours', '1 minute')
  await open(3, 'in use', '11 hours', '29 minutes')
  await using _service = await startService({ databaseUrl: test.databaseUrl })
  const left = async () => (await books.rows({ text: 'SELECT 1 FROM session' })).length
  await expect.poll(left).toBe(3)
  const inUse = hashOfSecret('in use1')
  expect([...(await findSessions(books, [inUse])).keys()]).toEqual([inUse])
})

it('waits for no lock of the queue while it removes events, which others lock after the queue', async () => {
  await using test = await openBooks()
  const { books, accountId } = test
  await newWebhook(test, 'http://127.0.0.1:1/')
  await happen(test, await newPool(test), [1, 2, 3])
  await books.rows({ text: `UPDATE event SET at = now() - interval '31 days'` })
  const writer = await books.connections.connect()
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(async () => {
    await writer.query('ROLLBACK')
    writer.release()
  })
  await writer.query('BEGIN')
  await writer.query('SELECT FROM queue FOR UPDATE')
  await using _housekeeping = keepHouse(test)
  await expect.poll(() => readLog(books, accountId)).toMatchObject({ floor: 4n })
})

it('has not locked the event log while it waits for the queue, which others lock first', async () => {
  await using test = await openBooks()
  const { books, accountId } = test
  const poolId = await newPool(test)
  const taskId = await upload(test, poolId, ['twice', 'twice'])
  await clearAway(test, taskId)
  await books.rows({ text: `UPDATE task SET finished_at = now() - interval '31 days'` })
  await books.rows({ text: `UPDATE event SET at = now() - interval '31 days'` })
  const writer = await books.connections.connect()
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(async () => {
    await writer.query('ROLLBACK')
    writer.release()
  })
  await writer.query('BEGIN')
  await writer.query('SELECT FROM queue WHERE account_id = $1 FOR NO KEY UPDATE', [accountId])
  await using _housekeeping = keepHouse(test)
  await expect.poll(() => sessionsThatWait(books, 'INTO queue')).toHaveLength(1)
  await writer.query('SELECT FROM event_log WHERE account_id = $1 FOR NO KEY UPDATE NOWAIT', [accountId])
  await writer.query('COMMIT')
  const { last } = await readLog(books, accountId)
  await expect.poll(() => readLog(books, accountId)).toMatchObject({ floor: last })
})

it('puts accounts into the queue for the work that the queue lacks, and leaves what is queued', async () => {
  await using test = await openBooks()
  const { books, accountId } = test
  const other = { ...test, accountId: await newAccount(books) }
  for (const place of [test, other]) await newWebhook(place, 'http://127.0.0.1:1/')
  const queued = () =>
    books.rows<{ account_id: string; nonce: string }>({
      text: 'SELECT account_id, kind, nonce FROM queue ORDER BY account_id',
    })
  const [before] = await queued()
  expect(before?.account_id).toBe(accountId)
  await books.rows({ text: 'DELETE FROM queue WHERE account_id = $1', values: [other.accountId] })
  const announced = vi.spyOn(books.notifications, 'announce')
  await using _housekeeping = keepHouse(test)
  await expect
    .poll(queued)
    .toEqual([before, { account_id: other.accountId, kind: 'WEBHOOKS', nonce: expect.any(String) }])
  await expect.poll(() => announced.mock.calls).toEqual([[{ topic: 'webhooks', key: '' }]])
})

it('goes on with the other accounts if it fails for one, and tells that', async () => {
  onlyOnOneServer('makes it fail with a trigger')
  await using test = await openBooks()
  const { books, accountId } = test
  const other = await newAccount(books)
  for (const account of [accountId, other])
    await books.rows({
      text: `INSERT INTO idempotency (account_id, operation, key, hash, at) VALUES ($1, 'claimCodes', 'old', '', 'epoch')`,
      values: [account],
    })
  await runSql(
    test.databaseUrl,
    `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'No.'; END $$;
     CREATE TRIGGER fail BEFORE DELETE ON idempotency FOR EACH ROW
       WHEN (OLD.account_id = '${accountId}') EXECUTE FUNCTION fail()`,
  )
  const told: object[] = []
  using stack = new DisposableStack()
  stack.defer(facts.workFailed.on((fact) => told.push(fact)))
  await using _housekeeping = keepHouse(test)
  const left = async () =>
    (await books.rows<{ account_id: string }>({ text: 'SELECT account_id FROM idempotency' })).map(
      (row) => row.account_id,
    )
  await expect.poll(left).toEqual([accountId])
  expect(told).toEqual([{ purpose: 'remove expired rows', reason: 'error' }])
})
