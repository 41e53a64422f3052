import pg from 'pg'
import { DatabaseError } from './errors.ts'

/** Settings in which sessions differ. */
export interface SessionOptions {
  /** How long, in milliseconds, a statement waits for a lock before it fails with 55P03; 0: no limit. */
  readonly lockTimeoutMs?: number
  /** How long, in milliseconds, a statement runs before it fails with 57014; 0: no limit. */
  readonly statementTimeoutMs?: number
  /** How long, in milliseconds, a transaction may be idle before it fails with 25P03; 0: no limit. */
  readonly idleInTransactionTimeoutMs?: number
  /** The schema of the service's tables; by default the one that the server chooses. */
  readonly schema?: string | undefined
}

/** How long, in milliseconds, a statement of the service waits for a lock, unless it is told otherwise. */
export const usualLockTimeoutMs = 5_000

/**
 * What the service relies on. The server, a database and a role can each have other settings, which apply from the next
 * connection on.
 */
export const sessionSettings = {
  // A commit is on disk when it is answered.
  synchronous_commit: 'on',
  // Connections that listen or hold a lock are idle for long; and transactions are limited by their statements.
  idle_session_timeout: '0',
  transaction_timeout: '0',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  // Fail rather than see only some of the rows. The owner of the tables sees all.
  row_security: 'off',
  // The form of values, and the syntax of statements.
  client_encoding: 'UTF8',
  timezone: 'UTC',
  datestyle: 'ISO, MDY',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
  array_nulls: 'on',
}

/**
 * How statements are planned. All find their rows by an index. The plan of a prepared statement is kept, so one that was made
 * while a table was nearly empty, and its rows were best read one and all, would read millions later, until the statistics
 * are brought up to date. And no statement is worth compiling. The nodes of a distributed database plan with their own settings.
 */
const plannerSettings = { enable_seqscan: 'off', jit: 'off' }

interface ServerFacts {
  readonly version: string
  readonly version_number: number
  readonly fsync: string
  readonly encoding: string
  readonly read_only: boolean
  readonly replication_role: string
  readonly database: string
}

// The oldest version that was tested. Before it, every user could create tables in the schema public.
const minVersion = 15

/**
 * Gives a new connection the settings that the service relies on, whatever the defaults of the server, the database and
 * the role, and checks what a session cannot set.
 *
 * @throws {DatabaseError} when the server must not be used as this connection sees it
 */
export async function prepareSession(client: pg.ClientBase, options: SessionOptions = {}): Promise<void> {
  const { lockTimeoutMs = 0, statementTimeoutMs = 0, idleInTransactionTimeoutMs = 0, schema } = options
  const values: Record<string, string> = {
    ...sessionSettings,
    ...plannerSettings,
    lock_timeout: String(lockTimeoutMs),
    statement_timeout: String(statementTimeoutMs),
    idle_in_transaction_session_timeout: String(idleInTransactionTimeoutMs),
    ...(schema !== undefined && { search_path: schema }),
  }
  // Not as startup parameters, which poolers refuse. A server version that does not know a setting does not need it. All in one
  // statement, as every connection begins with it.
  const { rows } = await client.query<ServerFacts>(
    `SELECT (
              SELECT count(set_config(name, CASE name WHEN 'search_path' THEN quote_ident(value) ELSE value END, false))
                FROM unnest($1::text[], $2::text[]) AS setting(name, value)
               WHERE current_setting(name, true) IS NOT NULL
                 AND NOT (name = 'synchronous_commit' AND current_setting(name) = 'remote_apply')
            ) AS settings,
            current_setting('server_version') AS version,
            current_setting('server_version_num')::int AS version_number,
            current_setting('fsync') AS fsync,
            current_setting('server_encoding') AS encoding,
            pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only,
            current_setting('session_replication_role') AS replication_role,
            current_database() AS database`,
    [Object.keys(values), Object.values(values)],
  )
  const [facts] = rows
  if (facts === undefined) throw new Error('The server said nothing about itself.')
  const error = serverError(facts, facts.fsync === 'on' || (await keepsLogElsewhere(client)))
  if (error !== undefined)
    throw new DatabaseError(`The database cannot be used: ${locationOf(client)} ${error}`)
}

/** Neon's servers have fsync off, as they do not use their own disks: a commit waits until other machines have the log. */
async function keepsLogElsewhere(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT FROM pg_settings WHERE name = 'neon.timeline_id' AND context = 'postmaster'`,
  )
  return rows.length > 0
}

/** The server of a connection, for messages: "PostgreSQL at db.example:5432". */
export function locationOf(client: pg.ClientBase): string {
  if (!(client instanceof pg.Client)) return 'PostgreSQL'
  const { host, port } = client
  return `PostgreSQL at ${host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : `${host}:${port}`}`
}

function serverError(facts: ServerFacts, keepsCommits: boolean): string | undefined {
  if (facts.version_number < minVersion * 10_000) {
    return `has version ${facts.version}: the service needs version ${minVersion} or newer.`
  }
  if (!keepsCommits) {
    return 'has fsync off: after a crash of its machine, codes could be handed out a second time. Set fsync to on.'
  }
  if (facts.read_only) {
    return 'is read-only, as a standby is, or a server whose disk is full: name the server that accepts writes, and make sure that default_transaction_read_only is off for this database and user.'
  }
  if (facts.replication_role !== 'origin') {
    return `has session_replication_role ${facts.replication_role} for this database or user, which disables constraints: set it to origin.`
  }
  if (facts.encoding !== 'UTF8') {
    return `has the database ${facts.database} in the encoding ${facts.encoding}: create it with ENCODING 'UTF8'.`
  }
  return undefined
}
