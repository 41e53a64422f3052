import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import {
  applyMigrations,
  type Migration,
  MigrationError,
  migrationsFolder,
  readMigrations,
} from '../../src/database/migrations.ts'
import { diagnoseHistory, schemaDiff, schemaFile } from '../../src/database/schema-diff.ts'
import { runSql, testDatabase } from '../support/database.ts'

const log = pino({ level: 'silent' })
const shipped = await readMigrations(migrationsFolder)
const table = migration('1_table', 'CREATE TABLE code (text text NOT NULL)')
const column = migration('2_column', 'ALTER TABLE code ADD COLUMN claimed boolean')

describe('the migrations', () => {
  test('make the tables that the schema describes', async () => {
    await using database = await testDatabase({ empty: true })
    expect(await schemaDiff(database.url, shipped, await readFile(schemaFile, 'utf8'))).toBeUndefined()
  })

  test('leave notes that Prisma agrees with', async () => {
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

  test('may hold semicolons inside of functions and texts', async () => {
    await using database = await testDatabase({ empty: true })
    const withFunction = migration(
      '1_function',
      "CREATE FUNCTION answer() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'a;b'; END; $$; -- one; only",
    )
    await applyMigrations(database.url, log, [withFunction])
    expect(await runSql(database.url, 'SELECT answer()')).toEqual([{ answer: 'a;b' }])
  })

  test('leave nothing of one that fails, and everything of those before', async () => {
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

  test('are not applied over one that has been edited since', async () => {
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

  test('are not applied over one that another program has not finished', async () => {
    await using database = await testDatabase({ empty: true })
    await applyMigrations(database.url, log, [table])
    await runSql(database.url, 'UPDATE _prisma_migrations SET finished_at = NULL')
    await expect(applyMigrations(database.url, log, [table])).rejects.toThrow('not finished')
  })
})

function migration(name: string, sql: string): Migration {
  return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
}
