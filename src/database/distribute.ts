import pg from 'pg'
import type { Logger } from 'pino'
import { OperatorError } from '../operator-error.ts'
import { readDatabaseUrl } from './database-url.ts'
import { changeNodesInTurn, hasCitus, type PlacedTable, placeTables, unplacedTables } from './distribution.ts'
import { sqlState } from './errors.ts'
import { applyMigrations, lockMigrations } from './migrations.ts'
import { prepareNodes, requireCoordinator } from './nodes.ts'
import { checkDatabase, connectionConfig } from './open.ts'
import { prepareSession } from './session.ts'

/** The tables cannot be distributed now. The message says why, and what to do. */
export class DistributeError extends OperatorError {
  override name = 'DistributeError'
}

/** What distributing has done. */
export interface Distribution {
  /** The tables that were placed now: none if all had been. */
  readonly placed: readonly (PlacedTable & { readonly rows: bigint })[]
  /** How many accounts are on each node, and the size of their rows in bytes. */
  readonly nodes: readonly { readonly name: string; readonly accounts: bigint; readonly bytes: bigint }[]
}

/**
 * Distributes the tables of the service's database over its nodes, with the rows that they have, by account. First gives the
 * nodes the settings that the service relies on, and brings the tables up to date. It is one transaction: if it fails or is
 * killed, nothing has been distributed. What is distributed already stays as it is.
 *
 * @throws {OperatorError} when the database has no extension or no nodes, a node does not answer, or the service runs
 */
export async function distribute(url: string, log: Logger): Promise<Distribution> {
  const { schema } = await checkDatabase(url)
  const client = new pg.Client({ ...readDatabaseUrl(url), application_name: 'promo-codes distribute' })
  client.on('error', (error) => log.debug({ err: error }, 'the connection that distributes was lost'))
  try {
    await client.connect()
    await prepareSession(client, { schema })
    await requireNodes(client)
    await prepareNodes(client)
    await applyMigrations(url, log)
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED')
    // Services that start meanwhile wait.
    await lockMigrations(client)
    const tables = await unplacedTables(client)
    if (tables.length > 0) {
      await requireQuiet(client, url)
      await changeNodesInTurn(client)
      await placeTables(client, tables)
    }
    await client.query('COMMIT')
    return { placed: await countRows(client, tables), nodes: await readShares(client) }
  } finally {
    await client.end()
  }
}

async function requireNodes(client: pg.ClientBase): Promise<void> {
  if (!(await hasCitus(client)))
    throw new DistributeError(
      'The database does not have the extension citus. Install Citus on all machines, add it to shared_preload_libraries, run CREATE EXTENSION citus in this database on each, and add the nodes on this one: docs/operations.md, "More than one machine".',
    )
  await requireCoordinator(client)
  const { rows } = await client.query(
    `SELECT FROM pg_dist_node WHERE isactive AND shouldhaveshards AND noderole = 'primary'`,
  )
  if (rows.length === 0)
    throw new DistributeError(
      `The database has no nodes that hold rows. Add each: SELECT citus_add_node('<host>', 5432). docs/operations.md, "More than one machine", says what else they need.`,
    )
}

/** Refuses while the service runs, and keeps everything else from the tables until the transaction ends. */
async function requireQuiet(client: pg.ClientBase, url: string): Promise<void> {
  const { rows } = await client.query<{ count: string; places: string }>(
    `SELECT count(*), string_agg(DISTINCT coalesce(host(client_addr), 'this machine'), ', ') AS places FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = $1`,
    [connectionConfig(url).application_name],
  )
  if (rows[0] !== undefined && rows[0].count !== '0')
    throw new DistributeError(
      `The service still runs: it has ${rows[0].count} connections to the database, from ${rows[0].places}. Stop all its processes, and then run this again.`,
    )
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT quote_ident(relname) AS name FROM pg_class
      WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' ORDER BY relname`,
  )
  try {
    await client.query(
      `LOCK TABLE ${tables.map(({ name }) => name).join(', ')} IN ACCESS EXCLUSIVE MODE NOWAIT`,
    )
  } catch (error) {
    if (sqlState(error) !== '55P03') throw error
    throw new DistributeError(
      'Somebody uses the tables: end other connections to the database, and then run this again.',
      {
        cause: error,
      },
    )
  }
}

async function countRows(
  client: pg.ClientBase,
  tables: readonly PlacedTable[],
): Promise<(PlacedTable & { rows: bigint })[]> {
  const counted: (PlacedTable & { rows: bigint })[] = []
  for (const table of tables) {
    const { rows } = await client.query<{ count: string }>(
      `SELECT count(*) FROM ${pg.escapeIdentifier(table.name)}`,
    )
    counted.push({ ...table, rows: BigInt(rows[0]?.count ?? 0) })
  }
  return counted
}

async function readShares(client: pg.ClientBase): Promise<Distribution['nodes']> {
  const { rows } = await client.query<{ name: string; accounts: string; bytes: string }>(
    `WITH home AS (
       SELECT get_shard_id_for_distribution_column('catalog', account_id) AS shardid, count(*) FROM catalog GROUP BY 1
     )
     SELECT nodename || ':' || nodeport AS name, coalesce(sum(home.count), 0) AS accounts, coalesce(sum(shard_size), 0) AS bytes
       FROM citus_shards LEFT JOIN home USING (shardid)
      WHERE citus_table_type = 'distributed' GROUP BY 1 ORDER BY 1`,
  )
  return rows.map(({ name, accounts, bytes }) => ({ name, accounts: BigInt(accounts), bytes: BigInt(bytes) }))
}
