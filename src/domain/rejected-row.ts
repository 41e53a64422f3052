import type { Queryable } from '../database/transaction.ts'

/** A row of an uploaded file that was not added: its number in the file, what stood there, and why not. */
export interface RejectedRow {
  number: string
  code: string
  reason: string
}

const rowsAtOnce = 2_000

/**
 * The rows of an upload that were not added, in the order of the file and in pages, as far as the file had been read
 * when this was called. Nothing if the account has no such upload.
 */
export async function readRejectedRows(
  books: Queryable,
  accountId: string,
  taskId: string,
): Promise<AsyncGenerator<RejectedRow[]> | undefined> {
  const [upload] = await books.rows<{ last: string | null }>({
    name: 'last-rejected-row',
    text: `
      SELECT (SELECT max(number) FROM rejected_row WHERE account_id = $1 AND task_id = $2) AS last
      FROM task WHERE account_id = $1 AND id = $2 AND kind = 'UPLOAD'`,
    values: [accountId, taskId],
  })
  return upload && readPages(books, accountId, taskId, upload.last ?? '0')
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
        WHERE account_id = $1 AND task_id = $2 AND number > $3 AND number <= $4 ORDER BY number LIMIT $5`,
      values: [accountId, taskId, after, last, rowsAtOnce],
    })
    // They are kept as long as their task; should that ever change, this ends all the same.
    after = rows.at(-1)?.number ?? last
    yield rows
  }
}
