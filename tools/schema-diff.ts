import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils'
import type { DiffTarget, MigrationList, SchemaEngine } from '@prisma/schema-engine-wasm'
import pg from 'pg'
import { type Migration, migrationsFolder } from '../src/database/migrations.ts'

/** Prisma's description of the tables. */
export const schemaFile = join(import.meta.dirname, '../prisma/schema.prisma')

/**
 * The SQL that leads from the tables of the migrations to those of the schema; undefined when they agree. The migrations
 * are applied to a temporary database on the server of `url`.
 */
export function schemaDiff(
  url: string,
  migrations: readonly Migration[],
  schema: string,
): Promise<string | undefined> {
  return withEngine(url, async (engine) => {
    const from: DiffTarget =
      migrations.length === 0 ? { tag: 'empty' } : { tag: 'migrations', ...migrationList(migrations) }
    const to: DiffTarget = { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: schema }] }
    const result = await engine.diff({ from, to, script: true, exitCode: true, filters: noFilters })
    return result.exitCode === 0 ? undefined : (result.stdout ?? undefined)
  })
}

/** What Prisma's command line would say about the migrations of the database of `url`. */
export function diagnoseHistory(url: string, migrations: readonly Migration[]) {
  return withEngine(url, (engine) =>
    engine.diagnoseMigrationHistory({
      migrationsList: migrationList(migrations),
      optInToShadowDatabase: true,
      filters: noFilters,
    }),
  )
}

const noFilters = { externalTables: [], externalEnums: [] }

function migrationList(migrations: readonly Migration[]): MigrationList {
  return {
    baseDir: migrationsFolder,
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } },
    })),
  }
}

type Adapter = Awaited<ReturnType<PrismaPg['connect']>>

/** PrismaPg with workarounds for what the schema engine needs. */
class SchemaAdapterFactory extends PrismaPg {
  override async connect(): Promise<Adapter> {
    const adapter = await super.connect()
    const pool = adapter.underlyingDriver()
    adapter.executeScript = async (script) => {
      // The original splits scripts at every semicolon, even inside of functions and texts.
      await pool.query(script)
    }
    // The engine reads columns of the type "char" from PostgreSQL's catalog (since version 18, of every NOT NULL), which
    // the original rejects. They are declared as arrays of that type for it, and converted back below.
    const query = pool.query.bind(pool) as (config: pg.QueryConfig) => Promise<pg.QueryResult>
    Object.assign(pool, {
      query: async (config: pg.QueryConfig) => {
        const result = await query(config)
        for (const field of result.fields ?? []) {
          if (field.dataTypeID === charType) field.dataTypeID = charArrayType
        }
        return result
      },
    })
    const queryRaw = adapter.queryRaw.bind(adapter)
    adapter.queryRaw = async (statement) => {
      const result = await queryRaw(statement)
      const columnTypes = result.columnTypes.map((type) =>
        type === ColumnTypeEnum.CharacterArray ? ColumnTypeEnum.Character : type,
      )
      return { ...result, columnTypes }
    }
    return adapter
  }
}

// https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/catalog/pg_type.dat
const charType = 18
const charArrayType = 1002

async function withEngine<T>(url: string, work: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  const database = `shadow_${randomUUID()}`
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`CREATE DATABASE "${database}" TEMPLATE template0`)
    const pools: pg.Pool[] = []
    const open = async (connection: string) => {
      const adapter = await new SchemaAdapterFactory({ connectionString: connection }).connect()
      pools.push(adapter.underlyingDriver())
      return adapter
    }
    const shadow = new URL(url)
    shadow.pathname = database
    try {
      const factory = bindMigrationAwareSqlAdapterFactory({
        provider: 'postgres',
        adapterName: '@prisma/adapter-pg',
        connect: () => open(url),
        connectToShadowDb: () => open(shadow.href),
      })
      using engine = await engines.SchemaEngine.new({ datamodels: undefined }, () => undefined, factory)
      return await work(engine)
    } finally {
      // The engine has closed some of them itself.
      await Promise.all(pools.filter((pool) => !pool.ending).map((pool) => pool.end()))
    }
  } finally {
    await client.query(`DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`)
    await client.end()
  }
}

/**
 * Loads the engine as Prisma's command line does: the entry of the package needs a bundler for its WebAssembly. All engines
 * share one instance, so it is loaded once.
 */
async function loadEngines(): Promise<Glue> {
  const path = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg')
  const glue: Glue = await import(path)
  const wasm = await readFile(path.replace(/\.js$/, '.wasm'))
  const { instance } = await WebAssembly.instantiate(wasm, { './schema_engine_bg.js': glue })
  glue.__wbg_set_wasm(instance.exports)
  const start = instance.exports['__wbindgen_start']
  if (typeof start === 'function') start()
  return glue
}

type Glue = typeof import('@prisma/schema-engine-wasm/schema_engine_bg') &
  WebAssembly.ModuleImports & { __wbg_set_wasm(exports: WebAssembly.Exports): void }

const engines = await loadEngines()
