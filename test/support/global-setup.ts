import { pino } from 'pino'
import type { TestProject } from 'vitest/node'
import { buildIfChanged } from '../../src/build/build.ts'
import { databaseClient } from '../../src/build/database-client.ts'
import { pages } from '../../src/build/pages.ts'
import { startEmbeddedServer } from '../../src/database/embedded/server.ts'
import { applyMigrations } from '../../src/database/migrations.ts'
import { databaseUrl, runSql } from './database.ts'
import { temporaryFolder } from './temporary.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The address of the PostgreSQL of this run, for its superuser. */
    serverUrl: string
    /** A database with all tables, which are empty. It is copied; nobody may connect to it. */
    templateName: string
    /** An empty folder, removed after the run, into which processes unpack their browsers. */
    browserFolder: string
  }
}

const templateName = 'migrated'

/** Starts one PostgreSQL for the whole run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Otherwise several processes of the run would do so at once.
  for (const product of [databaseClient, ...pages]) await buildIfChanged(product)
  const folder = await temporaryFolder()
  // Node's compile cache for the many processes of the run: they start in two thirds of the time.
  const compiled = await temporaryFolder()
  process.env['NODE_COMPILE_CACHE'] = compiled.path
  const browsers = await temporaryFolder()
  const log = pino({ level: 'warn' })
  const server = await startEmbeddedServer({
    dataDir: folder.path,
    log,
    settings: { max_connections: '300' },
  })
  await runSql(server.url, `CREATE DATABASE ${templateName}`)
  await applyMigrations(databaseUrl(server.url, templateName), log)
  project.provide('serverUrl', server.url)
  project.provide('templateName', templateName)
  project.provide('browserFolder', browsers.path)
  return async () => {
    await server.close()
    await folder[Symbol.asyncDispose]()
    await compiled[Symbol.asyncDispose]()
    await browsers[Symbol.asyncDispose]()
  }
}
