import { hash } from 'node:crypto'
import type { Pool } from 'pg'
import { type Transaction, transaction } from '../../database/transaction.ts'

/**
 * The rows of an account in a table, to be read completely, page by page, in the order of an index. PostgreSQL itself checks each
 * page, so that only findings are sent.
 */
export interface Walk {
  table: string
  /** The columns that the checks need, including those of the key. */
  columns: string
  /** The columns of the index, and their types. The first is that of the account, but for keys, which have an id. */
  key: Readonly<Record<string, 'uuid' | 'numeric' | 'bigint' | 'text' | 'boolean' | 'timestamptz'>>
  /** The condition of a partial index. */
  where?: string
  /** Rows per page, so few that it is checked in a fraction of a second. */
  pageSize: number
}

/**
 * Reads an account's rows of a table page by page. `sql` selects from `page` and whatever it compares the page with, all of the
 * account $1. Its `rows` arrive as JSON, so it must cast all but small numbers to text. `size`: the number of rows of the page.
 *
 * Each page is one statement on one snapshot. That suffices while services write: what must agree is changed in one
 * transaction, so it agrees in every snapshot. A statement also looks up whatever it compares its page with, even if that
 * is on another page, so nothing is carried from one snapshot to the next. Rows that are added behind the page are left
 * to the next audit.
 *
 * One snapshot for the whole audit would be no better, and would stall claims: while a snapshot is open, old versions of
 * rows are not vacuumed, and each claim adds a version of its pool's row and has to step over all others. The only lock
 * is the one that keeps tables from being dropped.
 */
export async function* pages<Row>(
  connections: Pool,
  accountId: string,
  walk: Walk,
  sql: string,
): AsyncGenerator<{ size: number; rows: Row[] }> {
  let after: string[] | undefined
  do {
    const text = pageStatement(walk, sql, after !== undefined)
    // With many small accounts, planning it again for each of them would be most of an audit.
    const statement = { name: `audit-${hash('sha1', text)}`, text, values: [accountId, ...(after ?? [])] }
    const page = await onSnapshot(connections, async (tx) => {
      const [read] = await tx.rows<{ size: number; last: string[] | null; rows: Row[] }>(statement)
      if (read === undefined) throw new Error('The statement of a page returned no row.')
      return read
    })
    yield { size: page.size, rows: page.rows }
    after = page.size < walk.pageSize || page.last?.length === 0 ? undefined : (page.last ?? undefined)
  } while (after !== undefined)
}

/** Reads on one snapshot, as an audit does; in a distributed database, each statement has its own. */
export async function onSnapshot<T>(connections: Pool, read: (tx: Transaction) => Promise<T>): Promise<T> {
  return await transaction(connections, async (tx) => {
    // In one round trip with the first statement of `read`.
    const set = tx.execute({ text: settings })
    const [result] = await Promise.all([read(tx), set])
    return result
  })
}

// The index must give a page its order: by default the planner may read all remaining rows through another index and sort
// them, for each page. Nor may the audit use several processors, which the service needs. A slow disk must not end it.
const settings = `
  SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
  SET LOCAL enable_sort = off;
  SET LOCAL enable_incremental_sort = off;
  SET LOCAL max_parallel_workers_per_gather = 0;
  SET LOCAL statement_timeout = 0`

function pageStatement(walk: Walk, sql: string, hasBefore: boolean): string {
  const account = walk.table === 'account' ? 'id' : 'account_id'
  const columns = Object.entries(walk.key).filter(([name]) => name !== account)
  const rest = columns.map(([name]) => name)
  const after = `(${rest}) > (${columns.map(([, type], i) => `$${i + 2}::${type}`)})`
  const conditions = [
    `${account} = $1`,
    ...(walk.where === undefined ? [] : [walk.where]),
    ...(hasBefore ? [after] : []),
  ]
  const names = Object.keys(walk.key)
  return `
    WITH page AS MATERIALIZED (
      SELECT ${walk.columns} FROM ${walk.table} WHERE ${conditions.join(' AND ')}
      ORDER BY ${names} LIMIT ${walk.pageSize}
    ), found AS (${sql})
    SELECT
      (SELECT count(*)::integer FROM page) AS size,
      (SELECT ARRAY[${rest.map((name) => `${name}::text`)}]::text[] FROM page
        ORDER BY ${names.map((name) => `${name} DESC`)} LIMIT 1) AS last,
      (SELECT coalesce(json_agg(found), '[]') FROM found) AS rows`
}
