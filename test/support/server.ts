import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { pino } from 'pino'
import { distribute } from '../../src/database/distribute.ts'
import { startEmbeddedServer } from '../../src/database/embedded/server.ts'
import { applyMigrations } from '../../src/database/migrations.ts'
import { nodeSettings } from '../../src/database/nodes.ts'
import { databaseUrl, runSql } from './database.ts'
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
    settings: { max_connections: '300' },
  })
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
  const template = databaseUrl(url, templateName)
  await onEach(nodeUrls, `CREATE DATABASE ${templateName}`)
  if (nodeUrls.length === 1) await applyMigrations(template, pino({ level: 'warn' }))
  else
    await distributeTemplate(
      template,
      nodeUrls.map((node) => databaseUrl(node, templateName)),
    )
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

async function distributeTemplate(url: string, nodeUrls: readonly string[]): Promise<void> {
  // For the user, as each test has a database of its own.
  const known = new Set(
    (await runSql<{ name: string }>(url, 'SELECT lower(name) AS name FROM pg_settings')).map(({ name }) => name),
  )
  for (const [name, value] of Object.entries(nodeSettings))
    if (known.has(name)) await runSql(url, `ALTER ROLE CURRENT_USER SET ${name} = ${pg.escapeLiteral(value)}`)
  for (const node of nodeUrls) await runSql(node, 'CREATE EXTENSION citus')
  const [coordinator, ...workers] = nodeUrls.map((node) => new URL(node))
  await runSql(url, `SELECT citus_set_coordinator_host('${coordinator?.hostname}', ${coordinator?.port})`)
  for (const { hostname, port } of workers) await runSql(url, `SELECT citus_add_node('${hostname}', ${port})`)
  await runSql(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET citus.shard_count = ${shards}`)
  await distribute(url, pino({ level: 'warn' }))
}

/** The addresses of a server's nodes, itself first; only its own if it has none. */
async function readNodeUrls(url: string): Promise<string[]> {
  const [extension] = await runSql(url, `SELECT FROM pg_extension WHERE extname = 'citus'`)
  if (extension === undefined) return [url]
  const nodes = await runSql<{ host: string; port: number }>(
    url,
    'SELECT nodename AS host, nodeport AS port FROM pg_dist_node WHERE isactive ORDER BY groupid',
  )
  return nodes.map(({ host, port }, i) => {
    if (i === 0) return url
    const node = new URL(url)
    node.hostname = host
    node.port = String(port)
    return node.href
  })
}

async function onEach(nodeUrls: readonly string[], sql: string): Promise<void> {
  await Promise.all(nodeUrls.map((url) => runSql(url, sql)))
}
