import type { Queryable } from '../../database/transaction.ts'
import type { BookTransaction } from '../books/books.ts'
import type { Format } from '../format/format.ts'
import type { Pool } from './pool.ts'

/** Where codes come from: a format that generated them, or the task that uploaded them. */
export type CodeSource = { formatId: string; uploadId?: never } | { formatId?: never; uploadId: string }

/**
 * The lanes of a pool, each with positions of its own: its line, and the codes that were withdrawn from it.
 */
export type Lane = 'LINE' | 'WITHDRAWN'

/**
 * Positions [start, start + count) of a lane of a pool. They are the indices [first, first + count + holes) of a format
 * except its `holes`, which are taken, or the indices [first, first + count) of an upload.
 */
export type Batch = CodeSource & { start: bigint; count: bigint; first: bigint; holes: number }

/**
 * To get from a position to its index, the holes of its batch are counted. This bounds how long that takes, however many
 * holes the format has.
 */
export const maxHoles = 256

/**
 * Lays the next `count` free indices of a format at the end of a pool's line, in the transaction that has locked both: in
 * one batch, or in several when there are many holes. `reserved`: they are reserved for the task. Changes the counters of
 * the format, here and in its row, and those of `pool`, whose row the caller writes.
 */
export async function layBatch(
  tx: BookTransaction,
  pool: Pool,
  format: Format,
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
  format: Format,
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

/**
 * Lays indices around the holes, which are the taken indices. Resolves to the number of holes passed over.
 *
 * Step by step, with `next` = 10, `count` = 4, the indices 11, 12, 15 and 20 taken, and at most 2 holes in a batch:
 *
 *     search  [10, 14) has 2 holes and so 2 free indices: too few. [10, 10 + 4 + 2 * 2) has 3 holes and 5 free indices:
 *             enough, and 20 is not looked at. A step that is not enough has found more than twice as many holes as the
 *             one before it, so there are few steps.
 *     hole    11, 12 and 15, numbered 1, 2 and 3. Before them lie 1, 1 and 3 free indices. That is fewer than 4, so all
 *             three are passed over, and the last index is 10 + 4 + 3 - 1 = 16.
 *     cut     9, which is before the first index; 12, the 2nd hole; and 16, the last index.
 *     segment [10, 12]: 3 indices with 2 holes. [13, 16]: 4 indices with 1 hole, after 2 holes.
 *     laid    Index 10 at position `total`; indices 13, 14 and 16 from position `total` + 13 - 10 - 2 on. A segment of
 *             holes alone becomes no batch.
 */
async function layAroundHoles(
  tx: BookTransaction,
  pool: Pool,
  format: Format,
  taskId: string,
  count: bigint,
): Promise<bigint> {
  const [account, formatId, next, wanted] = ['$1', '$2', '$3::numeric', '$4::numeric']
  const takenWithin = (size: string) =>
    `taken WHERE account_id = ${account} AND format_id = ${formatId} AND index >= ${next} AND index < ${next} + ${size}`
  const rows = await tx.rows<SegmentRow>({
    // Not prepared: a plan that was made while nothing was taken would be kept while millions are.
    text: `
      WITH RECURSIVE search AS (
        SELECT 0::numeric AS size, 0::bigint AS holes
        UNION ALL
        SELECT ${wanted} + 2 * holes, (SELECT count(*) FROM ${takenWithin(`${wanted} + 2 * search.holes`)})
        FROM search WHERE size - holes < ${wanted}
      ), hole AS (
        SELECT index, number FROM (
          SELECT index, row_number() OVER (ORDER BY index) AS number
          FROM ${takenWithin('(SELECT max(size) FROM search)')}
        ) AS numbered
        WHERE index - ${next} - (number - 1) < ${wanted}
      ), passed AS (
        SELECT count(*) AS count FROM hole
      ), cut AS (
        SELECT ${next} - 1 AS index, 0 AS number
        UNION ALL SELECT index, number FROM hole WHERE number % ${maxHoles} = 0
        UNION ALL SELECT ${next} + ${wanted} + count - 1, count FROM passed
      ), segment AS (
        SELECT index + 1 AS first, number AS holes_before,
          lead(index) OVER line - index AS size, lead(number) OVER line - number AS holes
        FROM cut WINDOW line AS (ORDER BY index, number)
      )
      SELECT first, first - ${next} - holes_before AS before, size - holes AS count, holes, passed.count AS passed
      FROM segment, passed WHERE size > holes`,
    values: [tx.accountId, format.id, format.next, count],
  })
  const [row] = rows
  if (row === undefined) throw new Error(`The format ${format.id} has no free indices left.`)
  // A statement of its own: a distributed database does not insert in one that searches step by step.
  await tx.execute({
    name: 'lay-segments',
    text: `
      INSERT INTO batch (account_id, pool_id, start, count, format_id, first, holes, task_id)
      SELECT $1, $2, $3::numeric + segment.before, segment.count, $4, segment.first, segment.holes, $5
      FROM unnest($6::numeric[], $7::numeric[], $8::numeric[], $9::integer[]) AS segment (before, count, first, holes)`,
    values: [
      tx.accountId,
      pool.id,
      pool.total,
      format.id,
      taskId,
      rows.map(({ before }) => before),
      rows.map((segment) => segment.count),
      rows.map(({ first }) => first),
      rows.map(({ holes }) => holes),
    ],
  })
  return BigInt(row.passed)
}

/** Indices from `first` on, of which `count` are free and `holes` are taken; `before`: how many free ones lie before them. */
interface SegmentRow {
  first: string
  before: string
  count: string
  holes: string
  passed: string
}

// From the batch that holds position $3 on. The inner statement finds it in one step, however many lie before it. The pool is in
// a subquery: for a pool of few batches among others of many, each statement would otherwise be planned anew (see `rowsById`).
const selectBatchesFrom = `
  SELECT start, count, format_id, task_id, first, holes FROM batch
  WHERE account_id = $1 AND pool_id = (SELECT $2::uuid) AND withdrawn = $5 AND start >= (
    SELECT start FROM batch
    WHERE account_id = $1 AND pool_id = (SELECT $2::uuid) AND withdrawn = $5 AND start <= $3 ORDER BY start DESC LIMIT 1
  )`

/**
 * The batches of a lane of a pool, in their order, from the one that holds position `from` to the one that holds the position
 * before `end`, or to the `limit`th.
 */
export async function readBatches(
  books: Queryable,
  accountId: string,
  poolId: string,
  from: bigint,
  end: bigint | { limit: number },
  lane: Lane = 'LINE',
): Promise<Batch[]> {
  const [name, rest, last] =
    typeof end === 'bigint'
      ? ['read-batches', 'AND start < $4 ORDER BY start', end]
      : ['read-batches-from', 'ORDER BY start LIMIT $4', end.limit]
  const text = `${selectBatchesFrom} ${rest}`
  const values = [accountId, poolId, from, last, lane === 'WITHDRAWN']
  const rows = await books.rows<BatchRow>({ name, text, values })
  return rows.map(decodeBatch)
}

/** A position of a lane of a pool. */
export interface Place {
  poolId: string
  lane: Lane
  position: bigint
}

/** Where a claimed code is for ever: its pool, and its position in the line. */
export type ClaimedPlace = Pick<Place, 'poolId' | 'position'>

/** The place of a code, if it is in a pool. `index` is that in its format or its upload. */
export async function findPlace(
  books: Queryable,
  accountId: string,
  { formatId, uploadId, index }: CodeSource & { index: bigint },
): Promise<Place | undefined> {
  const [row] = await books.rows<{ pool_id: string; withdrawn: boolean; position: string }>(
    formatId === undefined
      ? {
          name: 'find-uploaded-place',
          text: `
            SELECT place.* FROM (VALUES ($2::uuid, $3::numeric)) AS asked (task_id, index)
            CROSS JOIN LATERAL ${placeOfUploaded} AS place`,
          values: [accountId, uploadId, index],
        }
      : {
          name: 'find-generated-place',
          text: `
            SELECT place.* FROM (VALUES ($2::uuid, $3::numeric)) AS asked (format_id, index)
            CROSS JOIN LATERAL ${placeOfIndex} AS place`,
          values: [accountId, formatId, index],
        },
  )
  if (row === undefined) return undefined
  return { poolId: row.pool_id, lane: laneOf(row.withdrawn), position: BigInt(row.position) }
}

export function laneOf(withdrawn: boolean): Lane {
  return withdrawn ? 'WITHDRAWN' : 'LINE'
}

/**
 * SQL, a subquery: the pool, the lane and the position of `asked.index` of the upload `asked.task_id` of account $1. It has no
 * row when the code is in no batch.
 */
export const placeOfUploaded = `(
  SELECT batch.pool_id, batch.withdrawn, batch.start + asked.index - batch.first AS position
  FROM (
    SELECT pool_id, withdrawn, start, count, first FROM batch
    WHERE account_id = $1 AND task_id = asked.task_id AND format_id IS NULL AND first <= asked.index
    ORDER BY first DESC LIMIT 1
  ) AS batch
  WHERE asked.index < batch.first + batch.count
)`

/**
 * SQL, a subquery: the pool, the lane and the position of `asked.index` of the format `asked.format_id` of account $1. It
 * has no row when the index is in no batch, or is taken. It descends two indexes, and counts the holes of one batch.
 */
export const placeOfIndex = `(
  SELECT batch.pool_id, batch.withdrawn, batch.start + asked.index - batch.first - hole.before AS position
  FROM (
    SELECT pool_id, withdrawn, start, count, first, holes FROM batch
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

export interface BatchRow {
  start: string
  count: string
  format_id: string | null
  task_id: string
  first: string
  holes: number
}

export function decodeBatch(row: BatchRow): Batch {
  const source = row.format_id === null ? { uploadId: row.task_id } : { formatId: row.format_id }
  const { start, count, first, holes } = row
  return { ...source, start: BigInt(start), count: BigInt(count), first: BigInt(first), holes }
}
