import type { Queryable } from '../../database/transaction.ts'
import type { BookTransaction } from '../books/books.ts'
import { RejectedRowsForgottenError } from '../books/errors.ts'

/** A rejected row as it is stored. `code` is the shortened row, or its code. */
export interface StoredRejectedRow {
  number: string
  code: string
  reason: string
}

const maxPageRows = 2_000

/**
 * Pages of the rejected rows of an upload, in the order of the file, as far as the file has been read now. `undefined`
 * if the account has no such upload. This and the pages reject with a RejectedRowsForgottenError if the rows are no
 * longer kept.
 */
export async function readRejectedRows(
  books: Queryable,
  accountId: string,
  taskId: string,
): Promise<AsyncGenerator<StoredRejectedRow[]> | undefined> {
  const upload = await readLastNumber(books, accountId, taskId)
  return upload && readPages(books, accountId, taskId, upload.last ?? '0')
}

/** The number of an upload's last rejected row. RejectedRowsForgottenError if the rows are no longer kept. */
async function readLastNumber(
  books: Queryable,
  accountId: string,
  taskId: string,
): Promise<{ last: string | null } | undefined> {
  const [upload] = await books.rows<{ last: string | null; forgotten: boolean; finished_at: Date }>({
    name: 'last-rejected-row',
    text: `
      SELECT rejected_forgotten AS forgotten, finished_at,
        (SELECT max(number) FROM rejected_row WHERE account_id = $1 AND task_id = $2) AS last
      FROM task WHERE account_id = $1 AND id = $2 AND kind = 'UPLOAD'`,
    values: [accountId, taskId],
  })
  if (upload?.forgotten === true) throw new RejectedRowsForgottenError(upload.finished_at)
  return upload
}

async function* readPages(
  books: Queryable,
  accountId: string,
  taskId: string,
  last: string,
): AsyncGenerator<StoredRejectedRow[]> {
  let after = '0'
  while (after !== last) {
    const rows = await books.rows<StoredRejectedRow>({
      name: 'read-rejected-rows',
      text: `
        SELECT number, code, reason FROM rejected_row
        WHERE account_id = $1 AND task_id = $2 AND number > $3 AND number <= $4
          -- In the same statement, so that no page misses rows that are being cleared away.
          AND NOT (SELECT rejected_forgotten FROM task WHERE account_id = $1 AND id = $2)
        ORDER BY number LIMIT $5`,
      values: [accountId, taskId, after, last, maxPageRows],
    })
    const end = rows.at(-1)
    if (end === undefined) {
      await readLastNumber(books, accountId, taskId)
      throw new Error(`The rejected rows of upload ${taskId} end before row ${last}.`)
    }
    after = end.number
    yield rows
  }
}

/** A part of the rejected rows of an upload: those between two numbers, at most `limit`, from one end. */
export interface RejectedRowsSlice {
  after?: string | undefined
  before?: string | undefined
  limit: number
  fromEnd: boolean
}

/**
 * Some rejected rows of an upload, in the order of the file or, with `fromEnd`, the other way round. None if they are no
 * longer kept.
 */
export async function listRejectedRows(
  books: Queryable,
  accountId: string,
  taskId: string,
  { after, before, limit, fromEnd }: RejectedRowsSlice,
): Promise<StoredRejectedRow[]> {
  return await books.rows<StoredRejectedRow>({
    text: `
      SELECT number, code, reason FROM rejected_row
      WHERE account_id = $1 AND task_id = $2 AND number > $3 AND number < $4
        -- In the same statement, so that no page misses rows that are being cleared away.
        AND NOT (SELECT rejected_forgotten FROM task WHERE account_id = $1 AND id = $2)
      ORDER BY number ${fromEnd ? 'DESC' : 'ASC'} LIMIT $5`,
    values: [accountId, taskId, after ?? '0', before ?? maxRowNumber, limit],
  })
}

/** Larger than the number of any row. */
const maxRowNumber = String(2n ** 63n - 1n)

/**
 * Forgets the rejected rows of at most `limit` of the account's uploads that finished before `time`, oldest first: they can no
 * longer be read, and a worker clears them away. With them goes the beginning of the file, which may name people, too. Resolves
 * to the number of uploads.
 */
export async function forgetRejectedRows(tx: BookTransaction, time: Date, limit: number): Promise<number> {
  const rows = await tx.rows<{ has_work: boolean }>({
    name: 'forget-rejected-rows',
    text: `
      UPDATE task SET rejected_forgotten = true, beginning = NULL,
        has_work = has_work OR duplicates_in_file + duplicates_in_account + refused > 0
      WHERE account_id = $1 AND id IN (
        SELECT id FROM task WHERE account_id = $1 AND kind = 'UPLOAD' AND NOT rejected_forgotten AND finished_at < $2
        ORDER BY account_id, finished_at LIMIT $3
      ) RETURNING has_work`,
    values: [tx.accountId, time, limit],
  })
  if (rows.some((row) => row.has_work)) tx.queue('UPLOADS')
  return rows.length
}
