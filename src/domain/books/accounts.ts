import type { Queryable } from '../../database/transaction.ts'
import { nilId } from '../../nil-id.ts'

const maxAccountsRead = 1_000

/** Pages of all accounts, those that were created first first. */
export async function* readAccounts(books: Queryable): AsyncGenerator<{ id: string; name: string }[]> {
  let last: string | undefined
  do {
    const rows: { id: string; name: string }[] = await books.rows({
      name: 'read-accounts',
      text: `SELECT id, name FROM account WHERE id > $1 ORDER BY id LIMIT ${maxAccountsRead}`,
      values: [last ?? nilId],
    })
    if (rows.length > 0) yield rows
    last = rows.length < maxAccountsRead ? undefined : rows.at(-1)?.id
  } while (last !== undefined)
}

/** Pages of the ids of all accounts. */
export async function* readAccountIds(books: Queryable): AsyncGenerator<string[]> {
  for await (const page of readAccounts(books)) yield page.map(({ id }) => id)
}
