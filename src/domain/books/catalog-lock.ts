import type { BookTransaction } from './books.ts'

/*
 * The catalog of an account is its formats, and the names of its formats and pools. Its lock is the account's row. Both
 * functions resolve to whether the account has codes that differ only in case, spaces and dashes: see code/identity.ts.
 * The row is locked and read in one statement that reads no other table, so it is read as it is once the lock is held.
 */

/**
 * Locks the account's catalog until the transaction ends: nobody else creates a format, gives a name, or adds uploaded
 * codes.
 */
export async function lockCatalog(tx: BookTransaction): Promise<boolean> {
  const [row] = await tx.rows<{ case_sensitive: boolean }>({
    name: 'lock-catalog',
    text: 'SELECT case_sensitive FROM account WHERE id = $1 FOR NO KEY UPDATE',
    values: [tx.accountId],
  })
  return row?.case_sensitive === true
}

/** Keeps the account's catalog as it is until the transaction ends: no format appears. Others can hold it as well. */
export async function holdCatalog(tx: BookTransaction): Promise<boolean> {
  const [row] = await tx.rows<{ case_sensitive: boolean }>({
    name: 'hold-catalog',
    text: 'SELECT case_sensitive FROM account WHERE id = $1 FOR SHARE',
    values: [tx.accountId],
  })
  return row?.case_sensitive === true
}
