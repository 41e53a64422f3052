import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CodeSpace, currentVersion } from '../../src/codespace/codespace.ts'
import { Pattern } from '../../src/codespace/pattern.ts'
import { applyMigrations, migrationsFolder, readMigrations } from '../../src/database/migrations.ts'
import { hashInput } from '../../src/domain/books/idempotency.ts'
import { Claims } from '../../src/domain/claim/claim.ts'
import { undoUpload } from '../../src/domain/upload/finish.ts'
import { expectBalance } from '../support/audit.ts'
import { openBooks, type Place, poolNow, type TestBooks } from '../support/books.ts'
import { runSql, type TestDatabase, testDatabase } from '../support/database.ts'

const log = pino({ level: 'silent' })
const [accountId, otherAccountId] = [randomUUID(), randomUUID()]
const [poolId, emptyPoolId, otherPoolId, generated, later, uploaded, undone, dryRun] = Array.from(
  { length: 8 },
  () => randomUUID(),
) as [string, string, string, string, string, string, string, string]

let database: TestDatabase
let open: TestBooks
/** When the database was migrated, at the earliest. */
let migrated: Date
let place: Place

beforeAll(async () => {
  database = await testDatabase({ empty: true })
  const shipped = await readMigrations(migrationsFolder)
  const at = shipped.findIndex(({ name }) => name.endsWith('_life_of_a_code'))
  await applyMigrations(database.url, log, shipped.slice(0, at))
  await runSql(
    database.url,
    `INSERT INTO account (id, name) VALUES ('${accountId}', 'One'), ('${otherAccountId}', 'Other');
     -- The events of the tasks are no longer kept.
     INSERT INTO event_log (account_id, log, last, floor)
       VALUES ('${accountId}', gen_random_uuid(), 9, 9), ('${otherAccountId}', gen_random_uuid(), 9, 9)`,
  )
  const formatId = await insertFormat(accountId)
  const otherFormatId = await insertFormat(otherAccountId)
  await runSql(
    database.url,
    `INSERT INTO pool (account_id, id, name, total, claimed) VALUES
       ('${accountId}', '${poolId}', 'Pool', 12, 7), ('${accountId}', '${emptyPoolId}', 'Empty', 0, 0),
       ('${otherAccountId}', '${otherPoolId}', 'Other', 5, 4);
     UPDATE format SET next = 9, generated = 9 WHERE id = '${formatId}';
     UPDATE format SET next = 5, generated = 5 WHERE id = '${otherFormatId}';
     INSERT INTO task (account_id, id, kind, trigger, pool_id, format_id, status, quantity, generated, added, accepted, rows_read,
         bytes, dry_run, started_at, finished_at)
       VALUES
       ('${accountId}', '${generated}', 'GENERATION', 'MANUAL', '${poolId}', '${formatId}', 'COMPLETED', 5, 5, 5, 0, 0, 0,
         false, '2026-05-01T10:00Z', '2026-05-01T10:00Z'),
       ('${accountId}', '${later}', 'GENERATION', 'MANUAL', '${poolId}', '${formatId}', 'COMPLETED', 4, 4, 4, 0, 0, 0,
         false, '2026-05-01T10:01Z', '2026-05-01T10:01Z'),
       ('${accountId}', '${uploaded}', 'UPLOAD', 'MANUAL', '${poolId}', NULL, 'COMPLETED', NULL, 0, 3, 3, 3, 9,
         false, '2026-05-01T10:00Z', '2026-05-01T10:02Z'),
       ('${accountId}', '${undone}', 'UPLOAD', 'MANUAL', '${poolId}', NULL, 'UNDONE', NULL, 0, 0, 2, 2, 9,
         false, '2026-05-01T10:00Z', '2026-05-01T10:03Z'),
       ('${accountId}', '${dryRun}', 'UPLOAD', 'MANUAL', '${poolId}', NULL, 'COMPLETED', NULL, 0, 0, 2, 2, 9,
         true, '2026-05-01T10:00Z', '2026-05-01T10:03Z'),
       ('${otherAccountId}', '${randomUUID()}', 'GENERATION', 'MANUAL', '${otherPoolId}', '${otherFormatId}', 'COMPLETED', 5, 5,
         5, 0, 0, 0, false, '2026-05-01T10:00Z', '2226-05-01T10:09Z');
     INSERT INTO batch (account_id, pool_id, start, count, format_id, first, task_id) VALUES
       ('${accountId}', '${poolId}', 0, 5, '${formatId}', 0, '${generated}'),
       ('${accountId}', '${poolId}', 5, 4, '${formatId}', 5, '${later}'),
       ('${accountId}', '${poolId}', 9, 3, NULL, 0, '${uploaded}'),
       ('${otherAccountId}', '${otherPoolId}', 0, 5, '${otherFormatId}', 0,
         (SELECT id FROM task WHERE pool_id = '${otherPoolId}'));
     INSERT INTO uploaded_code (account_id, task_id, row, code, typed, identity)
       SELECT '${accountId}', '${uploaded}', n, 'CODE' || n, 'C0DE' || n, 'CODE' || n FROM generate_series(0, 2) n;
     INSERT INTO claim (account_id, pool_id, first, count, recipient, at, nonce) VALUES
       ('${accountId}', '${poolId}', 0, 2, 'Ada', '2026-05-01T11:00:00.010Z', 1),
       ('${accountId}', '${poolId}', 2, 1, NULL, '2026-05-01T11:00:00.005Z', 2),
       ('${accountId}', '${poolId}', 3, 3, 'Bob', '2026-05-01T11:00:00.007Z', 3),
       ('${accountId}', '${poolId}', 6, 1, NULL, '2026-05-01T12:00Z', 4),
       ('${otherAccountId}', '${otherPoolId}', 0, 1, NULL, '2026-05-01T10:05Z', 5),
       ('${otherAccountId}', '${otherPoolId}', 1, 1, NULL, '2026-05-01T10:08Z', 6),
       ('${otherAccountId}', '${otherPoolId}', 2, 1, NULL, '2226-05-01T10:08Z', 7),
       ('${otherAccountId}', '${otherPoolId}', 3, 1, NULL, '2026-05-01T10:09Z', 8);
     INSERT INTO idempotency (account_id, operation, key, hash, pool_id, first, at)
       VALUES ('${accountId}', 'claimCodes', 'key', '\\x${hashInput({ poolId, count: 3, recipient: 'Bob' })}', '${poolId}', 3, now())`,
  )
  migrated = new Date()
  await applyMigrations(database.url, log)
  open = await openBooks({ databaseUrl: database.url })
  place = { books: open.books, accountId }
})
afterAll(async () => {
  await open.close()
  await database.close()
})

/** Resolves to the id of a format of 20 codes. */
async function insertFormat(account: string): Promise<string> {
  const list = Array.from({ length: 20 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join('')
  const pattern = Pattern.fromShape({ prefix: 'A-', suffix: '', body: { length: 1 }, characters: { list } })
  const [id, key] = [randomUUID(), Buffer.alloc(32, 7)]
  const space = CodeSpace.open({ pattern, key, version: currentVersion })
  const { source, characters, length, capacity } = pattern
  await database.connections.query(
    `INSERT INTO format (account_id, id, name, pattern, characters, length, version, key, first_code, capacity)
     VALUES ($1, $2, 'Format', $3, $4, $5, $6, $7, $8, $9)`,
    [account, id, source, characters, length, currentVersion, key, space.codeAt(0n), capacity],
  )
  return id
}

/** The time of what is from the future of the machine that wrote it. */
async function timeOfFuture(): Promise<Date> {
  const [row] = await runSql<{ at: Date }>(
    database.url,
    `SELECT at FROM claim WHERE pool_id = '${otherPoolId}' AND first = 2`,
  )
  return row?.at ?? new Date(0)
}

describe('a database that was filled before codes had a life', () => {
  it('has claims whose times do not decrease along the line, each pool by itself', async () => {
    const times = (id: string) =>
      runSql(database.url, `SELECT first::int, at FROM claim WHERE pool_id = '${id}' ORDER BY first`)
    expect(await times(poolId)).toEqual([
      { first: 0, at: new Date('2026-05-01T11:00:00.010Z') },
      { first: 2, at: new Date('2026-05-01T11:00:00.010Z') },
      { first: 3, at: new Date('2026-05-01T11:00:00.010Z') },
      { first: 6, at: new Date('2026-05-01T12:00Z') },
    ])
    expect(await times(otherPoolId)).toEqual([
      { first: 0, at: new Date('2026-05-01T10:05Z') },
      { first: 1, at: new Date('2026-05-01T10:08Z') },
      { first: 2, at: await timeOfFuture() },
      { first: 3, at: await timeOfFuture() },
    ])
  })

  it('has nothing from the future, as all that comes would be of that time', async () => {
    const at = (await timeOfFuture()).getTime()
    expect(at).toBeGreaterThanOrEqual(migrated.getTime())
    expect(at).toBeLessThanOrEqual(Date.now())
  })

  it('knows its stock since each task that has added some, and has usage and a last change', async () => {
    const stock = await runSql(
      database.url,
      'SELECT pool_id, number::int, at, total::int, added::int FROM stock_change ORDER BY number, pool_id = $$' +
        `${otherPoolId}$$`,
    )
    expect(stock).toEqual([
      { pool_id: poolId, number: 1, at: new Date('2026-05-01T10:00Z'), total: 5, added: 5 },
      { pool_id: otherPoolId, number: 1, at: await timeOfFuture(), total: 5, added: 5 },
      { pool_id: poolId, number: 2, at: new Date('2026-05-01T10:01Z'), total: 9, added: 9 },
      { pool_id: poolId, number: 3, at: new Date('2026-05-01T10:02Z'), total: 12, added: 12 },
    ])
    expect(await poolNow(place, poolId)).toMatchObject({
      redeemed: 0n,
      voided: 0n,
      withdrawn: 0n,
      lastChangeAt: new Date('2026-05-01T12:00Z'),
    })
    expect(await poolNow(place, emptyPoolId)).toMatchObject({ redeemed: 0n, lastChangeAt: undefined })
    const other = { books: place.books, accountId: otherAccountId }
    expect(await poolNow(other, otherPoolId)).toMatchObject({ lastChangeAt: await timeOfFuture() })
    await expectBalance(other)
  })

  it('has statistics of the claims of recipients', async () => {
    const found = await runSql(
      database.url,
      `SELECT tablename FROM pg_stats WHERE schemaname = current_schema() AND tablename = 'claim_recipient_idx'`,
    )
    expect(found).not.toEqual([])
  })

  it('is sound, and goes on: an earlier key gets its codes, claims and undos work', async () => {
    await expectBalance(place)
    const { books } = place
    const claims = new Claims(books)
    const claim = (input: object) => claims.claim(accountId, { poolId, count: 1, ...input })
    const again = codesOf(await claim({ count: 3, recipient: 'Bob', idempotencyKey: 'key' }))
    expect(again.map(({ position }) => position)).toEqual([3n, 4n, 5n])
    expect(codesOf(await claim({ recipient: 'Cyd' })).map(({ position }) => position)).toEqual([7n])
    await undoUpload(books, accountId, uploaded)
    expect(await poolNow(place, poolId)).toMatchObject({ claimed: 8n, total: 9n })
    const { added } = (
      await runSql<{ added: number }>(database.url, 'SELECT max(added)::int AS added FROM stock_change')
    )[0] ?? { added: 0 }
    expect(added).toBe(12)
    await expectBalance(place)
  })
})

/** The codes of a claim. */
function codesOf<Code>(claimed: readonly Code[] | { codes: readonly Code[] }): readonly Code[] {
  return 'codes' in claimed ? claimed.codes : claimed
}
