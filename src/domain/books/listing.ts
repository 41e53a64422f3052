import type { Queryable } from '../../database/transaction.ts'

/** The rows of a table to list: a condition on the parameters $2, $3 and so on, which are `values`. */
export interface Filter {
  table: 'format' | 'pool' | 'task' | 'redemption' | 'webhook_delivery'
  condition: string
  values: readonly unknown[]
}

/** A part of a list in the order of the ids: older than `after`, newer than `before`. */
export interface Slice {
  after?: string | undefined
  before?: string | undefined
  limit: number
  /** Whether it begins with the oldest instead of the newest. */
  fromOldest: boolean
}

/** The ids of an account's rows that match. */
export async function listIds(
  books: Queryable,
  accountId: string,
  { table, condition, values }: Filter,
  { after, before, limit, fromOldest }: Slice,
): Promise<string[]> {
  const [older, newer, max] = [2, 3, 4].map((place) => `$${values.length + place}`)
  const rows = await books.rows<{ id: string }>({
    text: `
      SELECT id FROM ${table}
      WHERE account_id = $1 AND ${condition}
        AND (${older}::uuid IS NULL OR id < ${older}) AND (${newer}::uuid IS NULL OR id > ${newer})
      ORDER BY id ${fromOldest ? 'ASC' : 'DESC'} LIMIT ${max}`,
    values: [accountId, ...values, after ?? null, before ?? null, limit],
  })
  return rows.map((row) => row.id)
}

/** The number of an account's rows that match. */
export async function countRows(
  books: Queryable,
  accountId: string,
  { table, condition, values }: Filter,
): Promise<bigint> {
  const [row] = await books.rows<{ count: string }>({
    text: `SELECT count(*) FROM ${table} WHERE account_id = $1 AND ${condition}`,
    values: [accountId, ...values],
  })
  return BigInt(row?.count ?? 0)
}
