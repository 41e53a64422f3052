import { createHash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { looseKey } from '../../src/codespace/loose-form.ts'
import { typedKey } from '../../src/codespace/typed-form.ts'
import {
  applyMigrations,
  type Migration,
  MigrationError,
  migrationsFolder,
  readMigrations,
} from '../../src/database/migrations.ts'
import { checkTaken } from '../../src/domain/audit/taken.ts'
import { IdempotencyConflictError } from '../../src/domain/books/errors.ts'
import { hashInput, once } from '../../src/domain/books/idempotency.ts'
import { LookUps } from '../../src/domain/code/lookup.ts'
import { Keyring } from '../../src/keys/keyring.ts'
import { diagnoseHistory, schemaDiff, schemaFile } from '../../tools/schema-diff.ts'
import { newPool, openBooks } from '../support/books.ts'
import { runSql, testDatabase } from '../support/database.ts'
import { upload } from '../support/uploads.ts'

const log = pino({ level: 'silent' })
const shipped = await readMigrations(migrationsFolder)
const table = migration('1_table', 'CREATE TABLE code (text text NOT NULL)')
const column = migration('2_column', 'ALTER TABLE code ADD COLUMN claimed boolean')

describe('the migrations', () => {
  test('make the tables that the schema describes', async () => {
    await using database = await testDatabase({ empty: true })
    expect(await schemaDiff(database.url, shipped, await readFile(schemaFile, 'utf8'))).toBeUndefined()
  })

  test('leave records that Prisma agrees with', async () => {
    await using database = await testDatabase({ empty: true })
    expect(await applyMigrations(database.url, log)).toEqual(shipped.map(({ name }) => name))
    expect(await diagnoseHistory(database.url, shipped)).toMatchObject({
      history: null,
      editedMigrationNames: [],
      failedMigrationNames: [],
      hasMigrationsTable: true,
    })
  })

  test('are applied in order, each once', async () => {
    await using database = await testDatabase({ empty: true })
    expect(await applyMigrations(database.url, log, [table])).toEqual(['1_table'])
    expect(await applyMigrations(database.url, log, [table, column])).toEqual(['2_column'])
    expect(await applyMigrations(database.url, log, [table, column])).toEqual([])
  })

  test('are applied once by processes that start at the same time', async () => {
    await using database = await testDatabase({ empty: true })
    const starts = [1, 2, 3].map(() => applyMigrations(database.url, log, [table, column]))
    expect((await Promise.all(starts)).flat().toSorted()).toEqual(['1_table', '2_column'])
  })

  test('may have semicolons inside of functions and texts', async () => {
    await using database = await testDatabase({ empty: true })
    const withFunction = migration(
      '1_function',
      "CREATE FUNCTION answer() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'a;b'; END; $$; -- one; only",
    )
    await applyMigrations(database.url, log, [withFunction])
    expect(await runSql(database.url, 'SELECT answer()')).toEqual([{ answer: 'a;b' }])
  })

  test('leave nothing of one that fails, and keep those before it', async () => {
    await using database = await testDatabase({ empty: true })
    const broken = migration('2_broken', 'CREATE TABLE half (); SELECT 1 / 0')
    const failure = applyMigrations(database.url, log, [table, broken])
    await expect(failure).rejects.toThrow('The migration 2_broken cannot be applied: division by zero')
    expect(await runSql(database.url, "SELECT to_regclass('half') AS half")).toEqual([{ half: null }])
    expect(await applyMigrations(database.url, log, [table, column])).toEqual(['2_column'])
  })

  test('are not applied to a database that is newer than they are', async () => {
    await using database = await testDatabase({ empty: true })
    await applyMigrations(database.url, log, [table, column])
    const failure = applyMigrations(database.url, log, [table])
    await expect(failure).rejects.toThrow(MigrationError)
    await expect(failure).rejects.toThrow('is newer than this version of the service')
  })

  test('are not applied after one that was edited', async () => {
    await using database = await testDatabase({ empty: true })
    await applyMigrations(database.url, log, [table])
    const edited = migration(table.name, `${table.sql} -- now with a comment`)
    await expect(applyMigrations(database.url, log, [edited, column])).rejects.toThrow('edited since')
  })

  test("are not applied to somebody else's tables", async () => {
    await using database = await testDatabase({ empty: true })
    await runSql(database.url, 'CREATE TABLE customers ()')
    await expect(applyMigrations(database.url, log, [table])).rejects.toThrow(
      "tables that are not the service's",
    )
  })

  test('are not applied after one that another program has not finished', async () => {
    await using database = await testDatabase({ empty: true })
    await applyMigrations(database.url, log, [table])
    await runSql(database.url, 'UPDATE _prisma_migrations SET finished_at = NULL')
    await expect(applyMigrations(database.url, log, [table])).rejects.toThrow('not finished')
  })
})

describe('a database that was filled by an earlier release', () => {
  test('has the keys of its uploaded codes computed as this release does, and loses none that differ only in case', async () => {
    await using database = await testDatabase({ empty: true })
    const at = shipped.findIndex(({ name }) => name.endsWith('_one_code_for_people'))
    await applyMigrations(database.url, log, shipped.slice(0, at))
    const [accountId, other, poolId, taskId] = Array.from({ length: 4 }, () => randomUUID())
    const codes = [
      'SPRING7',
      'Spring-8',
      'spring 8',
      "O'NEIL",
      'größe',
      'İND.10',
      '---',
      '--',
      'a\\b"c',
      'S0LO',
      'SOLO',
    ]
    const wide = Array.from({ length: 0x500 }, (_, i) => `X${String.fromCharCode(0x100 + i)}.`).filter(
      (code) => code.normalize('NFC') === code,
    )
    await runSql(
      database.url,
      `INSERT INTO account (id, name) VALUES ('${accountId}', 'One'), ('${other}', 'Other');
       INSERT INTO event_log (account_id, log) VALUES ('${accountId}', gen_random_uuid()), ('${other}', gen_random_uuid());
       INSERT INTO pool (account_id, id, name) VALUES ('${accountId}', '${poolId}', 'Pool');
       INSERT INTO task (account_id, id, kind, trigger, pool_id, status, dry_run, accepted, rows_read, bytes, leftovers)
         VALUES ('${accountId}', '${taskId}', 'UPLOAD', 'MANUAL', '${poolId}', 'RUNNING', true, 1, 1, 9, true);
       INSERT INTO dry_run_code VALUES ('${accountId}', '${taskId}', 'Dry-1')`,
    )
    const insert = async (account: string, own: readonly string[]) => {
      await database.connections.query(
        `INSERT INTO uploaded_code (account_id, task_id, row, code, typed)
         SELECT $1, $2, n - 1, code, typed FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS codes (code, typed, n)`,
        [account, taskId, own, own.map(typedKey)],
      )
    }
    await insert(accountId ?? '', [...codes, ...wide])
    await insert(other ?? '', ['Spring-8', 'PLAIN'])
    expect(await applyMigrations(database.url, log)).toContain(shipped[at]?.name)

    const rows = await runSql<{
      account_id: string
      code: string
      identity: string
      loose: string | null
      typed: string
    }>(
      database.url,
      'SELECT account_id, code, coalesce(identity, code) AS identity, loose, typed FROM uploaded_code',
    )
    expect(rows).toHaveLength(codes.length + wide.length + 2)
    for (const { code, loose, typed } of rows) expect([code, loose ?? typed]).toEqual([code, looseKey(code)])
    const identities = rows.filter(({ account_id: id, code }) => id === accountId && codes.includes(code))
    expect(Object.fromEntries(identities.map(({ code, identity }) => [code, identity]))).toEqual({
      SPRING7: 'SPRING7',
      'Spring-8': 'SPRING8\nSpring-8',
      'spring 8': 'SPRING8\nspring 8',
      "O'NEIL": "O'NEIL",
      größe: 'größe',
      'İND.10': 'İND.10',
      '---': '---',
      '--': '--',
      'a\\b"c': 'A\\B"C',
      S0LO: 'S0LO',
      SOLO: 'SOLO',
    })
    expect(rows.find(({ account_id: id, code }) => id === other && code === 'Spring-8')?.identity).toBe(
      'SPRING8',
    )
    const catalogs = await runSql(
      database.url,
      'SELECT name, case_sensitive FROM account JOIN catalog ON account_id = id ORDER BY name',
    )
    expect(catalogs).toEqual([
      { name: 'One', case_sensitive: true },
      { name: 'Other', case_sensitive: false },
    ])
    const findings: string[] = []
    const options = {
      filled: new Set(['uploaded_code', 'taken', 'format']),
      keyring: new Keyring(),
      pageSize: 1_000,
    }
    for (const account of [accountId ?? '', other ?? ''])
      await checkTaken(database.connections, { accountId: account, accountName: null }, options, ({ what }) =>
        findings.push(what),
      )
    expect(findings).toEqual([])
  })

  test('rejects duplicates of its codes, and finds the codes', async () => {
    const place = await openBooks()
    const poolId = await newPool(place)
    await upload(place, poolId, ['größe', 'Old-1'])
    // As the migration leaves what was uploaded before.
    await place.books.rows({
      text: "UPDATE uploaded_code SET identity = NULL WHERE code = 'größe'",
      values: [],
    })
    await place.books.rows({ text: 'UPDATE catalog SET case_sensitive = true', values: [] })
    const taskId = await upload(place, poolId, ['größe', 'OLD1', 'new'])
    const { accepted } = await place.books.prisma.task.findFirstOrThrow({ where: { id: taskId } })
    expect(accepted).toBe(1n)
    const lookUps = new LookUps(place.books)
    for (const text of ['größe', 'GRÖSSE', 'grosse'])
      expect((await lookUps.find(place.accountId, text))?.code).toBe('größe')
    await place.close()
  })
})

describe('a database with idempotency keys of an earlier release', () => {
  test('knows what each was used for, whichever operation has the same key', async () => {
    await using database = await testDatabase({ empty: true })
    const at = shipped.findIndex(({ name }) => name.endsWith('_idempotency_by_key'))
    await applyMigrations(database.url, log, shipped.slice(0, at))
    const accountId = randomUUID()
    const operations = ['generateCodes', 'uploadCodes']
    const uses = operations.map((operation) => ({
      operation,
      hash: hashInput({ operation }),
      taskId: randomUUID(),
    }))
    await runSql(database.url, `INSERT INTO account (id, name) VALUES ('${accountId}', 'One')`)
    for (const { operation, hash, taskId } of uses)
      await runSql(
        database.url,
        `INSERT INTO idempotency (account_id, operation, key, hash, task_id, at)
           VALUES ('${accountId}', '${operation}', 'key', '\\x${hash}', '${taskId}', now())`,
      )
    expect(await applyMigrations(database.url, log)).toContain(shipped[at]?.name)

    await using place = await openBooks({ databaseUrl: database.url })
    const repeat = (operation: string, hash: string) => {
      const taskId = randomUUID()
      return place.books.write(accountId, (tx) =>
        once(tx, operation, { key: 'key', hash, taskId }, async () => ({ taskId })),
      )
    }
    for (const { operation, hash, taskId } of uses) {
      expect(await repeat(operation, hash)).toEqual({ taskId })
      await expect(repeat(operation, hashInput({}))).rejects.toThrow(IdempotencyConflictError)
    }
  })
})

function migration(name: string, sql: string): Migration {
  return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
}
