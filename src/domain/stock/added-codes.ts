import type { Queryable } from '../../database/transaction.ts'
import { rowById } from '../books/by-id.ts'

/** Where the codes are that a task has added. */
export interface AddedCodes {
  available: bigint
  claimed: bigint
  withdrawn: bigint
}

/** Where the codes of these existing tasks are now, in the order of the tasks. */
export async function readAddedCodes(
  books: Queryable,
  accountId: string,
  taskIds: readonly string[],
): Promise<AddedCodes[]> {
  const rows = await books.rows<Record<keyof AddedCodes, string>>({
    name: 'read-added-codes',
    // Row by row, so that the plan can be kept: see `rowsById`.
    text: `
      SELECT laid.count - claimed AS available, claimed, withdrawn
      FROM unnest((SELECT $2::uuid[])) WITH ORDINALITY AS wanted (id, number)
      CROSS JOIN LATERAL ${rowById('task', 'id, pool_id', 'wanted.id')} AS task
      CROSS JOIN LATERAL ${rowById('pool', 'id, claimed AS line', 'task.pool_id')} AS pool
      CROSS JOIN LATERAL (
        SELECT coalesce(sum(count) FILTER (WHERE NOT withdrawn), 0) AS count,
          coalesce(sum(least(greatest(line - start, 0), count)) FILTER (WHERE NOT withdrawn), 0) AS claimed,
          coalesce(sum(count) FILTER (WHERE withdrawn), 0) AS withdrawn
        FROM (
          SELECT start, count, withdrawn FROM batch WHERE account_id = $1 AND task_id = wanted.id ORDER BY first OFFSET 0
        ) AS batch
      ) AS laid
      ORDER BY number`,
    values: [accountId, taskIds],
  })
  return rows.map(({ available, claimed, withdrawn }) => ({
    available: BigInt(available),
    claimed: BigInt(claimed),
    withdrawn: BigInt(withdrawn),
  }))
}
