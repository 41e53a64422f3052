import pg from 'pg'

/** What became of a table: on every node, on the coordinator alone, or divided over the nodes by account. */
export type Placement = 'REFERENCE' | 'LOCAL' | 'BY_ACCOUNT'

export interface PlacedTable {
  readonly name: string
  readonly placement: Placement
}

// The records of the migrations belong to the coordinator, which alone applies them.
const recordsTable = '_prisma_migrations'

const distributionColumn = 'account_id'

/**
 * Keys are looked up before their account is known, and so are sessions, which have no account of their own; the queue is read
 * for all accounts. They are on the coordinator alone: on every node, they could not be written while one is down. What is of no
 * account is there, too.
 */
function placementOf({ name, hasAccount }: { name: string; hasAccount: boolean }): Placement {
  if (name === 'account') return 'REFERENCE'
  return hasAccount && name !== 'api_key' && name !== 'queue' ? 'BY_ACCOUNT' : 'LOCAL'
}

/** Whether the tables of the connection's schema have been distributed. */
export async function isDistributed(client: pg.ClientBase): Promise<boolean> {
  if (!(await hasCitus(client))) return false
  const { rows } = await client.query(
    `SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass('account') AND partmethod = 'n' AND repmodel = 't'`,
  )
  return rows.length > 0
}

/** Whether the database has the extension. */
export async function hasCitus(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query(`SELECT FROM pg_extension WHERE extname = 'citus'`)
  return rows.length > 0
}

/**
 * Lets the statements of this transaction change all nodes one after the other, which tables with foreign keys need.
 * Without the extension it has no effect.
 */
export async function changeNodesInTurn(client: pg.ClientBase): Promise<void> {
  await client.query(`SELECT set_config('citus.multi_shard_modify_mode', 'sequential', true)`)
}

/**
 * Places tables of the connection's schema, with the rows that they have, in the order that `unplacedTables` gives. It needs a
 * transaction in which the nodes are changed in turn. Foreign keys are dropped and added again, as a table is divided without
 * them.
 */
export async function placeTables(client: pg.ClientBase, tables: readonly PlacedTable[]): Promise<void> {
  if (tables.length === 0) return
  const keys = await dropForeignKeys(client, tables)
  for (const table of tables) await place(client, table)
  // The rows that were copied to the nodes are still here, where nobody sees them.
  for (const { name, placement } of tables)
    if (placement !== 'LOCAL')
      await client.query('SELECT truncate_local_data_after_distributing_table($1)', [
        pg.escapeIdentifier(name),
      ])
  for (const key of keys) await client.query(key.add)
}

/** The tables of the connection's schema that have no placement yet, in the order in which they are placed. */
export async function unplacedTables(client: pg.ClientBase): Promise<PlacedTable[]> {
  const { rows } = await client.query<{ name: string; hasAccount: boolean }>(
    // A table that a foreign key to account has made known to the extension is placed all the same.
    `SELECT relname AS name, EXISTS (
         SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = $2 AND NOT attisdropped
       ) AS "hasAccount"
       FROM pg_class
       JOIN pg_namespace ON pg_namespace.oid = relnamespace
       LEFT JOIN pg_dist_partition AS placed ON placed.logicalrelid = pg_class.oid AND NOT placed.autoconverted
      WHERE nspname = current_schema() AND relkind = 'r' AND relname <> $1 AND placed.logicalrelid IS NULL
        AND NOT EXISTS (
          SELECT FROM pg_depend
           WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND objsubid = 0 AND deptype = 'e'
        )
      ORDER BY relname`,
    [recordsTable, distributionColumn],
  )
  const order: readonly Placement[] = ['REFERENCE', 'LOCAL', 'BY_ACCOUNT']
  return rows
    .map((table) => ({ name: table.name, placement: placementOf(table) }))
    .toSorted((a, b) => order.indexOf(a.placement) - order.indexOf(b.placement))
}

interface ForeignKey {
  readonly add: string
}

/** Drops the foreign keys from and to these tables. Resolves to the statements that add them again. */
async function dropForeignKeys(client: pg.ClientBase, tables: readonly PlacedTable[]): Promise<ForeignKey[]> {
  const { rows } = await client.query<{ add: string; drop: string }>(
    `SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS add,
            format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop
       FROM pg_constraint
      WHERE contype = 'f' AND conparentid = 0 AND connamespace = current_schema()::regnamespace
        AND (conrelid = ANY (SELECT to_regclass(quote_ident(name)) FROM unnest($1::text[]) AS name)
          OR confrelid = ANY (SELECT to_regclass(quote_ident(name)) FROM unnest($1::text[]) AS name))
      ORDER BY conrelid::regclass::text, conname`,
    [tables.map(({ name }) => name)],
  )
  for (const { drop } of rows) await client.query(drop)
  return rows
}

async function place(client: pg.ClientBase, { name, placement }: PlacedTable): Promise<void> {
  const table = pg.escapeIdentifier(name)
  if (placement === 'REFERENCE') await client.query('SELECT create_reference_table($1)', [table])
  else if (placement === 'LOCAL') await client.query('SELECT citus_add_local_table_to_metadata($1)', [table])
  else
    await client.query(`SELECT create_distributed_table($1, $2, colocate_with => $3)`, [
      table,
      distributionColumn,
      // Together with the first of them: an account's rows of all tables are on one node.
      (await firstByAccount(client)) ?? 'none',
    ])
}

async function firstByAccount(client: pg.ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT quote_ident(relname) AS name FROM pg_dist_partition
       JOIN pg_class ON pg_class.oid = logicalrelid
      WHERE partmethod = 'h' AND relnamespace = current_schema()::regnamespace
      ORDER BY relname LIMIT 1`,
  )
  return rows[0]?.name
}
