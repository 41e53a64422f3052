import type { Queryable, RowOf } from '../../database/transaction.ts'
import type { Books } from '../books/books.ts'

export type CodeStatus = 'AVAILABLE' | 'CLAIMED' | 'WITHDRAWN'

/** ALL: the claimed codes, then the available ones. */
export type StatusFilter = CodeStatus | 'ALL'

/**
 * A pool at a moment: of its line, [0, claimed) had been claimed and [claimed, total) had not; `withdrawn` codes were in the
 * withdrawn lane. Pages and files of codes are read from it, and a client can request the same one again.
 *
 * Claimed codes never move. Others do when an upload is undone, or codes are withdrawn or restored: then `lineVersion` grows,
 * and the snapshot has ended. Of claimed codes alone, it never ends.
 *
 * What became of claimed codes is that of the moment, too: redemptions and voids up to the version `usage` of the pool's
 * usage, and expiry as of `at`.
 */
export interface Snapshot {
  claimed: bigint
  total: bigint
  withdrawn: bigint
  /** 0 if the snapshot has claimed codes alone. */
  lineVersion: bigint
  usage: bigint
  at: Date
}

/** The current snapshot of a pool, with the codes of one status or all; undefined if the account has no such pool. */
export async function readSnapshot(
  books: Queryable & Pick<Books, 'now'>,
  accountId: string,
  poolId: string,
  status: StatusFilter,
): Promise<{ snapshot: Snapshot; poolName: string } | undefined> {
  const [row] = await books.rows<RowOf<Omit<Snapshot, 'at'>> & { name: string }>({
    name: 'read-snapshot',
    text: `
      SELECT name, claimed, total, withdrawn, line_version AS "lineVersion", version AS usage
      FROM pool JOIN pool_usage ON pool_usage.account_id = $1 AND pool_usage.pool_id = $2
      WHERE pool.account_id = $1 AND pool.id = $2`,
    values: [accountId, poolId],
  })
  if (row === undefined) return undefined
  const claimed = BigInt(row.claimed)
  const others =
    status === 'CLAIMED'
      ? { total: claimed, withdrawn: 0n, lineVersion: 0n }
      : { total: BigInt(row.total), withdrawn: BigInt(row.withdrawn), lineVersion: BigInt(row.lineVersion) }
  return { snapshot: { claimed, ...others, usage: BigInt(row.usage), at: books.now() }, poolName: row.name }
}

/**
 * Whether the pool still agrees with the snapshot. Snapshots come from clients: a forged one, for example to read available
 * codes as claimed ones, is not current.
 */
export async function isCurrent(
  books: Queryable,
  accountId: string,
  poolId: string,
  { claimed, total, withdrawn, lineVersion, usage }: Snapshot,
): Promise<boolean> {
  if (claimed > total) return false
  const [row] = await books.rows<{ is_current: boolean }>({
    name: 'check-snapshot',
    text: `
      SELECT claimed >= $3 AND version >= $7
        AND (($4 = $3 AND $5 = 0) OR (total >= $4 AND withdrawn >= $5 AND line_version = $6)) AS is_current
      FROM pool JOIN pool_usage ON pool_usage.account_id = $1 AND pool_usage.pool_id = $2
      WHERE pool.account_id = $1 AND pool.id = $2`,
    values: [accountId, poolId, claimed, total, withdrawn, lineVersion, usage],
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
