import type { Queryable } from '../database/transaction.ts'
import type { BookTransaction } from './books.ts'
import type { FormatUse } from './format.ts'
import type { Pool } from './pool.ts'

/** Positions [start, start + count) of a pool: the indices [first, first + count) of a format. */
export interface Batch {
  start: bigint
  count: bigint
  formatId: string
  first: bigint
}

/**
 * Lays the next `count` indices of a format at the end of a pool's line, in the transaction that has locked both.
 * `reserved` says that they were promised to the task before. Changes the counters of `pool`, which the caller
 * writes, and those of the format, which are written here.
 */
export async function layBatch(
  tx: BookTransaction,
  pool: Pool,
  format: FormatUse,
  batch: { taskId: string; count: bigint; reserved: boolean },
): Promise<void> {
  await tx.execute({
    name: 'lay-batch',
    text: `
      INSERT INTO batch (account_id, pool_id, start, count, format_id, first, task_id)
      VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    values: [tx.accountId, pool.id, pool.total, batch.count, format.id, format.next, batch.taskId],
  })
  const promised = batch.reserved ? batch.count : 0n
  await tx.execute({
    name: 'advance-format',
    text: `
      UPDATE format SET next = next + $3, generated = generated + $3, reserved = reserved - $4
      WHERE account_id = $1 AND id = $2`,
    values: [tx.accountId, format.id, batch.count, promised],
  })
  format.next += batch.count
  format.reserved -= promised
  pool.total += batch.count
}

/** The batches that hold positions [from, to) of a pool, in their order. */
export async function readBatches(
  books: Queryable,
  accountId: string,
  poolId: string,
  from: bigint,
  to: bigint,
): Promise<Batch[]> {
  const rows = await books.rows<BatchRow>({
    name: 'read-batches',
    // The batch that `from` lies in begins at or before it: the index leads there, however many come before.
    text: `
      SELECT start, count, format_id, first FROM batch
      WHERE account_id = $1 AND pool_id = $2 AND start < $4 AND start >= (
        SELECT start FROM batch WHERE account_id = $1 AND pool_id = $2 AND start <= $3 ORDER BY start DESC LIMIT 1
      )
      ORDER BY start`,
    values: [accountId, poolId, from, to],
  })
  return rows.map(decodeBatch)
}

/** Where a code lies: the pool and the position that an index of a format was given to, if it was generated. */
export async function findPosition(
  books: Queryable,
  accountId: string,
  formatId: string,
  index: bigint,
): Promise<{ poolId: string; position: bigint } | undefined> {
  const [row] = await books.rows<BatchRow & { pool_id: string }>({
    name: 'find-position',
    text: `
      SELECT pool_id, start, count, format_id, first FROM batch
      WHERE account_id = $1 AND format_id = $2 AND first <= $3 ORDER BY first DESC LIMIT 1`,
    values: [accountId, formatId, index],
  })
  if (row === undefined) return undefined
  const batch = decodeBatch(row)
  const offset = index - batch.first
  return offset < batch.count ? { poolId: row.pool_id, position: batch.start + offset } : undefined
}

interface BatchRow {
  start: string
  count: string
  format_id: string
  first: string
}

function decodeBatch(row: BatchRow): Batch {
  return {
    start: BigInt(row.start),
    count: BigInt(row.count),
    formatId: row.format_id,
    first: BigInt(row.first),
  }
}
