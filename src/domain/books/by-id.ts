/**
 * SQL for a prepared statement: those rows of the account $1 whose ids are in the list $2, as `found`.
 *
 * The plan is kept. It does not depend on how long the list is, which is in a subquery: PostgreSQL would make a plan for each
 * list, which takes longer than reading the rows. Nor on how large the table was when the plan was made: row by row and in the
 * order of ids, only one index leads to the row without sorting.
 */
export function rowsById(table: 'format' | 'pool' | 'redemption' | 'task', columns: string): string {
  return `unnest((SELECT $2::uuid[])) AS wanted (id)
    JOIN LATERAL (
      SELECT ${columns} FROM ${table} WHERE account_id = $1 AND id >= wanted.id ORDER BY id LIMIT 1
    ) AS found ON found.id = wanted.id`
}
