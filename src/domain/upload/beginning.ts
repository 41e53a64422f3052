import type { FileBeginning } from '../../codefile/first-rows.ts'
import { shorten } from '../../codefile/shorten.ts'
import type { Queryable } from '../../database/transaction.ts'
import type { BookTransaction } from '../books/books.ts'

/** The beginning of a file as it is stored: PostgreSQL accepts its texts. */
export function encodeBeginning({ rows, codes }: FileBeginning): string {
  return JSON.stringify({ rows, codes: codes.map(shorten) } satisfies FileBeginning)
}

/** Stores how the file of an upload begins. The transaction has locked the upload's pool. */
export async function storeBeginning(
  tx: BookTransaction,
  taskId: string,
  beginning: FileBeginning,
): Promise<void> {
  await tx.execute({
    text: 'UPDATE task SET beginning = $3::jsonb WHERE account_id = $1 AND id = $2',
    values: [tx.accountId, taskId, encodeBeginning(beginning)],
  })
}

/** How the files of these uploads begin, as far as that is known and still kept. */
export async function readBeginnings(
  books: Queryable,
  accountId: string,
  taskIds: readonly string[],
): Promise<Map<string, FileBeginning>> {
  const rows = await books.rows<{ id: string; beginning: FileBeginning }>({
    name: 'read-beginnings',
    text: `
      SELECT id, beginning FROM task
      WHERE account_id = $1 AND id = ANY ($2::uuid[]) AND beginning IS NOT NULL`,
    values: [accountId, taskIds],
  })
  return new Map(rows.map(({ id, beginning }) => [id, beginning]))
}
