import type { Queryable } from '../../database/transaction.ts'

export type CodeStatus = 'AVAILABLE' | 'CLAIMED'

/** ALL: the claimed codes, then the available ones. */
export type StatusFilter = CodeStatus | 'ALL'

/**
 * A pool's line at a moment: [0, claimed) had been claimed, [claimed, total) had not. Pages and files of codes are read
 * from it, and a client can request the same one again.
 *
 * Claimed codes never move. But undoing an upload removes a batch of available codes from the line, and moves the batches
 * behind it. `last` reveals that: the task whose batch was the last one, and ended at `total`. A batch of that task ends
 * there until a batch is removed, and never again after that. Without available codes, nothing can change, and there is
 * no `last`.
 */
export interface Snapshot {
  claimed: bigint
  total: bigint
  last: string | undefined
}

/** The current snapshot of a pool's line, and the pool's name; undefined if the account has no such pool. */
export async function readSnapshot(
  books: Queryable,
  accountId: string,
  poolId: string,
  status: StatusFilter,
): Promise<{ snapshot: Snapshot; poolName: string } | undefined> {
  const [row] = await books.rows<{ name: string; claimed: string; total: string; last: string | null }>({
    name: 'read-snapshot',
    text: `
      SELECT name, claimed, total, (
        SELECT task_id FROM batch WHERE account_id = $1 AND pool_id = $2 ORDER BY start DESC LIMIT 1
      ) AS last
      FROM pool WHERE account_id = $1 AND id = $2`,
    values: [accountId, poolId],
  })
  if (row === undefined) return undefined
  const claimed = BigInt(row.claimed)
  const total = status === 'CLAIMED' ? claimed : BigInt(row.total)
  const last = total === claimed ? undefined : (row.last ?? undefined)
  return { snapshot: { claimed, total, last }, poolName: row.name }
}

/**
 * Whether the pool's line still agrees with the snapshot. Snapshots come from clients: a forged one, for example to read
 * available codes as claimed ones, is not current.
 */
export async function isCurrent(
  books: Queryable,
  accountId: string,
  poolId: string,
  { claimed, total, last }: Snapshot,
): Promise<boolean> {
  if (claimed > total || (last === undefined) !== (claimed === total)) return false
  const [row] = await books.rows<{ is_current: boolean | null }>({
    name: 'check-snapshot',
    text: `
      SELECT claimed >= $3 AND ($5::uuid IS NULL OR (
        SELECT start + count = $4 AND task_id = $5
        FROM batch WHERE account_id = $1 AND pool_id = $2 AND start < $4 ORDER BY start DESC LIMIT 1
      )) AS is_current
      FROM pool WHERE account_id = $1 AND id = $2`,
    values: [accountId, poolId, claimed, total, last ?? null],
  })
  return row?.is_current === true
}

/** The positions [from, to) of the codes that had this status. */
export function positionsOf(
  { claimed, total }: Snapshot,
  status: StatusFilter,
): { from: bigint; to: bigint } {
  return { from: status === 'AVAILABLE' ? claimed : 0n, to: status === 'CLAIMED' ? claimed : total }
}

/**
 * The current positions [from, to) of the codes that a task has added; empty while it has added none. Undefined if the
 * pool has no such task.
 */
export async function positionsOfTask(
  books: Queryable,
  accountId: string,
  poolId: string,
  taskId: string,
): Promise<{ from: bigint; to: bigint } | undefined> {
  const [row] = await books.rows<{ low: string | null; high: string | null }>({
    name: 'positions-of-task',
    // The batches of a task are adjacent, because they are laid in one transaction.
    text: `
      SELECT low, high FROM task, (
        SELECT min(start) AS low, max(start + count) AS high FROM batch WHERE account_id = $1 AND task_id = $3
      ) AS batches
      WHERE task.account_id = $1 AND task.pool_id = $2 AND task.id = $3`,
    values: [accountId, poolId, taskId],
  })
  if (row === undefined) return undefined
  return { from: BigInt(row.low ?? 0), to: BigInt(row.high ?? 0) }
}
