import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { distribute } from '../../src/database/distribute.ts'
import { startEmbeddedServer } from '../../src/database/embedded/server.ts'
import { applyMigrations } from '../../src/database/migrations.ts'
import { createOnNodes, databaseUrl, onEach, readNodeUrls, runSql, setNodeSettings } from './nodes.ts'
import { temporaryFolder } from './temporary.ts'

/** The PostgreSQL of a run of the tests, with a database to copy: it has all tables, which are empty. */
export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly templateName: string
  /** The addresses of the servers on which each database exists: more than one if it is distributed. The first is `url`. */
  readonly nodeUrls: readonly string[]
}

// So few that a database is copied in a moment; still several on each node.
const shards = 4

/** Starts a PostgreSQL for the run; with TEST_DATABASE_URL, uses the one that it names. */
export async function openTestServer(): Promise<TestServer> {
  const named = process.env['TEST_DATABASE_URL']
  return named ? await useServer(named) : await startServer()
}

async function startServer(): Promise<TestServer> {
  const folder = await temporaryFolder()
  const server = await startEmbeddedServer({
    dataDir: folder.path,
    log: pino({ level: 'warn' }),
    settings: {
      max_connections: '300',
      // Nothing that is torn by a crash of the machine is ever read again.
      full_page_writes: 'off',
      scram_iterations: '1',
    },
  })
  // Proving that one knows a password that was made with fewer rounds is quick: a run does so thousands of times.
  await runSql(server.url, `ALTER ROLE CURRENT_USER PASSWORD '${new URL(server.url).password}'`)
  const templateName = 'migrated'
  await runSql(server.url, `CREATE DATABASE ${templateName}`)
  await applyMigrations(databaseUrl(server.url, templateName), pino({ level: 'warn' }))
  return {
    url: server.url,
    templateName,
    nodeUrls: [server.url],
    [Symbol.asyncDispose]: async () => {
      await server.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

async function useServer(url: string): Promise<TestServer> {
  const nodeUrls = await readNodeUrls(url)
  const templateName = `test_template_${randomUUID().replaceAll('-', '')}`
  if (nodeUrls.length === 1) {
    await runSql(url, `CREATE DATABASE ${templateName}`)
    await applyMigrations(databaseUrl(url, templateName), pino({ level: 'warn' }))
  } else {
    await setNodeSettings(url)
    await distribute(await createOnNodes(nodeUrls, templateName, { shards }), pino({ level: 'warn' }))
  }
  // Whoever is connected keeps it from being copied, and the extension's own process is.
  await onEach(nodeUrls, `ALTER DATABASE ${templateName} ALLOW_CONNECTIONS false`)
  await onEach(
    nodeUrls,
    `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '${templateName}'`,
  )
  return {
    url,
    templateName,
    nodeUrls,
    [Symbol.asyncDispose]: () => onEach(nodeUrls, `DROP DATABASE ${templateName} WITH (FORCE)`),
  }
}
