import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import pg from 'pg'
import { pino } from 'pino'
import { inject } from 'vitest'
import { openConnections } from '../../src/database/open.ts'
import { recordStatements } from './statements.ts'

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
  await Promise.all(
    nodes.map((node) => runSql(node, `CREATE DATABASE ${name} TEMPLATE ${template} ${options.locale ?? ''}`)),
  )
  const url = databaseUrl(server, name)
  const connections = openConnections(url, { max: options.max ?? 10, log: pino({ level: 'silent' }) })
  const close = async () => {
    await connections.end()
    await Promise.all(nodes.map((node) => runSql(node, `DROP DATABASE ${name} WITH (FORCE)`)))
  }
  return { url, connections, close, [Symbol.asyncDispose]: close }
}

/** The address of another database on the same server. */
export function databaseUrl(server: string, name: string): string {
  const url = new URL(server)
  url.pathname = name
  return url.href
}

/** Runs one statement on a connection of its own. */
export async function runSql<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

/** Resolves when another connection waits for a lock that `holder` holds. */
export async function waitUntilSomebodyWaitsFor(holder: pg.ClientBase): Promise<void> {
  for (;;) {
    const { rows } = await holder.query(
      'SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))',
    )
    if (rows.length > 0) return
  }
}
