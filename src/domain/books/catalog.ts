import type { Queryable } from '../../database/transaction.ts'

/*
 * An account's catalog is its formats, the names of its formats and pools, the external ids of its pools, and how many
 * webhooks it has. Its lock is a row of its own. Both functions resolve to whether the account has codes that differ only
 * in case, spaces and dashes (see format/identity.ts).
 */

type AccountTransaction = Queryable & { readonly accountId: string }

/**
 * Locks the catalog until the transaction ends: meanwhile, no other one creates a format or a webhook, sets a name or an
 * external id, or adds uploaded codes.
 */
export async function lockCatalog(tx: AccountTransaction): Promise<boolean> {
  return await lockRow(tx, 'NO KEY UPDATE')
}

/** Keeps the catalog as it is until the transaction ends: no format appears. Several transactions can hold it. */
export async function holdCatalog(tx: AccountTransaction): Promise<boolean> {
  return await lockRow(tx, 'SHARE')
}

async function lockRow(tx: AccountTransaction, mode: 'NO KEY UPDATE' | 'SHARE'): Promise<boolean> {
  // A statement that locks a row and reads no other table returns the row as it is once the lock is held.
  const [row] = await tx.rows<{ case_sensitive: boolean }>({
    name: `lock-catalog-for-${mode}`,
    text: `SELECT case_sensitive FROM catalog WHERE account_id = $1 FOR ${mode}`,
    values: [tx.accountId],
  })
  if (row === undefined) throw new Error(`The account ${tx.accountId} has no catalog to lock.`)
  return row.case_sensitive
}
