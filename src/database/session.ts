import pg from 'pg'
import { DatabaseError } from './errors.ts'

/** What a session may be given that others do not need. */
export interface SessionOptions {
  /** How long, in milliseconds, a statement waits for a lock before it fails with 55P03; 0: as long as it takes. */
  readonly lockTimeoutMs?: number
  /** How long, in milliseconds, a statement runs before it fails with 57014; 0: as long as it takes. */
  readonly statementTimeoutMs?: number
  /** How long, in milliseconds, a transaction may do nothing before it fails with 25P03; 0: as long as it likes. */
  readonly idleInTransactionTimeoutMs?: number
  /** The schema that the service's tables are in; what the server would choose when it is not said. */
  readonly schema?: string | undefined
}

// What the service relies on. The server's files, a database and a role each can have settings of their own for these,
// which come into force with the next connection.
const settings = {
  // A commit is on the disk when it is answered.
  synchronous_commit: 'on',
  // Connections that listen, or hold a lock, may be silent for as long as it takes; and a transaction is limited by
  // its statements.
  idle_session_timeout: '0',
  transaction_timeout: '0',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  // Rather fail than see a part of the rows alone. Who owns the tables sees them all.
  row_security: 'off',
  // In what form values travel, and how statements are read.
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

interface ServerFacts {
  readonly version: string
  readonly version_number: number
  readonly fsync: string
  readonly keeps_log_elsewhere: boolean | null
  readonly encoding: string
  readonly read_only: boolean
  readonly replication_role: string
  readonly database: string
}

// The oldest that the service has been tried with. Before it, everybody could create tables in the schema public.
const oldestVersion = 15

/**
 * Gives a new connection the settings that the service relies on, whatever the server, the database and the role have,
 * and checks what no session can set for itself.
 *
 * @throws {DatabaseError} when the server, as it is to this connection, must not be used
 */
export async function prepareSession(client: pg.ClientBase, options: SessionOptions = {}): Promise<void> {
  const { lockTimeoutMs = 0, statementTimeoutMs = 0, idleInTransactionTimeoutMs = 0, schema } = options
  const values: Record<string, string> = {
    ...settings,
    lock_timeout: String(lockTimeoutMs),
    statement_timeout: String(statementTimeoutMs),
    idle_in_transaction_session_timeout: String(idleInTransactionTimeoutMs),
    ...(schema !== undefined && { search_path: schema }),
  }
  // Not with the connection itself: poolers that stand between would refuse it. A version that does not have a setting
  // needs none.
  await client.query(
    `SELECT set_config(name, CASE name WHEN 'search_path' THEN quote_ident(value) ELSE value END, false)
       FROM unnest($1::text[], $2::text[]) AS setting(name, value)
      WHERE current_setting(name, true) IS NOT NULL
        AND NOT (name = 'synchronous_commit' AND current_setting(name) = 'remote_apply')`,
    [Object.keys(values), Object.values(values)],
  )
  const { rows } = await client.query<ServerFacts>(
    `SELECT current_setting('server_version') AS version,
            current_setting('server_version_num')::int AS version_number,
            current_setting('fsync') AS fsync,
            CASE WHEN current_setting('fsync') <> 'on' THEN EXISTS (
              SELECT FROM pg_settings WHERE name = 'neon.timeline_id' AND context = 'postmaster'
            ) END AS keeps_log_elsewhere,
            current_setting('server_encoding') AS encoding,
            pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only,
            current_setting('session_replication_role') AS replication_role,
            current_database() AS database`,
  )
  const problem = rows[0] && problemOf(rows[0])
  if (problem !== undefined)
    throw new DatabaseError(`The database cannot be used: ${locationOf(client)} ${problem}`)
}

/** Where a connection leads, for messages: "PostgreSQL at db.example:5432". */
export function locationOf(client: pg.ClientBase): string {
  if (!(client instanceof pg.Client)) return 'PostgreSQL'
  const { host, port } = client
  return `PostgreSQL at ${host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : `${host}:${port}`}`
}

function problemOf(facts: ServerFacts): string | undefined {
  if (facts.version_number < oldestVersion * 10_000) {
    return `is of version ${facts.version}, and the service needs ${oldestVersion} or newer.`
  }
  // Neon's servers keep nothing on their own disks: a commit waits for its log to be kept by others.
  if (facts.fsync !== 'on' && !facts.keeps_log_elsewhere) {
    return 'has fsync off: a crash of its machine could make it forget codes that were handed out, and they would be handed out again. Turn fsync on.'
  }
  if (facts.read_only) {
    return 'is read-only, as a standby is, or one whose disk is full: name the server that accepts writes, and see to it that default_transaction_read_only is off for this database and user.'
  }
  if (facts.replication_role !== 'origin') {
    return `has session_replication_role ${facts.replication_role} for this database or user, which turns checks off: set it to origin.`
  }
  if (facts.encoding !== 'UTF8') {
    return `keeps database ${facts.database} in the encoding ${facts.encoding}: create it with ENCODING 'UTF8'.`
  }
  return undefined
}
