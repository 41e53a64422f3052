import pg from 'pg'
import { DatabaseError } from './errors.ts'

/** By which tables of the service are recognised: other programs keep notes of Prisma's migrations, too. */
const firstMigration = '20261122162326_start'

/**
 * The schema that the service's tables are in, or are to be made in. A role or a database can come to have another
 * `search_path` at any time: tables that are there already decide, then the schema in which the server would make some.
 *
 * @throws {DatabaseError} when there is no schema to make them in
 */
export async function findSchema(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ schema: string }>(
    `SELECT nspname AS schema
       FROM unnest(current_schemas(false) || 'public'::name) WITH ORDINALITY AS candidate(nspname, place)
       JOIN pg_namespace USING (nspname)
       JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = '_prisma_migrations'
      WHERE has_schema_privilege(pg_namespace.oid, 'USAGE') AND has_table_privilege(pg_class.oid, 'SELECT')
      ORDER BY place`,
  )
  for (const { schema } of rows) {
    const { rows: notes } = await client.query(
      `SELECT FROM ${pg.escapeIdentifier(schema)}._prisma_migrations WHERE migration_name = $1`,
      [firstMigration],
    )
    if (notes.length > 0) return schema
  }
  const { rows: chosen } = await client.query<{ schema: string | null }>('SELECT current_schema() AS schema')
  const schema = chosen[0]?.schema
  if (schema) return schema
  throw new DatabaseError(
    'The database cannot be used: no schema that its search_path names exists. Create one: CREATE SCHEMA public',
  )
}

/** The schema of the tables, for Prisma, which puts it before each of their names instead of going by `search_path`. */
export async function schemaOf(pool: pg.Pool): Promise<{ schema: string }> {
  const { rows } = await pool.query<{ schema: string }>('SELECT current_schema() AS schema')
  const [row] = rows
  if (row === undefined) throw new Error('The database did not say which schema it uses.')
  return row
}
