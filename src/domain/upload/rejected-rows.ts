import type { Queryable } from '../../database/transaction.ts'
import { RejectedRowsForgottenError } from '../books/errors.ts'

/** A row of an uploaded file that was not added: its number in the file, what stood there, and why not. */
export interface RejectedRow {
  number: string
  code: string
  reason: string
}

const rowsAtOnce = 2_000

/**
 * The rows of an upload that were not added, in the order of the file and in pages, as far as the file had been read
 * when this was called. Nothing if the account has no such upload. Rejects with a RejectedRowsForgottenError when they
 * are no longer kept; so do the pages, rather than leave out some.
 */
export async function readRejectedRows(
  books: Queryable,
  accountId: string,
  taskId: string,
): Promise<AsyncGenerator<RejectedRow[]> | undefined> {
  const upload = await readUpload(books, accountId, taskId)
  return upload && readPages(books, accountId, taskId, upload.last ?? '0')
}

/** The last of its rows that were not added. RejectedRowsForgottenError. */
async function readUpload(
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
): AsyncGenerator<RejectedRow[]> {
  let after = '0'
  while (after !== last) {
    const rows = await books.rows<RejectedRow>({
      name: 'read-rejected-rows',
      text: `
        SELECT number, code, reason FROM rejected_row
        WHERE account_id = $1 AND task_id = $2 AND number > $3 AND number <= $4
          -- Read in one statement with the rows: where some are missing, they are forgotten.
          AND NOT (SELECT rejected_forgotten FROM task WHERE account_id = $1 AND id = $2)
        ORDER BY number LIMIT $5`,
      values: [accountId, taskId, after, last, rowsAtOnce],
    })
    const end = rows.at(-1)
    if (end === undefined) {
      await readUpload(books, accountId, taskId)
      throw new Error(`The rejected rows of upload ${taskId} end before row ${last}.`)
    }
    after = end.number
    yield rows
  }
}

/**
 * Forgets the rejected rows of uploads that finished before `time`, oldest first, `limit` uploads at most: nobody gets
 * them from then on, and a worker clears them away. Resolves to how many uploads it were.
 */
export async function forgetRejectedRows(books: Queryable, time: Date, limit: number): Promise<number> {
  const rows = await books.rows({
    // Beside others that do the same, each takes what nobody else has taken.
    text: `
      UPDATE task SET rejected_forgotten = true,
        has_work = has_work OR duplicates_in_file + duplicates_in_account + refused > 0
      WHERE (account_id, id) IN (
        SELECT account_id, id FROM task WHERE kind = 'UPLOAD' AND NOT rejected_forgotten AND finished_at < $1
        ORDER BY finished_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
      ) RETURNING 1`,
    values: [time, limit],
  })
  return rows.length
}
