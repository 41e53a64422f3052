import type { BookTransaction } from '../books/books.ts'
import type { Lane } from './batch.ts'
import { noteStock, type Pool } from './pool.ts'

/**
 * Takes codes out of the lanes of a pool that this transaction has locked. Batches are moved, not codes, so it takes as long
 * for a thousand codes as for a million. These functions change the counters of `pool`, whose row the caller writes, and
 * resolve to the number of codes. Claimed codes never move.
 */

/** Moves the available codes of a pool, or those of them that a task has added, to the end of its withdrawn lane. */
export async function withdrawBatches(
  tx: BookTransaction,
  pool: Pool,
  taskId: string | undefined,
): Promise<bigint> {
  await cutAtClaimed(tx, pool, taskId)
  const left = await moveOut(tx, pool, 'LINE', taskId, pool.withdrawn)
  pool.total -= left
  pool.withdrawn += left
  await noteMoved(tx, pool, left)
  return left
}

/**
 * Moves the withdrawn codes of a pool, or those of them that a task has added, to the end of its line; not those that are
 * barred.
 */
export async function restoreBatches(
  tx: BookTransaction,
  pool: Pool,
  taskId: string | undefined,
): Promise<bigint> {
  const left = await moveOut(tx, pool, 'WITHDRAWN', taskId, pool.total)
  pool.withdrawn -= left
  pool.total += left
  await noteMoved(tx, pool, left)
  return left
}

/** Removes the codes of an upload, none of which has been claimed, from its pool. */
export async function removeBatches(tx: BookTransaction, pool: Pool, uploadId: string): Promise<bigint> {
  const available = await moveOut(tx, pool, 'LINE', uploadId, undefined)
  const withdrawn = await moveOut(tx, pool, 'WITHDRAWN', uploadId, undefined)
  pool.total -= available
  pool.withdrawn -= withdrawn
  await noteMoved(tx, pool, available + withdrawn)
  return available + withdrawn
}

async function noteMoved(tx: BookTransaction, pool: Pool, count: bigint): Promise<void> {
  if (count === 0n) return
  pool.lineVersion += 1n
  await noteStock(tx, pool, 0n)
}

/**
 * Cuts the batch that has both claimed and available codes in two, if there is one and it is of the task. The indices of both
 * parts are those of the whole, so its holes are divided, too: see `layAroundHoles` for how the codes before a hole are counted.
 */
async function cutAtClaimed(tx: BookTransaction, pool: Pool, taskId: string | undefined): Promise<void> {
  const [batch] = await tx.rows<{ start: string; holes_before: string }>({
    name: 'read-batch-to-cut',
    text: `
      SELECT start, (
        SELECT count(*) FROM (
          SELECT index - batch.first - (row_number() OVER (ORDER BY index) - 1) AS codes_before FROM taken
          WHERE account_id = $1 AND format_id = batch.format_id AND batch.holes > 0
            AND index >= batch.first AND index < batch.first + batch.count + batch.holes
        ) AS hole
        WHERE codes_before < $3 - start
      ) AS holes_before
      FROM (
        SELECT start, count, format_id, first, holes, task_id FROM batch
        WHERE account_id = $1 AND pool_id = $2 AND NOT withdrawn AND start < $3 ORDER BY start DESC LIMIT 1
      ) AS batch
      WHERE start + count > $3 AND ($4::uuid IS NULL OR task_id = $4)`,
    values: [tx.accountId, pool.id, pool.claimed, taskId ?? null],
  })
  if (batch === undefined) return
  const values = [tx.accountId, pool.id, batch.start, pool.claimed, batch.holes_before]
  await tx.execute({
    name: 'lay-cut-batch',
    text: `
      INSERT INTO batch (account_id, pool_id, start, count, format_id, first, holes, task_id)
      SELECT account_id, pool_id, $4, start + count - $4, format_id, first + ($4 - start) + $5, holes - $5, task_id
      FROM batch WHERE account_id = $1 AND pool_id = $2 AND NOT withdrawn AND start = $3`,
    values,
  })
  await tx.execute({
    name: 'shorten-cut-batch',
    text: `
      UPDATE batch SET count = $4 - start, holes = $5
      WHERE account_id = $1 AND pool_id = $2 AND NOT withdrawn AND start = $3`,
    values,
  })
}

/**
 * Moves the unclaimed batches of a lane, or those of a task, out of it, in their order, to the position `end` of the other lane;
 * undefined: out of the pool. The batches behind them close the gaps. Resolves to the number of codes.
 */
async function moveOut(
  tx: BookTransaction,
  pool: Pool,
  lane: Lane,
  taskId: string | undefined,
  end: bigint | undefined,
): Promise<bigint> {
  const isWithdrawn = lane === 'WITHDRAWN'
  const unclaimed = isWithdrawn ? 0n : pool.claimed
  const [leaving] = await tx.rows<{ count: string | null; first: string | null }>(
    taskId === undefined
      ? {
          name: 'read-leaving',
          text: `
            SELECT sum(count) AS count, min(start) AS first FROM batch
            WHERE account_id = $1 AND pool_id = $2 AND withdrawn = $3 AND start >= $4 AND NOT barred`,
          values: [tx.accountId, pool.id, isWithdrawn, unclaimed],
        }
      : {
          name: 'read-leaving-of-task',
          text: `
            SELECT sum(count) AS count, min(start) AS first FROM batch
            WHERE account_id = $1 AND task_id = $2 AND withdrawn = $3 AND start >= $4 AND NOT barred`,
          values: [tx.accountId, taskId, isWithdrawn, unclaimed],
        },
  )
  if (leaving?.count == null) return 0n
  await tx.execute({
    // Sorting makes PostgreSQL delete every row before it inserts the first, so that two never have the same start.
    text: `
      WITH moved AS (
        DELETE FROM batch WHERE account_id = $1 AND pool_id = $2 AND withdrawn = $3 AND start >= $4 RETURNING *
      )
      INSERT INTO batch (account_id, pool_id, withdrawn, start, count, format_id, first, holes, task_id, barred)
      SELECT account_id, pool_id, withdrawn <> leaves,
        CASE WHEN leaves THEN $6 ELSE $4 END + sum(count) OVER (
          PARTITION BY leaves ORDER BY start ROWS UNBOUNDED PRECEDING
        ) - count,
        count, format_id, first, holes, task_id, barred
      FROM (SELECT *, NOT barred AND ($5::uuid IS NULL OR task_id = $5) AS leaves FROM moved) AS batches
      WHERE NOT leaves OR $6::numeric IS NOT NULL
      ORDER BY leaves, start`,
    values: [tx.accountId, pool.id, isWithdrawn, leaving.first, taskId ?? null, end ?? null],
  })
  return BigInt(leaving.count)
}

/** Whether codes of the upload are barred. */
export async function hasBarred(tx: BookTransaction, uploadId: string): Promise<boolean> {
  const rows = await tx.rows({
    name: 'find-barred',
    text: 'SELECT FROM batch WHERE account_id = $1 AND task_id = $2 AND barred LIMIT 1',
    values: [tx.accountId, uploadId],
  })
  return rows.length > 0
}

/** Bars all withdrawn codes of a pool from being restored: they may have been handed out by commits that a rewind has lost. */
export async function barWithdrawn(tx: BookTransaction, poolId: string): Promise<void> {
  await tx.execute({
    name: 'bar-withdrawn',
    text: 'UPDATE batch SET barred = true WHERE account_id = $1 AND pool_id = $2 AND withdrawn AND NOT barred',
    values: [tx.accountId, poolId],
  })
}
