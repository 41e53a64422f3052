type TableWithIds = 'format' | 'pool' | 'redemption' | 'task'

/**
 * SQL for a prepared statement: those rows of the account $1 whose ids are in the list $2, named like their table. The columns
 * include `id`.
 *
 * PostgreSQL keeps the plan of such a statement. The list is in a subquery: otherwise, it would plan for each list anew, which
 * takes longer than reading the rows.
 */
export function rowsById(table: TableWithIds, columns: string): string {
  return `unnest((SELECT $2::uuid[])) AS wanted (id) CROSS JOIN LATERAL ${rowById(table, columns, 'wanted.id')} AS ${table}`
}

/**
 * SQL for a statement whose plan is kept: the row of the account $1 with an id, if there is one. The columns include `id`.
 *
 * It is the first from its id on, as only the index of ids has this order: with `=` alone, a plan that was made while the table
 * was empty may use any index that begins with the account, and read all that it has. That relies on sessions that avoid scans of
 * tables (session.ts).
 */
export function rowById(table: TableWithIds, columns: string, id: string): string {
  return `(
    SELECT * FROM (
      SELECT ${columns} FROM ${table} WHERE account_id = $1 AND id >= ${id} ORDER BY id LIMIT 1
    ) AS next WHERE id = ${id}
  )`
}
