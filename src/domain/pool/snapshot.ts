import type { Queryable, RowOf } from '../../database/transaction.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { laneOf } from './batch.ts'
import { type LaneRange, withoutEmpty } from './ranges.ts'

export type CodeStatus = 'AVAILABLE' | 'CLAIMED' | 'WITHDRAWN'

/** ALL: the claimed codes, then the available ones, then the withdrawn ones. */
export type StatusFilter = CodeStatus | 'ALL'

/**
 * A pool at a moment: of its line, [0, claimed) had been claimed and [claimed, total) had not; `withdrawn` codes were in the
 * withdrawn lane. Pages and files of codes are read from it, and a client can request the same one again.
 *
 * Claimed codes never move. Others do when an upload is undone, or codes are withdrawn or restored: then `lineVersion` grows,
 * and the snapshot has ended. Of claimed codes alone, it does not end.
 *
 * What became of claimed codes is that of the moment, too: redemptions and voids up to the version `usage` of the pool's
 * usage, and expiry as of `at`. Forgetting a recipient ends all snapshots of the pool: see `endSnapshots`.
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
      SELECT claimed >= $3 AND version >= $7 AND erased_version <= $7
        AND (($4 = $3 AND $5 = 0) OR (total >= $4 AND withdrawn >= $5 AND line_version = $6)) AS is_current
      FROM pool JOIN pool_usage ON pool_usage.account_id = $1 AND pool_usage.pool_id = $2
      WHERE pool.account_id = $1 AND pool.id = $2`,
    values: [accountId, poolId, claimed, total, withdrawn, lineVersion, usage],
  })
  return row?.is_current === true
}

/**
 * Ends all snapshots of a pool up to now, in the transaction that has erased something that files show: otherwise a
 * download that is resumed would continue with other bytes. `versions`: how many versions snapshots may have that the pool
 * does not know of, as a rewind has lost them.
 */
export async function endSnapshots(tx: BookTransaction, poolId: string, versions = 1n): Promise<void> {
  await tx.execute({
    text: `
      UPDATE pool_usage SET version = version + $3, erased_version = version + $3
      WHERE account_id = $1 AND pool_id = $2`,
    values: [tx.accountId, poolId, versions],
  })
}

/** Where the codes of this status were, in the order of files: the line, then the withdrawn lane. */
export function rangesOfStatus({ claimed, total, withdrawn }: Snapshot, status: StatusFilter): LaneRange[] {
  const inLane: LaneRange = { lane: 'WITHDRAWN', from: 0n, to: withdrawn }
  const ranges: Record<StatusFilter, LaneRange[]> = {
    AVAILABLE: [{ lane: 'LINE', from: claimed, to: total }],
    CLAIMED: [{ lane: 'LINE', from: 0n, to: claimed }],
    WITHDRAWN: [inLane],
    ALL: [{ lane: 'LINE', from: 0n, to: total }, inLane],
  }
  return withoutEmpty(ranges[status])
}

/**
 * Where the codes are that a task has added, in the order of files: the line, then the withdrawn lane. Adjacent batches are one
 * range, so there is one, and one more for each time that codes of the task, or those around them, were withdrawn or restored
 * after some had been claimed. Empty while the task has added none. Undefined if the pool has no such task.
 */
export async function rangesOfTask(
  books: Queryable,
  accountId: string,
  poolId: string,
  taskId: string,
): Promise<LaneRange[] | undefined> {
  const rows = await books.rows<{ withdrawn: boolean | null; low: string; high: string }>({
    name: 'ranges-of-task',
    // `gap` counts the positions before a batch that are not of the task: the same for adjacent batches.
    text: `
      SELECT range.* FROM task LEFT JOIN (
        SELECT withdrawn, min(start) AS low, max(start + count) AS high FROM (
          SELECT withdrawn, start, count, start + count - sum(count) OVER (
            PARTITION BY withdrawn ORDER BY start ROWS UNBOUNDED PRECEDING
          ) AS gap
          FROM batch WHERE account_id = $1 AND task_id = $3
        ) AS batches
        GROUP BY withdrawn, gap
      ) AS range ON true
      WHERE task.account_id = $1 AND task.pool_id = $2 AND task.id = $3
      ORDER BY range.withdrawn, range.low`,
    values: [accountId, poolId, taskId],
  })
  if (rows.length === 0) return undefined
  return rows.flatMap(({ withdrawn, low, high }) =>
    withdrawn === null ? [] : [{ lane: laneOf(withdrawn), from: BigInt(low), to: BigInt(high) }],
  )
}
