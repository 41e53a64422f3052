/**
 * SQL for a prepared statement: those rows of the account $1 whose ids are in the list $2, named like their table.
 *
 * PostgreSQL keeps the plan of such a statement. The list is in a subquery: otherwise, it would plan for each list anew, which
 * takes longer than reading the rows. And the row is the first from its id on, as only the index of ids has this order: with `=`,
 * a plan that was made while the table was empty may use any index that begins with the account, and read all that it has. Both
 * rely on sessions that avoid scans of tables (session.ts).
 */
export function rowsById(table: 'format' | 'pool' | 'redemption' | 'task', columns: string): string {
  return `unnest((SELECT $2::uuid[])) AS wanted (id)
    JOIN LATERAL (
      SELECT ${columns} FROM ${table} WHERE account_id = $1 AND id >= wanted.id ORDER BY id LIMIT 1
    ) AS ${table} ON ${table}.id = wanted.id`
}
