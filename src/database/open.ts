import pg from 'pg'
import type { Logger } from 'pino'
import { OperatorError } from '../operator-error.ts'
import { sqlState } from './errors.ts'
import { applyMigrations } from './migrations.ts'

/** The database cannot be reached, or must not be used. Never tells the password. */
export class DatabaseError extends OperatorError {
  override name = 'DatabaseError'
}

export interface PoolOptions {
  /** How many connections it holds at most. */
  readonly max: number
  readonly log: Logger
  /** How long, in milliseconds, a statement waits for a lock before it fails with 55P03. */
  readonly lockTimeoutMs?: number
  /** How long, in milliseconds, a statement runs before it fails with 57014. */
  readonly statementTimeoutMs?: number
}

// The oldest that the service has been tried with. Before it, everybody could create tables in the schema public.
const oldestVersion = 15
const connectionTimeoutMs = 10_000
const idleInTransactionTimeoutMs = 10_000
const silenceMs = 5_000

/**
 * Makes a database ready to use: checks it, brings its tables up to date, and opens a pool, which is the caller's
 * to end.
 *
 * @throws {OperatorError} when the database cannot be reached, must not be used, or was used by a newer version
 */
export async function openDatabase(url: string, options: PoolOptions): Promise<pg.Pool> {
  await checkDatabase(url)
  await applyMigrations(url, options.log)
  return createPool(url, options)
}

/** How to make a connection outside of the pool. */
export function connectionConfig(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'promo-codes',
    connectionTimeoutMillis: connectionTimeoutMs,
    keepAlive: true,
  }
}

/**
 * A pool whose connections give up waiting after a while, for the server, for a lock and for this process alike,
 * and whose commits are on the disk when they are answered, also where the server's default is less.
 *
 * Connections are made as they are needed: this does not fail when the server is away. A connection that is lost
 * while nobody uses it is logged, and replaced when needed.
 */
export function createPool(url: string, options: PoolOptions): pg.Pool {
  const { max, log, lockTimeoutMs = 5_000, statementTimeoutMs = 30_000 } = options
  const pool = new pg.Pool({
    ...connectionConfig(url),
    max,
    // A transaction sends statements that do not need each other's answers together: each flight to the server and
    // back lengthens the time that its locks are held.
    pipeline: true,
    // A server that has fallen silent, as when its machine is gone, ends no statement itself.
    query_timeout: statementTimeoutMs + silenceMs,
    // The pool waits for this before it hands the connection out. Settings sent with the connection itself would
    // be refused by poolers that stand between.
    onConnect: (client) => prepare(client, lockTimeoutMs, statementTimeoutMs),
  })
  pool.on('error', (error) => log.warn({ err: error }, 'a connection to the database was lost'))
  return pool
}

async function prepare(
  client: pg.ClientBase,
  lockTimeoutMs: number,
  statementTimeoutMs: number,
): Promise<void> {
  await client.query(
    `SELECT set_config('lock_timeout', $1, false),
            set_config('statement_timeout', $2, false),
            set_config('idle_in_transaction_session_timeout', $3, false),
            CASE WHEN current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')
                 THEN set_config('synchronous_commit', 'on', false)
            END`,
    [lockTimeoutMs, statementTimeoutMs, idleInTransactionTimeoutMs],
  )
}

interface ServerFacts {
  readonly version: string
  readonly version_number: number
  readonly fsync: string
  readonly encoding: string
  readonly read_only: boolean
}

/**
 * Checks that a database can be reached and keeps what is committed to it.
 *
 * @throws {DatabaseError} that says where it is and what is wrong with it
 */
export async function checkDatabase(url: string): Promise<void> {
  const client = newClient(url)
  const where = `PostgreSQL at ${client.host}:${client.port}`
  let facts: ServerFacts | undefined
  try {
    await client.connect()
    const { rows } = await client.query<ServerFacts>(
      `SELECT current_setting('server_version') AS version,
              current_setting('server_version_num')::int AS version_number,
              current_setting('fsync') AS fsync,
              current_setting('server_encoding') AS encoding,
              pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only`,
    )
    facts = rows[0]
  } catch (error) {
    throw new DatabaseError(`The database cannot be used: ${where} ${failure(error, client)}`, {
      cause: error,
    })
  } finally {
    await client.end()
  }
  const problem = facts && problemOf(facts, client)
  if (problem !== undefined) throw new DatabaseError(`The database cannot be used: ${where} ${problem}`)
}

function newClient(url: string): pg.Client {
  try {
    const client = new pg.Client(connectionConfig(url))
    // What matters is told by the query that fails; without a listener the same would end the process as well.
    client.on('error', () => {})
    return client
  } catch (error) {
    throw new DatabaseError(`DATABASE_URL cannot be understood: ${(error as Error).message}`)
  }
}

function failure(error: unknown, client: pg.Client): string {
  const reason = reasonOf(error)
  const state = sqlState(error)
  if (state === undefined) return `cannot be reached: ${reason}`
  if (state.startsWith('28')) return `does not let user ${client.user} in: ${reason}`
  return `answers: ${reason}`
}

/** An attempt on several addresses has a reason for each, and no message of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}

function problemOf(facts: ServerFacts, client: pg.Client): string | undefined {
  if (facts.version_number < oldestVersion * 10_000) {
    return `is of version ${facts.version}, and the service needs ${oldestVersion} or newer.`
  }
  if (facts.fsync !== 'on') {
    return 'has fsync off: a crash of its machine could make it forget codes that were handed out, and they would be handed out again. Turn fsync on.'
  }
  if (facts.read_only) return 'is read-only, as a standby is: name the server that accepts writes.'
  if (facts.encoding !== 'UTF8') {
    return `keeps database ${client.database} in the encoding ${facts.encoding}: create it with ENCODING 'UTF8'.`
  }
  return undefined
}
