import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { Logger } from 'pino'
import { OperatorError } from '../operator-error.ts'
import { readDatabaseUrl } from './database-url.ts'
import { changeNodesInTurn, isDistributed, placeTables, unplacedTables } from './distribution.ts'
import { sqlState } from './errors.ts'
import { findSchema } from './schema.ts'
import { prepareSession } from './session.ts'

/** The tables of the database cannot be brought up to date. */
export class MigrationError extends OperatorError {
  override name = 'MigrationError'
}

/** A step from one state of the tables to the next, in a folder as Prisma lays it out. */
export interface Migration {
  readonly name: string
  readonly sql: string
  /** SHA-256 of the SQL, in hexadecimal: tells whether it was edited after it was applied. */
  readonly checksum: string
}

interface AppliedMigration {
  readonly migration_name: string
  readonly checksum: string
  readonly finished: boolean
}

export const migrationsFolder = join(import.meta.dirname, '../../prisma/migrations')

// Held while a migration is applied, so that of several processes that start only one does so at a time.
const migrationLock = 7_291_002

/**
 * Applies the migrations that the database does not have yet, in the order of their names, in a connection of its own.
 *
 * @param migrations for tests: other migrations than those of this version
 * @returns the names of the migrations that were applied now
 * @throws {MigrationError} when the database is newer than this version, not the service's, or a migration fails
 */
export async function applyMigrations(
  url: string,
  log: Logger,
  migrations?: readonly Migration[],
): Promise<string[]> {
  const client = new pg.Client({ ...readDatabaseUrl(url), application_name: 'promo-codes migrations' })
  client.on('error', (error) => log.debug({ err: error }, 'the connection for migrations was lost'))
  try {
    await client.connect()
    await prepareSession(client, { schema: await findSchema(client) })
    return await migrate(client, log, migrations)
  } finally {
    await client.end()
  }
}

/**
 * As `applyMigrations`, in a connection that finds the tables.
 *
 * Each migration is applied and recorded in one transaction: a process that is killed leaves both or neither, and nothing to
 * repair. Prisma's engine records start and end outside of the migration, and through a driver adapter it splits a
 * migration at every semicolon. The records have Prisma's format, so that its command line agrees with them.
 */
export async function migrate(
  client: pg.Client,
  log: Logger,
  migrations?: readonly Migration[],
): Promise<string[]> {
  const known = migrations ?? (await readMigrations(migrationsFolder))
  const applied: string[] = []
  for (;;) {
    const name = await applyNext(client, known)
    if (name === undefined) return applied
    log.info({ migration: name }, 'applied a migration to the database')
    applied.push(name)
  }
}

/** The migrations in a folder, in the order in which they are applied. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(
    names.toSorted().map(async (name) => {
      const sql = await readFile(join(folder, name, 'migration.sql'), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

/** Keeps other processes from changing the tables until the transaction ends: those that start wait. */
export async function lockMigrations(client: pg.ClientBase): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1)', [migrationLock])
}

/** Applies the first missing migration, and resolves to its name; to undefined when none is missing. */
async function applyNext(client: pg.Client, known: readonly Migration[]): Promise<string | undefined> {
  await client.query('BEGIN ISOLATION LEVEL READ COMMITTED')
  // Before the records are read, which another process may be writing.
  await lockMigrations(client)
  const next = nextMigration(known, await readApplied(client))
  if (next !== undefined) {
    await checkPrivilege(client)
    await apply(client, next)
  }
  await client.query('COMMIT')
  return next?.name
}

async function readApplied(client: pg.Client): Promise<AppliedMigration[]> {
  // Tables of extensions do not count: hosted databases often have some.
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
      WHERE nspname = current_schema() AND relkind IN ('r', 'p', 'v', 'm', 'f')
        AND NOT EXISTS (
          SELECT FROM pg_depend
           WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND objsubid = 0 AND deptype = 'e'
        )
      ORDER BY relname`,
  )
  if (tables.length === 0) return []
  if (!tables.some(({ name }) => name === '_prisma_migrations')) {
    const names = tables.map(({ name }) => name)
    const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
    throw new MigrationError(
      `The database has tables that are not the service's (${names.slice(0, 3).join(', ')}${more}): give the service its own database.`,
    )
  }
  const { rows } = await client.query<AppliedMigration>(
    `SELECT migration_name, checksum, finished_at IS NOT NULL AS finished
       FROM _prisma_migrations
      WHERE rolled_back_at IS NULL
      ORDER BY migration_name`,
  )
  return rows
}

function nextMigration(
  known: readonly Migration[],
  applied: readonly AppliedMigration[],
): Migration | undefined {
  for (const { migration_name: name, checksum, finished } of applied) {
    const migration = known.find((candidate) => candidate.name === name)
    if (migration === undefined) {
      throw new MigrationError(
        `The database is newer than this version of the service, which does not know the migration ${name}. Start the newer version.`,
      )
    }
    if (!finished) {
      throw new MigrationError(
        `Another program has started the migration ${name} and not finished it: use \`prisma migrate resolve\`, or restore the database.`,
      )
    }
    if (migration.checksum !== checksum) {
      throw new MigrationError(
        `The migration ${name} has been edited since it was applied to the database: restore its file, and write a new migration.`,
      )
    }
  }
  const names = new Set(applied.map((migration) => migration.migration_name))
  return known.find((migration) => !names.has(migration.name))
}

async function checkPrivilege(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ schema: string; allowed: boolean }>(
    `SELECT current_schema() AS schema, has_schema_privilege(current_schema(), 'CREATE') AS allowed`,
  )
  const [found] = rows
  if (found === undefined || found.allowed) return
  const [schema, user] = [found.schema, client.user ?? ''].map(pg.escapeIdentifier)
  throw new MigrationError(
    `The user ${user} may not create tables in the schema ${schema} of the database. Let its owner run: GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${user}`,
  )
}

async function apply(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query(createRecords)
    await changeNodesInTurn(client)
    const distributed = await isDistributed(client)
    const [tables = '', ...foreignKeys] = sql.replace(createSchema, '').split(beforeForeignKeys)
    for (const part of tables.split(beforeAlterations)) await client.query(part)
    if (distributed) await placeTables(client, await unplacedTables(client))
    for (const part of foreignKeys) await client.query(part)
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, transaction_timestamp(), clock_timestamp(), 1)`,
      [randomUUID(), checksum, name],
    )
  } catch (error) {
    if (sqlState(error) === undefined) throw error
    throw new MigrationError(`The migration ${name} cannot be applied: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

// The first line of Prisma's first migration. It is left out, as the schema exists, may be another one, and the statement
// needs a privilege on the whole database.
const createSchema = /^CREATE SCHEMA IF NOT EXISTS "public";$/m

// Prisma writes this above each foreign key that it adds, after all tables. A new table of a distributed database is placed
// before: it can have foreign keys only to tables that are placed as it is.
const beforeForeignKeys = /^(?=-- AddForeignKey$)/m

// Prisma writes this above each table that it alters. A distributed database hands the text of the query on to its nodes, which
// take one statement at a time.
const beforeAlterations = /^(?=-- AlterTable$)/m

// As Prisma's engine creates the table.
const createRecords = `
  CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                  varchar(36) NOT NULL PRIMARY KEY,
    checksum            varchar(64) NOT NULL,
    finished_at         timestamptz,
    migration_name      varchar(255) NOT NULL,
    logs                text,
    rolled_back_at      timestamptz,
    started_at          timestamptz NOT NULL DEFAULT now(),
    applied_steps_count integer NOT NULL DEFAULT 0
  )`
