import type { Pool } from 'pg'
import { grouped } from '../../grouped.ts'
import {
  DamagedSecretError,
  type Keyring,
  MasterKeyMissingError,
  type SecretPlace,
  type StoredSecret,
} from '../../keys/keyring.ts'

/** A column of secrets that are wrapped with the master key, in a table with the primary key `account_id`, `id`. */
interface SecretColumn {
  table: string
  column: string
  /** The column that says by which master key. */
  wrappedBy: string
}

/** All secrets that the service has to read again. */
const secretColumns: readonly SecretColumn[] = [
  { table: 'format', column: 'key', wrappedBy: 'wrapped_by' },
  { table: 'webhook_secret', column: 'secret', wrappedBy: 'wrapped_by' },
]

/** The place of a format's key. */
export function formatKeyPlace(accountId: string, id: string): SecretPlace {
  return { purpose: 'format.key', accountId, id }
}

/** The place of a secret that signs the messages of a webhook. */
export function webhookSecretPlace(accountId: string, id: string): SecretPlace {
  return { purpose: 'webhook_secret.secret', accountId, id }
}

/** How many secrets are wrapped by which master key; those that are not wrapped have the id null. */
async function countSecrets(connections: Pool, { table, wrappedBy }: SecretColumn) {
  const { rows } = await connections.query<{ id: string | null; count: string }>(
    `SELECT ${wrappedBy} AS id, count(*) AS count FROM ${table} GROUP BY ${wrappedBy}`,
  )
  return rows.map(({ id, count }) => ({ id, count: Number(count) }))
}

/** Checks that all secrets of the database can be opened. Rejects with a MasterKeyMissingError that says what to do. */
export async function checkMasterKeys(connections: Pool, keyring: Keyring): Promise<void> {
  for (const column of secretColumns)
    for (const { id, count } of await countSecrets(connections, column))
      if (!keyring.opens(id))
        throw new MasterKeyMissingError(
          `The database has ${grouped(count)} of ${nameOf(column)} wrapped with the master key ${id}. ${keyring.advice()}`,
        )
}

/** What a rewrap has done. */
export interface Rewrapped {
  /** How many secrets are now stored as they should be. */
  changed: number
  /** The secrets that could not be opened, in words. */
  damaged: string[]
  /** How many are stored in another way all the same: processes with other master keys have written them meanwhile. */
  left: number
}

const pageSize = 500

/**
 * Wraps all secrets with the keyring's current key; without one, stores them as they are. Each is changed in a transaction of its own, and
 * only if nobody else has changed it: so services can run meanwhile, if they have the same keys, and to run it again continues what was
 * interrupted. Rejects with a MasterKeyMissingError, having changed nothing, if the keyring does not open all of them.
 */
export async function rewrapSecrets(connections: Pool, keyring: Keyring): Promise<Rewrapped> {
  await checkMasterKeys(connections, keyring)
  const done: Rewrapped = { changed: 0, damaged: [], left: 0 }
  for (const column of secretColumns) {
    await rewrapColumn(connections, keyring, column, done)
    const counts = await countSecrets(connections, column)
    for (const { id, count } of counts) if (id !== keyring.currentId) done.left += count
  }
  done.left -= done.damaged.length
  return done
}

type SecretRow = StoredSecret & { accountId: string; id: string }

async function rewrapColumn(
  connections: Pool,
  keyring: Keyring,
  column: SecretColumn,
  done: Rewrapped,
): Promise<void> {
  const { table, column: secret, wrappedBy } = column
  let after: [string, string] | undefined
  for (;;) {
    const { rows } = await connections.query<SecretRow>(
      `SELECT account_id AS "accountId", id, ${secret} AS bytes, ${wrappedBy} AS "wrappedBy" FROM ${table}
       WHERE ${wrappedBy} IS DISTINCT FROM $1 ${after === undefined ? '' : 'AND (account_id, id) > ($2, $3)'}
       ORDER BY account_id, id LIMIT ${pageSize}`,
      [keyring.currentId, ...(after ?? [])],
    )
    for (const row of rows) {
      const { accountId, id } = row
      const rewrapped = rewrap(keyring, row, { purpose: nameOf(column), accountId, id })
      if (typeof rewrapped === 'string') done.damaged.push(rewrapped)
      else {
        const written = await connections.query(
          `UPDATE ${table} SET ${secret} = $2, ${wrappedBy} = $3
           WHERE account_id = $1 AND id = $6 AND ${secret} = $4 AND ${wrappedBy} IS NOT DISTINCT FROM $5`,
          [accountId, rewrapped.bytes, rewrapped.wrappedBy, row.bytes, row.wrappedBy, id],
        )
        done.changed += written.rowCount ?? 0
      }
    }
    const last = rows.at(-1)
    if (last === undefined) return
    after = [last.accountId, last.id]
  }
}

/** The secret as it should be stored, or why it cannot be opened. */
function rewrap(keyring: Keyring, stored: StoredSecret, place: SecretPlace): StoredSecret | string {
  try {
    return keyring.wrap(keyring.open(stored, place), place)
  } catch (error) {
    if (error instanceof DamagedSecretError) return error.message
    throw error
  }
}

function nameOf({ table, column }: SecretColumn): string {
  return `${table}.${column}`
}
