import type { Queryable } from '../../database/transaction.ts'
import type { BookTransaction } from '../books/books.ts'
import type { FormatUse } from '../format/format.ts'
import type { Pool } from './pool.ts'

/** What codes come from: a format that generated them, or the task that uploaded them. */
export type CodeSource = { formatId: string; uploadId?: never } | { formatId?: never; uploadId: string }

/**
 * Positions [start, start + count) of a pool: the indices [first, first + count + holes) of a format without as many
 * holes, which are taken, or the rows [first, first + count) of an upload.
 */
export type Batch = CodeSource & { start: bigint; count: bigint; first: bigint; holes: number }

/**
 * The most holes of a batch. Between a position and its index stand the holes before it, which are counted: that takes
 * no longer the more holes a format has, and a line is short all the same.
 */
export const maxHoles = 256

/**
 * Lays the next `count` indices of a format that are not taken at the end of a pool's line, in the transaction that has
 * locked both: one batch, or as many as it takes for all the holes. `reserved` says that they were promised to the
 * task before. Changes the counters of `pool`, which the caller writes, and those of the format, which are written
 * here.
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
      ? await layWhole(tx, pool, format, taskId, count)
      : await layAroundHoles(tx, pool, format, taskId, count)
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
  format.generated += count
  format.takenAhead -= passed
  format.reserved -= promised
  pool.total += count
}

/** Lays indices none of which is taken. */
async function layWhole(
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
async function layAroundHoles(
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
    // lie far ahead are not looked at. Then a hole is passed when fewer than `count` indices before it are free. A batch
    // ends behind the last of its holes, and the last one where the indices do. One of nothing but holes is left out.
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
      ), hole AS (
        SELECT index, number FROM (
          SELECT index, row_number() OVER (ORDER BY index) AS number FROM taken
          WHERE account_id = $1 AND format_id = $5 AND index >= $6::numeric
            AND index < $6::numeric + (SELECT max(size) FROM stretch)
        ) AS numbered
        WHERE index - $6::numeric - (number - 1) < $4::numeric
      ), passed AS (
        SELECT count(*) AS count FROM hole
      ), border AS (
        SELECT $6::numeric - 1 AS index, 0 AS number
        UNION ALL SELECT index, number FROM hole WHERE number % ${maxHoles} = 0
        UNION ALL SELECT $6::numeric + $4::numeric + count - 1, count FROM passed
      ), stretch_between AS (
        SELECT index + 1 AS first, number AS passed_before,
          lead(index) OVER line - index AS size, lead(number) OVER line - number AS holes
        FROM border WINDOW line AS (ORDER BY index, number)
      ), laid AS (
        INSERT INTO batch (account_id, pool_id, start, count, format_id, first, holes, task_id)
        SELECT $1, $2, $3::numeric + first - $6::numeric - passed_before, size - holes, $5, first, holes, $7
        FROM stretch_between WHERE size > holes
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
      SELECT start, count, format_id, task_id, first, holes FROM batch
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
      SELECT start, count, format_id, task_id, first, holes FROM batch
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
  const [row] = await books.rows<{ pool_id: string; position: string }>(
    formatId === undefined
      ? {
          name: 'find-uploaded-position',
          text: `
            SELECT pool_id, start + $3 - first AS position FROM batch
            WHERE account_id = $1 AND task_id = $2 AND format_id IS NULL AND first <= $3 AND first + count > $3 LIMIT 1`,
          values: [accountId, uploadId, index],
        }
      : {
          name: 'find-generated-position',
          text: `
            SELECT place.* FROM (VALUES ($2::uuid, $3::numeric)) AS asked (format_id, index)
            CROSS JOIN LATERAL ${placeOfIndex} AS place`,
          values: [accountId, formatId, index],
        },
  )
  return row === undefined ? undefined : { poolId: row.pool_id, position: BigInt(row.position) }
}

/**
 * As a subquery of SQL: the pool and the position of an index of a format of account $1, which are columns of `asked`;
 * no row when it has not been given, or is taken. It descends two indices, and counts the holes of one batch.
 */
export const placeOfIndex = `(
  SELECT batch.pool_id, batch.start + asked.index - batch.first - hole.before AS position
  FROM (
    SELECT pool_id, start, count, first, holes FROM batch
    WHERE account_id = $1 AND format_id = asked.format_id AND first <= asked.index
    ORDER BY first DESC LIMIT 1
  ) AS batch
  CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE index < asked.index) AS before, count(*) FILTER (WHERE index = asked.index) AS own
    FROM taken
    WHERE account_id = $1 AND format_id = asked.format_id AND index >= batch.first AND index <= asked.index
      AND batch.holes > 0 AND asked.index < batch.first + batch.count + batch.holes
  ) AS hole
  WHERE asked.index < batch.first + batch.count + batch.holes AND hole.own = 0
)`

interface BatchRow {
  start: string
  count: string
  format_id: string | null
  task_id: string
  first: string
  holes: number
}

function decodeBatch(row: BatchRow): Batch {
  const source = row.format_id === null ? { uploadId: row.task_id } : { formatId: row.format_id }
  const { start, count, first, holes } = row
  return { ...source, start: BigInt(start), count: BigInt(count), first: BigInt(first), holes }
}
