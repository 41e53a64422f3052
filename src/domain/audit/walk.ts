import type { Pool } from 'pg'
import { transaction } from '../../database/transaction.ts'

/**
 * A table, to be read from end to end in the order of one of its indices, a page at a time. The checks are made on
 * a page where it is read, inside PostgreSQL, so only what is wrong leaves it.
 */
export interface Walk {
  table: string
  /** The columns that the checks need, those of the key among them. */
  columns: string
  /** The columns of the index, and their types. */
  key: Readonly<Record<string, 'uuid' | 'numeric' | 'bigint' | 'text'>>
  /** Rows that the index leaves out are left out here. */
  where?: string
  /** Rows of a page. It is read and checked in a fraction of a second. */
  pageSize: number
}

/** What a page holds, and the rows that `sql` had to say of it. */
export interface Page<Row> {
  lookedAt: number
  rows: Row[]
}

/**
 * Reads a table page by page. `sql` selects from `page` and whatever it wants to compare the page with; its rows
 * arrive as JSON, so that all numbers but small ones have to be cast to text.
 *
 * Each page is one statement on one snapshot. That is enough for books that are being written: whatever agrees with
 * each other is changed by one transaction, so it agrees in every snapshot. What a page is compared with is looked
 * up in the very same statement, also when it lies on another page. So nothing is carried from one snapshot to the
 * next; and rows that come after their page was read were written by a service that runs, and are for the next audit.
 *
 * One snapshot for the whole audit would be no better, and would stall claims: as long as a snapshot is open, no old
 * version of a row is cleared away, and each claim writes another version of its pool's row and then has to pass
 * all of them. No lock is taken but the one that keeps tables from being dropped.
 */
export async function* pages<Row>(pool: Pool, walk: Walk, sql: string): AsyncGenerator<Page<Row>> {
  let after: string[] | undefined
  do {
    const text = pageStatement(walk, sql, after !== undefined)
    const values: string[] = after ?? []
    const page = await transaction(pool, async (tx) => {
      await tx.execute({ text: settings })
      const [read] = await tx.rows<{ looked_at: number; last: string[] | null; rows: Row[] }>({
        text,
        values,
      })
      if (read === undefined) throw new Error('A page was read without an answer.')
      return read
    })
    yield { lookedAt: page.looked_at, rows: page.rows }
    after = page.looked_at < walk.pageSize ? undefined : (page.last ?? undefined)
  } while (after !== undefined)
}

// A page has to come from the index that has its order: left to itself, the planner underestimates what lies behind
// the last page, reads all of that through another index, and sorts it for each page anew. Nor may the audit take the
// processors that the service needs. A disk that is slow is no reason to give up.
export const settings = `
  SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
  SET LOCAL enable_seqscan = off;
  SET LOCAL enable_sort = off;
  SET LOCAL enable_incremental_sort = off;
  SET LOCAL max_parallel_workers_per_gather = 0;
  SET LOCAL jit = off;
  SET LOCAL statement_timeout = 0`

function pageStatement(walk: Walk, sql: string, hasBefore: boolean): string {
  const columns = Object.entries(walk.key)
  const names = columns.map(([name]) => name)
  const after = `(${names}) > (${columns.map(([, type], i) => `$${i + 1}::${type}`)})`
  const conditions = [
    'true',
    ...(walk.where === undefined ? [] : [walk.where]),
    ...(hasBefore ? [after] : []),
  ]
  return `
    WITH page AS MATERIALIZED (
      SELECT ${walk.columns} FROM ${walk.table} WHERE ${conditions.join(' AND ')}
      ORDER BY ${names} LIMIT ${walk.pageSize}
    ), found AS (${sql})
    SELECT
      (SELECT count(*)::integer FROM page) AS looked_at,
      (SELECT ARRAY[${names.map((name) => `${name}::text`)}] FROM page
        ORDER BY ${names.map((name) => `${name} DESC`)} LIMIT 1) AS last,
      (SELECT coalesce(json_agg(found), '[]') FROM found) AS rows`
}
