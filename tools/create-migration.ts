import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startEmbeddedServer } from '../src/database/embedded/server.ts'
import { migrationsFolder, readMigrations } from '../src/database/migrations.ts'
import { openLog } from '../src/log.ts'
import { OperatorError } from '../src/operator-error.ts'
import { schemaDiff, schemaFile } from './schema-diff.ts'

// For development: writes the migration that leads from those there are to prisma/schema.prisma.
//
//   node tools/create-migration.ts <name>             a new one, after all others
//   node tools/create-migration.ts --replace <name>   the one of that name anew; it must be the last
//
// What stands below this line in a migration is not Prisma's, and is kept when it is replaced.
const byHand = '-- Written by hand: what the schema cannot say.'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { replace: { type: 'boolean' } },
})
const [title] = positionals
if (title === undefined || !/^[a-z\d_]+$/.test(title)) {
  throw new OperatorError('Say what the migration does, in small letters and underscores.')
}

await mkdir(migrationsFolder, { recursive: true })
const migrations = await readMigrations(migrationsFolder)
const last = migrations.at(-1)
const replaced = values.replace && last?.name.endsWith(`_${title}`) ? last : undefined
const name = replaced?.name ?? `${new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14)}_${title}`

const dataDir = await mkdtemp(join(tmpdir(), 'create-migration-'))
const server = await startEmbeddedServer({ dataDir, log: openLog({ level: 'warn' }) })
try {
  const before = migrations.filter((migration) => migration !== replaced)
  const sql = await schemaDiff(server.url, before, await readFile(schemaFile, 'utf8'))
  if (sql === undefined) {
    console.log('The migrations and the schema agree: there is nothing to write.')
  } else {
    const kept = replaced?.sql.indexOf(byHand) ?? -1
    const addition = kept < 0 ? '' : `\n${replaced?.sql.slice(kept)}`
    await mkdir(join(migrationsFolder, name), { recursive: true })
    await writeFile(join(migrationsFolder, name, 'migration.sql'), `${sql.trimEnd()}\n${addition}`)
    await writeFile(join(migrationsFolder, 'migration_lock.toml'), 'provider = "postgresql"\n')
    console.log(`Written: prisma/migrations/${name}/migration.sql`)
  }
} finally {
  await server.close()
  await rm(dataDir, { recursive: true })
}
