import type { Pool } from 'pg'
import type { Reach } from '../../database/reach.ts'
import { eachInTransaction, transaction } from '../../database/transaction.ts'
import { DamagedSecretError, type Keyring, type SecretPlace, type StoredSecret } from '../../keys/keyring.ts'
import { readAccountIds } from './accounts.ts'

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

/** The database, and which of its accounts are within reach. */
interface Secrets {
  connections: Pool
  reach: Reach
}

/**
 * How many secrets are wrapped by which master key; those that are not wrapped have the id null. Leaves out accounts out of
 * reach.
 */
async function countSecrets(
  { connections, reach }: Secrets,
  { table, wrappedBy }: SecretColumn,
): Promise<Map<string | null, number>> {
  const counts = new Map<string | null, number>()
  for await (const accountIds of readAccountIds(eachInTransaction(connections)))
    await reach.eachNode(accountIds, async (ids) => {
      const rows = await eachInTransaction(connections).rows<{ id: string | null; count: string }>({
        text: `
          SELECT ${wrappedBy} AS id, count(*) AS count FROM ${table} WHERE account_id = ANY($1::uuid[])
          GROUP BY ${wrappedBy}`,
        values: [ids],
      })
      for (const { id, count } of rows) counts.set(id, (counts.get(id) ?? 0) + Number(count))
    })
  return counts
}

/**
 * Checks that all secrets of the database can be opened, but for accounts out of reach. Rejects with a
 * MasterKeyMissingError that says what to do.
 */
export async function checkMasterKeys(secrets: Secrets, keyring: Keyring): Promise<void> {
  for (const column of secretColumns)
    for (const id of (await countSecrets(secrets, column)).keys())
      if (id !== null && !keyring.opens(id)) throw keyring.missing(id)
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
 * Wraps all secrets with the keyring's current key; without one, stores them as they are. Each is changed in a transaction
 * of its own, and only if nobody else has changed it: so services can run meanwhile, if they have the same keys, and to run
 * it again continues what was interrupted. Rejects with a MasterKeyMissingError, having changed nothing, if the keyring
 * does not open all of them, and with a DatabaseUnavailableError when an account is out of reach.
 */
export async function rewrapSecrets(secrets: Secrets, keyring: Keyring): Promise<Rewrapped> {
  await checkMasterKeys(secrets, keyring)
  const done: Rewrapped = { changed: 0, damaged: [], left: 0 }
  for (const column of secretColumns) {
    for await (const accountIds of readAccountIds(eachInTransaction(secrets.connections)))
      for (const accountId of accountIds)
        await rewrapColumn(secrets.connections, keyring, { ...column, accountId }, done)
    const counts = await countSecrets(secrets, column)
    for (const [id, count] of counts) if (id !== keyring.currentId) done.left += count
  }
  done.left -= done.damaged.length
  return done
}

/** Rewraps the secrets of an account in one column. */
async function rewrapColumn(
  connections: Pool,
  keyring: Keyring,
  column: SecretColumn & { accountId: string },
  done: Rewrapped,
): Promise<void> {
  const { table, column: secret, wrappedBy, accountId } = column
  let after: string | undefined
  do {
    const rows: (StoredSecret & { id: string })[] = await transaction(connections, (tx) =>
      tx.rows({
        text: `
          SELECT id, ${secret} AS bytes, ${wrappedBy} AS "wrappedBy" FROM ${table}
          WHERE account_id = $1 AND ${wrappedBy} IS DISTINCT FROM $2 AND ($3::uuid IS NULL OR id > $3)
          ORDER BY id LIMIT ${pageSize}`,
        values: [accountId, keyring.currentId, after ?? null],
      }),
    )
    for (const { id, ...stored } of rows) {
      const rewrapped = rewrap(keyring, stored, { purpose: nameOf(column), accountId, id })
      if (typeof rewrapped === 'string') {
        done.damaged.push(rewrapped)
        continue
      }
      const values = [accountId, id, rewrapped.bytes, rewrapped.wrappedBy, stored.bytes, stored.wrappedBy]
      done.changed += await transaction(connections, (tx) =>
        tx.execute({
          text: `
            UPDATE ${table} SET ${secret} = $3, ${wrappedBy} = $4
            WHERE account_id = $1 AND id = $2 AND ${secret} = $5 AND ${wrappedBy} IS NOT DISTINCT FROM $6`,
          values,
        }),
      )
    }
    after = rows.length < pageSize ? undefined : rows.at(-1)?.id
  } while (after !== undefined)
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
