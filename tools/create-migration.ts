import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readArguments, run, UsageError } from '../src/cli/program.ts'
import { startEmbeddedServer } from '../src/database/embedded/server.ts'
import { type Migration, migrationsFolder, readMigrations } from '../src/database/migrations.ts'
import { openLog } from '../src/log.ts'
import { OperatorError } from '../src/operator-error.ts'
import { schemaDiff, schemaFile } from './schema-diff.ts'

const usage = `Writes the migration that leads from the existing ones to prisma/schema.prisma.

  npm run migration -- <name>             a new migration
  npm run migration -- --replace <name>   replace the last migration, which has this name

<name> says what the migration does, in lower-case letters, digits and underscores.
`

// What is below this line in a migration was added by hand, and is kept when the migration is replaced.
const byHand = '-- Written by hand: what the schema cannot say.'

async function main(): Promise<number> {
  const { values, positionals } = readArguments(() =>
    parseArgs({ allowPositionals: true, options: { replace: { type: 'boolean' } } }),
  )
  const [title = ''] = positionals
  if (!/^[a-z\d_]+$/.test(title)) throw new UsageError('Name the migration.')
  const migrations = await readMigrations(migrationsFolder)
  const last = migrations.at(-1)
  const replaced = values.replace && last?.name.endsWith(`_${title}`) ? last : undefined
  if (values.replace && replaced === undefined)
    throw new OperatorError(`The last migration, ${last?.name ?? 'none'}, is not named ${title}.`)

  const sql = await sqlSince(migrations.filter((migration) => migration !== replaced))
  if (sql === undefined) {
    console.log('The migrations and the schema agree: there is nothing to write.')
    return 0
  }
  const name = replaced?.name ?? `${new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14)}_${title}`
  const kept = replaced?.sql.indexOf(byHand) ?? -1
  const addition = kept < 0 ? '' : `\n${replaced?.sql.slice(kept)}`
  await mkdir(join(migrationsFolder, name), { recursive: true })
  await writeFile(join(migrationsFolder, name, 'migration.sql'), `${sql.trimEnd()}\n${addition}`)
  console.log(`Written: prisma/migrations/${name}/migration.sql`)
  return 0
}

/** What is missing after these migrations, compared on a temporary PostgreSQL; undefined if nothing is. */
async function sqlSince(migrations: readonly Migration[]): Promise<string | undefined> {
  const dataDir = await mkdtemp(join(tmpdir(), 'create-migration-'))
  const server = await startEmbeddedServer({ dataDir, log: openLog({ level: 'warn' }) })
  try {
    return await schemaDiff(server.url, migrations, await readFile(schemaFile, 'utf8'))
  } finally {
    await server.close()
    await rm(dataDir, { recursive: true })
  }
}

await run(main, { failure: 1, usage })
