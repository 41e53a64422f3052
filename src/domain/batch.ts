import type { Queryable } from '../database/transaction.ts'
import type { BookTransaction } from './books.ts'
import type { FormatUse } from './format.ts'
import type { Pool } from './pool.ts'

/** What codes come from: a format that generated them, or the task that uploaded them. */
export type CodeSource = { formatId: string; uploadId?: never } | { formatId?: never; uploadId: string }

/** Positions [start, start + count) of a pool: the indices [first, first + count) of a format, or such rows of an upload. */
export type Batch = CodeSource & { start: bigint; count: bigint; first: bigint }

/**
 * Lays the next `count` indices of a format at the end of a pool's line, in the transaction that has locked both:
 * one batch, or one for each run of indices between those that uploaded codes have taken. `reserved` says that they
 * were promised to the task before. Changes the counters of `pool`, which the caller writes, and those of the format,
 * which are written here.
 */
export async function layBatch(
  tx: BookTransaction,
  pool: Pool,
  format: FormatUse,
  batch: { taskId: string; count: bigint; reserved: boolean },
): Promise<void> {
  const { taskId, count } = batch
  const passed =
    format.takenAhead === 0n
      ? await layRun(tx, pool, format, taskId, count)
      : await layRuns(tx, pool, format, taskId, count)
  const promised = batch.reserved ? count : 0n
  await tx.execute({
    name: 'advance-format',
    text: `
      UPDATE format SET next = next + $3 + $4, taken_ahead = taken_ahead - $4, generated = generated + $3,
        reserved = reserved - $5
      WHERE account_id = $1 AND id = $2`,
    values: [tx.accountId, format.id, count, passed, promised],
  })
  format.next += count + passed
  format.takenAhead -= passed
  format.reserved -= promised
  pool.total += count
}

/** Lays indices none of which is taken. */
async function layRun(
  tx: BookTransaction,
  pool: Pool,
  format: FormatUse,
  taskId: string,
  count: bigint,
): Promise<bigint> {
  await tx.execute({
    name: 'lay-batch',
    text: `
      INSERT INTO batch (account_id, pool_id, start, count, format_id, first, task_id)
      VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    values: [tx.accountId, pool.id, pool.total, count, format.id, format.next, taskId],
  })
  return 0n
}

/** Lays indices around those that are taken. Resolves to how many of these were passed over. */
async function layRuns(
  tx: BookTransaction,
  pool: Pool,
  format: FormatUse,
  taskId: string,
  count: bigint,
): Promise<bigint> {
  const [laid] = await tx.rows<{ passed: string }>({
    // Not prepared: a plan that was made while nothing was taken would be kept while millions are.
    //
    // First it is sought how far to look for holes: with every step at least twice as many are found, and holes that
    // lie far ahead are not looked at. Then a hole is passed when fewer than `count` indices before it are free.
    text: `
      WITH RECURSIVE stretch AS (
        SELECT $4::numeric AS size, (
          SELECT count(*) FROM taken
          WHERE account_id = $1 AND format_id = $5 AND index >= $6::numeric AND index < $6::numeric + $4::numeric
        ) AS holes
        UNION ALL
        SELECT $4::numeric + 2 * holes, (
          SELECT count(*) FROM taken
          WHERE account_id = $1 AND format_id = $5 AND index >= $6::numeric
            AND index < $6::numeric + $4::numeric + 2 * stretch.holes
        ) FROM stretch WHERE size - holes < $4::numeric
      ), hole AS MATERIALIZED (
        SELECT index FROM (
          SELECT index, row_number() OVER (ORDER BY index) AS number FROM taken
          WHERE account_id = $1 AND format_id = $5 AND index >= $6::numeric
            AND index < $6::numeric + (SELECT max(size) FROM stretch)
        ) AS numbered
        WHERE index - $6::numeric - (number - 1) < $4::numeric
      ), passed AS (
        SELECT count(*) AS count FROM hole
      ), run AS (
        -- Behind the last index that was given, and behind each hole.
        SELECT index + 1 AS first,
          lead(index, 1, $6::numeric + $4::numeric + (SELECT count FROM passed)) OVER (ORDER BY index) - index - 1 AS count,
          index + 1 - $6::numeric - (row_number() OVER (ORDER BY index) - 1) AS free_before
        FROM (SELECT $6::numeric - 1 AS index UNION ALL SELECT index FROM hole) AS border
      ), laid AS (
        INSERT INTO batch (account_id, pool_id, start, count, format_id, first, task_id)
        SELECT $1, $2, $3::numeric + free_before, count, $5, first, $7 FROM run WHERE count > 0
      )
      SELECT count AS passed FROM passed`,
    values: [tx.accountId, pool.id, pool.total, count, format.id, format.next, taskId],
  })
  if (laid === undefined) throw new Error('Batches were laid without an answer.')
  return BigInt(laid.passed)
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

/** The batches of a pool's line from the one that holds position `from` on, `limit` of them at most, in their order. */
export async function readBatchesFrom(
  books: Queryable,
  accountId: string,
  poolId: string,
  from: bigint,
  limit: number,
): Promise<Batch[]> {
  const rows = await books.rows<BatchRow>({
    name: 'read-batches-from',
    text: `
      SELECT start, count, format_id, task_id, first FROM batch
      WHERE account_id = $1 AND pool_id = $2 AND start >= (
        SELECT start FROM batch WHERE account_id = $1 AND pool_id = $2 AND start <= $3 ORDER BY start DESC LIMIT 1
      )
      ORDER BY start LIMIT $4`,
    values: [accountId, poolId, from, limit],
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
