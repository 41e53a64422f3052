import pg from 'pg'
import { DatabaseError } from './errors.ts'

/** Identifies the service's tables: other programs have a table of Prisma's migrations, too. */
const firstMigration = '20261122162326_start'

/**
 * The schema of the service's tables, or the one to create them in. As the `search_path` of a role or a database can
 * change at any time, existing tables decide; without any, the schema in which the server would create them.
 *
 * @throws {DatabaseError} when there is no schema to create them in
 */
export async function findSchema(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ schema: string }>(
    `SELECT nspname AS schema
       FROM unnest(current_schemas(false) || 'public'::name) WITH ORDINALITY AS candidate(nspname, rank)
       JOIN pg_namespace USING (nspname)
       JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = '_prisma_migrations'
      WHERE has_schema_privilege(pg_namespace.oid, 'USAGE') AND has_table_privilege(pg_class.oid, 'SELECT')
      ORDER BY rank`,
  )
  for (const { schema } of rows) {
    const { rows: records } = await client.query(
      `SELECT FROM ${pg.escapeIdentifier(schema)}._prisma_migrations WHERE migration_name = $1`,
      [firstMigration],
    )
    if (records.length > 0) return schema
  }
  const { rows: current } = await client.query<{ schema: string | null }>('SELECT current_schema() AS schema')
  const schema = current[0]?.schema
  if (schema) return schema
  throw new DatabaseError(
    'The database cannot be used: no schema that its search_path names exists. Create one: CREATE SCHEMA public',
  )
}

/** The schema of the tables, for Prisma, which qualifies their names with it instead of using `search_path`. */
export async function schemaOf(connections: pg.Pool): Promise<{ schema: string }> {
  const { rows } = await connections.query<{ schema: string }>('SELECT current_schema() AS schema')
  const [row] = rows
  if (row === undefined) throw new Error('The database did not say which schema it uses.')
  return row
}
