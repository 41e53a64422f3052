import type { Queryable } from '../database/transaction.ts'
import type { BookTransaction } from './books.ts'
import type { FormatUse } from './format.ts'
import type { Pool } from './pool.ts'

/** What codes come from: a format that generated them, or the task that uploaded them. */
export type CodeSource = { formatId: string; uploadId?: never } | { formatId?: never; uploadId: string }

/** Positions [start, start + count) of a pool: the indices [first, first + count) of a format, or such rows of an upload. */
export type Batch = CodeSource & { start: bigint; count: bigint; first: bigint }

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
      SELECT start, count, format_id, task_id, first FROM batch
      WHERE account_id = $1 AND pool_id = $2 AND start < $4 AND start >= (
        SELECT start FROM batch WHERE account_id = $1 AND pool_id = $2 AND start <= $3 ORDER BY start DESC LIMIT 1
      )
      ORDER BY start`,
    values: [accountId, poolId, from, to],
  })
  return rows.map(decodeBatch)
}

/** Where a code lies: the pool and the position that its index was given to, if it is in a pool. */
export async function findPosition(
  books: Queryable,
  accountId: string,
  { formatId, uploadId, index }: CodeSource & { index: bigint },
): Promise<{ poolId: string; position: bigint } | undefined> {
  const [row] = await books.rows<BatchRow & { pool_id: string }>(
    formatId === undefined
      ? {
          name: 'find-uploaded-position',
          text: `
            SELECT pool_id, start, count, format_id, task_id, first FROM batch
            WHERE account_id = $1 AND task_id = $2 AND format_id IS NULL AND first <= $3 LIMIT 1`,
          values: [accountId, uploadId, index],
        }
      : {
          name: 'find-generated-position',
          text: `
            SELECT pool_id, start, count, format_id, task_id, first FROM batch
            WHERE account_id = $1 AND format_id = $2 AND first <= $3 ORDER BY first DESC LIMIT 1`,
          values: [accountId, formatId, index],
        },
  )
  if (row === undefined) return undefined
  const batch = decodeBatch(row)
  const offset = index - batch.first
  return offset < batch.count ? { poolId: row.pool_id, position: batch.start + offset } : undefined
}

interface BatchRow {
  start: string
  count: string
  format_id: string | null
  task_id: string
  first: string
}

function decodeBatch(row: BatchRow): Batch {
  const source = row.format_id === null ? { uploadId: row.task_id } : { formatId: row.format_id }
  return { ...source, start: BigInt(row.start), count: BigInt(row.count), first: BigInt(row.first) }
}
