import type { Pool } from 'pg'
import { eachInTransaction } from '../../database/transaction.ts'
import { readAccounts } from '../books/accounts.ts'
import type { AuditedAccount } from './finding.ts'
import { onSnapshot } from './walk.ts'

// More accounts that do not exist say nothing new.
const maxStrangers = 100

/** All accounts, and those that do not exist although rows name them; or only the one that is asked for. */
export async function* auditedAccounts(
  connections: Pool,
  tables: readonly string[],
  only: string | undefined,
): AsyncGenerator<AuditedAccount> {
  if (only !== undefined) {
    const { rows } = await connections.query<AuditedAccount>(
      'SELECT id AS "accountId", name AS "accountName" FROM account WHERE id = $1',
      [only],
    )
    return yield* rows
  }
  for await (const page of readAccounts(eachInTransaction(connections)))
    for (const { id, name } of page) yield { accountId: id, accountName: name }
  yield* await findStrangers(connections, tables)
}

async function findStrangers(connections: Pool, tables: readonly string[]): Promise<AuditedAccount[]> {
  const found = new Set<string>()
  for (const table of tables) {
    if (table === 'account') continue
    const rows = await onSnapshot(connections, (tx) =>
      tx.rows<{ accountId: string }>({
        text: `
          SELECT DISTINCT account_id AS "accountId" FROM ${table}
          WHERE NOT EXISTS (SELECT FROM account WHERE id = ${table}.account_id) LIMIT ${maxStrangers}`,
      }),
    )
    for (const { accountId } of rows) found.add(accountId)
  }
  return [...found].map((accountId) => ({ accountId, accountName: null }))
}

/** Those of the tables that have rows of the account: most accounts use only some. */
export async function tablesWithRows(
  connections: Pool,
  accountId: string,
  tables: readonly string[],
): Promise<Set<string>> {
  const parts = tables.map(
    (table) =>
      `SELECT '${table}' AS "table" WHERE EXISTS (SELECT 1 FROM ${table} WHERE ${table === 'account' ? 'id' : 'account_id'} = $1)`,
  )
  const rows = await onSnapshot(connections, (tx) =>
    tx.rows<{ table: string }>({ text: parts.join(' UNION ALL '), values: [accountId] }),
  )
  return new Set(rows.map(({ table }) => table))
}
