import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import pg from 'pg'
import { pino } from 'pino'
import { beforeEach, inject } from 'vitest'
import { openConnections } from '../../src/database/open.ts'
import type { Queryable } from '../../src/database/transaction.ts'
import { createOnNodes, databaseUrl, onEach, runSql } from './nodes.ts'
import { recordStatements } from './statements.ts'

export { databaseUrl, runSql } from './nodes.ts'

export interface TestDatabase extends AsyncDisposable {
  readonly url: string
  /** The connections, as the service opens them. */
  readonly connections: pg.Pool
  /** Ends the connections and drops the database, even if others are connected to it. */
  close(): Promise<void>
}

/**
 * Creates a database with all tables, which are empty; with `empty`, without tables. `locale` has options for CREATE
 * DATABASE.
 */
export async function testDatabase(
  options: { readonly max?: number; readonly empty?: boolean; readonly locale?: string } = {},
): Promise<TestDatabase> {
  // At the end of the run, global-setup.ts checks the shapes of all statements.
  recordStatements(join(inject('statementsFolder'), String(process.pid)))
  const name = `test_${randomUUID().replaceAll('-', '')}`
  const server = inject('serverUrl')
  const template = options.empty ? 'template0' : inject('templateName')
  // One without tables is not distributed.
  const nodes = options.empty ? [server] : inject('nodeUrls')
  // Copying the files of one so small takes half as long as writing it to the log.
  const create = `CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy ${options.locale ?? ''}`
  await Promise.all(nodes.map((node) => administer(node, create)))
  const url = databaseUrl(server, name)
  const connections = openConnections(url, { max: options.max ?? 10, log: pino({ level: 'silent' }) })
  const close = async () => {
    await connections.end()
    await Promise.all(nodes.map((node) => administer(node, `DROP DATABASE ${name} WITH (FORCE)`)))
  }
  return { url, connections, close, [Symbol.asyncDispose]: close }
}

/**
 * Runs a statement on a server, on connections that are kept for a while: a run creates and drops hundreds of databases, and
 * beginning a connection takes as long as dropping one.
 */
async function administer(server: string, sql: string): Promise<void> {
  let connections = administrations.get(server)
  if (connections === undefined) {
    connections = new pg.Pool({
      connectionString: server,
      max: 2,
      idleTimeoutMillis: 20_000,
      allowExitOnIdle: true,
    })
    // At the end of the run, the server may stop before this process does.
    connections.on('error', () => undefined)
    administrations.set(server, connections)
  }
  await connections.query(sql)
}

const administrations = new Map<string, pg.Pool>()

/** Creates a database whose server has nodes, without tables. Resolves to its address, and how to drop it. */
export async function undistributedDatabase(): Promise<AsyncDisposable & { readonly url: string }> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  const nodes = inject('nodeUrls')
  const url = await createOnNodes(nodes, name, { shards: 4 })
  return { url, [Symbol.asyncDispose]: () => onEach(nodes, `DROP DATABASE ${name} WITH (FORCE)`) }
}

/** Whether the databases of this run are distributed: TEST_DATABASE_URL names a server with nodes. */
export function isDistributed(): boolean {
  return inject('nodeUrls').length > 1
}

/** Skips the tests of a file or suite on a distributed database. */
export function onlyOnOneServer(reason: string): void {
  beforeEach(({ skip }) => skip(isDistributed(), `not on a distributed database: ${reason}`))
}

/** Resolves when another connection waits for a lock that `holder` holds. */
export async function waitUntilSomebodyWaitsFor(holder: pg.Client | pg.PoolClient): Promise<void> {
  if (isDistributed()) return await waitOnNodes(holder)
  for (;;) {
    const { rows } = await holder.query(
      'SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))',
    )
    if (rows.length > 0) return
  }
}

async function waitOnNodes(holder: pg.Client | pg.PoolClient): Promise<void> {
  const { rows: own } = await holder.query<{ id: string; database: string }>(
    'SELECT citus_backend_gpid() AS id, current_database() AS database',
  )
  const url = databaseUrl(inject('serverUrl'), own[0]?.database ?? '')
  for (;;) {
    const waiting = await runSql(url, `SELECT 1 FROM citus_lock_waits WHERE blocking_gpid = ${own[0]?.id}`)
    if (waiting.length > 0) return
  }
}

/** The sessions that wait for a lock in a statement with this text; the `pid` of each can be terminated. */
export async function sessionsThatWait(books: Queryable, statement: string): Promise<{ pid: string }[]> {
  return await books.rows({
    text: isDistributed()
      ? 'SELECT DISTINCT waiting_gpid AS pid FROM citus_lock_waits WHERE strpos(blocked_statement, $1) > 0'
      : `SELECT pid FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND strpos(query, $1) > 0`,
    values: [statement],
  })
}
